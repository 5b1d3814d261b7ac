//! What can be taken away, and which of it a proof rests on.

use rustc_hash::FxHashMap;

use super::groups::Groups;
use crate::compile::{Edits, GateOrigin, Meaning, Program};
use crate::model::{AssetId, Kind, Organisation, OwnAsset, RowRef, Source, Table, Target};
use crate::rules::{Fact, Gate};
use crate::solve::Proof;

/// One thing whose loss is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// A recovery, with all its rows: the gate at this position.
    Recovery(u32),
    /// A row of `mfa_bindings`, `holdings`, `memberships` or `grants`.
    Row(RowRef),
    /// What an owner, a delegate or a forwarding mailbox has of the mailbox at this position.
    Reader(u32, AssetId),
    /// An asset that nobody comes to control any more; who starts with it keeps it.
    Asset(AssetId),
}

impl Thing {
    /// In one word: `recovery`, `binding`, `holding`, `membership`, `grant`, `reader`, `asset`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Recovery(_) => "recovery",
            Self::Row(row) => match row.table {
                Table::MfaBindings => "binding",
                Table::Holdings => "holding",
                Table::Memberships => "membership",
                _ => "grant",
            },
            Self::Reader(..) => "reader",
            Self::Asset(_) => "asset",
        }
    }

    /// The edits that take it away.
    #[must_use]
    pub fn edits(self, org: &Organisation) -> Edits {
        let mut edits = Edits::default();
        match self {
            Self::Recovery(gate) => {
                let rows = org.rows_of(org.gates[gate as usize]).iter();
                edits.removed.extend(rows.map(|&index| RowRef {
                    table: Table::Recoveries,
                    index,
                }));
            }
            Self::Row(row) => {
                edits.removed.insert(row);
            }
            Self::Reader(mailbox, reader) => {
                edits.cut.insert((mailbox, reader));
            }
            Self::Asset(asset) => {
                edits.gone.insert(asset);
            }
        }
        edits
    }
}

/// Finds what proofs rest on.
pub(super) struct Things<'a> {
    pub(super) org: &'a Organisation,
    pub(super) program: &'a Program,
    pub(super) groups: Groups,
    /// Bindings of each identity, by asset.
    bindings_of: FxHashMap<AssetId, Vec<u32>>,
}

impl<'a> Things<'a> {
    pub(super) fn new(org: &'a Organisation, program: &'a Program, standing_only: bool) -> Self {
        let mut bindings_of: FxHashMap<AssetId, Vec<u32>> = FxHashMap::default();
        for (at, binding) in (0u32..).zip(&org.bindings) {
            if org.counts(Table::MfaBindings, at as usize) {
                bindings_of.entry(binding.identity).or_default().push(at);
            }
        }
        Self {
            org,
            program,
            groups: Groups::new(org, standing_only),
            bindings_of,
        }
    }

    /// Everything whose loss could break this proof, and maybe more, some of it twice. `gates`
    /// translates those of the proof, `seed` is what the proof starts from.
    pub(super) fn of_proof(
        &self,
        proof: &Proof,
        gates: impl Fn(Gate) -> Gate,
        seed: AssetId,
        found: &mut Vec<Thing>,
    ) {
        let graph = &self.program.graph;
        for step in &proof.steps {
            let gate = gates(step.gate);
            let slots = proof.slots(step);
            self.of_gate(gate, slots, found);
            let used = slots.iter().map(|&slot| graph.inputs(gate)[slot as usize]);
            for fact in used.chain([graph.head(gate)]) {
                if let Meaning::Asset(asset) = self.program.atlas.meaning(fact)
                    && asset != seed
                    && self.org.assets.kind(asset) != Kind::System
                {
                    found.push(Thing::Asset(asset));
                }
            }
        }
    }

    fn of_gate(&self, gate: Gate, slots: &[u32], found: &mut Vec<Thing>) {
        let (org, program) = (self.org, self.program);
        let head = program.graph.head(gate);
        match program.atlas.origin(gate) {
            GateOrigin::SignIn(_) | GateOrigin::AnyOf => {}
            GateOrigin::Row(row) if row.table == Table::Mailboxes => {
                if let Some(Meaning::Asset(reader)) = program
                    .graph
                    .inputs(gate)
                    .first()
                    .map(|&input| program.atlas.meaning(input))
                {
                    found.push(Thing::Reader(row.index, reader));
                }
            }
            GateOrigin::Row(row) => {
                found.push(Thing::Row(row));
            }
            GateOrigin::Shared => {
                if let (Some(identity), Some(target)) =
                    (self.identity_of(head), self.target_of(gate))
                {
                    self.memberships(identity, target, found);
                }
            }
            GateOrigin::Recovery(recovery) => {
                found.push(Thing::Recovery(recovery));
                let rows = org.rows_of(org.gates[recovery as usize]);
                let Some(identity) = self.identity_of(head) else {
                    return;
                };
                if let Target::Asset(target) = org.gates[recovery as usize].target
                    && org.assets.kind(target) == Kind::Group
                {
                    self.memberships(identity, target, found);
                }
                for &slot in slots {
                    let row = rows.get(slot as usize);
                    let source = row.map(|&row| org.recoveries[row as usize].source);
                    let kind = match source {
                        Some(Source::Own(OwnAsset::Phone)) => Kind::Phone,
                        Some(Source::Own(OwnAsset::Device)) => Kind::Device,
                        _ => continue,
                    };
                    let held = self.bindings(identity).filter(|&at| {
                        let holder = org.bindings[at as usize].holder;
                        holder.is_some_and(|holder| org.assets.kind(holder) == kind)
                    });
                    found.extend(held.map(|index| {
                        Thing::Row(RowRef {
                            table: Table::MfaBindings,
                            index,
                        })
                    }));
                }
            }
        }
    }

    pub(super) fn bindings(&self, identity: AssetId) -> impl Iterator<Item = u32> {
        let bindings = self.bindings_of.get(&identity).into_iter();
        bindings.flatten().copied()
    }

    /// The identity whose account, password or factor a fact is.
    pub(super) fn identity_of(&self, fact: Fact) -> Option<AssetId> {
        match self.program.atlas.meaning(fact) {
            Meaning::Asset(asset) => {
                let is_identity = self.org.assets.kind(asset) == Kind::Identity;
                is_identity.then_some(asset)
            }
            Meaning::Password(at) | Meaning::Mfa(at) => self.program.atlas.identity(at),
            Meaning::Helper => None,
        }
    }

    /// The group whose members a shared fact is handed out to.
    pub(super) fn target_of(&self, shared: Gate) -> Option<AssetId> {
        let graph = &self.program.graph;
        let helper = *graph.inputs(shared).first()?;
        self.groups.target(helper)
    }

    fn memberships(&self, identity: AssetId, target: AssetId, found: &mut Vec<Thing>) {
        let rows = self.groups.critical_rows(identity, target);
        found.extend(rows.into_iter().map(|index| {
            Thing::Row(RowRef {
                table: Table::Memberships,
                index,
            })
        }));
    }
}
