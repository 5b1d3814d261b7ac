//! Every row as gates, recoveries for many written out per member.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{World, cell, items};
use super::{Gate, Row, fold};

impl World<'_> {
    pub(super) fn gates(&self) -> Vec<Gate> {
        let mut gates = Vec::new();
        let mut gate = |head: String, need: usize, cost: u32, inputs: Vec<Option<String>>| {
            if !head.starts_with("identity:") || self.enabled(&head) {
                gates.push(Gate {
                    head,
                    need,
                    cost,
                    inputs,
                });
            }
        };
        for identity in self.of_kind("identity") {
            let (password, mfa) = (
                Some(format!("password {identity}")),
                Some(format!("mfa {identity}")),
            );
            let row = self.row_of("identities", &identity, "identity");
            let stated = row
                .map(|row| fold(cell(row, "sign_in")))
                .unwrap_or_default();
            let enrolled = !self.bindings(&identity).is_empty();
            match (stated.as_str(), enrolled) {
                ("passwordless", _) => gate(identity, 1, 0, vec![mfa]),
                ("password+mfa" | "", true) => gate(identity, 2, 0, vec![password, mfa]),
                _ => gate(identity, 1, 0, vec![password]),
            }
        }
        for row in self.rows("mailboxes") {
            let mailbox = self.known(cell(row, "id"), "mailbox");
            let readers = items(cell(row, "owner"))
                .chain(items(cell(row, "delegates")))
                .map(|name| (name, "identity"));
            let forwards = items(cell(row, "forwards_to")).map(|name| (name, "mailbox"));
            for (name, kind) in readers.chain(forwards) {
                gate(mailbox.clone(), 1, 0, vec![Some(self.known(name, kind))]);
            }
        }
        for row in self.rows("mfa_bindings") {
            if let Some(holder) = self.holder(row) {
                gate(
                    format!("mfa {}", self.known(cell(row, "identity"), "identity")),
                    1,
                    0,
                    vec![Some(holder)],
                );
            }
        }
        for row in self.rows("holdings") {
            let asset = self.known(cell(row, "asset"), "vault");
            gate(
                asset,
                1,
                0,
                vec![Some(self.known(cell(row, "holder"), "identity"))],
            );
        }
        for row in self
            .rows("memberships")
            .iter()
            .filter(|row| self.counts(row))
        {
            let group = self.known(cell(row, "group"), "group");
            gate(
                group,
                1,
                0,
                vec![Some(self.known(cell(row, "member"), "identity"))],
            );
        }
        for row in self.rows("grants").iter().filter(|row| self.counts(row)) {
            let system = self.known(cell(row, "system"), "system");
            gate(
                system,
                1,
                0,
                vec![Some(self.known(cell(row, "principal"), "identity"))],
            );
        }
        let mut named: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for (at, row) in self.rows("recoveries").iter().enumerate() {
            let name = fold(cell(row, "gate"));
            named
                .entry(if name.is_empty() {
                    format!("\u{0}{at}")
                } else {
                    name
                })
                .or_default()
                .push(row);
        }
        for rows in named.values() {
            self.recovery(rows, &mut gate);
        }
        gates
    }

    pub(super) fn recovery(
        &self,
        rows: &[&Row],
        gate: &mut impl FnMut(String, usize, u32, Vec<Option<String>>),
    ) {
        // Rows with the same source and method are one row.
        let mut distinct: BTreeMap<(String, String), &Row> = BTreeMap::new();
        for row in rows {
            let method = fold(cell(row, "method"));
            let text = cell(row, "source");
            let source = if text.is_empty() || fold(text).starts_with("own:") {
                fold(text)
            } else {
                self.known(text, Self::source_kind(&method))
            };
            distinct.entry((source, method)).or_insert(row);
        }
        let stated = rows
            .iter()
            .map(|row| cell(row, "need"))
            .find(|need| !need.is_empty());
        let need = stated.map_or(distinct.len(), |need| need.parse().unwrap());
        let first = rows[0];
        let restores = fold(cell(first, "restores"));
        let target = cell(first, "target");
        let target_asset = self.known(target, Self::target_kind(&fold(cell(first, "method"))));
        let mut excepted = BTreeSet::new();
        for name in items(cell(first, "except")) {
            let asset = self.known(name, "identity");
            excepted.extend(self.members(&asset, true));
            excepted.insert(asset);
        }
        let heads: Vec<(String, String)> =
            if target == "*" || (target_asset.starts_with("group:") && restores != "membership") {
                let all = if target == "*" {
                    self.of_kind("identity").into_iter().collect()
                } else {
                    self.members(&target_asset, self.options.standing_only)
                };
                all.difference(&excepted)
                    .map(|identity| (identity.clone(), self.restored(identity, &restores)))
                    .collect()
            } else if target_asset.starts_with("identity:") {
                vec![(
                    target_asset.clone(),
                    self.restored(&target_asset, &restores),
                )]
            } else {
                vec![(target_asset.clone(), target_asset.clone())]
            };
        for (of, head) in heads {
            let mut inputs = Vec::new();
            for ((source, _), row) in &distinct {
                // A row stands for a fact of its own, with a free gate from whatever satisfies it.
                let fact = format!(
                    "row {} {source} {} for {of}",
                    cell(row, "gate"),
                    cell(row, "method")
                );
                let fact = format!("{fact} {:p}", *row);
                let satisfied: Vec<String> = match source.as_str() {
                    "" => Vec::new(),
                    own if own.starts_with("own:") => self.own(own, &of),
                    _ => vec![source.clone()],
                };
                for by in satisfied {
                    gate(fact.clone(), 1, 0, vec![Some(by)]);
                }
                if self.is_given(row) {
                    gate(fact.clone(), 1, 0, vec![Some("given".to_owned())]);
                }
                inputs.push(Some(fact));
            }
            gate(head, need, 1, inputs);
        }
    }

    pub(super) fn restored(&self, identity: &str, restores: &str) -> String {
        match restores {
            "mfa" => format!("mfa {identity}"),
            "account" => identity.to_owned(),
            _ => format!("password {identity}"),
        }
    }

    pub(super) fn assumed(&self) -> BTreeSet<String> {
        let mut assumed = BTreeSet::new();
        for assumption in &self.options.assume {
            match assumption.as_str() {
                "sim-swap" => assumed.extend(self.of_kind("phone")),
                "phished-passwords" => {
                    let enabled = self
                        .of_kind("identity")
                        .into_iter()
                        .filter(|identity| self.enabled(identity));
                    assumed.extend(enabled.map(|identity| format!("password {identity}")));
                }
                "mailbox-breach" => {
                    let personal = self.of_kind("mailbox").into_iter().filter(|mailbox| {
                        let row = self.row_of("mailboxes", mailbox, "mailbox");
                        row.is_none_or(|row| cell(row, "kind").eq_ignore_ascii_case("personal"))
                    });
                    assumed.extend(personal);
                }
                "public-answers" => {
                    assumed.insert("given".to_owned());
                }
                other if other.starts_with("weak-proofing") => {
                    assumed.insert("given".to_owned());
                }
                reference => {
                    let asset = self.known(reference, "");
                    if !asset.starts_with("identity:") || self.enabled(&asset) {
                        assumed.insert(asset);
                    }
                }
            }
        }
        assumed
    }
}
