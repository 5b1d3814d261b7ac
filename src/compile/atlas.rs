//! What the integers of a rule graph mean: facts to assets, gates to rows.

use super::class_of;
use crate::model::{AssetId, Organisation, RowRef};
use crate::rules::{Class, Fact, Gate, RuleGraphBuilder};

/// What a gate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOrigin {
    /// Signing in, of the identity at this position.
    SignIn(u32),
    /// One row that says so.
    Row(RowRef),
    /// The recovery gate at this position: its inputs are those of its rows, in their order.
    Recovery(u32),
    /// A recovery for many: the one input is the shared fact that the recovery's own gate yields.
    Shared,
    /// Any of several of the target's own assets, or a source that an assumption replaces.
    AnyOf,
}

/// The map between an organisation and its rule graph. Facts of assets are numbered as the assets
/// are; then two per identity (password, second factor); then helpers.
#[derive(Debug)]
pub struct Atlas {
    pub(super) origins: Vec<GateOrigin>,
    assets: u32,
    /// The accounts of the identities in their order.
    accounts: Vec<AssetId>,
    /// For every asset, whether it is a disabled identity.
    disabled: Vec<bool>,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An asset as a whole.
    Asset(AssetId),
    /// The password of the identity at this position.
    Password(u32),
    /// The second factor of the identity at this position.
    Mfa(u32),
    /// Nothing that people know.
    Helper,
}

impl Atlas {
    pub(super) fn new(org: &Organisation, graph: &mut RuleGraphBuilder) -> Self {
        for (_, kind) in org.assets.kinds() {
            graph.fact(class_of(kind));
        }
        for _ in &org.identities {
            graph.fact(Class::Password);
            graph.fact(Class::Mfa);
        }
        let mut disabled = vec![false; org.assets.len()];
        for identity in &org.identities {
            disabled[identity.asset.index()] = !identity.enabled;
        }
        Self {
            origins: Vec::new(),
            assets: org.assets.len() as u32,
            accounts: org
                .identities
                .iter()
                .map(|identity| identity.asset)
                .collect(),
            disabled,
        }
    }

    /// The fact that an asset as a whole is controlled.
    #[must_use]
    pub fn fact(&self, asset: AssetId) -> Fact {
        Fact(asset.0)
    }

    /// The password and second-factor facts of the identity at this position.
    #[must_use]
    pub fn factors(&self, identity: usize) -> [Fact; 2] {
        let first = self.assets + 2 * identity as u32;
        [Fact(first), Fact(first + 1)]
    }

    /// The asset of the identity at this position.
    #[must_use]
    pub fn identity(&self, at: u32) -> Option<AssetId> {
        self.accounts.get(at as usize).copied()
    }

    /// What a fact is about.
    #[must_use]
    pub fn meaning(&self, fact: Fact) -> Meaning {
        if fact.0 < self.assets {
            return Meaning::Asset(AssetId(fact.0));
        }
        let at = fact.0 - self.assets;
        match ((at / 2) < self.accounts.len() as u32, at % 2) {
            (true, 0) => Meaning::Password(at / 2),
            (true, _) => Meaning::Mfa(at / 2),
            (false, _) => Meaning::Helper,
        }
    }

    /// What a gate stands for.
    #[must_use]
    pub fn origin(&self, gate: Gate) -> GateOrigin {
        self.origins[gate.index()]
    }

    /// Whether this is the account of a disabled identity, which nobody can control.
    #[must_use]
    pub fn is_disabled_account(&self, fact: Fact) -> bool {
        self.disabled.get(fact.index()).copied().unwrap_or(false)
    }
}
