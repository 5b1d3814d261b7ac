//! A real SharpHound collection, in place when it is there: every step of every chain is replayed
//! against the raw JSON, which is read here without the importer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{linchpin, text};

fn sample() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/phantom-ad");
    if root.is_dir() {
        return Some(root);
    }
    eprintln!("skipped: {} is not here", root.display());
    None
}

/// The raw objects: for every SID what all files say of it together.
#[derive(Default)]
struct Raw {
    names: BTreeMap<String, BTreeSet<String>>,
    users: BTreeSet<String>,
    domains: BTreeMap<String, String>,
    domain_of: BTreeMap<String, String>,
    /// (group SID, member SID)
    members: BTreeSet<(String, String)>,
    /// (object SID, principal SID, right)
    rights: BTreeSet<(String, String, String)>,
    by_distinguished_name: BTreeMap<String, String>,
}

fn upper(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_uppercase()
}

fn read(root: &Path) -> Raw {
    let mut raw = Raw::default();
    let mut files: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let kind = file["meta"]["type"].as_str().unwrap().to_owned();
        for object in file["data"].as_array().unwrap() {
            let sid = upper(&object["ObjectIdentifier"]);
            let properties = &object["Properties"];
            let name = properties["name"].as_str().unwrap_or_default().to_owned();
            match kind.as_str() {
                "users" | "groups" => {
                    raw.names.entry(sid.clone()).or_default().insert(name);
                    raw.domain_of
                        .insert(sid.clone(), upper(&properties["domainsid"]));
                    let distinguished = upper(&properties["distinguishedname"]);
                    if !distinguished.is_empty() {
                        raw.by_distinguished_name.insert(distinguished, sid.clone());
                    }
                }
                "domains" => {
                    raw.domains.insert(sid.clone(), name);
                }
                _ => continue,
            }
            if kind == "users" {
                raw.users.insert(sid.clone());
                raw.members
                    .insert((upper(&object["PrimaryGroupSID"]), sid.clone()));
            }
            for member in object["Members"].as_array().into_iter().flatten() {
                raw.members
                    .insert((sid.clone(), upper(&member["ObjectIdentifier"])));
            }
            for right in object["Aces"].as_array().into_iter().flatten() {
                let right_name = right["RightName"].as_str().unwrap().to_owned();
                raw.rights
                    .insert((sid.clone(), upper(&right["PrincipalSID"]), right_name));
            }
        }
    }
    raw
}

impl Raw {
    /// Whether a SID (or distinguished name) is what a chain calls by this name.
    fn is(&self, sid: &str, name: &str) -> bool {
        let sid = self
            .by_distinguished_name
            .get(sid)
            .map_or(sid, String::as_str);
        sid.eq_ignore_ascii_case(name)
            || self
                .names
                .get(sid)
                .is_some_and(|names| names.contains(name))
    }

    fn sids(&self, name: &str) -> Vec<&str> {
        let named = self.names.iter().filter(|(_, names)| names.contains(name));
        named.map(|(sid, _)| sid.as_str()).collect()
    }

    fn is_member(&self, member: &str, group: &str) -> bool {
        let listed = self
            .members
            .iter()
            .any(|(of, who)| self.is(of, group) && self.is(who, member));
        // Nobody lists who is in Authenticated Users and Everyone: all domain users, and so on.
        listed
            || self.sids(group).iter().any(|sid| {
                let domain = &self.domain_of[*sid];
                (sid.ends_with("-S-1-5-11") && self.is(&format!("{domain}-513"), member))
                    || (sid.ends_with("-S-1-1-0")
                        && self
                            .sids(member)
                            .iter()
                            .any(|sid| sid.ends_with("-S-1-5-11")))
            })
    }

    fn has_right(&self, principal: &str, object: &str, right: &str) -> bool {
        let of = |sid: &str| {
            self.is(sid, object) || self.domains.get(sid).is_some_and(|name| name == object)
        };
        self.rights
            .iter()
            .any(|(sid, who, name)| name == right && of(sid) && self.is(who, principal))
    }

