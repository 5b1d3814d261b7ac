//! What the outputs will read, brought into the caches for many identities at a time.
//!
//! Identities stand in another order than their rows, and the gates of a proof lie all over the memory: one
//! after the other, most of the time of writing would be waiting. Each step from an answer to the names and
//! lines of its rows is taken for all of some identities before the next one, so the waits overlap.

use std::hint::black_box;

use super::View;
use crate::analyze::{FootholdResult, IdentityResult};
use crate::compile::{GateOrigin, Meaning};
use crate::diag::Origin;
use crate::model::{AssetId, READ_AHEAD, RowRef, Table, Text};
use crate::rules::{Fact, Gate};
use crate::solve::Proof;

/// Steps of proofs that are read ahead together: some for each of [`READ_AHEAD`] proofs.
const STEPS: usize = READ_AHEAD * 8;

impl View<'_> {
    /// Brings what is told of these identities into the caches, at most [`READ_AHEAD`].
    pub fn read_ahead(&self, results: &[IdentityResult]) {
        let mut assets = [AssetId(0); READ_AHEAD];
        let mut texts = [Text::default(); READ_AHEAD];
        let mut places = [Origin::default(); READ_AHEAD];
        for (at, result) in results.iter().take(READ_AHEAD).enumerate() {
            let identity = &self.org.identities[result.identity as usize];
            (assets[at], texts[at]) = (identity.asset, identity.name);
            places[at] = identity.meta.origin;
        }
        let count = results.len().min(READ_AHEAD);
        self.org.assets.read_ahead(&assets[..count]);
        self.org.texts.read_ahead(&texts[..count]);
        self.sources.read_ahead(&places);
        let answers = results.iter().filter_map(|result| result.answer.as_ref());
        self.read_proofs_ahead(answers.filter_map(|answer| answer.proof()));
    }

    /// The same for footholds.
    pub fn read_footholds_ahead(&self, results: &[FootholdResult]) {
        let answers = results.iter().map(|result| &result.answer);
        self.read_proofs_ahead(answers.filter_map(|answer| answer.proof()));
    }

    /// Brings what is told of these proofs into the caches, the first [`STEPS`] steps of all of them.
    fn read_proofs_ahead<'p>(&self, proofs: impl Iterator<Item = &'p Proof>) {
        let (org, graph, atlas) = (self.org, &self.program.graph, &self.program.atlas);
        let mut gates = [Gate(0); STEPS];
        let mut count = 0;
        for (gate, step) in gates.iter_mut().zip(proofs.flat_map(|proof| &proof.steps)) {
            *gate = step.gate;
            count += 1;
        }
        if count == 0 {
            return;
        }
        let gates = &gates[..count];
        let mut heads = [Fact(0); STEPS];
        let mut origins = [GateOrigin::AnyOf; STEPS];
        let mut sum = 0;
        for (at, &gate) in gates.iter().enumerate() {
            (heads[at], origins[at]) = (graph.head(gate), atlas.origin(gate));
            sum ^= graph.need(gate) ^ graph.inputs(gate).first().map_or(0, |input| input.0);
        }
        let mut lists: [&[u32]; STEPS] = [&[]; STEPS];
        let mut assets = [AssetId(0); STEPS];
        for at in 0..count {
            if let GateOrigin::Recovery(gate) = origins[at] {
                lists[at] = org.rows_of(org.gates[gate as usize]);
            }
            assets[at] = match atlas.meaning(heads[at]) {
                Meaning::Asset(asset) => asset,
                Meaning::Password(identity) | Meaning::Mfa(identity) => {
                    atlas.identity(identity).unwrap_or(AssetId(0))
                }
                Meaning::Helper => AssetId(0),
            };
        }
        let mut rows = [None; STEPS];
        for at in 0..count {
            let of = |table: Table, index: u32| Some(RowRef { table, index });
            rows[at] = match origins[at] {
                GateOrigin::SignIn(identity) => of(Table::Identities, identity),
                GateOrigin::Row(row) => Some(row),
                GateOrigin::Recovery(_) => {
                    let first = lists[at].first();
                    first.and_then(|&row| of(Table::Recoveries, row))
                }
                GateOrigin::Shared | GateOrigin::AnyOf => None,
            };
        }
        let mut places = [Origin::default(); STEPS];
        for at in 0..count {
            let meta = rows[at].and_then(|row| org.meta(row));
            places[at] = meta.map(|meta| meta.origin).unwrap_or_default();
        }
        for assets in assets[..count].chunks(READ_AHEAD) {
            org.assets.read_ahead(assets);
        }
        self.sources.read_ahead(&places);
        // Without a use the reads would be left out.
        black_box(sum);
    }
}
