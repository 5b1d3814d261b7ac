//! `tiers.csv`, `tiers.json`, `footholds.csv` and `unlocks.csv`.

use std::borrow::Cow;
use std::io::{self, Write};

use rayon::prelude::*;

use super::entries::Json;
use super::guarded;
use super::records::add_record;
use crate::model::{READ_AHEAD, Word};
use crate::report::{self, Chain, UnlockSets, View};
use crate::solve::{Answer, Unlocked};

/// Ids are written raw unless everything is to be guarded; free text always is guarded.
fn id(text: &str, guard: bool) -> Cow<'_, str> {
    if guard { guarded(text) } else { text.into() }
}

/// Is told how many more rows or entries were written.
pub type Tick<'a> = &'a dyn Fn(u64);

/// The columns of `tiers.csv`.
const TIERS: [&str; 13] = [
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
];

/// The columns of `footholds.csv`.
const FOOTHOLDS: [&str; 8] = [
    "asset",
    "unlocks",
    "worst_system",
    "worst_criticality",
    "hops",
    "accounts_reached",
    "mailboxes_reached",
    "chain",
];

/// Where the files go that tell what falls with what.
pub struct TierFiles<'w> {
    /// `tiers.csv`: a row per identity, in the order of the scan.
    pub tiers: &'w mut (dyn Write + Send),
    /// `tiers.json`: indented, with a line for each entry of its long lists.
    pub document: &'w mut (dyn Write + Send),
    /// `footholds.csv`: a row per foothold, in the order of the scan.
    pub footholds: &'w mut (dyn Write + Send),
}

/// Writes them side by side: identities stand in another order than their rows, so most of the time
/// is waiting for what is known of each, and it is fetched once for its row and its entry.
///
/// # Errors
/// Those of the writers.
pub fn write_tiers(
    view: &View<'_>,
    guard: bool,
    files: TierFiles<'_>,
    tick: Tick<'_>,
) -> io::Result<()> {
    let TierFiles {
        tiers,
        document,
        footholds,
    } = files;
    let (sets, head) = rayon::join(|| UnlockSets::new(view), || head(view));
    let [head, rest] = head?;
    document.write_all(&head)?;
    write_findings(view, document)?;
    document.write_all(&rest)?;
    write_sets(view, &sets, document)?;

    write_columns(&TIERS, tiers)?;
    document.write_all(b",\n  \"identities\": [")?;
    let results = &view.scan.identities;
    let ahead = |results: &[_]| view.read_ahead(results);
    write_list(
        results,
        [tiers, document],
        tick,
        ahead,
        |made, at, result| {
            let identity = &view.org.identities[result.identity as usize];
            let fall = Fall::of(view, result.answer.as_ref(), guard);
            let [tier, before] = [result.tier, identity.tier].map(Digits::of_any);
            let shown = id(view.shown(identity.asset), guard);
            let own = [
                &*shown,
                identity.kind.word(),
                if identity.enabled { "true" } else { "false" },
                tier.text(),
                before.text(),
                result.change.map_or("", Word::word),
            ];
            made.json.identity(view, &sets, at, fall.chain.as_ref());
            add_record(made.rows, own.into_iter().chain(fall.cells()))
        },
    )?;

    write_columns(&FOOTHOLDS, footholds)?;
    document.write_all(b",\n  \"footholds\": [")?;
    let results = &view.scan.footholds;
    let ahead = |results: &[_]| view.read_footholds_ahead(results);
    write_list(
        results,
        [footholds, document],
        tick,
        ahead,
        |made, at, result| {
            let asset = view.org.assets.get(result.asset);
            let fall = Fall::of(view, Some(&result.answer), guard);
            let own = format!("{}:{}", asset.kind.word(), asset.shown);
            made.json.foothold(view, &sets, at, fall.chain.as_ref());
            add_record(made.rows, [&*own].into_iter().chain(fall.cells()))
        },
    )?;
    document.write_all(b"\n}\n")
}

/// Rows and entries in the making.
struct Made<'t> {
    rows: &'t mut Vec<u8>,
    json: Json<'t>,
}

