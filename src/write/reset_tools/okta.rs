//! Okta: groups, and an attribute of the user profile.

use serde_json::{Value, json};

use super::{Account, Made, Names, csv, label, moves, segment};
use crate::model::TIERS;

/// Okta's id of the user.
fn id(account: &Account) -> Option<&str> {
    account.native.as_deref().filter(|id| id.starts_with("00u"))
}

/// Its id, else the login, which requests about users take too.
fn name(account: &Account) -> &str {
    id(account).unwrap_or(&account.id)
}

/// Requests that put users into the group of their tier and take them out of others.
pub(super) fn groups(accounts: &[&Account], names: &Names) -> Made {
    let mut made = Made::default();
    // Out of old tiers first: nobody is in two of them.
    let (mut requests, mut into): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut rows: Vec<Vec<String>> = Vec::new();
    for tier in 0..TIERS as u8 {
        let [gone, come] = moves(accounts, tier);
        // Requests about groups take ids alone.
        let request = |method: &str, account: &Account| {
            let group = names.id("group", tier);
            match id(account) {
                Some(id) => {
                    let path = format!("/api/v1/groups/{group}/users/{}", segment(id));
                    json!({ "method": method, "path": path })
                }
                None => json!({
                    "method": method,
                    "find": format!("/api/v1/users/{}", segment(&account.id)),
                    "path": format!("/api/v1/groups/{group}/users/{{id found}}"),
                }),
            }
        };
        requests.extend(gone.iter().map(|one| request("DELETE", one)));
        into.extend(come.iter().map(|one| request("PUT", one)));
        rows.extend(come.iter().map(|one| vec![one.id.clone(), names.of(tier)]));
    }
    requests.extend(into);
    made.json_lines("requests.jsonl".to_owned(), &requests);
    if !rows.is_empty() {
        let header = vec!["login".to_owned(), "groupName".to_owned()];
        made.file(
            "members.csv".to_owned(),
            csv(std::iter::once(header).chain(rows)),
        );
    }
    made
}

/// Requests that set `resetTier` of the profile. `POST` leaves the rest of it as it is; `PUT` would not.
pub(super) fn profiles(accounts: &[&Account]) -> Made {
    let mut made = Made::default();
    let requests: Vec<Value> = accounts
        .iter()
        .map(|account| {
            json!({
                "method": "POST",
                "path": format!("/api/v1/users/{}", segment(name(account))),
                "body": { "profile": { "resetTier": label(account.now) } },
            })
        })
        .collect();
    made.json_lines("requests.jsonl".to_owned(), &requests);
    made
}
