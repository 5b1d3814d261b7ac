//! `tiers.csv`, `tiers.json`, `footholds.csv` and `unlocks.csv`.

use std::borrow::Cow;
use std::io::{self, Write};

use rayon::prelude::*;

use crate::model::Word;
use crate::report::{self, View};
use crate::solve::Answer;

use super::guarded;

/// Ids are written raw unless everything is to be guarded; free text always is guarded.
fn id(text: &str, guard: bool) -> Cow<'_, str> {
    if guard { guarded(text) } else { text.into() }
}

/// Writes one row per identity, in the order of the scan.
///
/// # Errors
/// Those of the writer.
pub fn write_tiers(view: &View<'_>, guard: bool, raw: &mut dyn Write) -> io::Result<()> {
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
    rows(&view.scan.identities, raw, |out, result| {
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

/// Writes a row for each item, in order. Rows are made on all threads, some thousands at a time.
fn rows<T: Sync>(
    items: &[T],
    out: &mut dyn Write,
    row: impl Fn(&mut csv::Writer<Vec<u8>>, &T) -> csv::Result<()> + Sync,
) -> io::Result<()> {
    const AT_ONCE: usize = 1 << 15;
    const TOGETHER: usize = 1 << 10;
    for items in items.chunks(AT_ONCE) {
        let made: Vec<io::Result<Vec<u8>>> = items
            .par_chunks(TOGETHER)
            .map(|items| {
                let mut made = csv::Writer::from_writer(Vec::new());
                for item in items {
                    row(&mut made, item)?;
                }
                made.into_inner().map_err(csv::IntoInnerError::into_error)
            })
            .collect();
        for bytes in made {
            out.write_all(&bytes?)?;
        }
    }
    Ok(())
}

/// Writes one row per foothold.
///
/// # Errors
/// Those of the writer.
pub fn write_footholds(view: &View<'_>, guard: bool, raw: &mut dyn Write) -> io::Result<()> {
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
    rows(&view.scan.footholds, raw, |out, result| {
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

/// Writes the document, indented.
///
/// # Errors
/// Those of the writer.
pub fn write_json(view: &View<'_>, mut out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, &report::document(view))?;
    out.write_all(b"\n")
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
