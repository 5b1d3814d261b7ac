//! Two scans by what they have published: who moved between two `tiers.json`, when the tables that
//! they were made of are gone.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChainStep, Document, FactName, RowEntry, WorstEntry};
use crate::model::fold;

/// An identity that moved, or is only in the second scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Its id as shown.
    pub identity: String,
    /// Its tier before and after; none when disabled or not there.
    pub tier: [Option<u8>; 2],
    /// Systems that it unlocks only in the second scan, by id.
    pub gained: Vec<String>,
    /// Systems that it unlocks only in the first scan, by id.
    pub lost: Vec<String>,
    /// The chain that the second scan tells of it, if it is another one than before.
    pub opened: Option<String>,
    /// The chain that the first scan tells of it, if it is another one than after.
    pub closed: Option<String>,
    /// Rows that the opened chain rests on and that no chain of the first scan names; where nothing
    /// is gained, those of the closed chain that no chain of the second names.
    pub rows: Vec<String>,
}

/// What is different between two scans.
#[derive(Clone, Debug, Default)]
pub struct Shifts {
    /// Identities that are in both and moved tier, or unlock other systems: those that must rise
    /// first, the strictest tier first, then most gained, then by id.
    pub moved: Vec<Shift>,
    /// Identities that are only in the second scan.
    pub appeared: Vec<Shift>,
    /// Ids that are only in the first scan.
    pub vanished: Vec<String>,
    /// Identities of every tier, before and after.
    pub tiers: [[u64; 4]; 2],
    /// Pairs of an identity and a system by criticality, before and after.
    pub pairs: [[u64; 3]; 2],
    /// What the scans assume differently: then moves may come from that.
    pub unlike: Vec<String>,
}

struct Known<'d> {
    tier: Option<u8>,
    shown: &'d str,
    unlocks: BTreeSet<&'d str>,
    worst: Option<&'d WorstEntry<'d>>,
}

/// Compares two scans, identities and systems by their ids: O(identities and pairs).
#[must_use]
pub fn shifts(before: &Document<'_>, after: &Document<'_>) -> Shifts {
    let known = [before, after].map(known);
    let rows = [before, after].map(rows);
    let mut found = Shifts {
        tiers: [before, after].map(|scan| scan.counts.tiers),
        pairs: [before, after].map(pairs),
        unlike: unlike(before, after),
        ..Shifts::default()
    };
    for (key, new) in &known[1] {
        match known[0].get(key) {
            Some(old) => {
                let shift = shift(Some(old), new, &rows);
                if old.tier != new.tier || !shift.gained.is_empty() || !shift.lost.is_empty() {
                    found.moved.push(shift);
                }
            }
            None => found.appeared.push(shift(None, new, &rows)),
        }
    }
    let gone = known[0]
        .iter()
        .filter(|(key, _)| !known[1].contains_key(*key));
    found.vanished = gone.map(|(_, old)| old.shown.to_owned()).collect();
    // Sorting is stable, and ids were in order.
    found.moved.sort_by_key(|shift| {
        let [old, new] = shift.tier.map(|tier| tier.unwrap_or(u8::MAX));
        let counts = (shift.gained.len(), shift.lost.len());
        (new >= old, new, std::cmp::Reverse(counts))
    });
    found
}

fn known<'d>(scan: &'d Document<'_>) -> BTreeMap<String, Known<'d>> {
    let known = scan.identities.iter().map(|identity| {
        let set = identity
            .unlock_set
            .and_then(|set| scan.unlock_sets.get(set as usize));
        let unlocks = set.into_iter().flatten().map(|one| &*one.system);
        let known = Known {
            tier: identity.tier,
            shown: &identity.id,
            unlocks: unlocks.collect(),
            worst: identity.worst.as_ref(),
        };
        (fold(&identity.id).into_owned(), known)
    });
    known.collect()
}

fn pairs(scan: &Document<'_>) -> [u64; 3] {
    let systems = scan.systems.iter();
    let criticality: BTreeMap<&str, u8> = systems.map(|one| (&*one.id, one.criticality)).collect();
    let mut pairs = [0; 3];
    for set in scan.identities.iter().filter_map(|one| one.unlock_set) {
        for one in scan.unlock_sets.get(set as usize).into_iter().flatten() {
            let critical = criticality.get(&*one.system).copied().unwrap_or(2);
            pairs[usize::from(critical.min(2))] += 1;
        }
    }
    pairs
}

