//! Groups from below: which memberships put somebody into a group, and what depends on them.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::compile::{GateOrigin, Program};
use crate::model::{Access, AssetId, Kind, Organisation, Restored, Table, Target};
use crate::rules::Fact;

/// The memberships that count, by member.
pub(in crate::analyze) struct Groups {
    /// For every member its rows and the groups that they put it into.
    above: FxHashMap<AssetId, Vec<(u32, AssetId)>>,
    /// For every group what is directly in it.
    below: FxHashMap<AssetId, Vec<AssetId>>,
    /// Groups (and groups inside them) whose members some recovery for many leaves out.
    excepted: FxHashSet<AssetId>,
    /// Groups whose members recoveries are for, and groups inside them.
    targeted: FxHashSet<AssetId>,
    /// For the shared fact of recoveries for many the group they are for.
    targets: FxHashMap<Fact, AssetId>,
}

impl Groups {
    pub(in crate::analyze) fn new(org: &Organisation, standing_only: bool) -> Self {
        let mut groups = Self {
            above: FxHashMap::default(),
            below: FxHashMap::default(),
            excepted: FxHashSet::default(),
            targeted: FxHashSet::default(),
            targets: FxHashMap::default(),
        };
        for (at, row) in (0u32..).zip(&org.memberships) {
            let counts = org.counts(Table::Memberships, at as usize);
            if counts && (!standing_only || row.access == Access::Standing) {
                let above = groups.above.entry(row.member).or_default();
                above.push((at, row.group));
                groups.below.entry(row.group).or_default().push(row.member);
            }
        }
        let (mut excepted, mut targeted) = (Vec::new(), Vec::new());
        for &gate in &org.gates {
            excepted.extend_from_slice(org.except_of(gate));
            if let Target::Asset(asset) = gate.target
                && gate.restores != Restored::Membership
            {
                targeted.push(asset);
            }
        }
        groups.excepted = groups.inside(org, excepted);
        groups.targeted = groups.inside(org, targeted);
        groups
    }

    /// Notes which shared fact is for which group.
    pub(super) fn note_targets(&mut self, org: &Organisation, program: &Program) {
        let graph = &program.graph;
        for gate in graph.gates() {
            if let GateOrigin::Recovery(recovery) = program.atlas.origin(gate)
                && let Target::Asset(target) = org.gates[recovery as usize].target
                && org.assets.kind(target) == Kind::Group
            {
                self.targets.insert(graph.head(gate), target);
            }
        }
    }

    /// The group that the recoveries behind a shared fact are for; none for everybody.
    pub(super) fn target(&self, shared: Fact) -> Option<AssetId> {
        self.targets.get(&shared).copied()
    }

    /// These groups and the groups inside them.
    fn inside(&self, org: &Organisation, roots: Vec<AssetId>) -> FxHashSet<AssetId> {
        let is_group = |asset: AssetId| org.assets.kind(asset) == Kind::Group;
        let mut stack: Vec<AssetId> = roots;
        stack.retain(|&asset| is_group(asset));
        let mut found: FxHashSet<AssetId> = stack.iter().copied().collect();
        while let Some(group) = stack.pop() {
            for &inner in self.below.get(&group).into_iter().flatten() {
                if is_group(inner) && found.insert(inner) {
                    stack.push(inner);
                }
            }
        }
        found
    }

    /// The rows of a member and the groups that they put it into.
    pub(in crate::analyze) fn above(&self, member: AssetId) -> &[(u32, AssetId)] {
        self.above.get(&member).map_or(&[], Vec::as_slice)
    }

    /// Whether leaving the group may end an exception from a recovery.
    pub(in crate::analyze) fn is_excepted(&self, group: AssetId) -> bool {
        self.excepted.contains(&group)
    }

    /// Whether leaving the group may take somebody out of a recovery.
    pub(super) fn is_targeted(&self, group: AssetId) -> bool {
        self.targeted.contains(&group)
    }

    /// Everything that is `member` or in it, nested.
    pub(super) fn all_below(&self, member: AssetId) -> Vec<AssetId> {
        let mut found: FxHashSet<AssetId> = FxHashSet::from_iter([member]);
        let mut list = vec![member];
        let mut at = 0;
        while let Some(&next) = list.get(at) {
            at += 1;
            for &inner in self.below.get(&next).into_iter().flatten() {
                if found.insert(inner) {
                    list.push(inner);
                }
            }
        }
        list
    }

    /// Whether somebody is in a group without one row.
    pub(super) fn is_in_without(&self, member: AssetId, group: AssetId, without: u32) -> bool {
        let mut seen: FxHashSet<AssetId> = FxHashSet::from_iter([member]);
        let mut stack = vec![member];
        while let Some(next) = stack.pop() {
            if next == group {
                return true;
            }
            for &(row, above) in self.above.get(&next).into_iter().flatten() {
                if row != without && seen.insert(above) {
                    stack.push(above);
                }
            }
        }
        false
    }

    /// The rows without any one of which the member would not be in the group.
    pub(super) fn critical_rows(&self, member: AssetId, group: AssetId) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut seen: FxHashSet<AssetId> = FxHashSet::from_iter([member]);
        let mut stack = vec![member];
        while let Some(next) = stack.pop() {
            for &(row, above) in self.above.get(&next).into_iter().flatten() {
                rows.push(row);
                if seen.insert(above) {
                    stack.push(above);
                }
            }
        }
        rows.retain(|&row| !self.is_in_without(member, group, row));
        rows
    }
}
