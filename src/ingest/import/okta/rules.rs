//! Self-service reset of Okta: the first policy that a user's groups match, and its first active
//! rule: one of the primary methods, and a step-up where it is required.

use std::collections::BTreeMap;

use super::org::User;
use super::{Import, SOURCE};
use crate::diag::Origin;
use crate::ingest::import::record::Record;
use crate::model::Table;

/// A password policy.
pub(super) struct Policy {
    id: String,
    priority: i64,
    is_active: bool,
    groups: Vec<String>,
    /// Whose passwords it is for: OKTA, ACTIVE_DIRECTORY, LDAP, or anybody's.
    provider: String,
    /// What policies of before the rules say: address, text message, call, question.
    classic: [bool; 4],
}

/// A rule of one.
pub(super) struct Rule {
    from: Origin,
    policy: String,
    priority: i64,
    is_active: bool,
    is_allowed: bool,
    /// Whether it holds wherever somebody is.
    is_anywhere: bool,
    excluded: Vec<String>,
    /// Requirements are kept in another policy.
    is_elsewhere: bool,
    primary: Vec<String>,
    step_up: bool,
    step_up_methods: Vec<String>,
}

pub(super) fn policy(record: &Record<'_>) -> Policy {
    let groups = record
        .record("conditions")
        .and_then(|conditions| conditions.record("people"))
        .and_then(|people| people.record("groups"))
        .map(|groups| groups.list("include"))
        .unwrap_or_default();
    let factors = record
        .record("settings")
        .and_then(|settings| settings.record("recovery"))
        .and_then(|recovery| recovery.record("factors"));
    let is = |name: &str| {
        let factor = factors.as_ref().and_then(|factors| factors.record(name));
        factor.is_some_and(|factor| factor.text("status") == "ACTIVE")
    };
    Policy {
        id: record.text("id").to_lowercase(),
        priority: record.number("priority").unwrap_or(i64::MAX),
        is_active: record.text("status") != "INACTIVE",
        groups: groups.iter().map(|group| group.to_lowercase()).collect(),
        provider: record
            .record("conditions")
            .and_then(|conditions| conditions.record("authProvider"))
            .map(|provider| provider.text("provider"))
            .filter(|provider| provider != "ANY")
            .unwrap_or_default(),
        classic: [
            is("okta_email"),
            is("okta_sms"),
            is("okta_call"),
            is("recovery_question"),
        ],
    }
}

pub(super) fn rule(record: &Record<'_>, policy: &str) -> Rule {
    let reset = record
        .record("actions")
        .and_then(|actions| actions.record("selfServicePasswordReset"));
    let requirement = reset.as_ref().and_then(|reset| reset.record("requirement"));
    let part = |name: &str| {
        requirement
            .as_ref()
            .and_then(|requirement| requirement.record(name))
    };
    let conditions = record.record("conditions");
    let network = conditions
        .as_ref()
        .and_then(|conditions| conditions.record("network"));
    let excluded = conditions
        .as_ref()
        .and_then(|conditions| conditions.record("people")?.record("users"))
        .map(|users| users.list("exclude"))
        .unwrap_or_default();
    let methods = |name: &str| {
        part(name)
            .map(|part| part.list("methods"))
            .unwrap_or_default()
    };
    Rule {
        from: record.origin,
        policy: policy.to_lowercase(),
        priority: record.number("priority").unwrap_or(i64::MAX),
        is_active: record.text("status") != "INACTIVE",
        is_anywhere: network
            .is_none_or(|network| matches!(&*network.text("connection"), "" | "ANYWHERE")),
        excluded: excluded.iter().map(|user| user.to_lowercase()).collect(),
        is_allowed: reset.is_some_and(|reset| reset.text("access") == "ALLOW"),
        is_elsewhere: requirement
            .as_ref()
            .is_some_and(|requirement| requirement.text("accessControl") == "AUTH_POLICY"),
        primary: methods("primary"),
        step_up: part("stepUp").is_some_and(|part| part.flag("required") == Some(true)),
        step_up_methods: methods("stepUp"),
    }
}