/// Writes a row and an entry for each result, in order, and the end of the list of entries. `ahead` is
/// told of the results that come next.
fn write_list<T: Sync>(
    results: &[T],
    [rows, document]: [Out<'_>; 2],
    tick: Tick<'_>,
    ahead: impl Fn(&[T]) + Sync,
    one: impl Fn(&mut Made<'_>, usize, &T) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let make = |[rows, entries]: [&mut Vec<u8>; 2], first: usize, results: &[T]| {
        let mut made = Made {
            rows,
            json: Json::new(entries),
        };
        let mut places = first..;
        for together in results.chunks(READ_AHEAD) {
            ahead(together);
            for (result, at) in together.iter().zip(&mut places) {
                made.json.raw(before_entry(at));
                one(&mut made, at, result)?;
            }
        }
        Ok(())
    };
    in_order(results, ENTRIES, [rows, &mut *document], tick, make)?;
    document.write_all(list_end(results.len()))
}

fn write_columns(columns: &[&str], out: &mut dyn Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(columns)?;
    out.flush()
}

/// The document up to the list of findings, and from there up to its other long lists, which are its
/// last fields.
fn head(view: &View<'_>) -> io::Result<[Vec<u8>; 2]> {
    let mut head = serde_json::to_vec_pretty(&report::document(view))?;
    // They are empty so far. No text has a line of its own.
    let missing = || io::Error::other("the document has no lists");
    let end = memchr::memmem::rfind(&head, b"\n  \"unlock_sets\": []").ok_or_else(missing)?;
    head.truncate(end + 1);
    let findings = b"\n  \"findings\": []";
    let at = memchr::memmem::find(&head, findings).ok_or_else(missing)?;
    let rest = head.split_off(at + findings.len());
    head.truncate(at);
    Ok([head, rest])
}

fn write_findings(view: &View<'_>, out: Out<'_>) -> io::Result<()> {
    out.write_all(b"\n  \"findings\": [")?;
    let findings = &view.scan.findings;
    // Row by row: one finding may have as many as there are identities.
    let lines = findings.iter().enumerate().flat_map(|(at, finding)| {
        let rows = 0..finding.rows.len().max(1);
        rows.map(move |row| (at, row))
    });
    let lines: Vec<(usize, usize)> = lines.collect();
    let make = |[entries]: [&mut Vec<u8>; 1], _, lines: &[(usize, usize)]| {
        let mut json = Json::new(entries);
        lines.iter().try_for_each(|&(at, row)| {
            if row == 0 {
                json.raw(before_entry(at));
            }
            json.finding_row(view, at, row)
        })
    };
    in_order(&lines, ENTRIES, [&mut *out], &|_| {}, make)?;
    out.write_all(list_end(findings.len()))
}

/// The first of those last lists.
fn write_sets(view: &View<'_>, sets: &UnlockSets<'_>, out: Out<'_>) -> io::Result<()> {
    out.write_all(b"  \"unlock_sets\": [")?;
    let make = |[entries]: [&mut Vec<u8>; 1], first: usize, sets: &[&[Unlocked]]| {
        // One by one: a set may hold every system there is.
        for (at, set) in (first..).zip(sets) {
            entries.extend_from_slice(before_entry(at).as_bytes());
            serde_json::to_writer(&mut *entries, &report::unlocks(view, set))?;
        }
        Ok(())
    };
    in_order(sets.all(), SETS, [&mut *out], &|_| {}, make)?;
    out.write_all(list_end(sets.all().len()))
}

/// What stands before the entry of a list that stands at this place, on a line of its own.
fn before_entry(at: usize) -> &'static str {
    if at > 0 { ",\n    " } else { "\n    " }
}

/// What stands behind a list of so many entries.
fn list_end(count: usize) -> &'static [u8] {
    if count > 0 { b"\n  ]" } else { b"]" }
}

/// A file that another thread may write to.
type Out<'w> = &'w mut (dyn Write + Send);

/// Entries that one thread makes at a time, where they are short.
const ENTRIES: usize = 1 << 8;
/// Unlock sets that one thread makes at a time. Each may hold thousands of systems.
const SETS: usize = 1 << 2;
/// Bytes that one thread is to make at a time: entries of long chains are hundreds of times as long as others.
const BYTES: usize = 1 << 19;

