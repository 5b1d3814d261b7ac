//! An organisation to a rule graph: one gate per row and its meaning.
//!
//! | row | gate |
//! |---|---|
//! | identity X, `password` | `account(X) <- password(X)` |
//! | identity X, `password+mfa` | `account(X) <- 2 of {password(X), mfa(X)}`; without a binding the factor is not enrolled and the password is enough |
//! | identity X, `passwordless` | `account(X) <- mfa(X)` |
//! | mailbox M: owner O, delegate D, forwarded to F | `M <- O`, `M <- D`, `M <- F` |
//! | binding of X held by H | `mfa(X) <- H` |
//! | holder H of A | `A <- H` |
//! | recovery | `password(T)`, `mfa(T)`, `account(T)`, `group(G)` or the asset `<- need of {sources}`, at the cost of one hop |
//! | member m of G, grant of S to P | `G <- m`, `S <- P` |
//!
//! Gates are made in the order of the tables and their rows, which is the order that settles ties
//! between proofs.

mod assumptions;
mod atlas;
mod edits;
mod members;
mod recoveries;
mod unknown;

pub use assumptions::{Assumption, AssumptionError};
pub use atlas::{Atlas, GateOrigin, Meaning};
pub use edits::Edits;
pub use members::Members;
pub use unknown::Unknown;

use crate::model::{Access, AssetId, Kind, Organisation, RowRef, SignIn, Table};
use crate::rules::{Class, Fact, RuleGraph, RuleGraphBuilder};
use unknown::Unknowns;

/// What a scan assumes beside the tables.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the attacker is given for free.
    pub assumptions: Vec<Assumption>,
    /// Leave eligible grants and memberships out.
    pub standing_only: bool,
    /// What is taken for what the exports could not show.
    pub unknown: Unknown,
}

/// The compiled organisation.
#[derive(Debug)]
pub struct Program {
    /// The rule graph.
    pub graph: RuleGraph,
    /// What its facts and gates mean.
    pub atlas: Atlas,
    /// The facts that the assumptions give, ascending.
    pub assumed: Vec<Fact>,
}

/// Compiles an organisation: O(rows), where a recovery for a group or `*` costs one gate per member
/// and distinct set of exceptions, shared by all recoveries of that set.
#[must_use]
pub fn compile(org: &Organisation, options: &Options) -> Program {
    compile_edited(org, options, &Edits::default())
}

/// Compiles an organisation as it would be after some edits.
#[must_use]
pub fn compile_edited(org: &Organisation, options: &Options, edits: &Edits) -> Program {
    let mut compiler = Compiler::new(org, options, edits);
    compiler.identities();
    compiler.mailboxes();
    compiler.bindings();
    compiler.holdings();
    compiler.recoveries();
    compiler.memberships();
    compiler.grants();
    compiler.finish()
}

struct Compiler<'a> {
    org: &'a Organisation,
    options: &'a Options,
    edits: &'a Edits,
    graph: RuleGraphBuilder,
    atlas: Atlas,
    bindings_of: BindingsOf,
    members: Members,
    unknowns: Unknowns,
    shared: recoveries::Shared,
}

