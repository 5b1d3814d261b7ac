//! What users do themselves: self-service password reset; and what the export does not show.

use std::collections::BTreeSet;

use super::rows::Writer;
use super::tenant::User;
use crate::model::Table;

/// How many methods a reset asks for, and which it takes.
struct Rule {
    need: i64,
    email: bool,
    mobile: bool,
    office: bool,
    app: bool,
    questions: bool,
    process: String,
}

impl Writer<'_, '_> {
    pub(super) fn self_service(&mut self) {
        let users = self.user_rule();
        let admins = self.admin_rule();
        let tenant = self.tenant;
        let allowed = self.allowed();
        for (key, user) in &tenant.users {
            if user.is_guest {
                continue;
            }
            let is_admin = self.protections.get(key).is_some_and(|protection| {
                let two_gate =
                    |role: &String| self.matrix.role(role).is_some_and(|known| known.two_gate);
                protection.roles.iter().any(two_gate)
            });
            let rule = if is_admin { &admins } else { &users };
            let Some(rule) = rule else {
                continue;
            };
            let is_allowed = allowed.as_ref().is_none_or(|allowed| allowed.contains(key));
            if !is_admin && (user.sspr_enabled == Some(false) || !is_allowed) {
                continue;
            }
            // Without write-back an account that comes from elsewhere cannot reset itself here.
            if user.is_synchronised == Some(true)
                && self.maker.settings.flag("hybrid.writeback") == Some(false)
            {
                continue;
            }
            self.gate(key, user, rule);
        }
    }

    /// Ids of the users that a policy for groups covers: direct members of them. Nothing when it is
    /// for everybody.
    fn allowed(&self) -> Option<BTreeSet<String>> {
        let policy = self.tenant.policy.as_ref()?;
        if policy.enablement != 1 || policy.groups.is_empty() {
            return None;
        }
        let members = self.tenant.members.iter().filter(|link| {
            let mut groups = policy.groups.iter();
            groups.any(|group| group.eq_ignore_ascii_case(&link.of))
        });
        Some(members.map(|link| link.principal.to_lowercase()).collect())
    }

    fn user_rule(&mut self) -> Option<Rule> {
        let said = self.maker.settings.get("entra.sspr").map(str::to_owned);
        if said.as_deref() == Some("off") {
            return None;
        }
        let need = said.as_deref().and_then(|methods| methods.parse().ok());
        let from = self.whole();
        if let Some(policy) = self.tenant.policy.clone() {
            if policy.enablement == 0 {
                return None;
            }
            let process = self.process("self-service-reset", "self-service password reset");
            return Some(Rule {
                need: need.unwrap_or(policy.methods.clamp(1, 2)),
                email: policy.email,
                mobile: policy.mobile,
                office: policy.office,
                app: policy.app,
                questions: policy.questions,
                process,
            });
        }
        let process = self.process("self-service-reset", "self-service password reset");
        if need.is_none() {
            let scope = format!("process:{process}");
            let detail = "the self-service reset policy is not in the export: one method is taken to be enough; give the portal's PasswordResetPolicies JSON or `--set entra.sspr=off|1|2`";
            let cells = [
                self.source,
                &*scope,
                "self_service_reset",
                "unknown",
                detail,
            ];
            self.maker.coverage(from, cells);
        }
        let is_on = |methods: &[&str]| {
            let off = &self.tenant.switched_off;
            methods.iter().any(|method| !off.contains(*method))
        };
        Some(Rule {
            need: need.unwrap_or(1),
            email: is_on(&["email"]),
            mobile: is_on(&["sms", "voice"]),
            office: is_on(&["voice"]),
            app: is_on(&["microsoftauthenticator", "softwareoath"]),
            questions: true,
            process,
        })
    }

    /// Administrators: two methods, no questions, on unless it was switched off.
    fn admin_rule(&mut self) -> Option<Rule> {
        if self.tenant.admins_reset == Some(false) {
            return None;
        }
        let process = self.process(
            "administrator-reset",
            "self-service password reset of administrators",
        );
        if self.tenant.admins_reset.is_none() {
            let from = self.whole();
            let scope = format!("process:{process}");
            let detail = "whether administrators reset their own passwords is not in the export; give /policies/authorizationPolicy";
            let cells = [
                self.source,
                &*scope,
                "administrator_reset",
                "unknown",
                detail,
            ];
            self.maker.coverage(from, cells);
        }
        Some(Rule {
            need: 2,
            email: true,
            mobile: true,
            office: false,
            app: true,
            questions: false,
            process,
        })
    }

