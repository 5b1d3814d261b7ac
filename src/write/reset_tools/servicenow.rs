//! ServiceNow: records for an import set, and the groups by which Password Reset picks its process.

use serde_json::{Value, json};

use super::super::guarded;
use super::{Account, Made, Names, csv, is_address, label, moves};
use crate::model::{TIERS, sha256};

/// Records in one `insertMultiple`; the documented limit of its older forms.
const RECORDS: usize = 200;
const COLUMNS: [&str; 6] = [
    "user_name",
    "email",
    "u_reset_tier",
    "u_reset_tier_reason",
    "u_reset_tier_hash",
    "u_reset_tier_date",
];

/// The cells of a record: texts, because an import set takes nothing else.
fn cells(account: &Account, names: &Names) -> [String; 6] {
    let email = if is_address(&account.id) {
        &*account.id
    } else {
        ""
    };
    // An import leaves a field alone where the cell is empty.
    let tier = label(account.now).unwrap_or_else(|| "none".to_owned());
    [
        account.id.clone(),
        email.to_owned(),
        tier,
        account.chain.clone(),
        sha256(account.chain.as_bytes()),
        names.date.clone(),
    ]
}

/// The records as CSV and as request bodies, and who enters and leaves the group of each tier.
pub(super) fn records(accounts: &[&Account], names: &Names) -> Made {
    let mut made = Made::default();
    if accounts.is_empty() {
        return made;
    }
    let header = COLUMNS.map(str::to_owned).to_vec();
    let rows = accounts.iter().map(|account| {
        let mut row = cells(account, names).to_vec();
        row[3] = guarded(&row[3]).into_owned();
        row
    });
    made.file(
        "users.csv".to_owned(),
        csv(std::iter::once(header).chain(rows)),
    );
    for (at, part) in accounts.chunks(RECORDS).enumerate() {
        let records = part.iter().map(|account| -> Value {
            let cells = COLUMNS.into_iter().zip(cells(account, names));
            cells
                .map(|(column, cell)| (column.to_owned(), cell.into()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        });
        let body = json!({ "records": records.collect::<Vec<_>>() });
        made.file(
            format!("insert-multiple-{}.json", at + 1),
            format!("{body}\n"),
        );
    }
    for (word, side) in [("remove", 0), ("add", 1)] {
        let mut rows = vec![vec!["user".to_owned(), "group".to_owned()]];
        for tier in 0..TIERS as u8 {
            let list = &moves(accounts, tier)[side];
            rows.extend(
                list.iter()
                    .map(|account| vec![account.id.clone(), names.of(tier)]),
            );
        }
        if rows.len() > 1 {
            made.file(format!("group-members-{word}.csv"), csv(rows));
        }
    }
    made
}
