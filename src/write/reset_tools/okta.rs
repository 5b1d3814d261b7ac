//! Okta: groups, and an attribute of the user profile.

use serde_json::{Value, json};

use super::{Account, Made, Names, csv, label, moves, segment};
use crate::model::TIERS;

/// Okta's id of the user, else the login, which the API takes too.
fn name(account: &Account) -> &str {
    let known = account.native.as_deref().filter(|id| id.starts_with("00u"));
    known.unwrap_or(&account.id)
}

/// Requests that put users into the group of their tier and take them out of others.
pub(super) fn groups(accounts: &[&Account], names: &Names) -> Made {
    let mut made = Made::default();
    let (mut requests, mut rows): (Vec<Value>, Vec<Vec<String>>) = (Vec::new(), Vec::new());
    for tier in 0..TIERS as u8 {
        let [gone, come] = moves(accounts, tier);
        let path = |account: &Account| {
            let group = names.id("group", tier);
            format!("/api/v1/groups/{group}/users/{}", segment(name(account)))
        };
        requests.extend(
            gone.iter()
                .map(|one| json!({ "method": "DELETE", "path": path(one) })),
        );
        requests.extend(
            come.iter()
                .map(|one| json!({ "method": "PUT", "path": path(one) })),
        );
        rows.extend(come.iter().map(|one| vec![one.id.clone(), names.of(tier)]));
    }
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
