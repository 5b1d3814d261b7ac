//! `export`: every form held against the shape that its tool takes, limits at their boundaries, names
//! that need escaping, and deltas that come to rest.

use std::collections::BTreeMap;

use linchpin::write::reset_tools::{Account, Form, Made, Names, make};
use serde_json::{Value, json};

use crate::support::{Folder, linchpin};

const GUID: &str = "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0";

fn account(id: &str, before: Option<u8>, now: Option<u8>) -> Account {
    Account {
        id: id.to_owned(),
        native: None,
        is_user: true,
        before,
        now,
        previous: Some(3),
        unlocks: 2,
        hops: Some(1),
        chain: "=kim -> adm (help_desk) -> system:idp (grant)".to_owned(),
    }
}

fn guid(number: usize) -> String {
    format!("6ea91a8d-e32e-41a1-b7bd-{number:012x}")
}

fn names() -> Names {
    Names {
        group: "Reset tier {tier}".to_owned(),
        date: "2026-11-24T00:00:00Z".to_owned(),
        ids: BTreeMap::new(),
    }
}

fn made(form: Form, accounts: &[Account]) -> BTreeMap<String, String> {
    let made: Made = make(form, accounts, &names());
    made.files
        .into_iter()
        .map(|file| (file.name, file.text))
        .collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn entra_bulk_lists_have_two_fixed_lines_and_at_most_forty_thousand_members() {
    let many = |count: usize| -> Vec<Account> {
        (0..count)
            .map(|number| account(&format!("u{number}@c.example"), None, Some(0)))
            .collect()
    };
    let files = made(Form::EntraGroup, &many(40_000));
    assert_eq!(files.keys().collect::<Vec<_>>(), ["tier-0-add-1.csv"]);
    let text = &files["tier-0-add-1.csv"];
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("version:v1.0"));
    assert_eq!(
        rows.next(),
        Some("Member object ID or user principal name [memberObjectIdOrUpn] Required")
    );
    assert_eq!(rows.count(), 40_000);
    let files = made(Form::EntraGroup, &many(40_001));
    let counts: Vec<usize> = files
        .values()
        .map(|text| text.lines().count() - 2)
        .collect();
    assert_eq!(counts, [20_001, 20_000]);
    // The portal takes no list of one member to import, but one to remove.
    let mut one = many(1);
    let made_of = make(Form::EntraGroup, &one, &names());
    assert!(
        made_of.files.is_empty() && made_of.left_out.len() == 1,
        "{made_of:?}"
    );
    one[0].native = Some(guid(7));
    let files = made(Form::EntraGroup, &one);
    let body: Value = serde_json::from_str(&files["tier-0-add.json"]).unwrap();
    let object = format!(
        "https://graph.microsoft.com/v1.0/directoryObjects/{}",
        guid(7)
    );
    assert_eq!(body, json!({ "members@odata.bind": [object] }));
    let files = made(Form::EntraGroup, &[account("kim@c.example", Some(1), None)]);
    assert_eq!(
        files["tier-1-remove-1.csv"].lines().last(),
        Some("kim@c.example")
    );
}

#[test]
fn object_ids_go_before_names_and_who_has_neither_is_left_out() {
    let mut known = account("kim@c.example", None, Some(0));
    known.native = Some(GUID.to_owned());
    let accounts = [
        known,
        account("CORP\\kim", None, Some(0)),
        account("\u{17d}ofie,\"x\"@c.example", None, Some(0)),
    ];
    let made = make(Form::EntraGroup, &accounts, &names());
    assert_eq!(made.left_out.len(), 1);
    assert_eq!(made.left_out[0].0, "CORP\\kim");
    let text = &made.files[0].text;
    assert!(
        text.ends_with(&format!("{GUID}\n\"\u{17d}ofie,\"\"x\"\"@c.example\"\n")),
        "{text}"
    );
}

