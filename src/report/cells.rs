//! Rows as cells in the columns of their tables, from the organisation and not from the file: names
//! as shown with their kinds, defaults as they came out.

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use super::changes::{recovery_cells, reference};
use super::governance::time;
use crate::model::{AssetId, AssetList, Organisation, Owner, PROCESS_STAGES, RowRef, Table, Word};

/// Further names of identities, in their order.
pub type Aliases = FxHashMap<AssetId, Vec<String>>;

/// The further names of an organisation's identities: O(names).
#[must_use]
pub fn aliases(org: &Organisation) -> Aliases {
    let mut aliases = Aliases::default();
    for (asset, name) in org.assets.aliases() {
        aliases.entry(asset).or_default().push(name.to_owned());
    }
    for (asset, _) in org.assets.iter() {
        if let Some(names) = aliases.get_mut(&asset) {
            names.sort_unstable();
        }
    }
    aliases
}

/// The cells of a row, empty ones as empty texts; nothing for tables that nothing is derived from.
#[must_use]
pub fn cells(org: &Organisation, aliases: &Aliases, row: RowRef) -> Option<Map<String, Value>> {
    let at = row.index as usize;
    let list = |list: AssetList| -> Vec<String> {
        let mut names: Vec<String> = org
            .list(list)
            .iter()
            .map(|&asset| reference(org, asset))
            .collect();
        names.sort_unstable();
        names
    };
    let owner = |owner: &Option<Owner>| match owner {
        Some(Owner::Identity(asset)) => reference(org, *asset),
        Some(Owner::Text(text)) => org.text(*text).to_owned(),
        None => String::new(),
    };
    let optional =
        |asset: Option<AssetId>| asset.map_or_else(String::new, |asset| reference(org, asset));
    let cells = match row.table {
        Table::Identities => {
            let row = org.identities.get(at)?;
            json!({
                "id": reference(org, row.asset),
                "kind": row.kind.word(),
                "enabled": row.enabled.to_string(),
                // What follows from other rows is no cell of this one.
                "sign_in": if row.sign_in_stated { row.sign_in.word() } else { "" },
                "owner": owner(&row.owner),
                "aliases": aliases.get(&row.asset).cloned().unwrap_or_default(),
                "recovery_mailbox": list(row.recovery_mailboxes),
                "recovery_phone": list(row.recovery_phones),
            })
        }
        Table::Mailboxes => {
            let row = org.mailboxes.get(at)?;
            json!({
                "id": reference(org, row.asset),
                "owner": optional(row.owner),
                "kind": row.kind.word(),
                "delegates": list(row.delegates),
                "forwards_to": list(row.forwards_to),
            })
        }
        Table::MfaBindings => {
            let row = org.bindings.get(at)?;
            json!({
                "identity": reference(org, row.identity),
                "factor": row.factor.word(),
                "holder": optional(row.holder),
            })
        }
        Table::Holdings => {
            let row = org.holdings.get(at)?;
            json!({ "holder": reference(org, row.holder), "asset": reference(org, row.asset) })
        }
        Table::Recoveries => return Some(recovery_cells(org, row.index)),
        Table::Memberships => {
            let row = org.memberships.get(at)?;
            json!({
                "member": reference(org, row.member),
                "group": reference(org, row.group),
                "access": row.access.word(),
            })
        }
        Table::Systems => {
            let row = org.systems.get(at)?;
            json!({ "id": reference(org, row.asset), "criticality": row.criticality.to_string() })
        }
        Table::Grants => {
            let row = org.grants.get(at)?;
            json!({
                "principal": reference(org, row.principal),
                "system": reference(org, row.system),
                "role": org.text(row.role),
                "access": row.access.word(),
            })
        }
        Table::Processes => {
            let row = org.processes.get(at)?;
            let mut cells = json!({
                "id": &*row.id,
                "proofing": row.proofing.map_or("", Word::word),
                "approvals": row.approvals.map(|count| count.to_string()).unwrap_or_default(),
                "hold_hours": row.hold_hours.map(|hours| hours.to_string()).unwrap_or_default(),
            });
            for (stage, found) in PROCESS_STAGES.iter().zip(&row.owners) {
                cells[format!("{stage}_owner")] = owner(found).into();
            }
            cells
        }
        Table::Signals => {
            let row = org.signals.get(at)?;
            json!({
                "identity": optional(row.identity),
                "signal": row.signal.word(),
                "seen": row.seen.map(time).unwrap_or_default(),
            })
        }
        Table::Resets | Table::Coverage => return None,
    };
    match cells {
        Value::Object(cells) => Some(cells),
        _ => None,
    }
}
