//! The whole rule graph in words: its facts and gates as nodes and edges, one after the other, so
//! that nobody has to hold them all.

use super::{View, gate_rows};
use crate::compile::{GateOrigin, Meaning};
use crate::model::{Kind, Table, Word};
use crate::rules::{Class, Fact, Gate};

/// A fact, or a gate of several inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleNode {
    /// The same in every run: what it is and the name as compared.
    pub id: String,
    /// What it is, in one word.
    pub kind: &'static str,
    /// The name as shown.
    pub name: String,
    /// The tier of an identity.
    pub tier: Option<u8>,
    /// The criticality of a system.
    pub criticality: Option<u8>,
    /// How many inputs a gate needs, and how many it has.
    pub need: Option<(u32, u32)>,
}

/// An input that leads to a gate, a gate that yields a fact, or both in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleEdge {
    /// The method of a recovery, or the relation.
    pub kind: String,
    /// The node that it starts from.
    pub from: String,
    /// The node that it leads to.
    pub to: String,
    /// Whether it is a recovery.
    pub is_recovery: bool,
    /// The keys of the rows that say so.
    pub rows: Vec<String>,
}

/// Calls `each` with every fact and every gate of several inputs.
///
/// # Errors
/// Those of `each`, which end it.
pub fn rule_nodes<E>(
    view: &View<'_>,
    each: &mut dyn FnMut(RuleNode) -> Result<(), E>,
) -> Result<(), E> {
    let graph = &view.program.graph;
    let mut tiers = vec![None; view.org.identities.len()];
    for result in &view.scan.identities {
        tiers[result.identity as usize] = result.tier;
    }
    for fact in graph.facts() {
        let mut node = RuleNode {
            id: fact_id(view, fact),
            ..RuleNode::default()
        };
        match view.program.atlas.meaning(fact) {
            Meaning::Asset(asset) => {
                let found = view.org.assets.get(asset);
                node.kind = found.kind.word();
                node.name = found.shown.to_owned();
                node.criticality = (found.kind == Kind::System).then(|| view.criticality(fact));
                let identity = view.org.identity_of[asset.index()];
                node.tier = identity.and_then(|at| tiers[at as usize]);
            }
            Meaning::Password(at) | Meaning::Mfa(at) => {
                let is_password = graph.class(fact) == Class::Password;
                node.kind = if is_password { "password" } else { "factor" };
                node.name = view
                    .shown(view.org.identities[at as usize].asset)
                    .to_owned();
            }
            Meaning::Helper => {
                node.kind = "recovery_for_many";
                node.name = "a recovery for many".to_owned();
            }
        }
        each(node)?;
    }
    for gate in graph.gates().filter(|&gate| graph.inputs(gate).len() > 1) {
        let (need, of) = (graph.need(gate), graph.inputs(gate).len() as u32);
        each(RuleNode {
            id: gate_id(gate),
            kind: "gate",
            name: format!("{need} of {of}"),
            need: Some((need, of)),
            ..RuleNode::default()
        })?;
    }
    Ok(())
}

/// Calls `each` with every edge: a gate of one input is one, of several one per input and one to what
/// it yields.
///
/// # Errors
/// Those of `each`, which end it.
pub fn rule_edges<E>(
    view: &View<'_>,
    each: &mut dyn FnMut(RuleEdge) -> Result<(), E>,
) -> Result<(), E> {
    let graph = &view.program.graph;
    for gate in graph.gates() {
        let inputs = graph.inputs(gate);
        let to = fact_id(view, graph.head(gate));
        let rows = || -> Vec<String> {
            gate_rows(view, gate)
                .into_iter()
                .map(|entry| entry.key)
                .collect()
        };
        let is_recovery = graph.cost(gate) > 0;
        if let [only] = inputs {
            each(RuleEdge {
                kind: how(view, gate, 0),
                from: fact_id(view, *only),
                to,
                is_recovery,
                rows: rows(),
            })?;
            continue;
        }
        for (slot, &input) in (0u32..).zip(inputs) {
            each(RuleEdge {
                kind: how(view, gate, slot),
                from: fact_id(view, input),
                to: gate_id(gate),
                is_recovery: false,
                rows: Vec::new(),
            })?;
        }
        each(RuleEdge {
            kind: "yields".to_owned(),
            from: gate_id(gate),
            to,
            is_recovery,
            rows: rows(),
        })?;
    }
    Ok(())
}

fn gate_id(gate: Gate) -> String {
    format!("linchpin:gate:{}", gate.0)
}

fn fact_id(view: &View<'_>, fact: Fact) -> String {
    let key = |at: u32| {
        view.org
            .assets
            .get(view.org.identities[at as usize].asset)
            .key
    };
    match view.program.atlas.meaning(fact) {
        Meaning::Asset(asset) => {
            let asset = view.org.assets.get(asset);
            format!("linchpin:{}:{}", asset.kind.word(), asset.key)
        }
        Meaning::Password(at) => format!("linchpin:password:{}", key(at)),
        Meaning::Mfa(at) => format!("linchpin:factor:{}", key(at)),
        Meaning::Helper => format!("linchpin:recovery_for_many:{}", fact.0),
    }
}

/// The method or relation by which an input counts.
fn how(view: &View<'_>, gate: Gate, slot: u32) -> String {
    let org = view.org;
    match view.program.atlas.origin(gate) {
        GateOrigin::SignIn(_) => "sign_in".to_owned(),
        GateOrigin::Shared => "resets_member".to_owned(),
        GateOrigin::AnyOf => "any_of".to_owned(),
        GateOrigin::Row(row) => match row.table {
            Table::Mailboxes => "reads",
            Table::MfaBindings => "answers_factor",
            Table::Holdings => "holds",
            Table::Memberships => "member_of",
            _ => "granted",
        }
        .to_owned(),
        GateOrigin::Recovery(recovery) => {
            let rows = org.rows_of(org.gates[recovery as usize]);
            let row = rows.get(slot as usize);
            row.map_or("recovers", |&row| {
                org.recoveries[row as usize].method.word()
            })
            .to_owned()
        }
    }
}
