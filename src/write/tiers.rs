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
    let end = head.rfind("  \"unlock_sets\": []");
    head.truncate(end.ok_or_else(|| io::Error::other("the document has no lists"))?);
    out.write_all(head.as_bytes())?;
    let sets = report::UnlockSets::new(view);
    out.write_all(b"  \"unlock_sets\": [")?;
    let mut count = 0;
    // One by one: a set may hold every system there is.
    for set in sets.entries(view) {
        write_entry(&mut *out, count, &set)?;
        count += 1;
    }
    out.write_all(list_end(count))?;
    out.write_all(b",\n  \"identities\": [")?;
    let identities = &view.scan.identities;
    write_entries(identities, out, tick, |result| {
        report::identity_entry(view, &sets, result)
    })?;
    out.write_all(b",\n  \"footholds\": [")?;
    let footholds = &view.scan.footholds;
    write_entries(footholds, out, tick, |result| {
        report::foothold_entry(view, &sets, result)
    })?;
    out.write_all(b"\n}\n")
}

/// Writes the entries of a list and its end.
fn write_entries<'a, T: Sync, E: Serialize>(
    items: &'a [T],
    out: &mut dyn Write,
    tick: Tick<'_>,
    entry: impl Fn(&'a T) -> E + Sync,
) -> io::Result<()> {
    in_order(items, out, tick, |made, items, first| {
        for (at, item) in items.iter().enumerate() {
            write_entry(&mut *made, first + at, &entry(item))?;
        }
        Ok(())
    })?;
    out.write_all(list_end(items.len()))
}

/// Writes the entry of a list that stands at this place, on a line of its own.
fn write_entry(mut out: impl Write, at: usize, entry: &impl Serialize) -> io::Result<()> {
    let before: &[u8] = if at > 0 { b",\n    " } else { b"\n    " };
    out.write_all(before)?;
    Ok(serde_json::to_writer(out, entry)?)
}

/// What stands behind a list of so many entries.
fn list_end(count: usize) -> &'static [u8] {
    if count > 0 { b"\n  ]" } else { b"]" }
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
