//! A reset flow of Keycloak as the tree that it is: REQUIRED steps all, ALTERNATIVE ones any (and
//! none counts beside a required one), CONDITIONAL ones where the user has configured them, DISABLED
//! ones never. The ways through it are its disjunctive normal form.

use std::collections::BTreeSet;

use crate::ingest::import::record::Record;

/// What a step asks the person at the other end for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// The link in a mail.
    Mail,
    /// The one-time password that is enrolled already.
    Otp,
    SecurityKey,
    RecoveryCode,
    /// What nobody without the account can answer.
    Never,
}

/// A step.
#[derive(Clone, Debug)]
enum Step {
    Asks(Need),
    /// Nothing is asked.
    Passes,
    /// Steps that must all be taken, and steps of which one is enough.
    Sub {
        required: Vec<Step>,
        alternative: Vec<Step>,
    },
    /// Steps for those who have configured one of these.
    Conditional(Vec<Step>, Vec<Need>),
}

/// The flow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    root: Step,
    /// Whether it sets a new password.
    pub sets_password: bool,
    /// Whether somebody who has a one-time password enrols a new one without showing the old.
    pub enrols_otp: bool,
    /// Steps that are not known.
    pub unknown: Vec<String>,
    /// Steps that were followed.
    steps: usize,
}

/// Steps that are followed: more than any realm has, and flows that name each other end.
const MAX_STEPS: usize = 1000;

impl Flow {
    /// What Keycloak ships.
    pub fn default_flow() -> Self {
        Self {
            root: Step::Asks(Need::Mail),
            sets_password: true,
            enrols_otp: true,
            unknown: Vec::new(),
            steps: 0,
        }
    }

    /// The flow of this name among the flows of a realm.
    pub fn read(name: &str, flows: &[Record<'_>]) -> Option<Self> {
        let mut flow = Self {
            root: Step::Passes,
            sets_password: false,
            enrols_otp: false,
            unknown: Vec::new(),
            steps: 0,
        };
        flow.root = flow.sub(name, flows)?;
        Some(flow)
    }

    fn sub(&mut self, name: &str, flows: &[Record<'_>]) -> Option<Step> {
        let found = flows.iter().find(|flow| flow.text("alias") == name)?;
        let mut executions = found.records("authenticationExecutions");
        executions.sort_by_key(|execution| execution.number("priority").unwrap_or(0));
        let (mut required, mut alternative) = (Vec::new(), Vec::new());
        for execution in &executions {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                let name = "steps without end".to_owned();
                if !self.unknown.contains(&name) {
                    self.unknown.push(name);
                }
                break;
            }
            let requirement = execution.text("requirement").to_uppercase();
            if requirement == "DISABLED" {
                continue;
            }
            // Older exports misspell the key.
            let is_flow =
                execution.any_flag(&["authenticatorFlow", "autheticatorFlow"]) == Some(true);
            let step = if is_flow {
                let alias = execution.text("flowAlias");
                self.sub(&alias, flows).unwrap_or(Step::Passes)
            } else {
                self.step(execution)
            };
            match requirement.as_str() {
                "ALTERNATIVE" => alternative.push(step),
                "CONDITIONAL" => required.push(conditional(step)),
                _ => required.push(step),
            }
        }
        Some(Step::Sub {
            required,
            alternative,
        })
    }

    fn step(&mut self, execution: &Record<'_>) -> Step {
        let name = execution.text("authenticator");
        match name.as_str() {
            "reset-credentials-choose-user"
            | "conditional-user-configured"
            | "conditional-user-role"
            | "conditional-user-attribute"
            | "conditional-level-of-authentication"
            | "allow-access-authenticator"
            | "" => Step::Passes,
            "reset-credential-email" => Step::Asks(Need::Mail),
            "reset-password" => {
                self.sets_password = true;
                Step::Passes
            }
            "reset-otp" => {
                // "Remove none", "one" or "all": in every case a new one is enrolled.
                self.enrols_otp = true;
                Step::Passes
            }
            "auth-otp-form" | "direct-grant-validate-otp" => Step::Asks(Need::Otp),
            "webauthn-authenticator" | "webauthn-authenticator-passwordless" => {
                Step::Asks(Need::SecurityKey)
            }
            "auth-recovery-authn-code-form" => Step::Asks(Need::RecoveryCode),
            "auth-password-form"
            | "auth-username-password-form"
            | "auth-cookie"
            | "deny-access-authenticator" => Step::Asks(Need::Never),
            _ => {
                if !self.unknown.contains(&name) {
                    self.unknown.push(name);
                }
                Step::Passes
            }
        }
    }

    /// The ways through for a user who has configured these, each a set of requirements; one that
    /// asks for more than another is left out.
    pub fn ways(&self, configured: &BTreeSet<Need>) -> Vec<BTreeSet<Need>> {
        let mut ways = self.root.ways(configured);
        ways.retain(|way| !way.contains(&Need::Never));
        ways.sort_by_key(|way| (way.len(), way.clone()));
        ways.dedup();
        let all = ways.clone();
        ways.retain(|way| !all.iter().any(|other| other != way && other.is_subset(way)));
        ways
    }
}

/// A conditional flow asks those who have configured what it asks for.
fn conditional(step: Step) -> Step {
    let mut needs = Vec::new();
    step.needs(&mut needs);
    Step::Conditional(vec![step], needs)
}

impl Step {
    fn needs(&self, needs: &mut Vec<Need>) {
        match self {
            Self::Asks(need) => needs.push(*need),
            Self::Passes => {}
            Self::Sub {
                required,
                alternative,
            } => {
                for step in required.iter().chain(alternative) {
                    step.needs(needs);
                }
            }
            Self::Conditional(steps, _) => {
                for step in steps {
                    step.needs(needs);
                }
            }
        }
    }

