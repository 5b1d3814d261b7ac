//! `tiers.csv`, `tiers.json`, `footholds.csv` and `unlocks.csv`.

use std::borrow::Cow;
use std::io::{self, Write};

use rayon::prelude::*;
use serde::Serialize;

use crate::model::Word;
use crate::report::{self, View};
use crate::solve::Answer;

use super::guarded;

/// Ids are written raw unless everything is to be guarded; free text always is guarded.
fn id(text: &str, guard: bool) -> Cow<'_, str> {
    if guard { guarded(text) } else { text.into() }
}

/// Is told how many more rows or entries were written.
pub type Tick<'a> = &'a dyn Fn(u64);

/// Writes one row per identity, in the order of the scan.
///
/// # Errors
/// Those of the writer.
pub fn write_tiers(
    view: &View<'_>,
    guard: bool,
    raw: &mut dyn Write,
    tick: Tick<'_>,
) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(&mut *raw);
    out.write_record([
        "identity",
        "kind",
        "enabled",
        "tier",
        "previous_tier",
        "change",
        "unlocks",
        "worst_system",
        "worst_criticality",
        "hops",
        "accounts_reached",
        "mailboxes_reached",
        "chain",
    ])?;
    out.flush()?;
    drop(out);
    rows(&view.scan.identities, raw, tick, |out, result| {
        let identity = &view.org.identities[result.identity as usize];
        let number =
            |number: Option<u8>| number.map(|number| number.to_string()).unwrap_or_default();
        let fall = Fall::of(view, result.answer.as_ref(), guard);
        out.write_record([
            &*id(view.shown(identity.asset), guard),
            identity.kind.word(),
            if identity.enabled { "true" } else { "false" },
            &number(result.tier),
            &number(identity.tier),
            result.change.map_or("", Word::word),
            &fall.unlocks,
            &fall.worst_system,
            &fall.worst_criticality,
            &fall.hops,
            &fall.accounts,
            &fall.mailboxes,
            &fall.chain,
        ])
    })
}

/// Writes a row for each item, in order.
fn rows<T: Sync>(
    items: &[T],
    out: &mut dyn Write,
    tick: Tick<'_>,
    row: impl Fn(&mut csv::Writer<&mut Vec<u8>>, &T) -> csv::Result<()> + Sync,
) -> io::Result<()> {
    in_order(items, out, tick, |made, items, _| {
        let mut made = csv::Writer::from_writer(made);
        for item in items {
            row(&mut made, item)?;
        }
        made.flush()
    })
}

/// Writes what `make` appends for the items, in order; it is told where its first item stands. The
/// text is made on all threads, some thousands of items at a time, in buffers that are used again:
/// what is in memory does not grow with the organisation.
fn in_order<'a, T: Sync>(
    items: &'a [T],
    out: &mut dyn Write,
    tick: Tick<'_>,
    make: impl Fn(&mut Vec<u8>, &'a [T], usize) -> io::Result<()> + Sync,
) -> io::Result<()> {
    const TOGETHER: usize = 1 << 9;
    const BUFFERS: usize = 32;
    let mut buffers = vec![Vec::new(); BUFFERS];
    let mut first = 0;
    for items in items.chunks(TOGETHER * BUFFERS) {
        let parts = items.par_chunks(TOGETHER).enumerate();
        let made = parts.zip(&mut buffers).try_for_each(|((at, items), made)| {
            made.clear();
            make(made, items, first + at * TOGETHER)
        });
        made?;
        for made in &buffers[..items.len().div_ceil(TOGETHER)] {
            out.write_all(made)?;
        }
        first += items.len();
        tick(items.len() as u64);
    }
    Ok(())
}

/// Writes one row per foothold.
///
/// # Errors
/// Those of the writer.
pub fn write_footholds(
    view: &View<'_>,
    guard: bool,
    raw: &mut dyn Write,
    tick: Tick<'_>,
) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(&mut *raw);
    out.write_record([
        "asset",
        "unlocks",
        "worst_system",
        "worst_criticality",
        "hops",
        "accounts_reached",
        "mailboxes_reached",
        "chain",
    ])?;
    out.flush()?;
    drop(out);
    rows(&view.scan.footholds, raw, tick, |out, result| {
        let asset = view.org.assets.get(result.asset);
        let fall = Fall::of(view, Some(&result.answer), guard);
        out.write_record([
            &*format!("{}:{}", asset.kind.word(), asset.shown),
            &fall.unlocks,
            &fall.worst_system,
            &fall.worst_criticality,
            &fall.hops,
            &fall.accounts,
            &fall.mailboxes,
            &fall.chain,
        ])
    })
}