#[test]
fn entra_units_are_restricted_and_members_leave_by_reference() {
    let mut accounts: Vec<Account> = (0..21)
        .map(|at| account(&guid(at), None, Some(0)))
        .collect();
    accounts.push(account(&guid(99), Some(0), Some(1)));
    accounts.push(account("kim@c.example", None, Some(0)));
    let mut names = names();
    names.ids.insert(1, "unit/1".to_owned());
    let made = make(Form::EntraAu, &accounts, &names);
    assert_eq!(made.left_out.len(), 1, "a unit is left by object id alone");
    let files: BTreeMap<String, String> = made
        .files
        .into_iter()
        .map(|file| (file.name, file.text))
        .collect();
    let unit: Value = serde_json::from_str(&files["tier-0-unit.json"]).unwrap();
    assert_eq!(unit["isMemberManagementRestricted"], true);
    assert_eq!(unit["displayName"], "Reset tier 0");
    let batches = lines(&files["tier-0-add.jsonl"]);
    let sizes: Vec<usize> = batches
        .iter()
        .map(|one| one["requests"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [20, 1]);
    let first = &batches[0]["requests"][0];
    assert_eq!(
        *first,
        json!({
            "id": "1",
            "method": "POST",
            "url": "/directory/administrativeUnits/{id of the unit of tier 0}/members/$ref",
            "headers": { "Content-Type": "application/json" },
            "body": { "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", guid(0)) },
        })
    );
    // Without `/$ref` the request would delete the user.
    let gone = &lines(&files["tier-0-remove.jsonl"])[0]["requests"][0];
    assert_eq!(gone["method"], "DELETE");
    let url = gone["url"].as_str().unwrap();
    assert!(
        url.ends_with(&format!("/members/{}/$ref", guid(99))),
        "{url}"
    );
    assert!(gone.get("body").is_none() && gone.get("headers").is_none());
    let come = &lines(&files["tier-1-add.jsonl"])[0]["requests"][0];
    assert!(
        come["url"]
            .as_str()
            .unwrap()
            .contains("/unit%2F1/members/$ref")
    );
}

