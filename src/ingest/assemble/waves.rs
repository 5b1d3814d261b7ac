//! Rows understood side by side and put into the organisation one after the other.
//!
//! A table is read in waves of parts. The rows of a wave are parsed and understood on all threads
//! while those of the wave before are put into the organisation on one; then the names of the wave
//! are looked up on all threads. What a row says does not depend on other rows, and rows are put in
//! in their order, so the result is the same however the work is cut.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use super::gates::GateNames;
use super::names::{At, Names, Processes, Reference};
use super::read::Row;
use super::{Builder, Context};
use crate::diag::{Diagnostic, Origin};
use crate::ingest::raw::{Found, Part, RawTable};
use crate::model::{AssetId, Assets, Change, Kind, Provenance, READ_AHEAD};

/// What a row says, with where it stands.
pub(super) struct Said<R> {
    pub origin: Origin,
    pub provenance: Option<Box<Provenance>>,
    /// Whether something is wrong with it, so that it is left out.
    pub is_bad: bool,
    /// What a row of a change set does.
    pub change: Option<Change>,
    pub row: R,
}

/// The references of a part of a table.
#[derive(Default)]
pub(super) struct Looked<'t> {
    /// Names that the rows declare, and those of things that no table declares. They are mostly new, so
    /// they are not looked up before they are put in.
    pub own: Names<'t>,
    pub names: Names<'t>,
    /// The assets that had these names when they were looked up: rows put in since then may have
    /// brought more.
    pub found: Vec<Option<AssetId>>,
    /// References to what may be declared by rows to come.
    pub later: Names<'t>,
    /// The owners who had those names; other kinds of things are not looked up before all rows are there.
    pub later_found: Vec<Option<AssetId>>,
    pub processes: Processes<'t>,
    /// The names of gates, which are looked up when rows are put in.
    pub gates: GateNames<'t>,
}

/// A part that was understood.
struct Understood<'t, R> {
    context: Option<Context>,
    rows: Vec<Said<R>>,
    looked: Looked<'t>,
    diagnostics: Vec<Diagnostic>,
    left_out: u64,
    found: Found,
}

impl<R> Default for Understood<'_, R> {
    fn default() -> Self {
        Self {
            context: None,
            rows: Vec::new(),
            looked: Looked::default(),
            diagnostics: Vec::new(),
            left_out: 0,
            found: Found::default(),
        }
    }
}

impl<'t> Looked<'t> {
    /// Who has a name that may be declared by rows to come, as far as it is known by now.
    pub(super) fn found_already(&self, at: At) -> Option<AssetId> {
        self.later_found.get(at.index()).copied().flatten()
    }

    /// Looks names up.
    fn look_up(&mut self, assets: &Assets) {
        assets.find_all(self.names.wanted(), &mut self.found);
        let owners = self.later.wanted().enumerate();
        let owners = owners.filter(|(_, wanted)| wanted.kind() == Kind::Identity);
        self.later_found.resize(self.later.len(), None);
        assets.find_some(owners, &mut self.later_found);
    }

    fn clear(&mut self) {
        self.own.truncate(0);
        self.names.truncate(0);
        self.later.truncate(0);
        self.found.clear();
        self.later_found.clear();
        self.processes.clear();
        self.gates.clear();
    }
}