/// The keys of all rows that chains name.
fn rows<'d>(scan: &'d Document<'_>) -> BTreeSet<&'d str> {
    let worst = scan.identities.iter().filter_map(|one| one.worst.as_ref());
    let steps = worst.flat_map(|worst| &worst.chain);
    steps
        .flat_map(|step| &step.rows)
        .map(|row| &*row.key)
        .collect()
}

fn shift(old: Option<&Known<'_>>, new: &Known<'_>, rows: &[BTreeSet<&str>; 2]) -> Shift {
    let none = BTreeSet::new();
    let was = old.map_or(&none, |old| &old.unlocks);
    let only = |these: &BTreeSet<&str>, those: &BTreeSet<&str>| -> Vec<String> {
        these.difference(those).map(|&id| id.to_owned()).collect()
    };
    let worst = [old.and_then(|old| old.worst), new.worst];
    let [closed, opened] = worst.map(|worst| worst.map(|worst| text(&worst.chain)));
    let is_other = closed != opened;
    let (gained, lost) = (only(&new.unlocks, was), only(was, &new.unlocks));
    let new_rows = |side: usize| -> Vec<String> {
        let steps = worst[side].into_iter().flat_map(|worst| &worst.chain);
        let mut told: Vec<String> = Vec::new();
        for row in steps.flat_map(|step| &step.rows) {
            let line = place(row);
            if !rows[1 - side].contains(&*row.key) && !told.contains(&line) {
                told.push(line);
            }
        }
        told
    };
    let is_opening = !gained.is_empty() || old.is_none_or(|old| new.tier < old.tier);
    Shift {
        identity: new.shown.to_owned(),
        tier: [old.and_then(|old| old.tier), new.tier],
        rows: new_rows(usize::from(is_opening)),
        opened: opened.filter(|_| is_other),
        closed: closed.filter(|_| is_other),
        gained,
        lost,
    }
}

fn place(row: &RowEntry<'_>) -> String {
    match row.line {
        Some(line) => format!("{} ({}:{line})", row.key, row.file),
        None => format!("{} ({})", row.key, row.file),
    }
}

fn unlike(before: &Document<'_>, after: &Document<'_>) -> Vec<String> {
    let mut unlike = Vec::new();
    let mut note = |what: &str, one: String, two: String| {
        if one != two {
            unlike.push(format!("{what}: {one} before, {two} after"));
        }
    };
    let listed = |scan: &Document<'_>| match &scan.assumptions[..] {
        [] => "nothing".to_owned(),
        all => all.join(", "),
    };
    note("assumed", listed(before), listed(after));
    note(
        "policy",
        before.policy.name.clone(),
        after.policy.name.clone(),
    );
    let standing = |scan: &Document<'_>| scan.standing_only.to_string();
    note("standing only", standing(before), standing(after));
    let unknown = |scan: &Document<'_>| scan.assume_unknown.clone();
    note("what is unknown", unknown(before), unknown(after));
    let partial = |scan: &Document<'_>| scan.partial.to_string();
    note("rows left out", partial(before), partial(after));
    unlike
}

/// A chain in one line, as `tiers.csv` has it but for rows.
fn text(steps: &[ChainStep<'_>]) -> String {
    let name = |fact: &FactName<'_>| match &*fact.kind {
        "identity" | "anybody" => fact.name.to_string(),
        kind @ ("password" | "mfa") => format!("{kind}({})", fact.name),
        kind => format!("{kind}:{}", fact.name),
    };
    let mut text = String::new();
    let mut last: Option<String> = None;
    for step in steps {
        let inputs: Vec<String> = step.inputs.iter().map(name).collect();
        if inputs.len() != 1 || inputs.first() != last.as_ref() {
            if last.is_some() {
                text.push_str("; ");
            }
            text += &inputs.join(" + ");
        }
        let yields = name(&step.yields);
        text += &format!(" -> {yields} ({})", step.how.join(" + "));
        last = Some(yields);
    }
    text
}
