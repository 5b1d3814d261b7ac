//! What a row of `resets` shows of a demand: the same for the violations and for the forecast.

use indexmap::IndexSet;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Held, Wrong};
use crate::analyze::demands::{Methods, Way, Ways, is_allowed, is_forbidden, is_named};
use crate::analyze::targets::{Targets, Whom};
use crate::model::{
    AssetId, Channel, Demand, Method, Organisation, Owner, Process, Proofing, Reset, Restored,
    Word, fold,
};
use crate::solve::Search;

/// One reset and what it is held against.
pub(super) struct Record<'a> {
    pub org: &'a Organisation,
    pub reset: &'a Reset,
    pub demand: &'a Demand,
    pub process: Option<&'a Process>,
    /// The gates of the process that restore the account; all of them where none does.
    pub ways: Vec<Way>,
}

/// What a process asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates {
    /// Whatever account it is for, each kind of gate once.
    all: IndexSet<Way>,
    /// Of accounts that were reset, with what each restores.
    of: FxHashMap<u32, Vec<(Restored, Way)>>,
    /// For everybody but some.
    wide: Vec<(Vec<u32>, (Restored, Way))>,
}

impl Gates {
    /// What each process asks for, of those that reset something: O(what they restore).
    pub fn of_all(held: Held<'_>) -> Vec<Self> {
        let org = held.org;
        let targets = Targets::new(org, held.standing_only);
        let mut used: FxHashSet<u32> = FxHashSet::default();
        let mut was_reset = vec![false; org.identities.len()];
        for reset in &org.resets {
            used.extend(reset.process.map(|process| process.0));
            let account = reset.identity.and_then(|one| org.identity_of[one.index()]);
            if let Some(account) = account {
                was_reset[account as usize] = true;
            }
        }
        let mut all = Vec::new();
        let ways = Ways::new(org);
        for process in 0..org.processes.len() as u32 {
            let mut gates = Self::default();
            let is_used = used.contains(&process);
            for &(gate, way) in ways.of(process).iter().filter(|_| is_used) {
                let way = *ways.get(way);
                gates.all.insert(way);
                let gate = org.gates[gate as usize];
                let way = (gate.restores, way);
                match targets.of(gate) {
                    Whom::Few(accounts) => {
                        for account in accounts.into_iter().filter(|at| was_reset[*at as usize]) {
                            let known = gates.of.entry(account).or_default();
                            if !known.contains(&way) {
                                known.push(way);
                            }
                        }
                    }
                    Whom::AllBut(out) => gates.wide.push((out, way)),
                }
            }
            all.push(gates);
        }
        all
    }

    /// The gates that restore this of an account; where none does, those that restore anything of it, else
    /// all: it was restored somehow.
    fn for_account(&self, account: u32, restored: Option<Restored>) -> Vec<Way> {
        let own = self.of.get(&account).into_iter().flatten();
        let wide = self.wide.iter();
        let wide = wide.filter(|(out, _)| out.binary_search(&account).is_err());
        let found: Vec<(Restored, Way)> = own.chain(wide.map(|(_, way)| way)).copied().collect();
        let fits = |one: Restored| match restored {
            None => true,
            Some(restored) => one == restored || one == Restored::Account,
        };
        let fitting = found.iter().filter(|(one, _)| fits(*one));
        let fitting: Vec<Way> = fitting.map(|(_, way)| *way).collect();
        if !fitting.is_empty() {
            return fitting;
        }
        if found.is_empty() {
            return self.all.iter().copied().collect();
        }
        found.into_iter().map(|(_, way)| way).collect()
    }
}

/// How whoever asked was proven.
pub(super) enum Proven {
    Enough,
    /// At this level, with so many methods, which the record shows or the process asks for.
    Weak(Proofing, u32, &'static str),
    Unknown,
}

/// Whose accounts stand outside what falls with another one; what one reset needs for its approvers is
/// kept for the next ones of them.
#[derive(Default)]
pub(super) struct Outside<'a> {
    search: Option<Search<'a>>,
    of: Option<AssetId>,
}

impl<'a> Outside<'a> {
    /// Whether an account does not fall with `identity`.
    pub fn is(&mut self, held: Held<'a>, identity: AssetId, account: AssetId) -> bool {
        let (graph, atlas) = (&held.program.graph, &held.program.atlas);
        let search = self.search.get_or_insert_with(|| Search::new(graph));
        if self.of.replace(identity) != Some(identity) {
            // What is assumed falls with every account.
            let seeds = [&[atlas.fact(identity)][..], &held.program.assumed].concat();
            search.run(&seeds);
        }
        account == identity || !search.contains(atlas.fact(account))
    }
}

/// Who approved.
pub(super) struct Approvals {
    /// Everybody once.
    pub people: usize,
    /// Those whose approval does not count.
    pub wrong: Vec<(Wrong, Owner)>,
}