/// Writes every pair of an identity and a system that it unlocks.
///
/// # Errors
/// Those of the writer.
pub fn write_unlocks(view: &View<'_>, guard: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["identity", "system", "criticality", "hops"])?;
    for result in &view.scan.identities {
        let identity = &view.org.identities[result.identity as usize];
        for unlocked in result.answer.iter().flat_map(|answer| answer.unlocks()) {
            out.write_record([
                &*id(view.shown(identity.asset), guard),
                &*id(view.system(unlocked.system), guard),
                &view.criticality(unlocked.system).to_string(),
                &unlocked.hops.to_string(),
            ])?;
        }
    }
    out.flush()
}

/// Writes the document, indented, with a line for each entry of its long lists.
///
/// # Errors
/// Those of the writer.
pub fn write_json(view: &View<'_>, out: &mut dyn Write, tick: Tick<'_>) -> io::Result<()> {
    let mut head = serde_json::to_string_pretty(&report::document(view))?;
    // The long lists are the last fields, and empty so far.
    let end = head.rfind("  \"unlock_sets\": []").unwrap_or(head.len());
    head.truncate(end);
    out.write_all(head.as_bytes())?;
    let sets = report::UnlockSets::new(view);
    let positions: Vec<usize> = (0..sets.len()).collect();
    let unlocks = |&at: &usize| sets.entries(view, at);
    list(out, "unlock_sets", &positions, &|_| {}, unlocks)?;
    out.write_all(b",\n")?;
    list(out, "identities", &view.scan.identities, tick, |result| {
        report::identity_entry(view, &sets, result)
    })?;
    out.write_all(b",\n")?;
    list(out, "footholds", &view.scan.footholds, tick, |result| {
        report::foothold_entry(view, &sets, result)
    })?;
    out.write_all(b"\n}\n")
}

/// A field of the document that is a list, with a line for each entry.
fn list<'a, T: Sync, E: Serialize>(
    out: &mut dyn Write,
    name: &str,
    items: &'a [T],
    tick: Tick<'_>,
    entry: impl Fn(&'a T) -> E + Sync,
) -> io::Result<()> {
    write!(out, "  \"{name}\": [")?;
    in_order(items, out, tick, |made, items, first| {
        for (at, item) in items.iter().enumerate() {
            let before: &[u8] = if first + at > 0 {
                b",\n    "
            } else {
                b"\n    "
            };
            made.extend_from_slice(before);
            serde_json::to_writer(&mut *made, &entry(item))?;
        }
        Ok(())
    })?;
    out.write_all(if items.is_empty() { b"]" } else { b"\n  ]" })
}

/// The cells about what falls. All empty for a disabled identity; the system's empty where nothing
/// is unlocked.
#[derive(Default)]
struct Fall<'a> {
    unlocks: String,
    worst_system: Cow<'a, str>,
    worst_criticality: String,
    hops: String,
    accounts: String,
    mailboxes: String,
    chain: String,
}

impl<'a> Fall<'a> {
    fn of(view: &View<'a>, answer: Option<&Answer>, guard: bool) -> Self {
        let Some(answer) = answer else {
            return Self::default();
        };
        let mut fall = Self {
            unlocks: answer.unlocks().len().to_string(),
            accounts: answer.accounts.to_string(),
            mailboxes: answer.mailboxes.to_string(),
            ..Self::default()
        };
        if let Some(worst) = answer.unlocks().first() {
            fall.worst_system = id(view.system(worst.system), guard);
            fall.worst_criticality = view.criticality(worst.system).to_string();
            fall.hops = worst.hops.to_string();
        }
        if let Some(proof) = answer.proof() {
            fall.chain = guarded(&report::chain(view, proof).text(view, true)).into_owned();
        }
        fall
    }
}
