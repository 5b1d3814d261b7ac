//! The meaning of the tables, written a second time and as plainly as possible: facts are strings,
//! recoveries for many are written out per member, and levels are found by trying every gate until
//! nothing changes. It shares no code with the program and takes valid tables only.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use crate::support::Fallen;

/// A row as (column, cell) pairs.
pub type Row = Vec<(&'static str, String)>;

/// Tables by name, each from one file.
#[derive(Clone, Debug, Default)]
pub struct Tables(pub BTreeMap<&'static str, Vec<Row>>);

/// What is assumed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub assume: Vec<String>,
    pub standing_only: bool,
}

/// Identities with tier and fall, footholds that unlock something.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub identities: BTreeMap<String, (Option<u8>, Fallen)>,
    pub footholds: BTreeMap<String, Fallen>,
}

struct Gate {
    head: String,
    need: usize,
    cost: u32,
    /// Nothing: an input that is never controlled.
    inputs: Vec<Option<String>>,
}

type Levels = BTreeMap<String, u32>;

const KINDS: [&str; 7] = [
    "identity", "mailbox", "phone", "device", "vault", "group", "system",
];

/// As names are compared.
pub fn fold(text: &str) -> String {
    text.trim().nfc().collect::<String>().to_lowercase()
}

/// `kind:name` as compared.
pub fn key(kind: &str, name: &str) -> String {
    let mut name = fold(name);
    if kind == "phone" {
        name.retain(|c| {
            !c.is_whitespace()
                && !"-.()\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}".contains(c)
        });
        if let Some(rest) = name.strip_prefix("00") {
            name = format!("+{rest}");
        }
    }
    format!("{kind}:{name}")
}

/// The kind and the name of a reference.
pub fn split<'a>(text: &'a str, default: &'a str) -> (&'a str, &'a str) {
    if let Some((prefix, rest)) = text.trim().split_once(':') {
        for kind in KINDS {
            if prefix.eq_ignore_ascii_case(kind) {
                return (kind, rest.trim());
            }
        }
    }
    (default, text.trim())
}

struct World<'a> {
    tables: &'a Tables,
    options: &'a Options,
    aliases: BTreeMap<String, String>,
    shown: BTreeMap<String, String>,
    /// Every asset that takes part, in the order of first sight.
    assets: BTreeSet<String>,
}

fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.iter()
        .find(|(name, _)| *name == column)
        .map_or("", |(_, cell)| cell.trim())
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

