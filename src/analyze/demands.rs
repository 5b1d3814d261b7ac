//! What recovery processes are, held against what the tiers of a policy demand.

use crate::model::{
    Channel, Demand, Method, Organisation, Process, ProcessId, Proofing, Word, fold,
};

/// Methods, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Methods(u32);

impl Methods {
    /// The methods in it, in the order of their words.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        let words = Method::WORDS.iter().map(|(_, method)| *method);
        words.filter(move |method| self.0 >> *method as u32 & 1 == 1)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        let bits = methods.into_iter().map(|method| 1 << method as u32);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

/// How a process recovers, by the rows of `recoveries` that name it.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The methods of all of its rows.
    pub methods: Methods,
    /// For each of its gates the position, how many methods it asks for, and which it has.
    pub gates: Vec<(u32, u32, Methods)>,
}

/// The ways of every process, by position: O(rows of `recoveries`).
#[must_use]
pub fn ways(org: &Organisation) -> Vec<Ways> {
    let mut ways = vec![Ways::default(); org.processes.len()];
    for (at, &gate) in (0u32..).zip(&org.gates) {
        let process = org.recoveries_of(gate).next().and_then(|row| row.process);
        let Some(ProcessId(process)) = process else {
            continue;
        };
        let methods: Methods = org.recoveries_of(gate).map(|row| row.method).collect();
        let way = &mut ways[process as usize];
        way.methods.0 |= methods.0;
        way.gates.push((at, gate.need, methods));
    }
    ways
}

/// Something that a demand asks for and a process does not do, or does not say of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unmet {
    /// It proves identities at this level, or says nothing of it, and asks for too few methods.
    Proofing(Option<Proofing>),
    /// It is none of the processes, or goes through none of the channels, that are allowed.
    NotAllowed,
    /// It may use these methods, which are not allowed.
    Methods(Vec<Method>),
    /// So many people approve, or it does not say.
    Approvals(Option<u32>),
    /// Resets wait so many hours, or it does not say.
    Hold(Option<u32>),
    /// Sessions stay, or it does not say.
    Sessions(Option<bool>),
    /// Resets are not logged, or it does not say.
    Logged(Option<bool>),
    /// It does not say what happens when evidence is missing.
    Escalation,
}

/// What of a demand a process does not meet, for accounts that one of its gates restores.
#[must_use]
pub fn unmet(process: &Process, gate: (u32, Methods), demand: &Demand) -> Vec<Unmet> {
    let (need, methods) = gate;
    let mut unmet = Vec::new();
    let is_proven = demand.proofing.is_none_or(|least| {
        process.proofing.is_some_and(|level| level >= least)
            || demand.or_methods.is_some_and(|least| need >= least)
    });
    if !is_proven {
        unmet.push(Unmet::Proofing(process.proofing));
    }
    if !is_allowed(process, methods, demand) {
        unmet.push(Unmet::NotAllowed);
    }
    let forbidden: Vec<Method> = methods
        .iter()
        .filter(|method| is_forbidden(*method, demand))
        .collect();
    if !forbidden.is_empty() {
        unmet.push(Unmet::Methods(forbidden));
    }
    if demand.approvers > 0
        && process
            .approvals
            .is_none_or(|count| count < demand.approvers)
    {
        unmet.push(Unmet::Approvals(process.approvals));
    }
    if demand.hold_hours > 0
        && process
            .hold_hours
            .is_none_or(|hours| hours < demand.hold_hours)
    {
        unmet.push(Unmet::Hold(process.hold_hours));
    }
    if demand.revoke_sessions && process.revokes_sessions != Some(true) {
        unmet.push(Unmet::Sessions(process.revokes_sessions));
    }
    if demand.logged && process.logged != Some(true) {
        unmet.push(Unmet::Logged(process.logged));
    }
    if demand.escalation && process.escalation.trim().is_empty() {
        unmet.push(Unmet::Escalation);
    }
    unmet
}

/// Whether a process with these methods may be used at all.
#[must_use]
pub fn is_allowed(process: &Process, methods: Methods, demand: &Demand) -> bool {
    is_named(&process.key, demand)
        && demand.channels.as_ref().is_none_or(|channels| {
            methods
                .iter()
                .any(|method| channels.contains(&Channel::of(method)))
        })
}

/// Whether a process of this name (as compared) is among those that may be used.
#[must_use]
pub fn is_named(key: &str, demand: &Demand) -> bool {
    let named = demand.processes.as_ref();
    named.is_none_or(|names| names.iter().any(|name| *fold(name.trim()) == *key))
}

/// Whether a method may not be used.
#[must_use]
pub fn is_forbidden(method: Method, demand: &Demand) -> bool {
    demand.forbidden_methods.contains(&method)
        || demand
            .methods
            .as_ref()
            .is_some_and(|allowed| !allowed.contains(&method))
}
