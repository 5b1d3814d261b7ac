//! What one reset by itself does not obey.

use rayon::prelude::*;

use super::record::{Approvals, Gates, Outside, Proven, Record};
use super::same::Same;
use super::{Held, Violation, Wrong};
use crate::model::{AssetId, Owner, Proofing, Word};

/// Positions of stages among [`PROCESS_STAGES`](crate::model::PROCESS_STAGES).
pub(super) const POLICY: usize = 0;
const PROOFING: usize = 1;
const APPROVAL: usize = 2;
pub(super) const EXECUTION: usize = 3;
const LOGGING: usize = 4;
pub(super) const REVIEW: usize = 5;

pub(super) fn each(held: Held<'_>, same: &Same) -> Vec<Violation> {
    let gates = Gates::of_all(held);
    let resets = 0..held.org.resets.len() as u32;
    let found = resets
        .into_par_iter()
        .map_init(Outside::default, |outside, at| {
            let mut found = Vec::new();
            if same.counts(held.org, at) {
                one(held, same, &gates, at, outside, &mut found);
            }
            found
        });
    let found: Vec<Vec<Violation>> = found.collect();
    found.into_iter().flatten().collect()
}

/// One reset, what it is held against, and what of that it does not obey.
struct Case<'a, 'f> {
    record: Record<'a>,
    same: &'f Same,
    tier: u8,
    at: u32,
    missing: Vec<&'static str>,
    found: &'f mut Vec<Violation>,
}

fn one<'a>(
    held: Held<'a>,
    same: &Same,
    gates: &[Gates],
    at: u32,
    outside: &mut Outside<'a>,
    found: &mut Vec<Violation>,
) {
    let reset = &held.org.resets[at as usize];
    let Some(identity) = reset.identity else {
        return;
    };
    let Some(account) = held.org.identity_of[identity.index()] else {
        return;
    };
    let Some(tier) = held.tiers[account as usize] else {
        return;
    };
    let mut case = Case {
        record: Record::new(held, gates, at, account, tier),
        same,
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
    case.approvals(identity, |approver| outside.is(held, identity, approver));
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

    fn proofing(&mut self) {
        match self.record.proven() {
            Proven::Enough => {}
            Proven::Weak(level, used, by) => {
                let demand = self.record.demand;
                let needs = demand.proofing.map_or("", Word::word);
                let or = demand.or_methods.map_or(String::new(), |count| {
                    let methods = if count == 1 { "method" } else { "methods" };
                    format!(" or {count} {methods} ({used} {by})")
                });
                let detail = format!("proofing `{}`, needs `{needs}`{or}", level.word());
                self.say(Wrong::ProofingTooWeak, PROOFING, detail);
            }
            Proven::Unknown => self.missing.push("how whoever asked was proven"),
        }
    }

    fn allowed(&mut self) {
        if !self.record.is_allowed() {
            let name = self.record.org.text(self.record.reset.process_name);
            let detail = format!("`{name}` may not reset accounts of tier {}", self.tier);
            self.say(Wrong::ProcessNotAllowed, POLICY, detail);
            return;
        }
        let forbidden = self.record.forbidden();
        if !forbidden.is_empty() {
            let words: Vec<&str> = forbidden.iter().map(|method| method.word()).collect();
            let detail = format!("by {}, which is not allowed", words.join(" and "));
            self.say(Wrong::ProcessNotAllowed, POLICY, detail);
        }
    }

    fn hold(&mut self) {
        let hours = self.record.demand.hold_hours;
        if hours == 0 {
            return;
        }
        match self.record.reset.requested {
            None => self.missing.push("when it was asked for"),
            Some(requested) => {
                let waited = self.record.reset.time - requested;
                if (0..i64::from(hours) * 3600).contains(&waited) {
                    let detail = format!("waited {}, needs {hours} hours", span(waited));
                    self.say(Wrong::HoldCutShort, EXECUTION, detail);
                }
            }
        }
    }

    fn sessions(&mut self) {
        if !self.record.demand.revoke_sessions {
            return;
        }
        let claimed = self
            .record
            .process
            .and_then(|process| process.revokes_sessions);
        let told = self.same.sessions_revoked(self.record.org, self.at);
        match told.or(claimed) {
            Some(true) => {}
            Some(false) => {
                let who = if self.record.reset.sessions_revoked.is_some() {
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
        if self.record.demand.logged && self.same.is_unticketed(self.at) {
            let detail = "the directory knows of it, and no ticket does".to_owned();
            self.say(Wrong::NotLogged, LOGGING, detail);
        }
        let claimed = self.record.process.and_then(|process| process.logged);
        if self.record.demand.logged && claimed == Some(false) {
            let detail = "the process says that it does not log".to_owned();
            self.say(Wrong::NotLogged, LOGGING, detail);
        }
    }

    fn contradictions(&mut self) {
        let claimed: Option<Proofing> = self.record.process.and_then(|process| process.proofing);
        if let (Some(shown), Some(claimed)) = (self.record.reset.proofing, claimed)
            && shown > claimed
        {
            let (shown, claimed) = (shown.word(), claimed.word());
            let detail =
                format!("the record says proofing `{shown}`, the process proves `{claimed}`");
            self.say(Wrong::EvidenceContradictory, PROOFING, detail);
        }
        if let Some(other) = self.same.by_another(self.at) {
            let org = self.record.org;
            let name = |owner: Option<Owner>| owner.map_or(String::new(), |owner| self.name(owner));
            let (one, two) = (
                name(self.record.reset.agent),
                name(org.resets[other as usize].agent),
            );
            let detail = format!("the ticket says that `{one}` did it, the directory `{two}`");
            self.say(Wrong::EvidenceContradictory, EXECUTION, detail);
        }
        if let Some(requested) = self.record.reset.requested
            && requested > self.record.reset.time
        {
            let after = span(requested - self.record.reset.time);
            let detail = format!("asked for {after} after it was done");
            self.say(Wrong::EvidenceContradictory, LOGGING, detail);
        }
    }

    fn approvals(&mut self, identity: AssetId, outside: impl FnMut(AssetId) -> bool) {
        let demanded = self.record.demand.approvers as usize;
        if demanded == 0 {
            return;
        }
        let Approvals { people, wrong } = self.record.approvals(identity, outside);
        if people < demanded {
            let detail = format!("{people} of {demanded} people approved");
            self.say(Wrong::ApprovalsMissing, APPROVAL, detail);
        }
        // One too many who does not count does no harm.
        if people - wrong.len() >= demanded {
            return;
        }
        for (kind, approver) in wrong {
            let who = self.name(approver);
            let detail = match (kind, approver) {
                (Wrong::ApproverOfWrongKind, Owner::Text(_)) => {
                    format!("`{who}`, whom the tables do not know")
                }
                (Wrong::ApproverOfWrongKind, _) => {
                    let kinds = self
                        .record
                        .demand
                        .approver_kinds
                        .iter()
                        .map(|kind| kind.word());
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

    fn name(&self, owner: Owner) -> String {
        match owner {
            Owner::Identity(asset) => self.record.org.assets.get(asset).shown.to_owned(),
            Owner::Text(text) => self.record.org.text(text).to_owned(),
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