    fn gate(&mut self, key: &str, user: &User, rule: &Rule) {
        let mut rows: Vec<(String, &str)> = Vec::new();
        if rule.email && !user.recovery_mail.is_empty() {
            rows.push(("own:mailbox".to_owned(), "email_link"));
        }
        if rule.mobile && !user.phones.is_empty() {
            rows.push(("own:phone".to_owned(), "sms_code"));
        }
        if rule.office
            && let Some(phone) = user.office_phones.first()
        {
            rows.push((format!("phone:{phone}"), "voice_call"));
        }
        let devices: Vec<&String> = user
            .factors
            .iter()
            .filter(|factor| factor.resets && factor.holder.starts_with("device:"))
            .map(|factor| &factor.holder)
            .collect();
        if rule.app
            && let Some(first) = devices.first()
        {
            // One app is one method; several are any of them.
            let source = if devices.len() == 1 {
                (*first).clone()
            } else {
                "own:device".to_owned()
            };
            rows.push((source, "authenticator"));
        }
        if rule.questions && user.has_questions {
            rows.push((String::new(), "security_questions"));
        }
        if (rows.len() as i64) < rule.need {
            return;
        }
        let target = self.names[key].clone();
        let name = target.trim_start_matches("identity:");
        let (gate, need) = (format!("{} of {name}", rule.process), rule.need.to_string());
        let from = self.from(user);
        for (source, method) in &rows {
            self.maker.row(
                Table::Recoveries,
                from,
                &[
                    ("source", source),
                    ("target", &target),
                    ("method", method),
                    ("gate", &gate),
                    ("need", &need),
                    ("process", &rule.process),
                ],
            );
        }
        if user.is_synchronised == Some(true) || !user.sid.is_empty() {
            let own = self
                .maker
                .keys
                .own_resets
                .entry(name.to_owned())
                .or_default();
            own.need = rule.need;
            let each = devices.iter().map(|device| (*device).clone());
            let each: Vec<String> = each.collect();
            own.rows = rows
                .into_iter()
                .map(|(source, method)| match source.as_str() {
                    "own:device" => (each.clone(), method.to_owned()),
                    _ => (vec![source], method.to_owned()),
                })
                .collect();
            own.mails.clone_from(&user.recovery_mail);
            own.phones.clone_from(&user.phones);
        }
    }

    /// What the export shows and what it cannot.
    pub(super) fn coverage(&mut self) {
        let tenant = self.tenant;
        let from = self.whole();
        let source = self.source;
        let without = self.made("accounts whose factors are not in the export");
        let mut unknown = 0;
        for (key, user) in &tenant.users {
            if user.factors_known || user.is_guest {
                continue;
            }
            unknown += 1;
            let (own, member) = (self.from(user), self.names[key].clone());
            self.maker.member(own, &member, &without);
        }
        if unknown > 0 {
            let detail = format!(
                "second factors of {unknown} accounts are not in the export: they are taken to sign in with a password alone; export userRegistrationDetails (it leaves disabled accounts out)"
            );
            self.maker
                .coverage(from, [source, &*without, "mfa", "unknown", &*detail]);
        } else {
            let detail = "second factors as registered";
            self.maker
                .coverage(from, [source, "", "mfa", "known", detail]);
        }
        let unseen = tenant
            .users
            .values()
            .filter(|user| !user.shows_recovery)
            .count();
        if unseen > 0 {
            let detail = format!(
                "recovery addresses and phones of {unseen} accounts are not in the export: resets through them are not seen; select otherMails and mobilePhone"
            );
            let cells = [source, "", "recovery_addresses", "unknown", &*detail];
            self.maker.coverage(from, cells);
        }
        if tenant.users.is_empty() {
            let detail = "no users: what follows for them is not seen";
            self.maker
                .coverage(from, [source, "", "users", "unknown", detail]);
        }
        let mut say = |seen: &[&str], aspect: &str, known: &str, unknown: &str| {
            let is_known = seen.iter().any(|document| tenant.seen.contains(document));
            let (state, detail) = if is_known {
                ("known", known)
            } else {
                ("unknown", unknown)
            };
            self.maker
                .coverage(from, [source, "", aspect, state, detail]);
        };
        say(
            &["roleAssignments", "directoryRoles"],
            "roles",
            "active role assignments",
            "no role assignments: nothing privileged is known; export /roleManagement/directory/roleAssignments",
        );
        say(
            &["roleEligibilitySchedules"],
            "eligible_roles",
            "eligible role assignments",
            "no eligible roles: administrators by PIM look harmless; export /roleManagement/directory/roleEligibilityScheduleInstances",
        );
        say(
            &["groupMembers"],
            "group_members",
            "members of groups",
            "no members of groups: roles and rights by membership are not seen",
        );
        say(
            &["servicePrincipals"],
            "applications",
            "applications and their owners as exported",
            "no applications: takeovers through their permissions are not seen",
        );
        let detail = format!("who may reset whom by the matrix of {}", self.matrix.date);
        self.maker
            .coverage(from, [source, "", "reset_matrix", "known", &*detail]);
        let detail =
            "which sign-ins ask for a factor is not read: whoever has one is taken to need it";
        self.maker
            .coverage(from, [source, "", "conditional_access", "unknown", detail]);
        let enabled = tenant
            .users
            .values()
            .filter(|user| user.enabled.is_none())
            .count();
        if enabled > 0 {
            let detail = format!(
                "`accountEnabled` of {enabled} users is not in the export: they are taken as enabled; select it"
            );
            self.maker
                .coverage(from, [source, "", "enabled", "unknown", &*detail]);
        }
    }
}
