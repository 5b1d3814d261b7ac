//! Entra ID: bulk lists of group members, restricted management units, custom security attributes.

use serde_json::{Value, json};

use super::{Account, Made, Names, csv, is_address, is_guid, label, moves, parts, segment};
use crate::model::TIERS;

/// The heading of bulk lists; the first two lines must not be changed.
const HEADING: &str = "Member object ID or user principal name [memberObjectIdOrUpn] Required";
/// Members in one bulk job.
const MEMBERS: usize = 40_000;
/// Requests in one `$batch`.
const BATCH: usize = 20;
const USERS: &str = "https://graph.microsoft.com/v1.0/users/";
const OBJECTS: &str = "https://graph.microsoft.com/v1.0/directoryObjects/";
const NO_USER: &str = "it is a service, no user";
const ALONE: &str =
    "no object id is known, which a request for a single member needs: add it by hand";
const NO_ID: &str = "neither an object id nor a user principal name is known";
const NO_OBJECT_ID: &str = "no object id is known, and a unit is left by object id alone";

/// The object id, else the user principal name.
fn name(account: &Account) -> Option<&str> {
    object_id(account).or_else(|| is_address(&account.id).then_some(&*account.id))
}

fn object_id(account: &Account) -> Option<&str> {
    let known = account.native.as_deref().filter(|id| is_guid(id));
    known.or_else(|| is_guid(&account.id).then_some(&*account.id))
}

/// Lists for "Bulk operations > Import members" and "Remove members" of the group of each tier.
pub(super) fn groups(accounts: &[&Account]) -> Made {
    let mut made = Made::default();
    leave_out(
        accounts,
        &mut made,
        |account| name(account).is_some(),
        NO_ID,
    );
    let told = accounts.iter().copied();
    let told: Vec<&Account> = told
        .filter(|account| account.is_user && name(account).is_some())
        .collect();
    // The portal takes no list of one, and a request takes an object id. Whoever has none stays where
    // they are, the group that they would leave included.
    let alone = (0..TIERS as u8).filter_map(|tier| match &moves(&told, tier)[1][..] {
        [one] if object_id(one).is_none() => Some(*one),
        _ => None,
    });
    let alone: Vec<&Account> = alone.collect();
    made.left_out
        .extend(alone.iter().map(|one| (one.id.clone(), ALONE)));
    let is_alone = |account: &&Account| alone.iter().any(|one| one.id == account.id);
    let told: Vec<&Account> = told.into_iter().filter(|one| !is_alone(one)).collect();
    for tier in 0..TIERS as u8 {
        let [gone, come] = moves(&told, tier);
        for (word, list) in [("remove", gone), ("add", come)] {
            if let ([one], "add") = (&list[..], word)
                && let Some(id) = object_id(one)
            {
                let body = json!({ "members@odata.bind": [format!("{OBJECTS}{}", segment(id))] });
                made.file(format!("tier-{tier}-add.json"), format!("{body}\n"));
                continue;
            }
            let names: Vec<&str> = list.iter().filter_map(|account| name(account)).collect();
            for (at, part) in parts(&names, MEMBERS).enumerate() {
                let rows = part.iter().map(|name| vec![(*name).to_owned()]);
                let text = format!("version:v1.0\n{HEADING}\n{}", csv(rows));
                made.file(format!("tier-{tier}-{word}-{}.csv", at + 1), text);
            }
        }
    }
    made
}

/// Requests that make a restricted unit of each tier, and let accounts in and out.
pub(super) fn units(accounts: &[&Account], names: &Names) -> Made {
    let mut made = Made::default();
    leave_out(
        accounts,
        &mut made,
        |account| object_id(account).is_some(),
        NO_OBJECT_ID,
    );
    for tier in 0..TIERS as u8 {
        let can = |account: &&Account| account.is_user && object_id(account).is_some();
        let [gone, come] = moves(accounts, tier)
            .map(|list| list.into_iter().filter(can).collect::<Vec<&Account>>());
        if !come.is_empty() {
            let body = json!({
                "displayName": names.of(tier),
                "description": format!("Accounts whose reset has tier {tier}, by Linchpin"),
                "isMemberManagementRestricted": true,
            });
            made.file(format!("tier-{tier}-unit.json"), format!("{body}\n"));
        }
        let members = format!(
            "/directory/administrativeUnits/{}/members",
            names.id("unit", tier)
        );
        let out = gone.iter().filter_map(|account| object_id(account));
        // Without `/$ref` the same request deletes the user.
        let out = out.map(|id| ("DELETE", format!("{members}/{}/$ref", segment(id)), None));
        batches(
            &mut made,
            format!("tier-{tier}-remove.jsonl"),
            out.collect(),
        );
        let come = come.iter().filter_map(|account| object_id(account));
        let come = come.map(|id| {
            let body = json!({ "@odata.id": format!("{USERS}{}", segment(id)) });
            ("POST", format!("{members}/$ref"), Some(body))
        });
        batches(&mut made, format!("tier-{tier}-add.jsonl"), come.collect());
    }
    made
}

/// Requests that set a custom security attribute.
pub(super) fn attributes(accounts: &[&Account]) -> Made {
    let mut made = Made::default();
    leave_out(
        accounts,
        &mut made,
        |account| name(account).is_some(),
        NO_ID,
    );
    let users = accounts.iter().filter(|account| account.is_user);
    let requests = users.filter_map(|account| {
        let body = json!({
            "customSecurityAttributes": {
                "HelpDesk": {
                    "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
                    "ResetTier": label(account.now),
                }
            }
        });
        Some((
            "PATCH",
            format!("/users/{}", segment(name(account)?)),
            Some(body),
        ))
    });
    batches(&mut made, "attributes.jsonl".to_owned(), requests.collect());
    made
}

fn leave_out(
    accounts: &[&Account],
    made: &mut Made,
    can: impl Fn(&Account) -> bool,
    why: &'static str,
) {
    for account in accounts {
        if !account.is_user {
            made.left_out.push((account.id.clone(), NO_USER));
        } else if !can(account) {
            made.left_out.push((account.id.clone(), why));
        }
    }
}

/// Bodies of `POST /v1.0/$batch`, a line each.
fn batches(made: &mut Made, name: String, requests: Vec<(&str, String, Option<Value>)>) {
    let lines: Vec<Value> = requests
        .chunks(BATCH)
        .map(|part| {
            let requests = part.iter().enumerate().map(|(at, (method, url, body))| {
                let mut request =
                    json!({ "id": (at + 1).to_string(), "method": method, "url": url });
                if let Some(body) = body {
                    request["headers"] = json!({ "Content-Type": "application/json" });
                    request["body"] = body.clone();
                }
                request
            });
            json!({ "requests": requests.collect::<Vec<_>>() })
        })
        .collect();
    made.json_lines(name, &lines);
}