/// Reads a row; gives nothing when there is nothing to put in. Of its own type for every table, so that
/// what it gives need not pass through memory.
pub(super) trait Understand<'t, R>:
    Fn(Context, &mut Row<'_, 't>, &mut Looked<'t>) -> Option<R> + Copy + Send + Sync
{
}

impl<'t, R, F> Understand<'t, R> for F where
    F: Fn(Context, &mut Row<'_, 't>, &mut Looked<'t>) -> Option<R> + Copy + Send + Sync
{
}

impl<'t> Builder<'t> {
    /// Every row of some tables, in their order: understood, and put into the organisation by `place`.
    pub(super) fn each<R: Send>(
        &mut self,
        tables: &[(Context, &RawTable<'t>)],
        understand: impl Understand<'t, R>,
        mut place: impl FnMut(&mut Builder<'t>, Context, Said<R>, &Looked<'t>) + Send,
    ) {
        /// Parts of a wave for each thread: enough that none waits long for the last one.
        const PARTS: usize = 8;
        let parts: Vec<(Context, Part<'_, 't>)> = tables
            .iter()
            .flat_map(|&(context, raw)| {
                let parts = raw.parts().into_iter();
                parts.map(move |part| (context, part))
            })
            .collect();
        let mut ready: Vec<Understood<'t, R>> = Vec::new();
        // Emptied ones, so that their memory need not be asked for again.
        let spare: Mutex<Vec<Understood<'t, R>>> = Mutex::default();
        for wave in parts.chunks(PARTS * rayon::current_num_threads()) {
            let before = std::mem::take(&mut ready);
            let (mut next, ()) = rayon::join(
                || {
                    let wave = wave.par_iter().with_max_len(1);
                    let read = wave.map(|(context, part)| {
                        let spare = spare.lock().ok().and_then(|mut spare| spare.pop());
                        read(*context, part, understand, spare.unwrap_or_default())
                    });
                    read.collect::<Vec<_>>()
                },
                || self.place_all(before, &mut place, &spare),
            );
            let assets = &self.org.assets;
            let parts = next.par_iter_mut().with_max_len(1);
            parts.for_each(|part| part.looked.look_up(assets));
            ready = next;
            if let Some(watch) = self.watch {
                watch(wave.iter().map(|(_, part)| part.bytes()).sum(), self.bytes);
            }
        }
        self.place_all(ready, &mut place, &spare);
    }

    fn place_all<R>(
        &mut self,
        parts: Vec<Understood<'t, R>>,
        mut place: impl FnMut(&mut Builder<'t>, Context, Said<R>, &Looked<'t>),
        spare: &Mutex<Vec<Understood<'t, R>>>,
    ) {
        for mut part in parts {
            self.diagnostics.append(&mut part.diagnostics);
            self.rows_left_out += part.left_out;
            let Some(context) = part.context else {
                continue;
            };
            self.note(context, std::mem::take(&mut part.found));
            let rows = part.rows.len();
            for (at, said) in part.rows.drain(..).enumerate() {
                if at.is_multiple_of(READ_AHEAD) {
                    self.make_ready(&part.looked, at..(at + READ_AHEAD).min(rows), rows);
                }
                let (change, origin) = (said.change, said.origin);
                let index = self.org.rows_in(context.table);
                place(self, context, said, &part.looked);
                if let Some(change) = change
                    && self.org.rows_in(context.table) > index
                {
                    self.note_change(context.table, index, change, origin);
                }
            }
            part.looked.clear();
            if let Ok(mut spare) = spare.lock() {
                spare.push(part);
            }
        }
    }

    /// Makes ready for these of so many rows: names that they declare and names that nobody had when they
    /// were looked up will mostly be new ones, and rows of gates name them.
    fn make_ready(&self, looked: &Looked<'t>, next: Range<usize>, rows: usize) {
        let assets = &self.org.assets;
        // Names come in the order of their rows, about as many for each.
        let of = |names: usize| next.start * names / rows..next.end * names / rows;
        let own = looked.own.at(of(looked.own.len()));
        assets.make_ready(own.iter().map(Reference::hash));
        let names = of(looked.names.len());
        let found = looked.found.get(names.clone()).unwrap_or_default();
        let missing = looked.names.at(names).iter().zip(found);
        let missing = missing.filter(|(_, found)| found.is_none());
        assets.make_ready(missing.map(|(name, _)| name.hash()));
        let gates = of(looked.gates.len());
        self.gates.make_ready(looked.gates.hashes(gates));
    }

    /// Notes what going through the rows of a table showed.
    pub(super) fn note(&mut self, context: Context, found: Found) {
        let gone_through = &mut self.gone_through[context.at as usize];
        gone_through.rows += found.rows;
        gone_through.is_cut |= found.lost.rest;
        self.note_lost(context, &found.lost);
        self.rows_left_out += found.diagnostics.len() as u64;
        self.diagnostics.extend(found.diagnostics);
    }
}

fn read<'t, R>(
    context: Context,
    part: &Part<'_, 't>,
    understand: impl Understand<'t, R>,
    spare: Understood<'t, R>,
) -> Understood<'t, R> {
    let Understood {
        mut rows,
        mut looked,
        mut diagnostics,
        ..
    } = spare;
    let mut left_out = 0;
    let found = part.for_each(|raw| {
        let mut row = Row::new(context, &raw);
        let known = looked.names.len();
        let change = row.change(context.is_change);
        let said = understand(context, &mut row, &mut looked);
        let is_bad = row.is_bad();
        left_out += u64::from(is_bad);
        diagnostics.extend(row.into_diagnostics());
        match said {
            None => looked.names.truncate(known),
            Some(row) => rows.push(Said {
                origin: raw.origin,
                provenance: raw.provenance.cloned().map(Box::new),
                is_bad,
                change,
                row,
            }),
        }
    });
    Understood {
        context: Some(context),
        rows,
        looked,
        diagnostics,
        left_out,
        found,
    }
}
