//! A tier policy as the document tells it.

use super::{DemandEntry, PolicyEntry};
use crate::model::{Demand, Policy, Word};

/// Name, rules and demands of a policy.
#[must_use]
pub fn policy_entry(policy: &Policy) -> PolicyEntry {
    PolicyEntry {
        name: policy.name.to_string(),
        sha256: policy.sha256.to_string(),
        rules: policy
            .rules
            .iter()
            .map(|rule| rule.name.to_string())
            .collect(),
        otherwise: policy.otherwise,
        demands: policy.demands.iter().map(demand_entry).collect(),
    }
}

fn demand_entry(demand: &Demand) -> DemandEntry {
    DemandEntry {
        proofing: demand.proofing.map(|level| level.word().to_owned()),
        or_methods: demand.or_methods,
        methods: demand.methods.as_deref().map(words),
        forbidden_methods: words(&demand.forbidden_methods),
        channels: demand.channels.as_deref().map(words),
        processes: demand.processes.as_deref().map(texts),
        approvers: demand.approvers,
        approver_kinds: words(&demand.approver_kinds),
        approvers_outside: demand.approvers_outside,
        hold_hours: demand.hold_hours,
        revoke_sessions: demand.revoke_sessions,
        logged: demand.logged,
        notify: texts(&demand.notify),
        escalation: demand.escalation,
    }
}

fn words<W: Word>(words: &[W]) -> Vec<String> {
    words.iter().map(|word| word.word().to_owned()).collect()
}

fn texts(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
