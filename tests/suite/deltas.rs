//! `export` after `export`: what changed comes to rest, whoever was renamed, recycled or left out.

use linchpin::write::reset_tools::Form;
use serde_json::{Value, json};

use crate::support::{Folder, linchpin};

const GUID: &str = "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0";

const TABLES: [(&str, &str); 4] = [
    (
        "identities.csv",
        "id,kind,tier,aliases\nkim@c.example,,3,6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0\nadm@c.example,admin,0,\nlee@c.example,,3,\n",
    ),
    (
        "recoveries.csv",
        "source,target,method,restores\nkim@c.example,adm@c.example,help_desk,account\n",
    ),
    ("systems.csv", "id,criticality\nidp,0\n"),
    ("grants.csv", "principal,system\nadm@c.example,idp\n"),
];

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_delta_takes_out_who_left_and_comes_to_rest() {
    let tables = Folder::new(&TABLES);
    let out = tempfile::tempdir().unwrap();
    let folder = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
    for (form, _) in <Form as linchpin::model::Word>::WORDS {
        let export = |to: &str, since: Option<&str>, into: &str| {
            let since = since.map(&folder);
            let mut arguments = vec![
                "export".to_owned(),
                tables.str().to_owned(),
                "--quiet".to_owned(),
            ];
            arguments.extend([
                "--to".to_owned(),
                to.to_owned(),
                "--out".to_owned(),
                folder(into),
            ]);
            arguments.extend(
                since
                    .iter()
                    .flat_map(|since| ["--since".to_owned(), since.clone()]),
            );
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            linchpin(&words).success();
            let mut files: Vec<String> = std::fs::read_dir(folder(into))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .filter(|name| !["RUNBOOK.md", "export.json"].contains(&name.as_str()))
                .collect();
            files.sort();
            files
        };
        tables.write("grants.csv", TABLES[3].1);
        let name = |step: &str| format!("{form}-{step}");
        let whole = export(form, None, &name("whole"));
        assert!(!whole.is_empty(), "{form}");
        // Nothing changed: only the table for people is written again.
        let rest = export(form, Some(&name("whole")), &name("rest"));
        assert_eq!(rest.is_empty(), *form != "csv", "{form}: {rest:?}");
        // The grant is taken back: everybody leaves tier 0.
        tables.write("grants.csv", "principal,system\n");
        let gone = export(form, Some(&name("rest")), &name("gone"));
        assert!(!gone.is_empty(), "{form}");
        let again = export(form, Some(&name("gone")), &name("again"));
        assert_eq!(again.is_empty(), *form != "csv", "{form}: {again:?}");
        let state = |step: &str| {
            std::fs::read_to_string(format!("{}/export.json", folder(&name(step)))).unwrap()
        };
        let tiers =
            |step: &str| serde_json::from_str::<Value>(&state(step)).unwrap()["tiers"].clone();
        assert_eq!(tiers("gone"), tiers("again"));
        // Written into the folder of the first one, what is no longer said is gone from it.
        export(form, Some(&name("again")), &name("whole"));
        let left = export(form, Some(&name("again")), &name("whole"));
        assert_eq!(left, again, "{form}");
    }
}

#[test]
fn who_vanished_from_the_inputs_is_taken_out_by_the_id_that_was_known() {
    let tables = Folder::new(&TABLES);
    let out = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| out.path().join(name));
    let [first, second] = [&first, &second].map(|path| path.to_str().unwrap());
    linchpin(&[
        "export",
        tables.str(),
        "--to",
        "entra-au",
        "--out",
        first,
        "--quiet",
    ])
    .success();
    tables.write("identities.csv", "id\nlee@c.example\n");
    tables.write("recoveries.csv", "source,target,method\n");
    tables.write("grants.csv", "principal,system\n");
    linchpin(&[
        "export",
        tables.str(),
        "--to",
        "entra-au",
        "--out",
        second,
        "--since",
        first,
        "--quiet",
    ])
    .success();
    let gone = std::fs::read_to_string(format!("{second}/tier-0-remove.jsonl")).unwrap();
    assert!(gone.contains(&format!("/members/{GUID}/$ref")), "{gone}");
}

/// Exports of some tables into folders of one place.
struct Tool {
    tables: Folder,
    place: tempfile::TempDir,
}

