//! Changes as rows of a change set, in the columns of the tables.

use serde_json::{Map, Value, json};

use super::{View, recovery_text};
use crate::analyze::harden::{Fix, RAISED};
use crate::model::{
    AssetId, Change, Factor, Kind, Method, Organisation, Restored, SignIn, Source, Table, Target,
    Word,
};

/// A row of a change set: its table and its cells, `change` among them.
pub type ChangeRow = (Table, Map<String, Value>);

pub(super) fn reference(org: &Organisation, asset: AssetId) -> String {
    let asset = org.assets.get(asset);
    format!("{}:{}", asset.kind.word(), asset.shown)
}

fn row(change: Change, cells: Value) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("change".to_owned(), change.word().into());
    if let Value::Object(cells) = cells {
        row.extend(
            cells
                .into_iter()
                .filter(|(_, cell)| !cell.is_null() && cell != ""),
        );
    }
    row
}

/// The cells by which a row of `recoveries` is known.
#[must_use]
pub fn recovery_cells(org: &Organisation, index: u32) -> Map<String, Value> {
    let recovery = &org.recoveries[index as usize];
    let source = match recovery.source {
        Source::Nobody => String::new(),
        Source::Own(own) => own.word().to_owned(),
        Source::Asset(asset) => reference(org, asset),
    };
    let target = match recovery.target {
        Target::Everyone => "*".to_owned(),
        Target::Asset(asset) => reference(org, asset),
    };
    let restores = match recovery.restores {
        Restored::Asset => "",
        restores => restores.word(),
    };
    let except = org.list(recovery.except).iter();
    let except: Vec<String> = except.map(|&asset| reference(org, asset)).collect();
    let process = recovery
        .process
        .map(|process| &*org.processes[process.0 as usize].id);
    let cells = json!({
        "source": source,
        "target": target,
        "method": recovery.method.word(),
        "restores": restores,
        "except": if except.is_empty() { Value::Null } else { json!(except) },
        "gate": org.text(recovery.gate),
        "process": process,
    });
    let mut cells = row(Change::Add, cells);
    cells.remove("change");
    cells
}

/// Names of things that are not there yet.
struct Names<'a> {
    org: &'a Organisation,
    next: u32,
}

impl Names<'_> {
    fn device(&mut self) -> String {
        loop {
            self.next += 1;
            let name = format!("further-factor-{}", self.next);
            if self.org.assets.find_spelled(Kind::Device, &name).is_none() {
                return name;
            }
        }
    }
}

/// The rows that make some changes: `whatif` takes them.
#[must_use]
pub fn change_rows(view: &View<'_>, fixes: &[Fix]) -> Vec<ChangeRow> {
    let org = view.org;
    let mut names = Names { org, next: 0 };
    fixes
        .iter()
        .flat_map(|&fix| rows_of(org, fix, &mut names))
        .collect()
}

fn rows_of(org: &Organisation, fix: Fix, names: &mut Names<'_>) -> Vec<ChangeRow> {
    match fix {
        Fix::Leave(at) => {
            let membership = &org.memberships[at as usize];
            let cells = json!({
                "member": reference(org, membership.member),
                "group": reference(org, membership.group),
            });
            vec![(Table::Memberships, row(Change::Remove, cells))]
        }
        Fix::Release(at) => {
            let holding = &org.holdings[at as usize];
            let cells = json!({
                "holder": reference(org, holding.holder),
                "asset": reference(org, holding.asset),
            });
            vec![(Table::Holdings, row(Change::Remove, cells))]
        }
        Fix::Revoke(at) => {
            let grant = &org.grants[at as usize];
            let cells = json!({
                "principal": reference(org, grant.principal),
                "system": reference(org, grant.system),
                "role": org.text(grant.role),
            });
            vec![(Table::Grants, row(Change::Remove, cells))]
        }
        Fix::Unbind(at) => {
            let binding = &org.bindings[at as usize];
            let cells = json!({
                "identity": reference(org, binding.identity),
                "factor": binding.factor.word(),
                "holder": binding.holder.map(|holder| reference(org, holder)),
            });
            vec![(Table::MfaBindings, row(Change::Remove, cells))]
        }
        Fix::Cut(at, reader) => cut(org, at, reader),
        Fix::Raise(at) => {
            let process = &org.processes[at as usize];
            let change = if process.declared {
                Change::Set
            } else {
                Change::Add
            };
            let cells = json!({ "id": &*process.id, "proofing": RAISED.word() });
            vec![(Table::Processes, row(change, cells))]
        }
        Fix::Remove(gate) => {
            let rows = org.rows_of(org.gates[gate as usize]).iter();
            rows.map(|&index| {
                let mut cells = recovery_cells(org, index);
                cells.insert("change".to_owned(), Change::Remove.word().into());
                (Table::Recoveries, cells)
            })
            .collect()
        }
        Fix::Guard(gate) => guard(org, gate, names),
        Fix::Enrol(at) => {
            let identity = &org.identities[at as usize];
            let id = reference(org, identity.asset);
            let change = if identity.declared {
                Change::Set
            } else {
                Change::Add
            };
            // Somebody whom a table declares is human if it says nothing else.
            let kind = (!identity.declared).then(|| identity.kind.word());
            let cells = json!({ "id": id, "kind": kind, "sign_in": SignIn::PasswordAndMfa.word() });
            let mut rows = vec![(Table::Identities, row(change, cells))];
            if !identity.has_binding {
                let holder = format!("device:{}", names.device());
                let cells =
                    json!({ "identity": id, "factor": Factor::Fido2.word(), "holder": holder });
                rows.push((Table::MfaBindings, row(Change::Add, cells)));
            }
            rows
        }
    }
}

