//! Names, members and who owns what, looked up by going through the rows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Options, Row, Tables, fold, key, split};

/// The kind of a bare name, by its row.
pub(super) type KindOf<'a> = &'a dyn Fn(&Row) -> &'static str;

pub(super) struct World<'a> {
    pub(super) tables: &'a Tables,
    pub(super) options: &'a Options,
    pub(super) aliases: BTreeMap<String, String>,
    pub(super) shown: BTreeMap<String, String>,
    /// Every asset that takes part, in the order of first sight.
    pub(super) assets: BTreeSet<String>,
}

pub(super) fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.iter()
        .find(|(name, _)| *name == column)
        .map_or("", |(_, cell)| cell.trim())
}

pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

impl<'a> World<'a> {
    pub(super) fn rows(&self, table: &str) -> &'a [Row] {
        self.tables.0.get(table).map_or(&[], Vec::as_slice)
    }

    pub(super) fn counts(&self, row: &Row) -> bool {
        !self.options.standing_only || !cell(row, "access").eq_ignore_ascii_case("eligible")
    }

    /// The asset a reference means, without creating it.
    pub(super) fn known(&self, text: &str, default: &str) -> String {
        let (kind, name) = split(text, default);
        let key = key(kind, name);
        self.aliases.get(&key).cloned().unwrap_or(key)
    }

    /// The asset a reference means; a name seen for the first time is shown as written here.
    pub(super) fn asset(&mut self, text: &str, default: &str) -> String {
        let asset = self.known(text, default);
        let (_, name) = split(text, default);
        self.assets.insert(asset.clone());
        self.shown
            .entry(asset.clone())
            .or_insert_with(|| name.to_owned());
        asset
    }

    pub(super) fn declare(&mut self, table: &str, kind: &str) {
        for row in self.rows(table) {
            let (_, name) = split(cell(row, "id"), kind);
            let id = key(kind, name);
            self.assets.insert(id.clone());
            self.shown.insert(id.clone(), name.to_owned());
            for alias in items(cell(row, "aliases")) {
                let (_, alias) = split(alias, kind);
                self.aliases.insert(key(kind, alias), id.clone());
            }
        }
    }

    pub(super) fn source_kind(method: &str) -> &'static str {
        match method {
            "email_link" => "mailbox",
            "sms_code" | "voice_call" => "phone",
            "authenticator" | "security_key" | "recovery_code" => "device",
            "stored_secret" => "vault",
            _ => "identity",
        }
    }

    pub(super) fn holder_kind(factor: &str) -> &'static str {
        match factor {
            "sms" | "voice" => "phone",
            "email_otp" => "mailbox",
            _ => "device",
        }
    }

    pub(super) fn target_kind(method: &str) -> &'static str {
        if method == "carrier" {
            "phone"
        } else {
            "identity"
        }
    }

    /// Names in the order tables, rows, columns.
    pub(super) fn see_names(&mut self) {
        self.declare("identities", "identity");
        self.declare("mailboxes", "mailbox");
        self.declare("systems", "system");
        for row in self.rows("identities") {
            items(cell(row, "recovery_mailbox")).for_each(|name| drop(self.asset(name, "mailbox")));
            items(cell(row, "recovery_phone")).for_each(|name| drop(self.asset(name, "phone")));
        }
        let mut see = |table: &str, columns: &[(&str, KindOf<'_>)]| {
            for row in self.tables.0.get(table).map_or(&[][..], Vec::as_slice) {
                for (column, default) in columns {
                    for name in items(cell(row, column)) {
                        let fold = fold(name);
                        if name != "*" && !fold.starts_with("own:") {
                            self.asset(name, default(row));
                        }
                    }
                }
            }
        };
        let identity = |_: &Row| "identity";
        let method = |row: &Row| Self::source_kind(&fold(cell(row, "method")));
        let target = |row: &Row| Self::target_kind(&fold(cell(row, "method")));
        let holder = |row: &Row| Self::holder_kind(&fold(cell(row, "factor")));
        see(
            "mailboxes",
            &[
                ("owner", &identity),
                ("delegates", &identity),
                ("forwards_to", &|_| "mailbox"),
            ],
        );
        see(
            "mfa_bindings",
            &[("identity", &identity), ("holder", &holder)],
        );
        see(
            "holdings",
            &[("holder", &identity), ("asset", &|_| "vault")],
        );
        see(
            "recoveries",
            &[
                ("source", &method),
                ("target", &target),
                ("except", &identity),
            ],
        );
        see(
            "memberships",
            &[("member", &identity), ("group", &|_| "group")],
        );
        see(
            "grants",
            &[("principal", &identity), ("system", &|_| "system")],
        );
    }

    pub(super) fn of_kind(&self, kind: &str) -> Vec<String> {
        let prefix = format!("{kind}:");
        self.assets
            .iter()
            .filter(|asset| asset.starts_with(&prefix))
            .cloned()
            .collect()
    }

    pub(super) fn row_of(&self, table: &str, asset: &str, kind: &str) -> Option<&'a Row> {
        self.rows(table)
            .iter()
            .find(|row| self.known(cell(row, "id"), kind) == asset)
    }

    pub(super) fn enabled(&self, identity: &str) -> bool {
        self.row_of("identities", identity, "identity")
            .is_none_or(|row| truth(cell(row, "enabled")).unwrap_or(true))
    }

    pub(super) fn bindings(&self, identity: &str) -> Vec<&'a Row> {
        self.rows("mfa_bindings")
            .iter()
            .filter(|row| self.known(cell(row, "identity"), "identity") == identity)
            .collect()
    }

    pub(super) fn holder(&self, binding: &Row) -> Option<String> {
        let holder = cell(binding, "holder");
        (!holder.is_empty())
            .then(|| self.known(holder, Self::holder_kind(&fold(cell(binding, "factor")))))
    }

    pub(super) fn members(&self, group: &str, standing_only: bool) -> BTreeSet<String> {
        let mut groups = BTreeSet::from([group.to_owned()]);
        let mut people = BTreeSet::new();
        loop {
            let before = (groups.len(), people.len());
            for row in self.rows("memberships") {
                let eligible = cell(row, "access").eq_ignore_ascii_case("eligible");
                if eligible && standing_only
                    || !groups.contains(&self.known(cell(row, "group"), "group"))
                {
                    continue;
                }
                let member = self.known(cell(row, "member"), "identity");
                if member.starts_with("group:") {
                    groups.insert(member)
                } else {
                    people.insert(member)
                };
            }
            if before == (groups.len(), people.len()) {
                return people;
            }
        }
    }

    /// The assets of the target's own that a source means.
    pub(super) fn own(&self, source: &str, target: &str) -> Vec<String> {
        let row = self.row_of("identities", target, "identity");
        let listed = |column: &str, kind: &str| -> Vec<String> {
            row.map(|row| {
                items(cell(row, column))
                    .map(|name| self.known(name, kind))
                    .collect()
            })
            .unwrap_or_default()
        };
        let holders = |kind: &str| -> Vec<String> {
            let holders = self
                .bindings(target)
                .into_iter()
                .filter_map(|binding| self.holder(binding));
            holders.filter(|holder| holder.starts_with(kind)).collect()
        };
        match source {
            "own:mailbox" => listed("recovery_mailbox", "mailbox"),
            "own:phone" => [listed("recovery_phone", "phone"), holders("phone:")].concat(),
            "own:device" => holders("device:"),
            "own:owner" => {
                let owner = row.map(|row| cell(row, "owner")).unwrap_or_default();
                let owner = self.known(owner, "identity");
                self.assets
                    .contains(&owner)
                    .then_some(owner)
                    .into_iter()
                    .collect()
            }
            other => panic!("{other}"),
        }
    }

    /// Whether an assumption satisfies a row whatever its source.
    pub(super) fn is_given(&self, row: &Row) -> bool {
        const LEVELS: [&str; 6] = ["none", "knowledge", "possession", "ial1", "ial2", "ial3"];
        let method = fold(cell(row, "method"));
        let process = fold(cell(row, "process"));
        let described = self
            .rows("processes")
            .iter()
            .find(|row| fold(cell(row, "id")) == process);
        let proofing = described
            .map(|row| fold(cell(row, "proofing")))
            .unwrap_or_default();
        let strength = LEVELS.iter().position(|level| *level == proofing);
        self.options.assume.iter().any(|assumption| {
            if assumption == "public-answers" {
                return method == "security_questions";
            }
            let Some(level) = assumption.strip_prefix("weak-proofing") else {
                return false;
            };
            let level = level.strip_prefix(':').unwrap_or("knowledge");
            let level = LEVELS.iter().position(|known| *known == level);
            ["help_desk", "carrier", "manager_approval"].contains(&method.as_str())
                && (strength.is_none() || strength <= level)
        })
    }
}