/// What answers a method: a source and the method of the table.
type Way = (String, &'static str);

impl Import<'_, '_> {
    pub(super) fn self_service(&mut self) {
        let org = self.org;
        let process = self.process("self-service-reset", "self-service password reset");
        let elsewhere = self.process(
            "account-management",
            "reset by the account management policy",
        );
        if org.policies.is_empty() && org.rules.is_empty() {
            let scope = format!("process:{process}");
            let detail = "no password policies: the mail address alone is taken to reset the password; export /policies?type=PASSWORD and the rules of each";
            let cells = [SOURCE, &*scope, "self_service_reset", "unknown", detail];
            self.maker.coverage(self.whole, cells);
        }
        if org.rules.iter().any(|rule| rule.is_elsewhere) {
            let scope = format!("process:{elsewhere}");
            let detail = "requirements are kept in the account management policy, which is not read: the primary method alone is taken to be enough";
            let cells = [
                SOURCE,
                &*scope,
                "account_management_policy",
                "unknown",
                detail,
            ];
            self.maker.coverage(self.whole, cells);
        }
        let mut policies: Vec<_> = org
            .policies
            .iter()
            .filter(|policy| policy.is_active)
            .collect();
        policies.sort_by_key(|policy| policy.priority);
        let mut rules: Vec<&Rule> = org.rules.iter().filter(|rule| rule.is_active).collect();
        rules.sort_by_key(|rule| rule.priority);
        let mut groups_of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (_, member, group) in &org.members {
            groups_of
                .entry(member.to_lowercase())
                .or_default()
                .push(group);
        }
        for (key, user) in &org.users {
            if user.id.is_empty() {
                continue;
            }
            let of = groups_of.get(key).map_or(&[][..], Vec::as_slice);
            let is_for = |policy: &&&Policy| {
                policy.groups.is_empty()
                    || policy.groups.iter().any(|group| {
                        of.contains(&&**group)
                            || org
                                .groups
                                .get(group)
                                .is_some_and(|(_, _, everyone)| *everyone)
                    })
            };
            let is_own = |policy: &&&Policy| {
                policy.provider.is_empty()
                    || user.provider.is_empty()
                    || policy.provider == user.provider
            };
            let mut of_user = policies.iter().filter(is_own);
            let policy = of_user.find(is_for);
            let rules = rules.iter().filter(|rule| {
                let is_of =
                    policy.is_none_or(|policy| rule.policy.is_empty() || rule.policy == policy.id);
                is_of && !rule.excluded.contains(key)
            });
            let mut has_rules = false;
            for rule in rules {
                has_rules = true;
                if rule.is_allowed {
                    let process = if rule.is_elsewhere {
                        &elsewhere
                    } else {
                        &process
                    };
                    self.by_rule(key, user, rule, process);
                }
                // One for some networks leaves others to the rules behind it: a thief chooses.
                if rule.is_anywhere {
                    break;
                }
            }
            match policy {
                _ if has_rules => {}
                Some(policy) => self.classic(key, user, policy, &process),
                None if org.policies.is_empty() => {
                    let ways = ways(user, "email");
                    self.gates(user, self.from(user).origin, &ways, None, &process);
                }
                None => {}
            }
        }
    }

    fn by_rule(&mut self, key: &str, user: &User, rule: &Rule, process: &str) {
        let primary: Vec<Way> = rule
            .primary
            .iter()
            .flat_map(|method| ways(user, method))
            .collect();
        let asks = rule.step_up && !rule.is_elsewhere;
        let questions = rule
            .step_up_methods
            .iter()
            .any(|method| method == "security_question");
        let step_up: Option<Vec<Way>> = asks.then(|| {
            if questions {
                ways(user, "security_question")
            } else {
                let all = [
                    "email",
                    "sms",
                    "voice",
                    "push",
                    "otp",
                    "webauthn",
                    "signed_nonce",
                ];
                all.iter().flat_map(|method| ways(user, method)).collect()
            }
        });
        self.stepped_up(key, user, rule.from, &primary, step_up.as_deref(), process);
    }

    fn classic(&mut self, key: &str, user: &User, policy: &Policy, process: &str) {
        let [email, sms, voice, question] = policy.classic;
        let on = [(email, "email"), (sms, "sms"), (voice, "voice")];
        let primary: Vec<Way> = on
            .iter()
            .filter(|(on, _)| *on)
            .flat_map(|(_, method)| ways(user, method))
            .collect();
        let step_up = question.then(|| ways(user, "security_question"));
        let origin = self.from(user).origin;
        self.stepped_up(key, user, origin, &primary, step_up.as_deref(), process);
    }

    /// A step-up that nobody can answer because the user's factors are not in the export stops
    /// nobody, at worst.
    fn stepped_up(
        &mut self,
        key: &str,
        user: &User,
        origin: Origin,
        primary: &[Way],
        step_up: Option<&[Way]>,
        process: &str,
    ) {
        let is_unknown = !self.org.with_factors.contains(key);
        let Some(ways) = step_up.filter(|_| is_unknown && !primary.is_empty()) else {
            return self.gates(user, origin, primary, step_up, process);
        };
        let unknown = self.process("unknown-factors", "step-up by factors that are not known");
        let scope = format!("process:{unknown}");
        let detail = "a reset asks for a second method of accounts whose factors are not in the export: it is taken to stop nobody; export /users/ID/factors";
        let cells = [SOURCE, &*scope, "step_up", "unknown", detail];
        self.maker.coverage(self.whole, cells);
        self.gates(user, origin, primary, None, &unknown);
        self.gates(user, origin, primary, Some(ways), process);
    }

    /// One gate for every way through: a primary method and, where it is asked for, another one.
    fn gates(
        &mut self,
        user: &User,
        origin: Origin,
        primary: &[Way],
        step_up: Option<&[Way]>,
        process: &str,
    ) {
        let target = self.reference(user);
        let from = super::From {
            origin,
            object: &user.id,
        };
        for (at, first) in primary.iter().enumerate() {
            let seconds: Vec<Option<&Way>> = match step_up {
                None => vec![None],
                Some(ways) => ways
                    .iter()
                    .filter(|way| way.0.is_empty() || way.0 != first.0)
                    .map(Some)
                    .collect(),
            };
            for (number, second) in seconds.into_iter().enumerate() {
                let gate = second.map(|_| {
                    format!(
                        "{process} of {}: {at}.{number}",
                        target.trim_start_matches("identity:")
                    )
                });
                for (source, method) in std::iter::once(first).chain(second) {
                    self.maker.row(
                        Table::Recoveries,
                        from,
                        &[
                            ("source", source),
                            ("target", &target),
                            ("method", method),
                            ("gate", gate.as_deref().unwrap_or_default()),
                            ("process", process),
                        ],
                    );
                }
            }
        }
    }
}

/// What a user has that answers a method.
fn ways(user: &User, method: &str) -> Vec<Way> {
    let of = |wanted: &str, as_method: &'static str| -> Vec<Way> {
        let own = user.factors.iter().filter(|factor| factor.method == wanted);
        own.map(|factor| (factor.holder.clone(), as_method))
            .collect()
    };
    match method {
        "email" => {
            // The profile's addresses work without enrolment.
            let mut ways = of("email", "email_link");
            for address in [&user.email, &user.second_email] {
                let way = (format!("mailbox:{address}"), "email_link");
                let is_known = ways
                    .iter()
                    .any(|known| known.0.eq_ignore_ascii_case(&way.0));
                if !address.is_empty() && !is_known {
                    ways.push(way);
                }
            }
            ways
        }
        "sms" => of("sms", "sms_code"),
        "voice" => of("voice", "voice_call"),
        "push" => of("push", "authenticator"),
        "otp" => of("otp", "authenticator"),
        "webauthn" => of("webauthn", "security_key"),
        "signed_nonce" => of("signed_nonce", "authenticator"),
        "security_question" if user.has_question => vec![(String::new(), "security_questions")],
        _ => Vec::new(),
    }
}