impl<'a> Record<'a> {
    /// A reset of an account of some tier.
    pub fn new(held: Held<'a>, gates: &[Gates], at: u32, account: u32, tier: u8) -> Self {
        let reset = &held.org.resets[at as usize];
        let process = reset.process.map(|id| id.0 as usize);
        let ways = process.map_or(Vec::new(), |at| {
            gates[at].for_account(account, reset.restored)
        });
        Self {
            org: held.org,
            reset,
            demand: &held.policy.demands[usize::from(tier)],
            process: process.map(|at| &held.org.processes[at]),
            ways,
        }
    }

    /// Methods that the record names as evidence.
    fn methods_shown(&self) -> Methods {
        let evidence = self.reset.evidence.iter();
        evidence
            .filter_map(|item| Method::parse(&item.trim().replace([' ', '-'], "_")))
            .collect()
    }

    /// How many different proofs there were, and who says so: the record, else the process, as many as
    /// it asks for at least.
    fn proofs(&self) -> (u32, &'static str) {
        let shown = self.methods_shown();
        if shown.is_empty() {
            let least = self.ways.iter().map(Way::proofs).min();
            return match least {
                None | Some(0) => (0, "shown"),
                Some(least) => (least, "by the process"),
            };
        }
        (shown.proofs(), "shown")
    }

    /// The record's level counts, else the one that the process claims.
    pub fn proven(&self) -> Proven {
        let Some(least) = self.demand.proofing else {
            return Proven::Enough;
        };
        let (used, by) = self.proofs();
        if self.demand.or_methods.is_some_and(|least| used >= least) {
            return Proven::Enough;
        }
        let claimed = self.process.and_then(|process| process.proofing);
        match self.reset.proofing.or(claimed) {
            Some(level) if level >= least => Proven::Enough,
            Some(level) => Proven::Weak(level, used, by),
            None => Proven::Unknown,
        }
    }

    /// Whether the process or channel may be used for accounts of the tier.
    pub fn is_allowed(&self) -> bool {
        match self.process {
            // One that may be used is enough: the record does not say which it was.
            Some(process) if self.ways.is_empty() => is_named(&process.key, self.demand),
            Some(process) => {
                let mut ways = self.ways.iter();
                ways.any(|way| is_allowed(process, way, self.demand))
            }
            // A native log knows channels, not processes.
            None => {
                let name = self.org.text(self.reset.process_name);
                let channels = self.demand.channels.as_ref();
                is_named(&fold(name), self.demand)
                    && channels.is_none_or(|channels| {
                        Channel::parse(name).is_some_and(|channel| channels.contains(&channel))
                    })
            }
        }
    }

    /// The methods of the record that may not be used.
    pub fn forbidden(&self) -> Vec<Method> {
        let shown = self.methods_shown();
        shown
            .iter()
            .filter(|method| is_forbidden(*method, self.demand))
            .collect()
    }

    /// Who approved, each once, and whose word does not count: the agent's, that of the account itself,
    /// of whoever is of no kind that may, and of accounts that are not `outside` what falls.
    pub fn approvals(
        &self,
        identity: AssetId,
        mut outside: impl FnMut(AssetId) -> bool,
    ) -> Approvals {
        let mut people: Vec<Owner> = Vec::new();
        for &approver in &self.reset.approvers {
            if !people.iter().any(|known| self.is_same(*known, approver)) {
                people.push(approver);
            }
        }
        let agent = self.reset.agent;
        let mut wrong = Vec::new();
        for &approver in &people {
            if agent.is_some_and(|agent| self.is_same(agent, approver)) {
                wrong.push((Wrong::ApprovalByAgent, approver));
            } else if approver == Owner::Identity(identity) {
                wrong.push((Wrong::ApprovalByRequester, approver));
            } else if !self.is_right_kind(approver) {
                wrong.push((Wrong::ApproverOfWrongKind, approver));
            } else if let Owner::Identity(account) = approver
                && self.demand.approvers_outside
                && !outside(account)
            {
                wrong.push((Wrong::ApproverInChain, approver));
            }
        }
        Approvals {
            people: people.len(),
            wrong,
        }
    }

    fn is_same(&self, one: Owner, two: Owner) -> bool {
        match (one, two) {
            (Owner::Text(one), Owner::Text(two)) => {
                fold(self.org.text(one)) == fold(self.org.text(two))
            }
            (one, two) => one == two,
        }
    }

    fn is_right_kind(&self, approver: Owner) -> bool {
        let kinds = &self.demand.approver_kinds;
        let kind = match approver {
            Owner::Identity(asset) => {
                self.org.identity_of[asset.index()].map(|at| self.org.identities[at as usize].kind)
            }
            Owner::Text(_) => None,
        };
        kinds.is_empty() || kind.is_some_and(|kind| kinds.contains(&kind))
    }
}
