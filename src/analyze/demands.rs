//! What recovery processes are, held against what the tiers of a policy demand.

use std::collections::BTreeMap;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

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

    /// How many different proofs of a person they are (codes that are sent are one).
    #[must_use]
    pub fn proofs(self) -> u32 {
        let mut proofs: Vec<Proof> = self.iter().filter_map(Proof::of).collect();
        proofs.sort_unstable();
        proofs.dedup();
        proofs.len() as u32
    }
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        let bits = methods.into_iter().map(|method| 1 << method as u32);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

/// What a method proves of whoever asks, as SP 800-63B-4 section 4.2 tells methods apart: codes that are
/// sent are one method by whatever address, and what somebody else does or knows is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Proof {
    /// A recovery code that was kept (4.2.1.1).
    Saved,
    /// A code or link that was sent (4.2.1.2).
    Issued,
    /// A trusted person (4.2.1.3).
    Contact,
    /// An authenticator that is bound to the account (4.2.2.2).
    Authenticator,
    /// Another one.
    SecurityKey,
}

impl Proof {
    fn of(method: Method) -> Option<Self> {
        match method {
            Method::RecoveryCode => Some(Self::Saved),
            Method::EmailLink | Method::SmsCode | Method::VoiceCall => Some(Self::Issued),
            Method::RecoveryContact => Some(Self::Contact),
            Method::Authenticator => Some(Self::Authenticator),
            Method::SecurityKey => Some(Self::SecurityKey),
            Method::SecurityQuestions
            | Method::StoredSecret
            | Method::HelpDesk
            | Method::AdminReset
            | Method::ManagerApproval
            | Method::Ownership
            | Method::Carrier => None,
        }
    }
}

/// A gate of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Way {
    /// How many of its rows it asks for.
    pub need: u32,
    /// How many rows there are of each method.
    rows: [u32; METHODS],
}

/// How many methods there are.
const METHODS: usize = Method::WORDS.len();

impl Way {
    /// A gate that asks for so many of these rows.
    #[must_use]
    pub fn new(need: u32, methods: impl Iterator<Item = Method>) -> Self {
        let mut rows = [0; METHODS];
        for method in methods {
            rows[method as usize] += 1;
        }
        Self { need, rows }
    }

    /// Its methods, with how many rows there are of each.
    fn each(&self) -> impl Iterator<Item = (Method, u32)> {
        let words = Method::WORDS.iter().map(|(_, method)| *method);
        let each = words.map(|method| (method, self.rows[method as usize]));
        each.filter(|(_, count)| *count > 0)
    }

    /// How many different proofs of a person it asks for at least, chosen by whoever wants to give the
    /// fewest: rows that prove nothing come first, then what there is most of.
    #[must_use]
    pub fn proofs(&self) -> u32 {
        let mut rows: BTreeMap<Option<Proof>, u32> = BTreeMap::new();
        for (method, count) in self.each() {
            *rows.entry(Proof::of(method)).or_default() += count;
        }
        let mut left = self.need.saturating_sub(rows.remove(&None).unwrap_or(0));
        let mut rows: Vec<u32> = rows.into_values().collect();
        rows.sort_unstable_by(|one, two| two.cmp(one));
        let mut proofs = 0;
        for count in rows {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(count);
            proofs += 1;
        }
        proofs
    }

    /// How many people besides the one who carries it out it asks for at least, whichever of its rows
    /// are satisfied.
    fn approvals(&self) -> u32 {
        let mut others = 0;
        let mut carried_out = 0;
        for (method, count) in self.each() {
            match method {
                Method::ManagerApproval | Method::RecoveryContact => {}
                Method::HelpDesk | Method::AdminReset => carried_out = 1,
                _ => others += count,
            }
        }
        self.need.saturating_sub(others + carried_out)
    }

    /// Whether nobody gets through it but by one of these channels.
    #[must_use]
    pub fn is_through(&self, channels: &[Channel]) -> bool {
        let others = self
            .each()
            .filter(|(method, _)| !channels.contains(&Channel::of(*method)));
        others.map(|(_, count)| count).sum::<u32>() < self.need
    }
}

/// The gates of every process, with what each asks for: there are few different ways, so each is kept once.
pub struct Ways {
    kinds: IndexSet<Way, FxBuildHasher>,
    /// By process: the positions of its gates and of their ways.
    gates: Vec<Vec<(u32, u32)>>,
    /// By gate: its process, or [`Ways::NONE`].
    processes: Vec<u32>,
}

impl Ways {
    /// No process.
    const NONE: u32 = u32::MAX;