/// Writes to each of some files what `make` appends for the items, in order; it is told where the first
/// of them stands. The text is made on all threads, so many items together at a time, while what was
/// made before is written, in buffers that are used again: what is in memory does not grow with the
/// organisation.
fn in_order<'a, T: Sync, const N: usize>(
    items: &'a [T],
    together: usize,
    mut out: [Out<'_>; N],
    tick: Tick<'_>,
    make: impl Fn([&mut Vec<u8>; N], usize, &'a [T]) -> io::Result<()> + Sync,
) -> io::Result<()> {
    const BUFFERS: usize = 16;
    const FEW: usize = 4;
    let buffers = || vec![[const { Vec::new() }; N]; BUFFERS];
    let (mut ready, mut next) = (buffers(), buffers());
    let mut write = |ready: &mut [[Vec<u8>; N]]| {
        for made in ready {
            for (out, made) in out.iter_mut().zip(made) {
                out.write_all(made)?;
                made.clear();
            }
        }
        io::Result::Ok(())
    };
    // How long entries are, shows at the first few of them.
    let mut part = together.min(FEW);
    let mut first = 0;
    while first < items.len() {
        let wave = &items[first..items.len().min(first + part * BUFFERS)];
        let (written, made) = rayon::join(
            || write(&mut ready),
            || {
                let parts = wave.par_chunks(part).enumerate().zip(&mut next);
                let parts = parts.with_max_len(1);
                parts.try_for_each(|((at, items), made)| {
                    make(made.each_mut(), first + at * part, items)
                })
            },
        );
        written.and(made)?;
        std::mem::swap(&mut ready, &mut next);
        first += wave.len();
        tick(wave.len() as u64);
        let bytes: usize = ready.iter().flatten().map(Vec::len).sum();
        let fitting = BYTES * wave.len() / bytes.max(1);
        part = fitting.clamp(1, together);
    }
    write(&mut ready)
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

/// The cells about what falls. All empty for a disabled identity; the system's empty where nothing
/// is unlocked.
#[derive(Default)]
struct Fall<'a> {
    unlocks: Digits,
    worst_system: Cow<'a, str>,
    worst_criticality: Digits,
    hops: Digits,
    accounts: Digits,
    mailboxes: Digits,
    /// The proof of the worst system, and as one line.
    chain: Option<Chain<'a>>,
    text: String,
}

/// A number as text, or none, without memory of its own: there are five in every row.
#[derive(Default)]
struct Digits {
    /// As many as the largest number has.
    digits: [u8; 10],
    len: u8,
}

impl Digits {
    fn of(number: impl Into<u32>) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(number.into()).as_bytes();
        let mut made = Self::default();
        made.digits[..text.len()].copy_from_slice(text);
        made.len = text.len() as u8;
        made
    }

    fn of_any(number: Option<u8>) -> Self {
        number.map(Self::of).unwrap_or_default()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.digits[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl<'a> Fall<'a> {
    /// The last columns of both files.
    fn cells(&self) -> [&str; 7] {
        [
            self.unlocks.text(),
            &self.worst_system,
            self.worst_criticality.text(),
            self.hops.text(),
            self.accounts.text(),
            self.mailboxes.text(),
            &self.text,
        ]
    }

    fn of(view: &View<'a>, answer: Option<&Answer>, guard: bool) -> Self {
        let Some(answer) = answer else {
            return Self::default();
        };
        let mut fall = Self {
            unlocks: Digits::of(answer.unlocks().len() as u32),
            accounts: Digits::of(answer.accounts),
            mailboxes: Digits::of(answer.mailboxes),
            ..Self::default()
        };
        if let Some(worst) = answer.unlocks().first() {
            fall.worst_system = id(view.system(worst.system), guard);
            fall.worst_criticality = Digits::of(view.criticality(worst.system));
            fall.hops = Digits::of(worst.hops);
        }
        if let Some(proof) = answer.proof() {
            let chain = report::chain(view, proof);
            let text = chain.text(view, true);
            fall.text = match guarded(&text) {
                Cow::Borrowed(_) => text,
                Cow::Owned(guarded) => guarded,
            };
            fall.chain = Some(chain);
        }
        fall
    }
}
