//! SCIM 2.0: PATCH requests (RFC 7644, section 3.5.2).

use serde_json::{Value, json};

use super::{Account, Made, label, segment};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const PATH: &str = "urn:ietf:params:scim:schemas:extension:recovery:2.0:User:resetTier";

/// A request per account, with the question that finds its resource where no id is known.
pub(super) fn patches(accounts: &[&Account]) -> Made {
    let mut made = Made::default();
    let requests: Vec<Value> = accounts
        .iter()
        .map(|account| {
            let operation = match label(account.now) {
                Some(value) => json!({ "op": "replace", "path": PATH, "value": value }),
                None => json!({ "op": "remove", "path": PATH }),
            };
            let body = json!({ "schemas": [PATCH], "Operations": [operation] });
            match &account.native {
                Some(id) => json!({
                    "method": "PATCH",
                    "path": format!("/Users/{}", segment(id)),
                    "body": body,
                }),
                None => {
                    // A quote or backslash in a filter is escaped as JSON escapes it.
                    let filter = format!("userName eq {}", json!(account.id));
                    json!({
                        "method": "PATCH",
                        "find": format!("/Users?filter={}", segment(&filter)),
                        "path": "/Users/{id found}",
                        "body": body,
                    })
                }
            }
        })
        .collect();
    made.json_lines("requests.jsonl".to_owned(), &requests);
    made
}