    /// Costs O(rows of `recoveries`).
    #[must_use]
    pub fn new(org: &Organisation) -> Self {
        let mut ways = Self {
            kinds: IndexSet::default(),
            gates: vec![Vec::new(); org.processes.len()],
            processes: Vec::with_capacity(org.gates.len()),
        };
        for (at, &gate) in (0u32..).zip(&org.gates) {
            let first = org.recoveries_of(gate).next();
            let process = first.and_then(|row| row.process);
            ways.processes.push(process.map_or(Self::NONE, |one| one.0));
            if let Some(ProcessId(process)) = process {
                let methods = org.recoveries_of(gate).map(|row| row.method);
                let of_process = &mut ways.gates[process as usize];
                let last = of_process.last().map(|(_, way)| *way);
                let way = add(
                    &mut ways.kinds,
                    Way::new(gate.need, methods),
                    last.unwrap_or(0),
                );
                of_process.push((at, way));
            }
        }
        ways
    }

    /// The positions of a process's gates, each with the position of its way.
    #[must_use]
    pub fn of(&self, process: u32) -> &[(u32, u32)] {
        &self.gates[process as usize]
    }

    /// A way by its position.
    #[must_use]
    pub fn get(&self, way: u32) -> &Way {
        &self.kinds[way as usize]
    }

    /// The process of a gate by its position.
    #[must_use]
    pub fn process(&self, gate: u32) -> Option<u32> {
        let process = self.processes[gate as usize];
        (process != Self::NONE).then_some(process)
    }

    /// The fewest people besides the one who carries it out that a gate of a process asks for; nothing
    /// for a process without gates. Costs O(its gates).
    #[must_use]
    pub fn approvals(&self, process: u32) -> Option<u32> {
        let mut kinds: Vec<u32> = self.of(process).iter().map(|(_, way)| *way).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let approvals = kinds.into_iter().map(|way| self.get(way).approvals());
        approvals.min()
    }
}

/// The position of a way. Gates of a process mostly ask for what its last one did.
fn add(kinds: &mut IndexSet<Way, FxBuildHasher>, way: Way, last: u32) -> u32 {
    match kinds.get_index(last as usize) {
        Some(known) if *known == way => last,
        _ => kinds.insert_full(way).0 as u32,
    }
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
pub fn unmet(process: &Process, way: &Way, demand: &Demand) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let is_proven = demand.proofing.is_none_or(|least| {
        process.proofing.is_some_and(|level| level >= least)
            || demand.or_methods.is_some_and(|least| way.proofs() >= least)
    });
    if !is_proven {
        unmet.push(Unmet::Proofing(process.proofing));
    }
    if !is_allowed(process, way, demand) {
        unmet.push(Unmet::NotAllowed);
    }
    let methods = way.each().map(|(method, _)| method);
    let forbidden: Vec<Method> = methods
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

/// Whether a gate of a process may be used at all.
#[must_use]
pub fn is_allowed(process: &Process, way: &Way, demand: &Demand) -> bool {
    is_named(&process.key, demand)
        && demand
            .channels
            .as_ref()
            .is_none_or(|channels| way.is_through(channels))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_of_a_person_are_counted_as_the_one_who_chooses_would() {
        use Method::*;
        for (need, methods, proofs) in [
            (1, &[HelpDesk][..], 0),
            (1, &[EmailLink], 1),
            (2, &[EmailLink, SmsCode], 1),
            (2, &[EmailLink, Authenticator], 2),
            (2, &[EmailLink, SmsCode, Authenticator], 1),
            (3, &[EmailLink, SmsCode, Authenticator], 2),
            (2, &[EmailLink, SecurityQuestions, Authenticator], 1),
            (2, &[HelpDesk, ManagerApproval], 0),
            (2, &[RecoveryCode, RecoveryContact, SecurityKey], 2),
            (
                4,
                &[SmsCode, SmsCode, Authenticator, Authenticator, RecoveryCode],
                2,
            ),
            (
                5,
                &[SmsCode, SmsCode, Authenticator, Authenticator, RecoveryCode],
                3,
            ),
        ] {
            let way = Way::new(need, methods.iter().copied());
            assert_eq!(way.proofs(), proofs, "{need} of {methods:?}");
        }
        let desk = [Channel::HelpDesk];
        assert!(Way::new(1, [HelpDesk].into_iter()).is_through(&desk));
        assert!(Way::new(2, [HelpDesk, ManagerApproval].into_iter()).is_through(&desk));
        assert!(!Way::new(1, [HelpDesk, EmailLink].into_iter()).is_through(&desk));
        assert!(!Way::new(2, [HelpDesk, EmailLink, SmsCode].into_iter()).is_through(&desk));
        // As wide as a table may be.
        let wide = || std::iter::repeat_n(EmailLink, 1_000_000);
        assert!(!Way::new(1_000_000, wide()).is_through(&desk));
        assert!(Way::new(1_000_001, wide().chain([HelpDesk])).is_through(&desk));
        let shown: Methods = [EmailLink, SmsCode, HelpDesk].into_iter().collect();
        assert_eq!(shown.proofs(), 1);
    }
}