impl Tool {
    fn new(identities: &str) -> Self {
        let tables = Folder::new(&TABLES);
        tables.write("identities.csv", identities);
        let place = tempfile::tempdir().unwrap();
        Self { tables, place }
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).to_str().unwrap().to_owned()
    }

    /// Exports, and gives what was said.
    fn export(&self, more: &[&str], into: &str, since: Option<&str>, code: i32) -> String {
        let since = since.map(|since| self.path(since));
        let out = self.path(into);
        let mut arguments = vec!["export", self.tables.str(), "--quiet", "--out", &out];
        arguments.extend(more);
        if let Some(since) = &since {
            arguments.extend(["--since", since]);
        }
        let run = linchpin(&arguments).code(code);
        String::from_utf8_lossy(&run.get_output().stderr).into_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn state(&self, folder: &str) -> Value {
        serde_json::from_str(&self.read(&format!("{folder}/export.json"))).unwrap()
    }
}

#[test]
fn who_could_not_be_told_is_told_by_the_next_export() {
    let tool = Tool::new("id,kind\nkim@c.example,\nadm@c.example,admin\n");
    let au = ["--to", "entra-au"];
    tool.export(&au, "first", None, 0);
    assert_eq!(tool.state("first")["tiers"], json!({}));
    let book = tool.read("first/RUNBOOK.md");
    assert!(
        book.contains("| 0 | Reset tier 0 | 0 | 0 |") && book.contains("what was left out"),
        "{book}"
    );
    tool.tables.write(
        "identities.csv",
        &format!("id,kind,aliases\nkim@c.example,,\nadm@c.example,admin,{GUID}\n"),
    );
    tool.export(&au, "second", Some("first"), 0);
    assert!(tool.read("second/tier-0-add.jsonl").contains(GUID));
    assert_eq!(tool.state("second")["tiers"], json!({ "adm@c.example": 0 }));
    // Its object id is known although the inputs no longer say it.
    tool.tables.write(
        "identities.csv",
        "id,kind,aliases\nkim@c.example,,\nadm@c.example,admin,\n",
    );
    tool.export(&au, "third", Some("second"), 0);
    for part in ["tiers", "native"] {
        assert_eq!(tool.state("third")[part], tool.state("second")[part]);
    }
    assert_eq!(tool.state("third")["files"], json!([]));
    tool.tables.write("grants.csv", "principal,system\n");
    tool.export(&au, "fourth", Some("third"), 0);
    assert!(tool.read("fourth/tier-0-remove.jsonl").contains(GUID));
}

#[test]
fn whoever_has_another_name_keeps_the_tier() {
    for (form, aliases) in [
        ("entra-attribute", GUID),
        ("okta-profile", "00u1"),
        ("scim", "adm@c.example"),
        ("csv", "adm@c.example"),
    ] {
        let old = if aliases.contains('@') { "" } else { aliases };
        let tool = Tool::new(&format!(
            "id,kind,aliases\nkim@c.example,,\nadm@c.example,admin,{old}\n"
        ));
        tool.export(&["--to", form], "first", None, 0);
        tool.tables.write(
            "identities.csv",
            &format!("id,kind,aliases\nkim@c.example,,\nanna@c.example,admin,{aliases}\n"),
        );
        let renamed = |text: &str| text.replace("adm@c.example", "anna@c.example");
        tool.tables.write("recoveries.csv", &renamed(TABLES[1].1));
        tool.tables.write("grants.csv", &renamed(TABLES[3].1));
        tool.export(&["--to", form], "second", Some("first"), 0);
        let files = tool.state("second")["files"].clone();
        assert_eq!(
            files,
            if form == "csv" {
                json!(["reset-tiers.csv"])
            } else {
                json!([])
            },
            "{form}"
        );
        assert_eq!(tool.state("second")["tiers"]["anna@c.example"], 0, "{form}");
        assert_eq!(tool.state("second")["tiers"].as_object().unwrap().len(), 2);
    }
}

#[test]
fn ids_of_other_directories_and_services_are_no_users_of_entra() {
    let tool = Tool::new(&format!(
        "id,kind,aliases\nkim@c.example,,\nadm@c.example,admin,\nbuild robot,service,{GUID}\n"
    ));
    tool.tables.write(
        "grants.csv",
        "principal,system\nadm@c.example,idp\nbuild robot,idp\n",
    );
    tool.export(&["--to", "entra-au"], "units", None, 0);
    assert!(
        tool.read("units/RUNBOOK.md")
            .contains("`build robot`: it is a service, no user")
    );
    assert_eq!(tool.state("units")["files"], json!([]));
    // The same with an account that a realm of Keycloak has told.
    let realm = format!(
        r#"{{"realm":"corp","enabled":true,"users":[{{"id":"{GUID}","username":"zoe","email":"zoe@c.example","enabled":true,
        "realmRoles":["admin"]}}],"roles":{{"realm":[{{"name":"admin"}}]}}}}"#
    );
    let tool = Tool::new("id,kind\nkim@c.example,\nadm@c.example,admin\n");
    tool.tables.write("realm.json", &realm);
    tool.tables.write(
        "grants.csv",
        "principal,system\nadm@c.example,idp\nzoe,idp\n",
    );
    tool.export(&["--to", "entra-au"], "units", None, 0);
    let book = tool.read("units/RUNBOOK.md");
    assert!(
        book.contains("no object id is known") && tool.read("units/tier-0-add.jsonl").is_empty(),
        "{book}"
    );
    tool.export(&["--to", "scim"], "scim", None, 0);
    assert!(!tool.read("scim/requests.jsonl").contains(GUID));
}

