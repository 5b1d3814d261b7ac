//! What no longer works when a thing goes, as gates of the rule graph.

use super::things::{Thing, Things};
use crate::compile::GateOrigin;
use crate::model::{AssetId, Kind, OwnAsset, RowRef, Source, Table, Target};
use crate::rules::{Class, Fact, Gate, Incoming, Relevant};
use crate::solve::Removal;

/// Turns things into removals from the relevant part of a rule graph.
pub(super) struct Effects<'a> {
    pub(super) things: &'a Things<'a>,
    pub(super) relevant: &'a Relevant,
    pub(super) incoming: &'a Incoming,
    /// Gates of rows, sorted by row.
    rows: Vec<(RowRef, Gate)>,
    /// Whether memberships say more than who is in a group: what is not known about its members.
    pub(super) groups_speak: bool,
}

impl<'a> Effects<'a> {
    pub(super) fn new(
        things: &'a Things<'a>,
        relevant: &'a Relevant,
        incoming: &'a Incoming,
        groups_speak: bool,
    ) -> Self {
        let mut rows: Vec<(RowRef, Gate)> = relevant
            .graph
            .gates()
            .filter_map(|gate| match Self::origin_of(things, relevant, gate) {
                GateOrigin::Row(row) => Some((row, gate)),
                _ => None,
            })
            .collect();
        rows.sort_unstable();
        Self {
            things,
            relevant,
            incoming,
            rows,
            groups_speak,
        }
    }

    fn origin_of(things: &Things<'_>, relevant: &Relevant, gate: Gate) -> GateOrigin {
        things.program.atlas.origin(relevant.whole_gate(gate))
    }

    /// What goes with it; nothing when that cannot be said without compiling anew.
    pub(super) fn of(&self, thing: Thing) -> Option<Removal> {
        let mut removal = Removal::default();
        match thing {
            Thing::Recovery(recovery) => removal.families.push(recovery),
            Thing::Asset(asset) => {
                let fact = self.things.program.atlas.fact(asset);
                removal.facts.extend(self.relevant.fact(fact));
            }
            Thing::Reader(mailbox, reader) => {
                let row = RowRef {
                    table: Table::Mailboxes,
                    index: mailbox,
                };
                let reader = self.relevant.fact(self.things.program.atlas.fact(reader));
                let gates = self.gates_of(row);
                removal.gates.extend(
                    gates.filter(|&gate| {
                        self.relevant.graph.inputs(gate).first().copied() == reader
                    }),
                );
            }
            Thing::Row(row) => {
                removal.gates.extend(self.gates_of(row));
                match row.table {
                    Table::MfaBindings => self.binding(row.index, &mut removal)?,
                    Table::Memberships => self.membership(row.index, &mut removal)?,
                    _ => {}
                }
            }
        }
        Some(removal)
    }

    fn gates_of(&self, row: RowRef) -> impl Iterator<Item = Gate> {
        let start = self.rows.partition_point(|(other, _)| *other < row);
        let here = self.rows[start..].iter();
        here.take_while(move |(other, _)| *other == row)
            .map(|(_, gate)| *gate)
    }

    /// Gates that yield anything of an identity, in the whole graph.
    fn gates_for(&self, identity: AssetId) -> Vec<Gate> {
        let (org, atlas) = (self.things.org, &self.things.program.atlas);
        let Some(at) = org.identity_of[identity.index()] else {
            return Vec::new();
        };
        let [password, mfa] = atlas.factors(at as usize);
        let facts = [password, mfa, atlas.fact(identity)];
        let gates = facts.into_iter().flat_map(|fact| self.incoming.of(fact));
        gates.copied().collect()
    }

    /// The holder of a factor is one of the target's own assets too, unless something else makes it
    /// that.
    fn binding(&self, row: u32, removal: &mut Removal) -> Option<()> {
        let (org, program) = (self.things.org, self.things.program);
        let binding = &org.bindings[row as usize];
        let Some(holder) = binding.holder else {
            return Some(());
        };
        let own = match org.assets.kind(holder) {
            Kind::Phone => OwnAsset::Phone,
            Kind::Device => OwnAsset::Device,
            _ => return Some(()),
        };
        let identity = org.identity(binding.identity)?;
        let is_other = self
            .things
            .bindings(binding.identity)
            .any(|other| other != row && org.bindings[other as usize].holder == Some(holder));
        let is_listed =
            own == OwnAsset::Phone && org.list(identity.recovery_phones).contains(&holder);
        if is_other || is_listed {
            return Some(());
        }
        let fact = program.atlas.fact(holder);
        for gate in self.gates_for(binding.identity) {
            let GateOrigin::Recovery(recovery) = program.atlas.origin(gate) else {
                continue;
            };
            let rows = org.rows_of(org.gates[recovery as usize]);
            for (slot, &row) in (0u32..).zip(rows) {
                if org.recoveries[row as usize].source != Source::Own(own) {
                    continue;
                }
                let input = program.graph.inputs(gate)[slot as usize];
                if input == fact {
                    let here = self.relevant.gate(gate);
                    removal.slots.extend(here.map(|gate| (gate, slot)));
                } else {
                    self.one_of_several(input, fact, removal)?;
                }
            }
        }
        Some(())
    }

    /// The gate by which one of several own assets satisfies a row.
    fn one_of_several(&self, any: Fact, fact: Fact, removal: &mut Removal) -> Option<()> {
        let graph = &self.things.program.graph;
        let gates = self.incoming.of(any).iter().copied();
        let mut yields = gates.filter(|&gate| graph.inputs(gate).first() == Some(&fact));
        let gate = yields.next()?;
        // An assumption may stand between them, which other rows share.
        let all_own = self.incoming.of(any).iter().all(|&gate| {
            let input = graph.inputs(gate).first();
            input.is_some_and(|&input| graph.class(input) != Class::Helper)
        });
        if !all_own {
            return None;
        }
        removal.gates.extend(self.relevant.gate(gate));
        Some(())
    }

    /// Whoever leaves a group is no longer reset by those who reset its members.
    fn membership(&self, row: u32, removal: &mut Removal) -> Option<()> {
        let (org, program) = (self.things.org, self.things.program);
        let groups = &self.things.groups;
        let membership = &org.memberships[row as usize];
        if groups.is_excepted(membership.group) || self.groups_speak {
            return None;
        }
        if !groups.is_targeted(membership.group) {
            return Some(());
        }
        for identity in groups.all_below(membership.member) {
            if org.assets.kind(identity) != Kind::Identity {
                continue;
            }
            for gate in self.gates_for(identity) {
                let target = match program.atlas.origin(gate) {
                    GateOrigin::Shared => self.things.target_of(gate),
                    GateOrigin::Recovery(recovery) => match org.gates[recovery as usize].target {
                        Target::Asset(group) if org.assets.kind(group) == Kind::Group => {
                            Some(group)
                        }
                        _ => None,
                    },
                    _ => None,
                };
                if let Some(target) = target
                    && !groups.is_in_without(identity, target, row)
                {
                    removal.gates.extend(self.relevant.gate(gate));
                }
            }
        }
        Some(())
    }
}