    fn step(&self, step: &Value) -> Result<(), String> {
        let (kind, head) = (text(&step["yields"]["kind"]), text(&step["yields"]["name"]));
        let inputs: Vec<(String, String)> = step["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|input| (text(&input["kind"]), text(&input["name"])))
            .collect();
        let (from_kind, from) = inputs[0].clone();
        let how = text(&step["how"][0]);
        let process = step["process"].as_str().unwrap_or_default();
        let holds = match (kind.as_str(), how.as_str()) {
            ("identity", "sign_in") => from_kind == "password" && from == head,
            ("mailbox", "owner") => from_kind == "identity",
            ("group", "member") => match head.split_once(" on ") {
                Some((half, domain)) if half.starts_with("GetChanges") => {
                    self.has_right(&from, domain, half)
                        || self.has_right(&from, domain, "AllExtendedRights")
                }
                _ if head.starts_with("all accounts of ") || head.starts_with("all groups of ") => {
                    true
                }
                _ => self.is_member(&from, &head),
            },
            ("system", "member") => {
                from_kind == "group" && from == head && self.is_tier_zero(&head)
            }
            (_, "admin_reset") => match process {
                "ad:DCSync" => {
                    let halves: BTreeSet<_> = inputs
                        .iter()
                        .map(|(_, name)| name.split(" on ").next().unwrap())
                        .collect();
                    step["need"] == 2 && halves == BTreeSet::from(["GetChanges", "GetChangesAll"])
                }
                "ad:DomainControl" => {
                    let domain = self
                        .domains
                        .iter()
                        .find(|(_, name)| **name == from)
                        .map(|(sid, _)| sid);
                    let in_domain = |sid: &&str| Some(&self.domain_of[*sid]) == domain;
                    from_kind == "system" && self.sids(&head).iter().any(in_domain)
                }
                right => {
                    let right = right.strip_prefix("ad:").unwrap_or_default();
                    let resets = matches!(right, "ForceChangePassword" | "AllExtendedRights");
                    let fits = match kind.as_str() {
                        "password" => resets,
                        "identity" => !resets,
                        "group" | "system" => true,
                        _ => false,
                    };
                    fits && self.has_right(&from, &head, right)
                }
            },
            _ => false,
        };
        if holds {
            Ok(())
        } else {
            Err(format!("this step is not in the export: {step:#}"))
        }
    }

    fn is_tier_zero(&self, name: &str) -> bool {
        const RIDS: [&str; 7] = ["-512", "-516", "-518", "-519", "-521", "-526", "-527"];
        const BUILTIN: [&str; 6] = [
            "-S-1-5-32-544",
            "-S-1-5-32-548",
            "-S-1-5-32-549",
            "-S-1-5-32-550",
            "-S-1-5-32-551",
            "-S-1-5-9",
        ];
        self.sids(name)
            .iter()
            .any(|sid| RIDS.iter().chain(&BUILTIN).any(|end| sid.ends_with(end)))
    }
}

#[test]
fn every_step_of_every_chain_is_in_the_export() {
    let Some(root) = sample() else { return };
    let out = tempfile::tempdir().unwrap();
    linchpin(&[
        "scan",
        root.to_str().unwrap(),
        "--out",
        out.path().to_str().unwrap(),
        "-q",
    ])
    .success();
    let tiers: Value =
        serde_json::from_slice(&fs::read(out.path().join("tiers.json")).unwrap()).unwrap();
    let raw = read(&root);

    let systems: BTreeMap<String, u64> = tiers["systems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|system| (text(&system["id"]), system["criticality"].as_u64().unwrap()))
        .collect();
    for domain in raw.domains.values() {
        assert_eq!(
            systems.get(domain),
            Some(&0),
            "{domain} is a criticality-0 system"
        );
    }

    let mut replayed = 0;
    for identity in tiers["identities"].as_array().unwrap() {
        let Some(chain) = identity["worst"]["chain"].as_array() else {
            continue;
        };
        let mut held = BTreeSet::from([("identity".to_owned(), text(&identity["id"]))]);
        for step in chain {
            raw.step(step).unwrap();
            let inputs = step["inputs"].as_array().unwrap();
            assert_eq!(inputs.len() as u64, step["need"].as_u64().unwrap());
            for input in inputs {
                let input = (text(&input["kind"]), text(&input["name"]));
                assert!(
                    held.contains(&input),
                    "{input:?} is used before it is reached in {identity:#}"
                );
            }
            held.insert((text(&step["yields"]["kind"]), text(&step["yields"]["name"])));
            for row in step["rows"].as_array().unwrap() {
                assert!(row["file"].as_str().unwrap().ends_with(".json"), "{row}");
                assert!(row["line"].is_u64() && row["object"].is_string(), "{row}");
            }
            replayed += 1;
        }
        let end = ("system".to_owned(), text(&identity["worst"]["system"]));
        assert!(
            held.contains(&end),
            "the chain of {} ends at {end:?}",
            identity["id"]
        );
    }
    assert!(replayed > 60, "only {replayed} steps");
    let reach: Vec<_> = tiers["identities"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|identity| identity["tier"] == 0)
        .collect();
    assert_eq!(reach.len(), 27);
    // Replication takes both rights: this account holds one through each of two groups.
    let both = reach
        .iter()
        .find(|identity| identity["id"] == "DOMAINUSER@PHANTOM.CORP")
        .unwrap();
    let last = both["worst"]["chain"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["need"].as_u64(), last["of"].as_u64()),
        (Some(2), Some(2))
    );
}

#[test]
fn the_tables_of_an_import_give_the_same_result() {
    let Some(root) = sample() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let root = root.to_str().unwrap();
    linchpin(&["import", "sharphound", root, "--out", &path("tables"), "-q"]).success();
    linchpin(&["scan", root, "--out", &path("direct"), "--pairs", "-q"]).success();
    linchpin(&[
        "scan",
        &path("tables"),
        "--out",
        &path("again"),
        "--pairs",
        "-q",
    ])
    .success();
    for name in [
        "tiers.csv",
        "footholds.csv",
        "unlocks.csv",
        "graph.dot",
        "graph.svg",
    ] {
        let read = |folder: &str| fs::read_to_string(dir.path().join(folder).join(name)).unwrap();
        assert_eq!(read("direct"), read("again"), "{name}");
    }
    let json = |folder: &str| {
        let bytes = fs::read(dir.path().join(folder).join("tiers.json")).unwrap();
        let mut tiers: Value = serde_json::from_slice(&bytes).unwrap();
        tiers.as_object_mut().unwrap().remove("inputs");
        tiers
    };
    assert!(
        json("direct") == json("again"),
        "tiers.json differs in more than its inputs"
    );
}

#[test]
fn a_zip_is_read_in_place() {
    let Some(root) = sample() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let mut zip = zip::ZipWriter::new(fs::File::create(path("collection.zip")).unwrap());
    for entry in fs::read_dir(&root).unwrap() {
        let entry = entry.unwrap();
        zip.start_file(
            entry.file_name().to_str().unwrap(),
            zip::write::SimpleFileOptions::default(),
        )
        .unwrap();
        std::io::copy(&mut fs::File::open(entry.path()).unwrap(), &mut zip).unwrap();
    }
    zip.finish().unwrap();
    linchpin(&[
        "scan",
        &path("collection.zip"),
        "--out",
        &path("zipped"),
        "--pairs",
        "-q",
    ])
    .success();
    linchpin(&[
        "scan",
        root.to_str().unwrap(),
        "--out",
        &path("plain"),
        "--pairs",
        "-q",
    ])
    .success();
    let read =
        |folder: &str| fs::read_to_string(dir.path().join(folder).join("unlocks.csv")).unwrap();
    assert_eq!(read("zipped"), read("plain"));
}

/// What one object of the raw JSON says of a right: (right, principal, object), the principal's stated
/// type beside it.
type Edge = (String, String, String);

/// Nodes and edges of the tables, kind by kind, held against counts of the raw JSON.
#[test]
fn nodes_and_edges_are_as_many_as_the_export_has() {
    let Some(root) = sample() else { return };
    // SIDs of every kind, and who is a computer or the system itself: those stay out.
    let mut of_kind: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut edges: BTreeMap<String, BTreeSet<Edge>> = BTreeMap::new();
    let mut members: BTreeSet<(String, String)> = BTreeSet::new();
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    let mut computers: BTreeSet<String> = BTreeSet::new();
    let mut files: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for pass in 0..2 {
        for file in &files {
            let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            let kind = text(&file["meta"]["type"]);
            for object in file["data"].as_array().unwrap() {
                let sid = upper(&object["ObjectIdentifier"]);
                if pass == 0 {
                    of_kind.entry(kind.clone()).or_default().insert(sid.clone());
                    by_name.insert(
                        upper(&object["Properties"]["distinguishedname"]),
                        sid.clone(),
                    );
                    if kind == "computers" {
                        computers.insert(sid);
                    }
                    continue;
                }
                for ace in object["Aces"].as_array().into_iter().flatten() {
                    let principal = upper(&ace["PrincipalSID"]);
                    let is_out = text(&ace["PrincipalType"]).eq_ignore_ascii_case("computer");
                    if principal != sid && !is_out {
                        let right = text(&ace["RightName"]);
                        let edge = (right, principal, sid.clone());
                        edges.entry(kind.clone()).or_default().insert(edge);
                    }
                }
                let primary = upper(&object["PrimaryGroupSID"]);
                if kind == "users" && !primary.is_empty() {
                    members.insert((sid.clone(), primary));
                }
                for member in object["Members"].as_array().into_iter().flatten() {
                    if !text(&member["ObjectType"]).eq_ignore_ascii_case("computer") {
                        members.insert((upper(&member["ObjectIdentifier"]), sid.clone()));
                    }
                }
            }
        }
    }
    let is_local = |sid: &str| {
        ["S-1-5-18", "S-1-5-19", "S-1-5-20"]
            .iter()
            .any(|local| sid.ends_with(local))
    };
    let out = tempfile::tempdir().unwrap();
    let tables = out.path().join("tables");
    linchpin(&[
        "import",
        "sharphound",
        root.to_str().unwrap(),
        "--out",
        tables.to_str().unwrap(),
        "-q",
    ])
    .success();
    let rows = |name: &str| {
        let mut reader = csv::Reader::from_path(tables.join(name)).unwrap();
        reader.records().map(Result::unwrap).collect::<Vec<_>>()
    };
    let users = of_kind["users"].iter().filter(|sid| !is_local(sid));
    assert_eq!(rows("identities.csv").len(), users.count());
    // Columns of `recoveries`: source, target, method, restores, except, gate, need, process.
    let recoveries = rows("recoveries.csv");
    for (right, on_users, on_groups) in [
        ("ForceChangePassword", true, false),
        ("AllExtendedRights", true, false),
        ("AddKeyCredentialLink", true, false),
        ("AddMember", false, true),
        ("AddSelf", false, true),
        ("GenericAll", true, true),
        ("GenericWrite", true, true),
        ("WriteDacl", true, true),
        ("WriteOwner", true, true),
        ("Owns", true, true),
    ] {
        let process = format!("ad:{right}");
        for (kind, prefix, counts) in [
            ("users", "identity:", on_users),
            ("groups", "group:", on_groups),
        ] {
            let found = recoveries
                .iter()
                .filter(|row| row[7] == *process && row[1].starts_with(prefix))
                .count();
            let expected = edges[kind].iter().filter(|(name, principal, object)| {
                let principal = by_name.get(principal).unwrap_or(principal);
                name == right
                    && !is_local(principal)
                    && !is_local(object)
                    && !computers.contains(principal)
                    && principal != object
            });
            let expected = if counts { expected.count() } else { 0 };
            assert_eq!(found, expected, "{right} over {kind}");
        }
    }
    let found = rows("memberships.csv");
    let found = found.iter().filter(|row| {
        let made = ["all accounts of ", "all groups of ", "GetChanges"];
        !made
            .iter()
            .any(|made| row[1].starts_with(&format!("group:{made}")))
    });
    let expected = members.iter().filter(|(member, group)| {
        let member = by_name.get(member).unwrap_or(member);
        !computers.contains(member) && !is_local(member) && of_kind["groups"].contains(group)
    });
    // Two memberships of every domain are in no export: Domain Users are Authenticated Users, and
    // those are Everyone.
    let implied = found
        .clone()
        .filter(|row| row[1].contains("EVERYONE@") || row[1].contains("AUTHENTICATED USERS@"));
    assert_eq!(found.count(), expected.count() + implied.count());
}