#[test]
fn ids_are_those_of_the_export_that_declares_the_account() {
    const OTHER: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    let realm = format!(
        r#"{{"realm":"corp","enabled":true,"users":[{{"id":"{OTHER}","username":"zoe@c.example","email":"zoe@c.example","enabled":true}},
        {{"id":"bbbbbbbb-0000-4000-8000-000000000001","username":"lee@c.example","enabled":true}}]}}"#
    );
    let users = format!(
        r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[{{"id":"{GUID}",
        "userPrincipalName":"zoe@c.example","mail":"zoe@c.example","accountEnabled":true,"userType":"Member"}}]}}"#
    );
    let tool = Tool::new("id,kind\nadm@c.example,admin\n");
    tool.tables.write("users.json", &users);
    tool.tables.write("realm.json", &realm);
    tool.tables
        .write("recoveries.csv", "source,target,method\n");
    tool.tables.write(
        "grants.csv",
        "principal,system\nzoe@c.example,idp\nlee@c.example,idp\n",
    );
    tool.export(&["--to", "entra-au"], "units", None, 0);
    let sent = tool.read("units/tier-0-add.jsonl");
    assert!(
        sent.contains(GUID) && !sent.contains(OTHER) && !sent.contains("bbbbbbbb"),
        "{sent}"
    );
    // The ids of Okta are told apart by case.
    let tool = Tool::new("id,kind\nadm@c.example,admin\n");
    let okta = r#"[{"id":"00uAbCdEf1XyZ9","status":"ACTIVE","created":"2026-01-01T00:00:00.000Z","profile":{"login":"zoe@c.example","email":"zoe@c.example"}}]"#;
    tool.tables.write("okta-users.json", okta);
    tool.tables
        .write("recoveries.csv", "source,target,method\n");
    tool.tables
        .write("grants.csv", "principal,system\nzoe@c.example,idp\n");
    tool.export(&["--to", "okta-group"], "groups", None, 0);
    let sent = tool.read("groups/requests.jsonl");
    assert!(sent.contains("/users/00uAbCdEf1XyZ9"), "{sent}");
}

#[test]
fn a_login_that_somebody_else_has_now_is_another_account() {
    const NEW: &str = "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e1";
    let tool = Tool::new(&format!(
        "id,kind,aliases\nadm@c.example,admin,{GUID}\nkim@c.example,,\n"
    ));
    let au = ["--to", "entra-au"];
    tool.export(&au, "first", None, 0);
    // The old one is renamed and loses the tier, the new one has its name and tier.
    tool.tables.write("identities.csv", &format!("id,kind,aliases\nadm.old@c.example,admin,{GUID}\nadm@c.example,admin,{NEW}\nkim@c.example,,\n"));
    tool.export(&au, "second", Some("first"), 0);
    assert!(tool.read("second/tier-0-remove.jsonl").contains(GUID));
    assert!(tool.read("second/tier-0-add.jsonl").contains(NEW));
    assert_eq!(
        tool.state("second")["native"],
        json!({ "adm@c.example": NEW })
    );
    // The same where nothing is left of the old one.
    tool.tables.write(
        "identities.csv",
        &format!("id,kind,aliases\nadm@c.example,admin,{NEW}\nkim@c.example,,\n"),
    );
    tool.export(&au, "third", Some("first"), 0);
    assert!(tool.read("third/tier-0-remove.jsonl").contains(GUID));
    assert!(tool.read("third/tier-0-add.jsonl").contains(NEW));
}