    fn ways(&self, configured: &BTreeSet<Need>) -> Vec<BTreeSet<Need>> {
        match self {
            Self::Asks(need) => vec![BTreeSet::from([*need])],
            Self::Passes => vec![BTreeSet::new()],
            Self::Conditional(steps, needs) => {
                let is_configured = needs.iter().any(|need| {
                    configured.contains(need) || matches!(need, Need::Mail | Need::Never)
                });
                if needs.is_empty() || !is_configured {
                    return vec![BTreeSet::new()];
                }
                all(steps, configured)
            }
            Self::Sub {
                required,
                alternative,
            } => {
                if required.is_empty() && !alternative.is_empty() {
                    let ways: BTreeSet<BTreeSet<Need>> = alternative
                        .iter()
                        .flat_map(|step| step.ways(configured))
                        .collect();
                    return ways.into_iter().collect();
                }
                all(required, configured)
            }
        }
    }
}

/// Every choice of a way through each step.
fn all(steps: &[Step], configured: &BTreeSet<Need>) -> Vec<BTreeSet<Need>> {
    let mut ways = vec![BTreeSet::new()];
    for step in steps {
        let own = step.ways(configured);
        ways = ways
            .iter()
            .flat_map(|way| own.iter().map(|more| way.union(more).copied().collect()))
            .collect();
        ways.sort();
        ways.dedup();
    }
    ways
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::diag::FileId;
    use crate::ingest::json::Text;

    fn flow(text: &str) -> Flow {
        let value: &serde_json::value::RawValue = serde_json::from_str(text).unwrap();
        let top = Record::object(Text::new(FileId(0), text), value).unwrap();
        Flow::read("reset", &top.records("flows")).unwrap()
    }

    fn ways(flow: &Flow, configured: &[Need]) -> Vec<Vec<Need>> {
        let configured = configured.iter().copied().collect();
        let ways = flow.ways(&configured).into_iter();
        ways.map(|way| way.into_iter().collect()).collect()
    }

    #[test]
    fn the_default_flow_enrols_a_new_factor_by_mail_alone() {
        let flow = flow(
            r#"{"flows":[{"alias":"reset","authenticationExecutions":[
              {"authenticator":"reset-credentials-choose-user","requirement":"REQUIRED","priority":10},
              {"authenticator":"reset-credential-email","requirement":"REQUIRED","priority":20},
              {"authenticator":"reset-password","requirement":"REQUIRED","priority":30},
              {"authenticatorFlow":true,"requirement":"CONDITIONAL","priority":40,"flowAlias":"otp"}]},
             {"alias":"otp","authenticationExecutions":[
              {"authenticator":"conditional-user-configured","requirement":"REQUIRED"},
              {"authenticator":"reset-otp","requirement":"REQUIRED"}]}]}"#,
        );
        assert!(flow.sets_password && flow.enrols_otp && flow.unknown.is_empty());
        assert_eq!(ways(&flow, &[Need::Otp]), [vec![Need::Mail]]);
    }

    #[test]
    fn required_alternative_conditional_and_disabled() {
        let flow = flow(
            r#"{"flows":[{"alias":"reset","authenticationExecutions":[
              {"autheticatorFlow":true,"requirement":"REQUIRED","flowAlias":"either"},
              {"authenticatorFlow":true,"requirement":"CONDITIONAL","flowAlias":"otp"},
              {"authenticator":"reset-password","requirement":"REQUIRED"},
              {"authenticator":"reset-otp","requirement":"DISABLED"},
              {"authenticator":"captcha-of-our-own","requirement":"REQUIRED"}]},
             {"alias":"either","authenticationExecutions":[
              {"authenticator":"reset-credential-email","requirement":"ALTERNATIVE"},
              {"authenticator":"webauthn-authenticator","requirement":"ALTERNATIVE"}]},
             {"alias":"otp","authenticationExecutions":[
              {"authenticator":"conditional-user-configured","requirement":"REQUIRED"},
              {"authenticator":"auth-otp-form","requirement":"REQUIRED"}]}]}"#,
        );
        assert!(flow.sets_password && !flow.enrols_otp);
        assert_eq!(flow.unknown, ["captcha-of-our-own"]);
        assert_eq!(
            ways(&flow, &[]),
            [vec![Need::Mail], vec![Need::SecurityKey]]
        );
        assert_eq!(
            ways(&flow, &[Need::Otp]),
            [
                vec![Need::Mail, Need::Otp],
                vec![Need::Otp, Need::SecurityKey]
            ]
        );
    }

    #[test]
    fn flows_that_name_themselves_end() {
        let flow = flow(
            r#"{"flows":[{"alias":"reset","authenticationExecutions":[
              {"authenticatorFlow":true,"requirement":"REQUIRED","flowAlias":"reset"}]}]}"#,
        );
        assert_eq!(flow.unknown, ["steps without end"]);
        assert_eq!(ways(&flow, &[]), [Vec::new()]);
    }

    #[test]
    fn flows_that_name_themselves_twice_end() {
        let flow = flow(
            r#"{"flows":[{"alias":"reset","authenticationExecutions":[
              {"authenticatorFlow":true,"requirement":"ALTERNATIVE","flowAlias":"reset"},
              {"authenticatorFlow":true,"requirement":"ALTERNATIVE","flowAlias":"reset"},
              {"authenticator":"reset-credential-email","requirement":"ALTERNATIVE"}]}]}"#,
        );
        assert_eq!(flow.unknown, ["steps without end"]);
        assert!(ways(&flow, &[]).len() <= 2);
    }
}
