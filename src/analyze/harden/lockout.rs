//! Whose legitimate recovery a change cuts off altogether: the dual of the closure. Somebody who has
//! lost password and session, and has everything else that is theirs, can still get back in if a
//! recovery of theirs can be carried out.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Fix, Twins};
use crate::compile::{Edits, GateOrigin, Meaning, Options, Program, compile_edited};
use crate::model::{AssetId, MailboxKind, Organisation, SignIn, Source, Table};
use crate::rules::{Class, Fact, Gate, Incoming};

/// Changes made one after the other, and who can recover after each.
pub(super) struct Lockout<'a> {
    org: &'a Organisation,
    options: &'a Options,
    twins: &'a Twins,
    edits: Edits,
    program: Program,
    incoming: Incoming,
    personal: FxHashSet<AssetId>,
}

impl<'a> Lockout<'a> {
    pub(super) fn new(org: &'a Organisation, options: &'a Options, twins: &'a Twins) -> Self {
        let edits = Edits::default();
        let program = compile_edited(org, options, &edits);
        let personal = org.mailboxes.iter();
        let personal = personal.filter(|mailbox| mailbox.kind == MailboxKind::Personal);
        Self {
            org,
            options,
            twins,
            edits,
            incoming: Incoming::new(&program.graph),
            program,
            personal: personal.map(|mailbox| mailbox.asset).collect(),
        }
    }

    /// Makes a change; gives the identities (by position) that could recover before it and cannot
    /// after it.
    pub(super) fn with(&mut self, fix: Fix) -> Vec<u32> {
        let asked = self.touched(fix);
        let before: Vec<u32> = asked
            .into_iter()
            .filter(|&at| self.can_recover(at))
            .collect();
        // What a recovery asks for beside the rest is in the hands of the one it is for.
        if !matches!(fix, Fix::Guard(_) | Fix::Enrol(_)) {
            self.twins.apply(self.org, fix, &mut self.edits);
            self.program = compile_edited(self.org, self.options, &self.edits);
            self.incoming = Incoming::new(&self.program.graph);
        }
        before
            .into_iter()
            .filter(|&at| !self.can_recover(at))
            .collect()
    }

    /// Identities whose recoveries a change may touch.
    fn touched(&self, fix: Fix) -> Vec<u32> {
        if matches!(
            fix,
            Fix::Guard(_) | Fix::Enrol(_) | Fix::Raise(_) | Fix::Revoke(_)
        ) {
            return Vec::new();
        }
        let everybody = || (0..self.org.identities.len() as u32).collect();
        let Fix::Remove(recovery) = fix else {
            return everybody();
        };
        let graph = &self.program.graph;
        let mut heads: Vec<Fact> = graph
            .gates()
            .filter(|&gate| self.program.atlas.origin(gate) == GateOrigin::Recovery(recovery))
            .map(|gate| graph.head(gate))
            .collect();
        let mut found: FxHashSet<u32> = FxHashSet::default();
        while let Some(head) = heads.pop() {
            match self.program.atlas.meaning(head) {
                Meaning::Password(at) | Meaning::Mfa(at) => {
                    found.insert(at);
                }
                Meaning::Asset(asset) => match self.org.identity_of[asset.index()] {
                    Some(at) => {
                        found.insert(at);
                    }
                    None => return everybody(),
                },
                Meaning::Helper => heads.extend(graph.uses(head).iter().map(|one| one.head)),
            }
        }
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        found
    }

    fn can_recover(&self, at: u32) -> bool {
        let identity = &self.org.identities[at as usize];
        if !identity.enabled {
            return false;
        }
        let [password, mfa] = self.program.atlas.factors(at as usize);
        let account = self.program.atlas.fact(identity.asset);
        let lost = match identity.sign_in {
            SignIn::Passwordless => mfa,
            _ => password,
        };
        let mut known: FxHashMap<Fact, bool> = FxHashMap::default();
        [lost, account].into_iter().any(|fact| {
            let recoveries = self.incoming.of(fact).iter();
            let mut recoveries = recoveries.filter(|&&gate| self.program.graph.cost(gate) > 0);
            recoveries.any(|&gate| self.fires(gate, identity.asset, &mut known))
        })
    }

    /// Whether enough inputs of a gate can be had without the account of somebody.
    fn fires(&self, gate: Gate, without: AssetId, known: &mut FxHashMap<Fact, bool>) -> bool {
        let graph = &self.program.graph;
        let need = graph.need(gate) as usize;
        let mut had = 0;
        for (slot, &input) in graph.inputs(gate).iter().enumerate() {
            let is_had = self.asks_nobody(gate, slot) || self.can_be_had(input, without, known);
            had += usize::from(is_had);
            if had == need {
                return true;
            }
        }
        false
    }

    /// Whether a row starts from nobody in particular: the one whose account it is can call.
    fn asks_nobody(&self, gate: Gate, slot: usize) -> bool {
        let GateOrigin::Recovery(recovery) = self.program.atlas.origin(gate) else {
            return false;
        };
        let rows = self.org.rows_of(self.org.gates[recovery as usize]);
        rows.get(slot).is_some_and(|&row| {
            self.org.recoveries[row as usize].source == Source::Nobody
                && !self
                    .edits
                    .is_removed(self.org, Table::Recoveries, row as usize)
        })
    }

    /// What is being looked at counts as not to be had: nothing supports itself.
    fn can_be_had(&self, fact: Fact, without: AssetId, known: &mut FxHashMap<Fact, bool>) -> bool {
        if let Some(&known) = known.get(&fact) {
            return known;
        }
        let atlas = &self.program.atlas;
        let had = match (self.program.graph.class(fact), atlas.meaning(fact)) {
            (_, Meaning::Asset(asset)) if asset == without => Some(false),
            (Class::Account, _) => Some(!atlas.is_disabled_account(fact)),
            (Class::Phone | Class::Device | Class::Vault, _) => Some(true),
            (Class::Mailbox, Meaning::Asset(asset)) if self.personal.contains(&asset) => Some(true),
            _ => None,
        };
        if let Some(had) = had {
            return had;
        }
        known.insert(fact, false);
        let mut gates = self.incoming.of(fact).iter();
        let had = gates.any(|&gate| self.fires(gate, without, known));
        if had {
            known.insert(fact, true);
        } else {
            // It may be had another way, of which this one was a part.
            known.remove(&fact);
        }
        had
    }
}
