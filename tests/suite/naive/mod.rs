//! The meaning of the tables, written a second time and as plainly as possible: facts are strings,
//! recoveries for many are written out per member, and levels are found by trying every gate until
//! nothing changes. It shares no code with the program and takes valid tables only.

mod gates;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use crate::support::Fallen;
use world::{World, cell};

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
