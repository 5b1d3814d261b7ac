//! What one reset by itself does not obey.

use rayon::prelude::*;

use super::same::Same;
use super::{Held, Violation, Wrong};
use crate::analyze::demands::{Methods, Ways, is_allowed, is_forbidden, is_named, ways};
use crate::model::{
    AssetId, Channel, Demand, Method, Organisation, Owner, Process, Proofing, Reset, Word, fold,
};
use crate::solve::Search;

/// Positions of stages among [`PROCESS_STAGES`](crate::model::PROCESS_STAGES).
pub(super) const POLICY: usize = 0;
const PROOFING: usize = 1;
const APPROVAL: usize = 2;
pub(super) const EXECUTION: usize = 3;
const LOGGING: usize = 4;
pub(super) const REVIEW: usize = 5;

pub(super) fn each(held: Held<'_>, same: &Same) -> Vec<Violation> {
    let ways = ways(held.org);
    let resets = 0..held.org.resets.len() as u32;
    let found = resets.into_par_iter().map_init(
        || None,
        |search, at| {
            let mut found = Vec::new();
            if same.counts(held.org, at) {
                one(held, same, &ways, at, search, &mut found);
            }
            found
        },
    );
    let found: Vec<Vec<Violation>> = found.collect();
    found.into_iter().flatten().collect()
}

/// One reset and what it is held against.
struct Case<'a, 'f> {
    org: &'a Organisation,
    same: &'f Same,
    reset: &'a Reset,
    demand: &'a Demand,
    process: Option<(&'a Process, &'a Ways)>,
    tier: u8,
    at: u32,
    missing: Vec<&'static str>,
    found: &'f mut Vec<Violation>,
}

fn one<'a>(
    held: Held<'a>,
    same: &Same,
    ways: &'a [Ways],
    at: u32,
    search: &mut Option<Search<'a>>,
    found: &mut Vec<Violation>,
) {
    let reset = &held.org.resets[at as usize];
    let Some(identity) = reset.identity else {
        return;
    };
    let place = held.org.identity_of[identity.index()];
    let Some(tier) = place.and_then(|place| held.tiers[place as usize]) else {
        return;
    };
    let process = reset.process.map(|id| {
        let at = id.0 as usize;
        (&held.org.processes[at], &ways[at])
    });
    let mut case = Case {
        org: held.org,
        same,
        reset,
        demand: &held.policy.demands[usize::from(tier)],
        process,
        tier,
        at,
        missing: Vec::new(),
        found,
    };
    case.proofing();
    case.allowed();
    case.hold();
    case.sessions();
    case.logged();
    case.contradictions();
    let outside = |approver: AssetId| {
        let search = search.get_or_insert_with(|| Search::new(&held.program.graph));
        search.run(&[held.program.atlas.fact(identity)]);
        approver == identity || !search.contains(held.program.atlas.fact(approver))
    };
    case.approvals(identity, outside);
    case.tell_missing();
}

impl Case<'_, '_> {
    fn say(&mut self, kind: Wrong, stage: usize, detail: String) {
        self.found.push(Violation {
            kind,
            resets: vec![self.at],
            stage,
            tier: Some(self.tier),
            detail,
        });
    }

    /// Methods that the record names as evidence.
    fn methods_shown(&self) -> Methods {
        let evidence = self.reset.evidence.iter();
        evidence
            .filter_map(|item| Method::parse(&item.trim().replace([' ', '-'], "_")))
            .collect()
    }

    fn proofing(&mut self) {
        let Some(least) = self.demand.proofing else {
            return;
        };
        let shown = self.methods_shown().count();
        if self.demand.or_methods.is_some_and(|least| shown >= least) {
            return;
        }
        let claimed = self.process.and_then(|(process, _)| process.proofing);
        let or = self.demand.or_methods.map_or(String::new(), |count| {
            format!(" or {count} methods, {shown} shown")
        });
        match self.reset.proofing.or(claimed) {
            Some(level) if level >= least => {}
            Some(level) => self.say(
                Wrong::ProofingTooWeak,
                PROOFING,
                format!("proofing `{}`, needs `{}`{or}", level.word(), least.word()),
            ),
            None => self.missing.push("how whoever asked was proven"),
        }
    }

    fn allowed(&mut self) {
        let name = self.org.text(self.reset.process_name).to_owned();
        let is_allowed = match self.process {
            Some((process, ways)) if ways.methods.is_empty() => is_named(&process.key, self.demand),
            Some((process, ways)) => is_allowed(process, ways.methods, self.demand),
            // A native log knows channels, not processes.
            None => {
                let channels = self.demand.channels.as_ref();
                is_named(&fold(&name), self.demand)
                    && channels.is_none_or(|channels| {
                        Channel::parse(&name).is_some_and(|channel| channels.contains(&channel))
                    })
            }
        };
        if !is_allowed {
            let detail = format!("`{name}` may not reset accounts of tier {}", self.tier);
            self.say(Wrong::ProcessNotAllowed, POLICY, detail);
            return;
        }
        let shown = self.methods_shown();
        let forbidden = shown
            .iter()
            .filter(|method| is_forbidden(*method, self.demand));
        let forbidden: Vec<&str> = forbidden.map(|method| method.word()).collect();
        if !forbidden.is_empty() {
            let detail = format!("by {}, which is not allowed", forbidden.join(" and "));
            self.say(Wrong::ProcessNotAllowed, POLICY, detail);
        }
    }

