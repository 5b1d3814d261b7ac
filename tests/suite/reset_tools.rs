//! `export`: every form held against the shape that its tool takes, limits at their boundaries, names
//! that need escaping, and deltas that come to rest.

use std::collections::BTreeMap;

use linchpin::write::reset_tools::{Account, Form, Made, Names, make};
use serde_json::{Value, json};

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