impl<'a> World<'a> {
    fn rows(&self, table: &str) -> &'a [Row] {
        self.tables.0.get(table).map_or(&[], Vec::as_slice)
    }

    fn counts(&self, row: &Row) -> bool {
        !self.options.standing_only || !cell(row, "access").eq_ignore_ascii_case("eligible")
    }

    /// The asset a reference means, without creating it.
    fn known(&self, text: &str, default: &str) -> String {
        let (kind, name) = split(text, default);
        let key = key(kind, name);
        self.aliases.get(&key).cloned().unwrap_or(key)
    }

    /// The asset a reference means; a name seen for the first time is shown as written here.
    fn asset(&mut self, text: &str, default: &str) -> String {
        let asset = self.known(text, default);
        let (_, name) = split(text, default);
        self.assets.insert(asset.clone());
        self.shown
            .entry(asset.clone())
            .or_insert_with(|| name.to_owned());
        asset
    }

    fn declare(&mut self, table: &str, kind: &str) {
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

    fn source_kind(method: &str) -> &'static str {
        match method {
            "email_link" => "mailbox",
            "sms_code" | "voice_call" => "phone",
            "authenticator" | "security_key" | "recovery_code" => "device",
            "stored_secret" => "vault",
            _ => "identity",
        }
    }

    fn holder_kind(factor: &str) -> &'static str {
        match factor {
            "sms" | "voice" => "phone",
            "email_otp" => "mailbox",
            _ => "device",
        }
    }

    fn target_kind(method: &str) -> &'static str {
        if method == "carrier" {
            "phone"
        } else {
            "identity"
        }
    }

    /// Names in the order tables, rows, columns.
    fn see_names(&mut self) {
        self.declare("identities", "identity");
        self.declare("mailboxes", "mailbox");
        self.declare("systems", "system");
        for row in self.rows("identities") {
            items(cell(row, "recovery_mailbox")).for_each(|name| drop(self.asset(name, "mailbox")));
            items(cell(row, "recovery_phone")).for_each(|name| drop(self.asset(name, "phone")));
        }
        let mut see = |table: &str, columns: &[(&str, &dyn Fn(&Row) -> &'static str)]| {
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

    fn of_kind(&self, kind: &str) -> Vec<String> {
        let prefix = format!("{kind}:");
        self.assets
            .iter()
            .filter(|asset| asset.starts_with(&prefix))
            .cloned()
            .collect()
    }

    fn row_of(&self, table: &str, asset: &str, kind: &str) -> Option<&'a Row> {
        self.rows(table)
            .iter()
            .find(|row| self.known(cell(row, "id"), kind) == asset)
    }

    fn enabled(&self, identity: &str) -> bool {
        self.row_of("identities", identity, "identity")
            .is_none_or(|row| truth(cell(row, "enabled")).unwrap_or(true))
    }

    fn bindings(&self, identity: &str) -> Vec<&'a Row> {
        self.rows("mfa_bindings")
            .iter()
            .filter(|row| self.known(cell(row, "identity"), "identity") == identity)
            .collect()
    }

    fn holder(&self, binding: &Row) -> Option<String> {
        let holder = cell(binding, "holder");
        (!holder.is_empty())
            .then(|| self.known(holder, Self::holder_kind(&fold(cell(binding, "factor")))))
    }

    fn members(&self, group: &str, standing_only: bool) -> BTreeSet<String> {
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
    fn own(&self, source: &str, target: &str) -> Vec<String> {
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
    fn is_given(&self, row: &Row) -> bool {
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

    fn gates(&self) -> Vec<Gate> {
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

    fn recovery(
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

    fn restored(&self, identity: &str, restores: &str) -> String {
        match restores {
            "mfa" => format!("mfa {identity}"),
            "account" => identity.to_owned(),
            _ => format!("password {identity}"),
        }
    }

    fn assumed(&self) -> BTreeSet<String> {
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

/// Every name that the tables hold, as `kind:name` compared, aliases included.
pub fn names(tables: &Tables) -> BTreeSet<String> {
    let options = Options::default();
    let mut world = World {
        tables,
        options: &options,
        aliases: BTreeMap::new(),
        shown: BTreeMap::new(),
        assets: BTreeSet::new(),
    };
    world.see_names();
    let aliases = world.aliases.into_keys();
    world.assets.into_iter().chain(aliases).collect()
}

/// Tries every gate until nothing changes.
fn closure(gates: &[Gate], given: &BTreeSet<String>) -> Levels {
    let mut levels: Levels = given.iter().map(|fact| (fact.clone(), 0)).collect();
    loop {
        let mut changed = false;
        for gate in gates {
            let mut inputs: Vec<u32> = gate
                .inputs
                .iter()
                .filter_map(|input| levels.get(input.as_ref()?).copied())
                .collect();
            inputs.sort_unstable();
            let Some(level) = inputs.get(gate.need - 1).map(|level| level + gate.cost) else {
                continue;
            };
            if levels.get(&gate.head).is_none_or(|known| level < *known) {
                levels.insert(gate.head.clone(), level);
                changed = true;
            }
        }
        if !changed {
            return levels;
        }
    }
}

/// Everything that a scan says, straight from the meaning of the tables.
pub fn evaluate(tables: &Tables, options: &Options) -> Answer {
    let mut world = World {
        tables,
        options,
        aliases: BTreeMap::new(),
        shown: BTreeMap::new(),
        assets: BTreeSet::new(),
    };
    world.see_names();
    let gates = world.gates();
    let assumed = world.assumed();
    let base = closure(&gates, &assumed);
    let fall = |seed: &str| {
        let alone = closure(&gates, &BTreeSet::from([seed.to_owned()]));
        let mut given = assumed.clone();
        given.insert(seed.to_owned());
        let all = closure(&gates, &given);
        let result: Vec<(&String, u32)> = all
            .iter()
            .filter_map(|(fact, level)| match base.get(fact) {
                None => Some((fact, *level)),
                Some(_) => alone.get(fact).map(|level| (fact, *level)),
            })
            .collect();
        let count = |kind: &str| {
            result
                .iter()
                .filter(|(fact, _)| fact.starts_with(kind) && *fact != seed)
                .count()
        };
        let systems = result
            .iter()
            .filter(|(fact, _)| fact.starts_with("system:"));
        Fallen {
            unlocks: systems
                .map(|(fact, hops)| (world.shown[*fact].clone(), *hops))
                .collect(),
            accounts: count("identity:"),
            mailboxes: count("mailbox:"),
        }
    };
    let criticality = |shown: &String| -> u8 {
        let row = world
            .rows("systems")
            .iter()
            .find(|row| world.shown[&world.known(cell(row, "id"), "system")] == *shown);
        row.and_then(|row| cell(row, "criticality").parse().ok())
            .unwrap_or(2)
    };
    let mut identities = BTreeMap::new();
    for identity in world.of_kind("identity") {
        let shown = world.shown[&identity].clone();
        if !world.enabled(&identity) {
            let nothing = Fallen {
                unlocks: BTreeMap::new(),
                accounts: 0,
                mailboxes: 0,
            };
            identities.insert(shown, (None, nothing));
            continue;
        }
        let fallen = fall(&identity);
        let mut tier = fallen.unlocks.keys().map(criticality).min().unwrap_or(3);
        let signalled = world
            .rows("signals")
            .iter()
            .any(|row| world.known(cell(row, "identity"), "identity") == identity);
        if signalled {
            tier = tier.saturating_sub(1);
        }
        let row = world.row_of("identities", &identity, "identity");
        if row.is_some_and(|row| cell(row, "kind").eq_ignore_ascii_case("break_glass")) {
            tier = 0;
        }
        identities.insert(shown, (Some(tier), fallen));
    }
    let mut footholds = BTreeMap::new();
    for kind in ["mailbox", "phone", "device", "vault"] {
        for asset in world.of_kind(kind) {
            let fallen = fall(&asset);
            if !fallen.unlocks.is_empty() {
                footholds.insert(format!("{kind}:{}", world.shown[&asset]), fallen);
            }
        }
    }
    Answer {
        identities,
        footholds,
    }
}