#[test]
fn a_part_of_the_tiers_leaves_the_others_as_they_are() {
    let tool = Tool::new("id,kind\nkim@c.example,\nadm@c.example,admin\nlee@c.example,\n");
    tool.tables
        .write("systems.csv", "id,criticality\nidp,0\npay,1\n");
    tool.tables.write(
        "grants.csv",
        "principal,system\nadm@c.example,idp\nlee@c.example,pay\n",
    );
    let okta = ["--to", "okta-group"];
    tool.export(&okta, "first", None, 0);
    let narrow = [&okta[..], &["--tier", "0"]].concat();
    tool.export(&narrow, "second", Some("first"), 0);
    assert_eq!(tool.state("second")["files"], json!([]));
    assert_eq!(tool.state("second")["tiers"], tool.state("first")["tiers"]);
    // Who comes into it leaves the other one.
    tool.tables.write(
        "grants.csv",
        "principal,system\nadm@c.example,idp\nlee@c.example,idp\n",
    );
    tool.export(&narrow, "third", Some("second"), 0);
    let methods: Vec<Value> = lines(&tool.read("third/requests.jsonl"))
        .iter()
        .map(|one| one["method"].clone())
        .collect();
    assert_eq!(methods, ["DELETE", "PUT"]);
    // Who leaves it for one that is not exported is said to be in none.
    tool.tables.write(
        "grants.csv",
        "principal,system\nadm@c.example,idp\nlee@c.example,pay\n",
    );
    let said = tool.export(&narrow, "fourth", Some("third"), 0);
    assert!(
        said.contains("1 account left a tier that is exported for one that --tier leaves out"),
        "{said}"
    );
}

#[test]
fn what_would_lose_an_export_is_refused_or_said() {
    let tool = Tool::new("id,kind\nkim@c.example,\nadm@c.example,admin\n");
    let okta = ["--to", "okta-group"];
    tool.export(&okta, "tool", None, 0);
    let said = tool.export(&["--to", "csv"], "tool", None, 2);
    assert!(said.contains("holds an export to okta-group"), "{said}");
    let said = tool.export(&okta, "tool", None, 0);
    assert!(said.contains("is replaced by a whole one"), "{said}");
    let other = [&okta[..], &["--name", "Other {tier}"]].concat();
    let said = tool.export(&other, "new", Some("tool"), 2);
    assert!(
        said.contains("calls the groups `Reset tier {tier}`"),
        "{said}"
    );
    // A state that somebody has written removes nothing of theirs.
    let forged =
        r#"{"to":"okta-group","files":["identities.csv","../tool/x","requests.jsonl"],"tiers":{}}"#;
    std::fs::create_dir(tool.path("mine")).unwrap();
    for (name, text) in [
        ("export.json", forged),
        ("identities.csv", "mine"),
        ("requests.jsonl", "old"),
    ] {
        std::fs::write(tool.path(&format!("mine/{name}")), text).unwrap();
    }
    tool.tables.write("grants.csv", "principal,system\n");
    tool.export(&okta, "mine", None, 0);
    assert_eq!(tool.read("mine/identities.csv"), "mine");
    assert_eq!(tool.read("mine/requests.jsonl"), "");
    // Nothing is there when one of the files cannot be.
    std::fs::create_dir_all(tool.path("blocked/RUNBOOK.md")).unwrap();
    tool.export(&["--to", "csv"], "blocked", None, 2);
    assert_eq!(tool.read("blocked/reset-tiers.csv"), "");
}

#[test]
fn the_run_book_says_what_is_a_label_only() {
    let tables = Folder::new(&TABLES);
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    linchpin(&[
        "export",
        tables.str(),
        "--to",
        "entra-attribute",
        "--out",
        folder,
        "--quiet",
    ])
    .success();
    let text = std::fs::read_to_string(out.path().join("RUNBOOK.md")).unwrap();
    insta::assert_snapshot!("runbook", text);
    let said = |arguments: &[&str]| {
        let output = linchpin(arguments).code(2);
        String::from_utf8_lossy(&output.get_output().stderr).into_owned()
    };
    let wrong = said(&[
        "export",
        tables.str(),
        "--to",
        "okta-group",
        "--out",
        folder,
        "--since",
        folder,
    ]);
    assert!(
        wrong.contains("is an export to entra-attribute, not to okta-group"),
        "{wrong}"
    );
    let form = said(&[
        "export",
        tables.str(),
        "--to",
        "entra-grup",
        "--out",
        folder,
    ]);
    assert!(form.contains("did you mean `entra-group`"), "{form}");
    let name = said(&[
        "export",
        tables.str(),
        "--to",
        "okta-group",
        "--name",
        "tier",
        "--out",
        &format!("{folder}/other"),
    ]);
    assert!(name.contains("put {tier} where the number goes"), "{name}");
}
