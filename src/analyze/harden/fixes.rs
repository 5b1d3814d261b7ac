//! Changes that make an organisation harder to take, and which of them break a proof.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::choke::Groups;
use crate::compile::{Edits, GateOrigin, Meaning, Options, Program, Unknown};
use crate::model::{
    Access, AssetId, Kind, Method, Organisation, Proofing, RowRef, SignIn, Table, Target,
};
use crate::rules::{Class, Fact, Gate};
use crate::solve::Proof;

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fix {
    /// The recovery (its gate by position) asks for one thing more.
    Guard(u32),
    /// The identity (by position), which signs in with a password alone, has a factor beside it.
    Enrol(u32),
    /// The process (by position) proves identities at a higher level.
    Raise(u32),
    /// The member leaves the group: a row of `memberships`.
    Leave(u32),
    /// The recovery (its gate by position) is given up.
    Remove(u32),
    /// The holder no longer uses the asset: a row of `holdings`.
    Release(u32),
    /// The mailbox (by position) loses a reader.
    Cut(u32, AssetId),
    /// The holder no longer answers for a factor: a row of `mfa_bindings`.
    Unbind(u32),
    /// The grant is taken back: a row of `grants`.
    Revoke(u32),
}

/// Kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixKind {
    /// Ask for one thing more, at a recovery or at sign-in.
    Factor,
    /// Prove identities at a higher level.
    Proofing,
    /// Take a member out of a group.
    Membership,
    /// Give a recovery up.
    Recovery,
    /// Take a vault or device out of a holder's hands.
    Holding,
    /// Take a reader from a mailbox.
    Reader,
    /// Take a factor from its holder.
    Binding,
    /// Take a grant back.
    Grant,
}

impl FixKind {
    /// Every kind with its word.
    pub const WORDS: [(&'static str, Self); 8] = [
        ("factor", Self::Factor),
        ("proofing", Self::Proofing),
        ("membership", Self::Membership),
        ("recovery", Self::Recovery),
        ("holding", Self::Holding),
        ("reader", Self::Reader),
        ("binding", Self::Binding),
        ("grant", Self::Grant),
    ];

    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

impl Fix {
    /// What kind of change it is.
    #[must_use]
    pub fn kind(self) -> FixKind {
        match self {
            Self::Guard(_) | Self::Enrol(_) => FixKind::Factor,
            Self::Raise(_) => FixKind::Proofing,
            Self::Leave(_) => FixKind::Membership,
            Self::Remove(_) => FixKind::Recovery,
            Self::Release(_) => FixKind::Holding,
            Self::Cut(..) => FixKind::Reader,
            Self::Unbind(_) => FixKind::Binding,
            Self::Revoke(_) => FixKind::Grant,
        }
    }

    /// Adds it to edits.
    pub fn apply(self, org: &Organisation, edits: &mut Edits) {
        let row = |table, index| RowRef { table, index };
        match self {
            Self::Guard(gate) => {
                edits.guarded.insert(gate);
            }
            Self::Enrol(identity) => {
                edits.enrolled.insert(identity);
            }
            Self::Raise(process) => {
                edits.proofing.insert(process, RAISED);
            }
            Self::Leave(index) => {
                edits.removed.insert(row(Table::Memberships, index));
            }
            Self::Remove(gate) => {
                let rows = org.rows_of(org.gates[gate as usize]).iter();
                let rows = rows.map(|&index| row(Table::Recoveries, index));
                edits.removed.extend(rows);
            }
            Self::Release(index) => {
                edits.removed.insert(row(Table::Holdings, index));
            }
            Self::Cut(mailbox, reader) => {
                edits.cut.insert((mailbox, reader));
            }
            Self::Unbind(index) => {
                edits.removed.insert(row(Table::MfaBindings, index));
            }
            Self::Revoke(index) => {
                edits.removed.insert(row(Table::Grants, index));
            }
        }
    }
}

/// What a process is raised to.
pub const RAISED: Proofing = Proofing::Ial3;

/// Finds what breaks a proof, among the kinds of changes that may be made.
pub(super) struct Fixes<'a> {
    org: &'a Organisation,
    kinds: &'a [FixKind],
    groups: Groups,
    standing_only: bool,
    groups_speak: bool,
    /// Whether somebody may be taken out of a group whose membership says more than that: whoever
    /// leaves a group that a recovery leaves out could be recovered by it.
    pub(super) may_speak: bool,
}

impl<'a> Fixes<'a> {
    /// Whether the membership (by position) says more than who is in the group.
    pub(super) fn speaks(&self, index: u32) -> bool {
        let group = self.org.memberships[index as usize].group;
        self.groups_speak || self.groups.is_excepted(group)
    }

    pub(super) fn new(org: &'a Organisation, options: &Options, kinds: &'a [FixKind]) -> Self {
        Self {
            org,
            kinds,
            groups: Groups::new(org, options.standing_only),
            standing_only: options.standing_only,
            groups_speak: options.unknown == Unknown::Best,
            may_speak: false,
        }
    }

    /// The changes any one of which breaks the proof, in a program with some changes made already.
    /// None of the others does, whatever else is changed.
    pub(super) fn breaking(&self, program: &Program, edits: &Edits, proof: &Proof) -> Vec<Fix> {
        let by_head: FxHashMap<Fact, Gate> = proof
            .steps
            .iter()
            .map(|step| (program.graph.head(step.gate), step.gate))
            .collect();
        let mut found: FxHashSet<Fix> = FxHashSet::default();
        for step in &proof.steps {
            self.of_gate(
                program,
                edits,
                step.gate,
                proof.slots(step),
                &by_head,
                &mut found,
            );
        }
        let mut found: Vec<Fix> = found
            .into_iter()
            .filter(|fix| self.kinds.contains(&fix.kind()))
            .collect();
        found.sort_unstable();
        found
    }

