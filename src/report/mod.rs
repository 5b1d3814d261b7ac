//! Answers in words and rows: chains that people can follow, keys that survive a new export, the
//! document that `tiers.json` is. The only serialized types are here.

mod ahead;
mod cells;
mod chain;
mod changes;
mod document;
mod facts;
mod frameworks;
mod governance;
mod keys;
mod policy;
mod rows;
mod rules;
mod sarif;
mod snapshots;

mod text;
mod things;
mod tiers;

pub use crate::model::row_key;
pub use cells::{Aliases, aliases, cells};
pub use chain::{Chain, Step, Term, chain};
pub use changes::{ChangeRow, change_rows, fix_text, recovery_cells};
pub use document::{
    AssumptionText, BaselineEntry, ChainStep, Counts, CoverageEntry, DemandEntry, Document,
    FactName, FindingEntry, FootholdEntry, IdentityEntry, InputEntry, PolicyEntry, RowEntry,
    SystemEntry, UnlockEntry, WaiverEntry, WorstEntry, schema,
};
pub use facts::{accountable, fact_text, gate_rows};
pub use frameworks::{
    Control, Framework, Frameworks, Misnumbered, controls, frameworks, references, technique,
};
pub use governance::{
    ProcessEntry, StageEntry, UnmetEntry, ViolationEntry, process_entry, stage_owner, time,
    violation_entry,
};
pub use keys::{place, row_entry};
pub use policy::policy_entry;
pub use rows::{RowChange, row_changes};
pub use rules::{RuleEdge, RuleNode, rule_edges, rule_nodes};
pub use sarif::sarif;
pub use snapshots::{Shift, Shifts, shifts};

pub use text::{clipped, code, visible};
pub use things::{recovery_text, thing_owner, thing_rows, thing_text};
pub use tiers::{UnlockSets, chain_entries, document, finding_waiver, unlocks};

use crate::analyze::Scan;
use crate::compile::{Options, Program};
use crate::diag::Sources;
use crate::model::{AssetId, Organisation, Policy};
use crate::rules::Fact;

/// A finished scan with everything it was made of.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The organisation.
    pub org: &'a Organisation,
    /// The texts its rows come from.
    pub sources: &'a Sources,
    /// What it was compiled to.
    pub program: &'a Program,
    /// What was assumed.
    pub options: &'a Options,
    /// The answers.
    pub scan: &'a Scan,
    /// The tier policy.
    pub policy: &'a Policy,
}

impl<'a> View<'a> {
    /// The name of an asset as shown.
    #[must_use]
    pub fn shown(&self, asset: AssetId) -> &'a str {
        self.org.assets.get(asset).shown
    }

    /// The name of a system by its fact.
    #[must_use]
    pub fn system(&self, fact: Fact) -> &'a str {
        self.shown(AssetId(fact.0))
    }

    /// The criticality of a system by its fact.
    #[must_use]
    pub fn criticality(&self, fact: Fact) -> u8 {
        self.scan
            .criticality
            .get(fact.index())
            .copied()
            .unwrap_or(u8::MAX)
    }
}