    fn hold(&mut self) {
        let hours = self.demand.hold_hours;
        if hours == 0 {
            return;
        }
        match self.reset.requested {
            None => self.missing.push("when it was asked for"),
            Some(requested) => {
                let waited = self.reset.time - requested;
                if (0..i64::from(hours) * 3600).contains(&waited) {
                    let detail = format!("waited {}, needs {hours} hours", span(waited));
                    self.say(Wrong::HoldCutShort, EXECUTION, detail);
                }
            }
        }
    }

    fn sessions(&mut self) {
        if !self.demand.revoke_sessions {
            return;
        }
        let claimed = self
            .process
            .and_then(|(process, _)| process.revokes_sessions);
        let told = self.same.sessions_revoked(self.org, self.at);
        match told.or(claimed) {
            Some(true) => {}
            Some(false) => {
                let who = if self.reset.sessions_revoked.is_some() {
                    "the record"
                } else {
                    "the process"
                };
                let detail = format!("{who} says that sessions were not revoked");
                self.say(Wrong::SessionsNotRevoked, EXECUTION, detail);
            }
            None => self.missing.push("whether sessions were revoked"),
        }
    }

    fn logged(&mut self) {
        if self.demand.logged && self.same.is_unticketed(self.at) {
            let detail = "the directory knows of it, and no ticket does".to_owned();
            self.say(Wrong::NotLogged, LOGGING, detail);
        }
        let claimed = self.process.and_then(|(process, _)| process.logged);
        if self.demand.logged && claimed == Some(false) {
            let detail = "the process says that it does not log".to_owned();
            self.say(Wrong::NotLogged, LOGGING, detail);
        }
    }

    fn contradictions(&mut self) {
        let claimed: Option<Proofing> = self.process.and_then(|(process, _)| process.proofing);
        if let (Some(shown), Some(claimed)) = (self.reset.proofing, claimed)
            && shown > claimed
        {
            let (shown, claimed) = (shown.word(), claimed.word());
            let detail =
                format!("the record says proofing `{shown}`, the process proves `{claimed}`");
            self.say(Wrong::EvidenceContradictory, PROOFING, detail);
        }
        if let Some(requested) = self.reset.requested
            && requested > self.reset.time
        {
            let after = span(requested - self.reset.time);
            let detail = format!("asked for {after} after it was done");
            self.say(Wrong::EvidenceContradictory, LOGGING, detail);
        }
    }

    fn approvals(&mut self, identity: AssetId, mut outside: impl FnMut(AssetId) -> bool) {
        let demanded = self.demand.approvers as usize;
        if demanded == 0 {
            return;
        }
        let mut approvers: Vec<Owner> = Vec::new();
        for &approver in &self.reset.approvers {
            if !approvers.iter().any(|known| self.is_same(*known, approver)) {
                approvers.push(approver);
            }
        }
        if approvers.len() < demanded {
            let detail = format!("{} of {demanded} people approved", approvers.len());
            self.say(Wrong::ApprovalsMissing, APPROVAL, detail);
        }
        let mut wrong: Vec<(Wrong, Owner)> = Vec::new();
        for &approver in &approvers {
            let agent = self.reset.agent;
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
        // One too many who does not count does no harm.
        if approvers.len() - wrong.len() >= demanded {
            return;
        }
        for (kind, approver) in wrong {
            let who = self.name(approver);
            let detail = match (kind, approver) {
                (Wrong::ApproverOfWrongKind, Owner::Text(_)) => {
                    format!("`{who}`, whom the tables do not know")
                }
                (Wrong::ApproverOfWrongKind, _) => {
                    let kinds = self.demand.approver_kinds.iter().map(|kind| kind.word());
                    let kinds = kinds.collect::<Vec<_>>().join(", ");
                    format!("`{who}`, who is none of {kinds}")
                }
                (Wrong::ApproverInChain, _) => {
                    format!("`{who}`, whose account falls with the one that was reset")
                }
                _ => format!("`{who}`"),
            };
            self.say(kind, APPROVAL, detail);
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

    fn name(&self, owner: Owner) -> String {
        match owner {
            Owner::Identity(asset) => self.org.assets.get(asset).shown.to_owned(),
            Owner::Text(text) => self.org.text(text).to_owned(),
        }
    }

    /// One violation for everything that nothing shows.
    fn tell_missing(&mut self) {
        if self.missing.is_empty() {
            return;
        }
        let detail = format!("nothing says {}", self.missing.join(", "));
        self.say(Wrong::EvidenceMissing, LOGGING, detail);
    }
}

/// A length of time in words, rounded down.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} seconds"),
        60..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3600),
    }
}