#[test]
fn attributes_are_set_and_taken_away() {
    let accounts = [
        account("a_b#EXT#@c.example", None, Some(0)),
        account("kim@c.example", Some(2), None),
        account("same@c.example", Some(1), Some(1)),
    ];
    let files = made(Form::EntraAttribute, &accounts);
    let batches = lines(&files["attributes.jsonl"]);
    let requests = batches[0]["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0]["url"], "/users/a_b%23EXT%23%40c.example");
    let set = &requests[0]["body"]["customSecurityAttributes"]["HelpDesk"];
    assert_eq!(
        *set,
        json!({
            "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
            "ResetTier": "T0",
        })
    );
    let gone = &requests[1]["body"]["customSecurityAttributes"]["HelpDesk"]["ResetTier"];
    assert_eq!(*gone, Value::Null);
    assert_eq!(requests[1]["method"], "PATCH");
}

#[test]
fn okta_takes_requests_and_a_list() {
    let mut known = account("kim@c.example", Some(1), Some(0));
    known.native = Some("00ub0oNGTSWTBKOLGLNR".to_owned());
    let accounts = [known, account("lee/x@c.example", None, Some(0))];
    let files = made(Form::OktaGroup, &accounts);
    let requests = lines(&files["requests.jsonl"]);
    assert_eq!(
        requests,
        [
            json!({ "method": "DELETE", "path": "/api/v1/groups/{id of the group of tier 1}/users/00ub0oNGTSWTBKOLGLNR" }),
            json!({ "method": "PUT", "path": "/api/v1/groups/{id of the group of tier 0}/users/00ub0oNGTSWTBKOLGLNR" }),
            json!({
                "method": "PUT",
                "find": "/api/v1/users/lee%2Fx%40c.example",
                "path": "/api/v1/groups/{id of the group of tier 0}/users/{id found}",
            }),
        ]
    );
    assert_eq!(
        files["members.csv"],
        "login,groupName\nkim@c.example,Reset tier 0\nlee/x@c.example,Reset tier 0\n"
    );
    let files = made(
        Form::OktaProfile,
        &[account("kim", Some(0), None), account("lee", None, Some(3))],
    );
    assert_eq!(
        lines(&files["requests.jsonl"]),
        [
            json!({ "method": "POST", "path": "/api/v1/users/kim", "body": { "profile": { "resetTier": null } } }),
            json!({ "method": "POST", "path": "/api/v1/users/lee", "body": { "profile": { "resetTier": "T3" } } }),
        ]
    );
}

#[test]
fn servicenow_takes_texts_two_hundred_at_a_time() {
    let many: Vec<Account> = (0..201)
        .map(|at| account(&format!("u{at}"), None, Some(2)))
        .collect();
    let files = made(Form::Servicenow, &many);
    let body = |name: &str| -> Value { serde_json::from_str(&files[name]).unwrap() };
    let first = body("insert-multiple-1.json");
    assert_eq!(first["records"].as_array().unwrap().len(), 200);
    assert_eq!(
        body("insert-multiple-2.json")["records"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let record = first["records"][0].as_object().unwrap();
    assert!(record.values().all(Value::is_string), "{record:?}");
    assert_eq!(record["u_reset_tier"], "T2");
    assert_eq!(record["u_reset_tier_date"], "2026-11-24T00:00:00Z");
    let table = &files["users.csv"];
    assert!(table.starts_with(
        "user_name,email,u_reset_tier,u_reset_tier_reason,u_reset_tier_hash,u_reset_tier_date\nu0,,T2,'=kim"
    ));
    assert!(files["group-members-add.csv"].starts_with("user,group\nu0,Reset tier 2\n"));
    let files = made(Form::Servicenow, &[account("kim@c.example", Some(0), None)]);
    assert!(files["users.csv"].contains("\nkim@c.example,kim@c.example,none,"));
    assert_eq!(
        files["group-members-remove.csv"],
        "user,group\nkim@c.example,Reset tier 0\n"
    );
    assert!(!files.contains_key("group-members-add.csv"));
}

#[test]
fn google_takes_lists_for_gam() {
    let accounts = [
        account("kim@c.example", Some(1), Some(0)),
        account("lee@c.example", Some(0), None),
        account("svc-1", None, Some(0)),
    ];
    let files = made(Form::GoogleGroup, &accounts);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["tier-0-add.csv", "tier-0-remove.csv", "tier-1-remove.csv"]
    );
    assert_eq!(files["tier-0-add.csv"], "email\nkim@c.example\n");
    let files = made(Form::GoogleOu, &accounts);
    assert_eq!(
        files["units.csv"],
        "primaryEmail,ou\nkim@c.example,/Reset tier 0\nlee@c.example,/\n"
    );
    assert_eq!(
        make(Form::GoogleOu, &accounts, &self::names())
            .left_out
            .len(),
        1
    );
}

#[test]
fn scim_patches_by_id_or_asks_for_it() {
    let mut known = account("kim", None, Some(0));
    known.native = Some(GUID.to_owned());
    let files = made(Form::Scim, &[known, account("a\"b\\c", Some(1), None)]);
    let requests = lines(&files["requests.jsonl"]);
    let path = "urn:ietf:params:scim:schemas:extension:recovery:2.0:User:resetTier";
    assert_eq!(
        requests[0],
        json!({
            "method": "PATCH",
            "path": format!("/Users/{GUID}"),
            "body": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": path, "value": "T0" }],
            },
        })
    );
    assert_eq!(
        requests[1]["body"]["Operations"],
        json!([{ "op": "remove", "path": path }])
    );
    assert_eq!(
        requests[1]["find"],
        "/Users?filter=userName%20eq%20%22a%5C%22b%5C%5Cc%22"
    );
}

#[test]
fn the_table_for_people_is_guarded() {
    let files = made(
        Form::Csv,
        &[
            account("kim", Some(0), Some(0)),
            account("gone", Some(0), None),
        ],
    );
    assert_eq!(
        files["reset-tiers.csv"],
        "identity,current_tier,required_tier,chain_length,privileged_targets,weakest_chain\n\
         kim,3,0,1,2,'=kim -> adm (help_desk) -> system:idp (grant)\n"
    );
}

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