/// A mailbox as it is, without one of its readers.
fn cut(org: &Organisation, at: u32, reader: AssetId) -> Vec<ChangeRow> {
    let mailbox = &org.mailboxes[at as usize];
    let id = reference(org, mailbox.asset);
    let all = |list| -> Vec<String> {
        let assets = org.list(list).iter().filter(|&&asset| asset != reader);
        assets.map(|&asset| reference(org, asset)).collect()
    };
    let owner = mailbox.owner.filter(|&owner| owner != reader);
    let cells = json!({
        "id": id,
        "owner": owner.map(|owner| reference(org, owner)),
        "kind": mailbox.kind.word(),
        "delegates": all(mailbox.delegates),
        "forwards_to": all(mailbox.forwards_to),
    });
    // An empty cell would leave what is there: the row goes and comes back.
    let mut rows = vec![(Table::Mailboxes, row(Change::Add, cells))];
    if mailbox.declared {
        rows.insert(
            0,
            (Table::Mailboxes, row(Change::Remove, json!({ "id": id }))),
        );
    }
    rows
}

/// One row more, and a need of one more. A recovery whose rows form no named gate gets a name.
fn guard(org: &Organisation, gate: u32, names: &mut Names<'_>) -> Vec<ChangeRow> {
    let found = org.gates[gate as usize];
    let rows = org.rows_of(found);
    let device = names.device();
    let mut more = rows
        .first()
        .map(|&first| recovery_cells(org, first))
        .unwrap_or_default();
    more.insert("source".to_owned(), format!("device:{device}").into());
    more.insert("method".to_owned(), Method::SecurityKey.word().into());
    more.insert("need".to_owned(), (found.need + 1).into());
    more.insert("change".to_owned(), Change::Add.word().into());
    let mut changes = Vec::new();
    if !more.contains_key("gate") {
        for &index in rows {
            let mut gone = recovery_cells(org, index);
            let mut back = gone.clone();
            gone.insert("change".to_owned(), Change::Remove.word().into());
            back.insert("change".to_owned(), Change::Add.word().into());
            back.insert("gate".to_owned(), device.clone().into());
            back.insert("need".to_owned(), (found.need + 1).into());
            changes.push((Table::Recoveries, gone));
            changes.push((Table::Recoveries, back));
        }
        more.insert("gate".to_owned(), device.into());
    }
    changes.push((Table::Recoveries, more));
    changes
}

/// A change in one line, names as shown: not yet escaped for any output.
#[must_use]
pub fn fix_text(view: &View<'_>, fix: Fix) -> String {
    let org = view.org;
    let named = |asset: AssetId| match org.assets.kind(asset) {
        Kind::Identity => org.assets.get(asset).shown.to_owned(),
        _ => reference(org, asset),
    };
    match fix {
        Fix::Guard(gate) => format!("ask for one thing more: {}", recovery_text(org, gate)),
        Fix::Enrol(at) => {
            let identity = org.identities[at as usize].asset;
            format!("ask for a second factor at sign-in: {}", named(identity))
        }
        Fix::Raise(at) => {
            let process = &org.processes[at as usize];
            format!(
                "prove identities at {}: process {}",
                RAISED.word(),
                process.id
            )
        }
        Fix::Leave(at) => {
            let row = &org.memberships[at as usize];
            format!("take {} out of {}", named(row.member), named(row.group))
        }
        Fix::Remove(gate) => format!("give up: {}", recovery_text(org, gate)),
        Fix::Release(at) => {
            let row = &org.holdings[at as usize];
            format!("take {} from {}", named(row.asset), named(row.holder))
        }
        Fix::Unbind(at) => {
            let row = &org.bindings[at as usize];
            let holder = row.holder.map_or_else(|| "nobody".to_owned(), named);
            format!(
                "take the {} of {} from {holder}",
                row.factor.word(),
                named(row.identity)
            )
        }
        Fix::Cut(at, reader) => {
            let mailbox = org.mailboxes[at as usize].asset;
            format!("let {} no longer read {}", named(reader), named(mailbox))
        }
        Fix::Revoke(at) => {
            let row = &org.grants[at as usize];
            format!("take {} from {}", named(row.system), named(row.principal))
        }
    }
}
