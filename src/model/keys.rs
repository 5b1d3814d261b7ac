//! The stable key of a row: its table and identifying cells as compared, whatever file, order and
//! line it stands in. Explanations, changes and waivers name rows by it.

use super::{AssetId, Organisation, RowRef, Source, Table, Target, Word, fold};

/// The key of a row: `table|cell|cell...`, with `|` and `%` inside cells written `%7C` and `%25`.
#[must_use]
pub fn row_key(org: &Organisation, row: RowRef) -> String {
    let mut text = String::with_capacity(96);
    add_row_key(org, row, &mut text);
    text
}

/// Adds the key of a row to a text.
pub fn add_row_key(org: &Organisation, row: RowRef, text: &mut String) {
    let mut key = Key { org, text };
    key.text.push_str(row.table.word());
    let at = row.index as usize;
    match row.table {
        Table::Identities => {
            if let Some(row) = org.identities.get(at) {
                key.asset(row.asset);
            }
        }
        Table::Mailboxes => {
            if let Some(row) = org.mailboxes.get(at) {
                key.asset(row.asset);
            }
        }
        Table::Systems => {
            if let Some(row) = org.systems.get(at) {
                key.asset(row.asset);
            }
        }
        Table::Processes => {
            if let Some(row) = org.processes.get(at) {
                key.cell(&row.key);
            }
        }
        Table::MfaBindings => {
            if let Some(row) = org.bindings.get(at) {
                key.asset(row.identity);
                key.cell(row.factor.word());
                key.asset_or_nothing(row.holder);
            }
        }
        Table::Holdings => {
            if let Some(row) = org.holdings.get(at) {
                key.asset(row.holder);
                key.asset(row.asset);
            }
        }
        Table::Recoveries => {
            if let Some(row) = org.recoveries.get(at) {
                match row.source {
                    Source::Nobody => key.cell(""),
                    Source::Own(own) => key.cell(own.word()),
                    Source::Asset(id) => key.asset(id),
                }
                match row.target {
                    Target::Everyone => key.cell("*"),
                    Target::Asset(id) => key.asset(id),
                }
                key.cell(row.method.word());
                key.cell(row.restores.word());
                key.cell(&fold(org.text(row.gate)));
                let except = org.list(row.except).iter();
                let named = except.map(|&id| {
                    let asset = org.assets.get(id);
                    format!("{}:{}", asset.kind.word(), asset.key)
                });
                key.cell(&sorted(named.collect()).join(";"));
                let process = row.process.map(|id| &*org.processes[id.0 as usize].key);
                key.cell(process.unwrap_or_default());
            }
        }
        Table::Memberships => {
            if let Some(row) = org.memberships.get(at) {
                key.asset(row.member);
                key.asset(row.group);
            }
        }
        Table::Grants => {
            if let Some(row) = org.grants.get(at) {
                key.asset(row.principal);
                key.asset(row.system);
                key.cell(&fold(org.text(row.role)));
            }
        }
        Table::Signals => {
            if let Some(row) = org.signals.get(at) {
                key.asset_or_nothing(row.identity);
                key.cell(row.signal.word());
                let seen = row.seen.map(|seen| seen.to_string());
                key.cell(&seen.unwrap_or_default());
            }
        }
        Table::Resets => {
            if let Some(row) = org.resets.get(at) {
                key.cell(&fold(&row.id));
            }
        }
        Table::Coverage => {
            if let Some(row) = org.coverage.get(at) {
                for cell in [&row.source, &row.scope, &row.aspect] {
                    key.cell(&fold(cell));
                }
            }
        }
    }
}

/// A key in the making.
struct Key<'a> {
    org: &'a Organisation,
    text: &'a mut String,
}

impl Key<'_> {
    fn cell(&mut self, cell: &str) {
        self.text.push('|');
        self.escaped(cell);
    }

    fn asset(&mut self, id: AssetId) {
        let asset = self.org.assets.get(id);
        self.text.push('|');
        self.text.push_str(asset.kind.word());
        self.text.push(':');
        self.escaped(asset.key);
    }

    fn asset_or_nothing(&mut self, id: Option<AssetId>) {
        match id {
            Some(id) => self.asset(id),
            None => self.text.push('|'),
        }
    }

    fn escaped(&mut self, cell: &str) {
        if !cell.bytes().any(|byte| matches!(byte, b'%' | b'|')) {
            self.text.push_str(cell);
            return;
        }
        for c in cell.chars() {
            match c {
                '%' => self.text.push_str("%25"),
                '|' => self.text.push_str("%7C"),
                _ => self.text.push(c),
            }
        }
    }
}

fn sorted(mut cells: Vec<String>) -> Vec<String> {
    cells.sort_unstable();
    cells
}
