//! Whom a recovery restores: the accounts that it is for and that have what it asks of them.

use crate::compile::{Edits, Members};
use crate::model::{
    AssetId, Kind, Organisation, OwnAsset, Owner, RecoveryGate, Restored, Source, Target,
};

/// Accounts, by position, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// These.
    Few(Vec<u32>),
    /// Everybody but these.
    AllBut(Vec<u32>),
}

/// What is needed to tell whom recoveries restore.
pub struct Targets<'a> {
    org: &'a Organisation,
    members: Members,
    /// By account: which kinds of `own:` sources it has, a bit each.
    has: Vec<u8>,
}

impl<'a> Targets<'a> {
    /// Costs O(identities + bindings + memberships).
    #[must_use]
    pub fn new(org: &'a Organisation, standing_only: bool) -> Self {
        let mut held = vec![0u8; org.assets.len()];
        for binding in &org.bindings {
            let own = binding.holder.map(|holder| org.assets.kind(holder));
            let own = match own {
                Some(Kind::Phone) => OwnAsset::Phone,
                Some(Kind::Device) => OwnAsset::Device,
                _ => continue,
            };
            held[binding.identity.index()] |= bit(own);
        }
        let has = org.identities.iter().map(|identity| {
            let mut has = held[identity.asset.index()];
            let mut note = |own: OwnAsset, is: bool| has |= if is { bit(own) } else { 0 };
            let mails = org.list(identity.recovery_mailboxes);
            note(OwnAsset::Mailbox, !mails.is_empty());
            note(
                OwnAsset::Phone,
                !org.list(identity.recovery_phones).is_empty(),
            );
            let is_account = matches!(identity.owner, Some(Owner::Identity(_)));
            note(OwnAsset::Owner, is_account);
            has
        });
        Self {
            org,
            members: Members::new(org, standing_only, &Edits::default()),
            has: has.collect(),
        }
    }

    /// Whom a recovery restores: O(those it is for).
    #[must_use]
    pub fn of(&self, gate: RecoveryGate) -> Whom {
        let mut few = Vec::new();
        match self.add_few(gate, &mut few) {
            None => Whom::Few(few),
            Some(out) => Whom::AllBut(out),
        }
    }

    /// Adds the accounts that a recovery restores, ascending, to others. Adds none where that is everybody
    /// but some, and gives those.
    pub fn add_few(&self, gate: RecoveryGate, few: &mut Vec<u32>) -> Option<Vec<u32>> {
        let org = self.org;
        let place = |asset: AssetId| org.identity_of[asset.index()];
        let asked = self.asked(gate);
        let can = |account: &u32| match &asked {
            None => true,
            Some((others, own)) => {
                let has = self.has[*account as usize];
                let own = own.iter().filter(|own| has & bit(**own) != 0).count();
                others + own >= gate.need as usize
            }
        };
        let Target::Asset(target) = gate.target else {
            let mut out = self.left_out(gate);
            if asked.is_some() {
                let all = 0..org.identities.len() as u32;
                out.extend(all.filter(|account| !can(account)));
                out.sort_unstable();
                out.dedup();
            }
            return Some(out);
        };
        match org.assets.kind(target) {
            Kind::Identity => few.extend(place(target).filter(can)),
            Kind::Group if gate.restores != Restored::Membership => {
                let out = self.left_out(gate);
                let inside = self.members.of(target).into_iter().filter_map(place);
                let start = few.len();
                few.extend(inside.filter(|at| out.binary_search(at).is_err() && can(at)));
                few[start..].sort_unstable();
            }
            _ => {}
        }
        None
    }

    /// How many rows everybody satisfies alike, and what the others ask of one's own; nothing where all
    /// are of the first kind.
    fn asked(&self, gate: RecoveryGate) -> Option<(usize, Vec<OwnAsset>)> {
        let rows = self.org.recoveries_of(gate);
        let own = rows.filter_map(|row| match row.source {
            Source::Own(own) => Some(own),
            _ => None,
        });
        let own: Vec<OwnAsset> = own.collect();
        let others = self.org.rows_of(gate).len() - own.len();
        (!own.is_empty()).then_some((others, own))
    }

    /// The accounts that a recovery for many leaves out, ascending.
    fn left_out(&self, gate: RecoveryGate) -> Vec<u32> {
        let org = self.org;
        let mut out: Vec<u32> = Vec::new();
        let place = |asset: AssetId| org.identity_of[asset.index()];
        for &asset in org.except_of(gate) {
            match org.assets.kind(asset) {
                Kind::Group => {
                    out.extend(
                        self.members
                            .standing_of(asset)
                            .into_iter()
                            .filter_map(place),
                    );
                }
                _ => out.extend(place(asset)),
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }
}

fn bit(own: OwnAsset) -> u8 {
    match own {
        OwnAsset::Mailbox => 1,
        OwnAsset::Phone => 2,
        OwnAsset::Device => 4,
        OwnAsset::Owner => 8,
    }
}