/// The bindings of each identity that count, as positions among the rows: flat, as the graph is.
struct BindingsOf {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl BindingsOf {
    fn new(org: &Organisation, edits: &Edits) -> Self {
        let counted = || {
            let rows = org.bindings.iter().enumerate();
            rows.filter(|(at, _)| !edits.is_removed(org, Table::MfaBindings, *at))
                .filter_map(|(at, row)| Some((org.identity_of[row.identity.index()]?, at as u32)))
        };
        let mut starts = vec![0u32; org.identities.len() + 1];
        for (identity, _) in counted() {
            starts[identity as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts.last().copied().unwrap_or_default() as usize];
        for (identity, row) in counted() {
            let place = &mut next[identity as usize];
            rows[*place as usize] = row;
            *place += 1;
        }
        Self { starts, rows }
    }

    /// Those of the identity at this position, in the order of the rows.
    fn of(&self, identity: u32) -> &[u32] {
        let at = identity as usize;
        &self.rows[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

impl<'a> Compiler<'a> {
    fn new(org: &'a Organisation, options: &'a Options, edits: &'a Edits) -> Self {
        let mut graph = RuleGraphBuilder::new();
        // A row of `recoveries` for many makes more gates than one, most rows make one or none.
        let rows = org.mailboxes.len() * 2
            + org.bindings.len()
            + org.holdings.len()
            + org.memberships.len()
            + org.grants.len();
        let gates = org.identities.len() * 3 + rows + org.gates.len();
        let inputs = org.identities.len() * 4 + rows + org.gate_rows.len();
        graph.reserve(org.assets.len() + 2 * org.identities.len(), gates, inputs);
        let mut atlas = Atlas::new(org, &mut graph);
        atlas.origins.reserve(gates);
        let bindings_of = BindingsOf::new(org, edits);
        let members = Members::new(org, options.standing_only, edits);
        let unknowns = Unknowns::new(org, options.unknown, &members);
        Self {
            org,
            options,
            edits,
            graph,
            atlas,
            bindings_of,
            members,
            unknowns,
            shared: recoveries::Shared::default(),
        }
    }

    /// Adds a gate and what it means. A disabled identity has no account: no gate yields it.
    fn gate(&mut self, head: Fact, need: u32, cost: u32, inputs: &[Fact], origin: GateOrigin) {
        if self.atlas.is_disabled_account(head) || self.edits.is_gone(head) {
            return;
        }
        self.graph.gate(head, need, cost, inputs);
        self.atlas.origins.push(origin);
    }

    fn row_gate(&mut self, head: AssetId, input: AssetId, table: Table, index: usize) {
        let (head, input) = (self.atlas.fact(head), self.atlas.fact(input));
        let row = RowRef {
            table,
            index: index as u32,
        };
        self.gate(head, 1, 0, &[input], GateOrigin::Row(row));
    }

    fn identities(&mut self) {
        let org = self.org;
        for (at, identity) in org.identities.iter().enumerate() {
            let account = self.atlas.fact(identity.asset);
            let [password, mfa] = self.atlas.factors(at);
            let origin = GateOrigin::SignIn(at as u32);
            let is_assumed = !identity.sign_in_stated && self.unknowns.has_factor(identity.asset);
            let is_enrolled = self.edits.enrolled.contains(&(at as u32));
            match identity.sign_in {
                SignIn::Password if is_assumed || is_enrolled => {
                    self.gate(account, 2, 0, &[password, mfa], origin);
                }
                SignIn::PasswordAndMfa if identity.has_binding || is_enrolled => {
                    self.gate(account, 2, 0, &[password, mfa], origin);
                }
                SignIn::Password | SignIn::PasswordAndMfa => {
                    self.gate(account, 1, 0, &[password], origin)
                }
                SignIn::Passwordless => self.gate(account, 1, 0, &[mfa], origin),
            }
        }
    }

    fn mailboxes(&mut self) {
        let org = self.org;
        for (at, mailbox) in org.mailboxes.iter().enumerate() {
            for &reader in mailbox
                .owner
                .iter()
                .chain(org.list(mailbox.delegates))
                .chain(org.list(mailbox.forwards_to))
            {
                if !self.edits.cut.contains(&(at as u32, reader)) {
                    self.row_gate(mailbox.asset, reader, Table::Mailboxes, at);
                }
            }
        }
    }

    fn bindings(&mut self) {
        let org = self.org;
        for (at, binding) in org.bindings.iter().enumerate() {
            if self.edits.is_removed(org, Table::MfaBindings, at) {
                continue;
            }
            let Some(holder) = binding.holder else {
                continue;
            };
            let Some(identity) = org.identity_of[binding.identity.index()] else {
                continue;
            };
            let [_, mfa] = self.atlas.factors(identity as usize);
            let row = RowRef {
                table: Table::MfaBindings,
                index: at as u32,
            };
            self.gate(mfa, 1, 0, &[self.atlas.fact(holder)], GateOrigin::Row(row));
        }
    }

    fn holdings(&mut self) {
        let org = self.org;
        for (at, holding) in org.holdings.iter().enumerate() {
            if !self.edits.is_removed(org, Table::Holdings, at) {
                self.row_gate(holding.asset, holding.holder, Table::Holdings, at);
            }
        }
    }

    fn memberships(&mut self) {
        let org = self.org;
        for (at, membership) in org.memberships.iter().enumerate() {
            if self.counts(membership.access) && !self.edits.is_removed(org, Table::Memberships, at)
            {
                self.row_gate(membership.group, membership.member, Table::Memberships, at);
            }
        }
    }

    fn grants(&mut self) {
        let org = self.org;
        for (at, grant) in org.grants.iter().enumerate() {
            if self.counts(grant.access) && !self.edits.is_removed(org, Table::Grants, at) {
                self.row_gate(grant.system, grant.principal, Table::Grants, at);
            }
        }
    }

    fn counts(&self, access: Access) -> bool {
        !self.options.standing_only || access == Access::Standing
    }

    fn finish(self) -> Program {
        let mut assumed = assumptions::facts(self.org, &self.options.assumptions, &self.atlas);
        assumed.extend(self.shared.given);
        assumed.retain(|&fact| !self.edits.is_gone(fact));
        assumed.sort_unstable();
        assumed.dedup();
        Program {
            graph: self.graph.finish(),
            atlas: self.atlas,
            assumed,
        }
    }
}

fn class_of(kind: Kind) -> Class {
    match kind {
        Kind::Identity => Class::Account,
        Kind::Mailbox => Class::Mailbox,
        Kind::Phone => Class::Phone,
        Kind::Device => Class::Device,
        Kind::Vault => Class::Vault,
        Kind::Group => Class::Group,
        Kind::System => Class::System,
    }
}
