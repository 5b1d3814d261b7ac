//! Tier policies: which account belongs into which reset tier, and what a reset of each tier demands.

use super::{IdentityKind, Method, Proofing, SignalKind, Word, fold, pseudonym};

/// How many tiers there are; 0 is strictest.
pub const TIERS: usize = 4;

/// A tier policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: Box<str>,
    /// What assigns tiers, in the order of the file.
    pub rules: Vec<Rule>,
    /// The tier of an account that no rule assigns one.
    pub otherwise: u8,
    /// What a reset demands, by tier.
    pub demands: [Demand; TIERS],
    /// What a log of resets is held against beside the demands.
    pub watch: Watch,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: Box<str>,
}

/// The rules of the policy that is built in; it demands nothing, which a scan does not ask for.
impl Default for Policy {
    fn default() -> Self {
        let rule = |name: &str, when: When, effect: Effect| Rule {
            name: name.into(),
            when,
            effect,
        };
        let unlocks = |criticality: u8| {
            let when = When {
                criticality: Some(criticality),
                ..When::default()
            };
            let name = format!("unlocks criticality {criticality}");
            rule(&name, when, Effect::Tier(criticality))
        };
        let break_glass = When {
            kinds: vec![IdentityKind::BreakGlass],
            ..When::default()
        };
        let signal = When {
            signals: SignalKind::WORDS.iter().map(|(_, kind)| *kind).collect(),
            ..When::default()
        };
        Self {
            name: "default".into(),
            rules: vec![
                unlocks(0),
                unlocks(1),
                unlocks(2),
                rule("break-glass", break_glass, Effect::Tier(0)),
                rule("threat signal", signal, Effect::Stricter(1)),
            ],
            ..Self::empty()
        }
    }
}

impl Policy {
    /// A policy that says nothing: every account is in the least strict tier.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            name: "none".into(),
            rules: Vec::new(),
            otherwise: TIERS as u8 - 1,
            demands: Default::default(),
            watch: Watch {
                both_within: 0,
                burst: u32::MAX,
                burst_within: 0,
                signal_within: Some(0),
                same_within: 0,
            },
            sha256: Box::default(),
        }
    }
}

impl Policy {
    /// Puts pseudonyms in place of the processes that demands name, as
    /// [`Organisation::redact`](super::Organisation::redact) does.
    pub fn redact_processes(&mut self, key: &str) {
        let names = self
            .demands
            .iter_mut()
            .filter_map(|demand| demand.processes.as_mut());
        for name in names.flatten() {
            *name = pseudonym(key, "process", &fold(name.trim())).into();
        }
    }

    /// Puts numbers in place of everything else that may name somebody.
    pub fn redact(&mut self) {
        if &*self.name != "default" {
            self.name = "redacted".into();
        }
        for (at, rule) in (1..).zip(&mut self.rules) {
            rule.name = format!("rule {at}").into();
            rule.when.groups.clear();
            rule.when.departments.clear();
        }
        for demand in &mut self.demands {
            demand.notify.clear();
        }
    }
}

/// Something that assigns a tier, or makes one stricter, where all of its conditions hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// What it is called.
    pub name: Box<str>,
    /// When it holds.
    pub when: When,
    /// What it does.
    pub effect: Effect,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This tier, or a stricter one if another rule says so.
    Tier(u8),
    /// This tier, whatever the other rules say: the first such rule decides.
    Fixed(u8),
    /// So many tiers stricter than the others say, not below 0; of several the most.
    Stricter(u8),
}

impl Default for Effect {
    fn default() -> Self {
        Self::Tier(0)
    }
}

/// Conditions of a rule; those that are not stated hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    /// It unlocks systems of this criticality or worse; the two below count those alone.
    pub criticality: Option<u8>,
    /// It unlocks at least so many systems.
    pub systems_at_least: Option<u32>,
    /// It unlocks them with no more recoveries than this.
    pub hops_at_most: Option<u32>,
    /// It reaches at least so many other accounts.
    pub accounts_at_least: Option<u32>,
    /// It reaches at least so many mailboxes.
    pub mailboxes_at_least: Option<u32>,
    /// It is of one of these kinds; of any when there is none.
    pub kinds: Vec<IdentityKind>,
    /// It is a member of one of these groups, by their names as written.
    pub groups: Vec<Box<str>>,
    /// It is in one of these departments, as compared.
    pub departments: Vec<Box<str>>,
    /// It has one of these signals.
    pub signals: Vec<SignalKind>,
    /// How long a signal counts, in seconds from when it was seen; for ever when there is no number.
    pub within: Option<i64>,
}

/// What a reset of an account demands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    /// How well whoever asks must be proven, at least.
    pub proofing: Option<Proofing>,
    /// Instead of that so many different methods of one recovery are enough; codes that are sent are one,
    /// what a desk, manager, carrier, vault or question does is none.
    pub or_methods: Option<u32>,
    /// The methods that may be used; any when there is no list.
    pub methods: Option<Vec<Method>>,
    /// The methods that may not be used.
    pub forbidden_methods: Vec<Method>,
    /// The channels that may be used; any when there is no list.
    pub channels: Option<Vec<Channel>>,
    /// The processes that may be used, as written; any when there is no list.
    pub processes: Option<Vec<Box<str>>>,
    /// How many people must approve, beside the agent and whoever asks.
    pub approvers: u32,
    /// What an approver must be; anything when there is none.
    pub approver_kinds: Vec<IdentityKind>,
    /// Whether an approver's own account must not fall with the account that is reset.
    pub approvers_outside: bool,
    /// How long the reset must wait after it was asked for, in hours.
    pub hold_hours: u32,
    /// Whether sessions and tokens must be revoked.
    pub revoke_sessions: bool,
    /// Whether it must be logged.
    pub logged: bool,
    /// Who must be told; no table says whether they were.
    pub notify: Vec<Box<str>>,
    /// Whether the process must say what happens when evidence is missing or contradictory.
    pub escalation: bool,
}

/// What a log of resets is held against beside what its tier demands.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// A password and a factor of one account reset within so many seconds: the AND completed.
    pub both_within: i64,
    /// So many resets by one agent ...
    pub burst: u32,
    /// ... within so many seconds.
    pub burst_within: i64,
    /// A signal counts as open for so many seconds; for ever when there is no number.
    pub signal_within: Option<i64>,
    /// How far a native log and a ticket of one reset may be apart, in seconds.
    pub same_within: i64,
}

/// How a reset is asked for, as tiers allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// By the account's owner alone: links, codes, keys, questions, secrets kept somewhere.
    SelfService,
    /// By a help desk.
    HelpDesk,
    /// By an administrator, or whoever owns the account.
    Administrator,
    /// By a manager's word.
    Manager,
    /// By a carrier of phone numbers.
    Carrier,
}

impl Word for Channel {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("self_service", Self::SelfService),
        ("help_desk", Self::HelpDesk),
        ("administrator", Self::Administrator),
        ("manager", Self::Manager),
        ("carrier", Self::Carrier),
    ];
}

impl Channel {
    /// The channel of a method.
    #[must_use]
    pub fn of(method: Method) -> Self {
        match method {
            Method::HelpDesk => Self::HelpDesk,
            Method::AdminReset | Method::Ownership => Self::Administrator,
            Method::ManagerApproval => Self::Manager,
            Method::Carrier => Self::Carrier,
            _ => Self::SelfService,
        }
    }
}