    fn of_gate(
        &self,
        program: &Program,
        edits: &Edits,
        gate: Gate,
        slots: &[u32],
        by_head: &FxHashMap<Fact, Gate>,
        found: &mut FxHashSet<Fix>,
    ) {
        let org = self.org;
        let graph = &program.graph;
        let head = graph.head(gate);
        match program.atlas.origin(gate) {
            GateOrigin::AnyOf => {}
            GateOrigin::SignIn(identity) => {
                let signs_in = org.identities[identity as usize].sign_in;
                if graph.need(gate) == 1 && signs_in != SignIn::Passwordless {
                    found.insert(Fix::Enrol(identity));
                }
            }
            GateOrigin::Row(row) => {
                match row.table {
                    Table::Memberships => self.leave(row.index, found),
                    Table::Holdings => {
                        found.insert(Fix::Release(row.index));
                    }
                    Table::Grants => {
                        found.insert(Fix::Revoke(row.index));
                    }
                    Table::MfaBindings => {
                        found.insert(Fix::Unbind(row.index));
                    }
                    Table::Mailboxes => {
                        let input = graph.inputs(gate).first();
                        if let Some(Meaning::Asset(reader)) =
                            input.map(|&input| program.atlas.meaning(input))
                        {
                            found.insert(Fix::Cut(row.index, reader));
                        }
                    }
                    _ => {}
                };
            }
            GateOrigin::Shared => {
                // The gates behind the shared fact are for one target.
                let helper = graph.inputs(gate).first();
                let behind = helper.and_then(|helper| by_head.get(helper));
                if let Some(GateOrigin::Recovery(recovery)) =
                    behind.map(|&gate| program.atlas.origin(gate))
                {
                    self.members(program, edits, head, recovery, found);
                }
            }
            GateOrigin::Recovery(recovery) => {
                found.insert(Fix::Remove(recovery));
                if !edits.guarded.contains(&recovery) {
                    found.insert(Fix::Guard(recovery));
                }
                self.members(program, edits, head, recovery, found);
                let inputs = graph.inputs(gate);
                let talked = slots.iter().any(|&slot| {
                    Self::is_talked_into(program, inputs[slot as usize], by_head)
                        && self.asks_people(recovery, slot)
                });
                let process = org.recoveries_of(org.gates[recovery as usize]).next();
                if let Some(process) = process.and_then(|row| row.process)
                    && talked
                {
                    found.insert(Fix::Raise(process.0));
                }
            }
        }
    }

    /// Whether an input is there because of an assumption about the row alone.
    fn is_talked_into(program: &Program, input: Fact, by_head: &FxHashMap<Fact, Gate>) -> bool {
        let graph = &program.graph;
        let is_given =
            |fact: Fact| graph.class(fact) == Class::Helper && program.assumed.contains(&fact);
        let through = by_head
            .get(&input)
            .and_then(|&gate| graph.inputs(gate).first());
        is_given(input) || through.is_some_and(|&fact| is_given(fact))
    }

    fn asks_people(&self, recovery: u32, slot: u32) -> bool {
        let rows = self.org.rows_of(self.org.gates[recovery as usize]);
        let row = rows.get(slot as usize);
        row.is_some_and(|&row| {
            matches!(
                self.org.recoveries[row as usize].method,
                Method::HelpDesk | Method::Carrier | Method::ManagerApproval
            )
        })
    }

    fn leave(&self, index: u32, found: &mut FxHashSet<Fix>) {
        if self.may_speak || !self.speaks(index) {
            found.insert(Fix::Leave(index));
        }
    }

    /// The memberships of one way from an identity into the group that a recovery is for.
    fn members(
        &self,
        program: &Program,
        edits: &Edits,
        head: Fact,
        recovery: u32,
        found: &mut FxHashSet<Fix>,
    ) {
        let Target::Asset(target) = self.org.gates[recovery as usize].target else {
            return;
        };
        if self.org.assets.kind(target) != Kind::Group {
            return;
        }
        let identity = match program.atlas.meaning(head) {
            Meaning::Asset(asset) => Some(asset),
            Meaning::Password(at) | Meaning::Mfa(at) => program.atlas.identity(at),
            Meaning::Helper => None,
        };
        let Some(identity) = identity else {
            return;
        };
        let mut came: FxHashMap<AssetId, (u32, AssetId)> = FxHashMap::default();
        let mut queue: VecDeque<AssetId> = VecDeque::from([identity]);
        while let Some(member) = queue.pop_front() {
            if member == target {
                break;
            }
            for &(row, group) in self.groups.above(member) {
                let at = row as usize;
                let counts = !edits.is_removed(self.org, Table::Memberships, at)
                    && (!self.standing_only || self.org.memberships[at].access == Access::Standing);
                if counts && group != identity && !came.contains_key(&group) {
                    came.insert(group, (row, member));
                    queue.push_back(group);
                }
            }
        }
        let mut at = target;
        while let Some(&(row, below)) = came.get(&at) {
            self.leave(row, found);
            at = below;
        }
    }
}
