//! Recovery gates. One for a single target yields its fact directly. One for a group or `*` with
//! the same sources for all yields one shared fact per (target, what is restored, exceptions), and
//! that fact yields every member's: linear in members plus recoveries. Only sources that are the
//! target's own are written out per member.

use rustc_hash::FxHashMap;

use super::{Assumption, Compiler, GateOrigin};
use crate::model::{
    AssetId, Kind, Method, OwnAsset, Owner, RecoveryGate, Restored, Source, Table, Target,
};
use crate::rules::{Class, Fact};

/// Facts in between, made when first needed.
#[derive(Default)]
pub(super) struct Shared {
    /// "A recovery for all of these has succeeded", by target, what is restored and exceptions.
    of_many: FxHashMap<(Target, Restored, Vec<AssetId>), Fact>,
    /// Never controlled: a source that the target does not have, or nobody in particular.
    nothing: Option<Fact>,
    /// Given whenever a row-satisfying assumption is made.
    pub(super) given: Option<Fact>,
    /// A source that an assumption replaces.
    replaced: FxHashMap<Fact, Fact>,
    /// For every identity and kind the fact of any of its own assets of that kind, plus one; made when
    /// first needed.
    own: Vec<[u32; OwnAsset::COUNT]>,
}

impl Compiler<'_> {
    pub(super) fn recoveries(&mut self) {
        let org = self.org;
        for (at, &gate) in org.gates.iter().enumerate() {
            let process = org
                .recoveries_of(gate)
                .find_map(|recovery| recovery.process);
            if self.unknowns.is_absent(process) {
                continue;
            }
            let own = org
                .recoveries_of(gate)
                .any(|recovery| matches!(recovery.source, Source::Own(_)));
            match gate.target {
                Target::Asset(asset) if org.assets.kind(asset) == Kind::Identity => {
                    if let Some(identity) = org.identity_of[asset.index()] {
                        self.for_identity(at, gate, identity);
                    }
                }
                Target::Asset(asset) if !is_many(org.assets.kind(asset), gate.restores) => {
                    let inputs = self.fixed_inputs(gate);
                    let head = self.atlas.fact(asset);
                    self.recovery_gate(head, at, gate, 1, inputs);
                }
                _ if own => {
                    for identity in self.identities_of(gate) {
                        self.for_identity(at, gate, identity);
                    }
                }
                _ => self.for_many(at, gate),
            }
        }
    }

    fn for_identity(&mut self, at: usize, gate: RecoveryGate, identity: u32) {
        let org = self.org;
        let rows = org.rows_of(gate).iter();
        let inputs = rows.map(|&row| match org.recoveries[row as usize].source {
            Source::Own(own) if !self.edits.is_removed(org, Table::Recoveries, row as usize) => {
                let input = self.own_asset(identity, own);
                self.or_assumed(row, input)
            }
            _ => self.fixed_input(row),
        });
        let inputs: Vec<Fact> = inputs.collect();
        let head = self.restored(identity, gate.restores);
        self.recovery_gate(head, at, gate, 1, inputs);
    }

    /// The gate of a recovery, which may ask for one thing more than its rows say.
    fn recovery_gate(
        &mut self,
        head: Fact,
        at: usize,
        gate: RecoveryGate,
        cost: u32,
        mut inputs: Vec<Fact>,
    ) {
        let mut need = gate.need;
        if self.edits.guarded.contains(&(at as u32)) {
            inputs.push(self.nothing());
            need += 1;
        }
        self.gate(head, need, cost, &inputs, GateOrigin::Recovery(at as u32));
    }

    /// The hop is paid where the shared fact yields a member's, so that a recovery for many is as
    /// far away as one for a single identity.
    fn for_many(&mut self, at: usize, gate: RecoveryGate) {
        let key = (
            gate.target,
            gate.restores,
            self.org.except_of(gate).to_vec(),
        );
        let known = self.shared.of_many.get(&key).copied();
        let head = known.unwrap_or_else(|| {
            let fact = self.graph.fact(Class::Helper);
            self.shared.of_many.insert(key, fact);
            fact
        });
        let inputs = self.fixed_inputs(gate);
        self.recovery_gate(head, at, gate, 0, inputs);
        if known.is_none() {
            for identity in self.identities_of(gate) {
                let restored = self.restored(identity, gate.restores);
                self.gate(restored, 1, 1, &[head], GateOrigin::Shared);
            }
        }
    }

    /// Whom a recovery for many is for, as positions among the identities, in their order.
    fn identities_of(&self, gate: RecoveryGate) -> Vec<u32> {
        let org = self.org;
        let mut excepted: Vec<AssetId> = Vec::new();
        for &asset in org.except_of(gate) {
            if org.assets.kind(asset) == Kind::Group {
                excepted.extend(self.members.speaking().standing_of(asset));
            } else {
                excepted.push(asset);
            }
        }
        excepted.sort_unstable();
        let all: Vec<AssetId> = match gate.target {
            Target::Everyone => org
                .identities
                .iter()
                .map(|identity| identity.asset)
                .collect(),
            Target::Asset(group) => self.members.of(group),
        };
        let mut positions: Vec<u32> = all
            .into_iter()
            .filter(|asset| excepted.binary_search(asset).is_err())
            .filter_map(|asset| org.identity_of[asset.index()])
            .collect();
        positions.sort_unstable();
        positions
    }

    fn restored(&self, identity: u32, restores: Restored) -> Fact {
        let [password, mfa] = self.atlas.factors(identity as usize);
        match restores {
            Restored::Password => password,
            Restored::Mfa => mfa,
            _ => self
                .atlas
                .fact(self.org.identities[identity as usize].asset),
        }
    }

    fn fixed_inputs(&mut self, gate: RecoveryGate) -> Vec<Fact> {
        let org = self.org;
        let rows = org.rows_of(gate).iter();
        rows.map(|&row| self.fixed_input(row)).collect()
    }

    /// The fact that satisfies a row whose source is the same for every target.
    fn fixed_input(&mut self, row: u32) -> Fact {
        if self
            .edits
            .is_removed(self.org, Table::Recoveries, row as usize)
        {
            return self.nothing();
        }
        let input = match self.org.recoveries[row as usize].source {
            Source::Asset(asset) => self.atlas.fact(asset),
            Source::Nobody | Source::Own(_) => self.nothing(),
        };
        self.or_assumed(row, input)
    }

    /// `row <- source`, `row <- assumption` when an assumption satisfies the row whatever its source.
    fn or_assumed(&mut self, row: u32, input: Fact) -> Fact {
        if !self.is_satisfied(row) {
            return input;
        }
        let given = *self
            .shared
            .given
            .get_or_insert_with(|| self.graph.fact(Class::Helper));
        if Some(input) == self.shared.nothing {
            return given;
        }
        if let Some(&known) = self.shared.replaced.get(&input) {
            return known;
        }
        let either = self.graph.fact(Class::Helper);
        self.gate(either, 1, 0, &[input], GateOrigin::AnyOf);
        self.gate(either, 1, 0, &[given], GateOrigin::AnyOf);
        self.shared.replaced.insert(input, either);
        either
    }

    fn is_satisfied(&self, row: u32) -> bool {
        let recovery = &self.org.recoveries[row as usize];
        let proofing = recovery.process.and_then(|process| {
            let raised = self.edits.proofing.get(&process.0).copied();
            raised.or(self.org.processes[process.0 as usize].proofing)
        });
        self.options
            .assumptions
            .iter()
            .any(|assumption| match (assumption, recovery.method) {
                (Assumption::PublicAnswers, Method::SecurityQuestions) => true,
                (
                    Assumption::WeakProofing(level),
                    Method::HelpDesk | Method::Carrier | Method::ManagerApproval,
                ) => proofing.is_none_or(|proofing| proofing <= *level),
                _ => false,
            })
    }

    /// Any of the identity's own assets of one kind satisfies the row; where there is none, nothing
    /// does.
    fn own_asset(&mut self, identity: u32, own: OwnAsset) -> Fact {
        if self.shared.own.is_empty() {
            self.shared.own = vec![[0; OwnAsset::COUNT]; self.org.identities.len()];
        }
        if let Some(known) = self.shared.own[identity as usize][own as usize].checked_sub(1) {
            return Fact(known);
        }
        let assets = self.own_assets(identity, own);
        let fact = match assets[..] {
            [] => self.nothing(),
            [only] => self.atlas.fact(only),
            _ => {
                let any = self.graph.fact(Class::Helper);
                for asset in assets {
                    let input = self.atlas.fact(asset);
                    self.gate(any, 1, 0, &[input], GateOrigin::AnyOf);
                }
                any
            }
        };
        self.shared.own[identity as usize][own as usize] = fact.0 + 1;
        fact
    }

    fn own_assets(&self, identity: u32, own: OwnAsset) -> Vec<AssetId> {
        let org = self.org;
        let bindings = self.bindings_of.of(identity).iter();
        let identity = &org.identities[identity as usize];
        let holders = |kind: Kind| {
            let bindings = bindings.clone();
            bindings
                .filter_map(|&at| org.bindings[at as usize].holder)
                .filter(move |&holder| org.assets.kind(holder) == kind)
        };
        let mut assets: Vec<AssetId> = match own {
            OwnAsset::Mailbox => self.org.list(identity.recovery_mailboxes).to_vec(),
            OwnAsset::Phone => self
                .org
                .list(identity.recovery_phones)
                .iter()
                .copied()
                .chain(holders(Kind::Phone))
                .collect(),
            OwnAsset::Device => holders(Kind::Device).collect(),
            OwnAsset::Owner => match identity.owner {
                Some(Owner::Identity(owner)) => vec![owner],
                _ => Vec::new(),
            },
        };
        assets.sort_unstable();
        assets.dedup();
        assets
    }

    pub(super) fn nothing(&mut self) -> Fact {
        *self
            .shared
            .nothing
            .get_or_insert_with(|| self.graph.fact(Class::Helper))
    }
}

/// Whether a recovery of a group means its members.
fn is_many(kind: Kind, restores: Restored) -> bool {
    kind == Kind::Group && restores != Restored::Membership
}
