//! Keycloak: the export of a realm in one file or in several. The reset flow is evaluated as the tree
//! that it is ([`flow`]); secrets of credentials are never read.
//!
//! | in the export | becomes |
//! |---|---|
//! | user | identity, named by its user name, its id an alias; its address a mailbox |
//! | credentials | MFA bindings |
//! | groups, roles, composite roles | memberships |
//! | manage-users, impersonation | recovery of every account of the realm |
//! | reset flow | a gate per way through it, for the password and for the one-time password that it enrols anew |

mod flow;
mod roles;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::keys::Key;
use super::record::Record;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic, Origin};
use crate::model::Table;
use flow::{Flow, Need};

const SOURCE: &str = "keycloak";

/// The importer.
pub struct Keycloak;

impl Importer for Keycloak {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Keycloak realm export"
    }

    fn documents(&self) -> &'static [Document] {
        &[
            Document {
                name: "realm",
                obtain: "`kc.sh export --dir out --realm REALM --users realm_file`; the console's partial export holds no users",
                yields: "accounts, groups, roles, the reset flow",
            },
            Document {
                name: "users",
                obtain: "`kc.sh export --dir out --realm REALM`: REALM-users-N.json, all of them",
                yields: "accounts",
            },
        ]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head.form() != Form::Json || !head.has(&["realm"]) {
            return None;
        }
        let is_realm = [
            "authenticationFlows",
            "resetPasswordAllowed",
            "resetCredentialsFlow",
            "defaultRole",
        ];
        if is_realm.iter().any(|key| head.has(&[key])) {
            return Some("realm");
        }
        (head.has(&["users"]) || head.has(&["federatedUsers"])).then_some("users")
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let shapes: Vec<_> = files
            .iter()
            .map(|file| (file, file.read(self, maker)))
            .collect();
        let mut realms: BTreeMap<String, Realm<'_>> = BTreeMap::new();
        for (file, shape) in &shapes {
            for record in &shape.records {
                let name = record.text("realm");
                let realm = realms.entry(name.clone()).or_insert_with(|| Realm {
                    name,
                    origin: file.origin(),
                    top: None,
                    users: Vec::new(),
                    held: RefCell::default(),
                });
                realm.users.extend(record.records("users"));
                if file.document == "realm" {
                    realm.top = Some(record.clone());
                    realm.origin = file.origin();
                }
            }
        }
        // Names are unique in a realm: where two realms have one, its accounts are told apart.
        let mut count: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for realm in realms.values() {
            for user in &realm.users {
                let name = user.text("username").to_lowercase();
                count.entry(name).or_default().insert(&realm.name);
            }
        }
        let shared = count.into_iter().filter(|(_, realms)| realms.len() > 1);
        let shared: BTreeSet<String> = shared.map(|(name, _)| name).collect();
        for realm in realms.values() {
            realm.write(&shared, maker);
        }
        // Roles of the realm `master` may be for any realm.
        let master = realms.get("master");
        for realm in realms.values() {
            realm.powers(master.unwrap_or(realm), maker);
        }
    }
}

struct Realm<'a> {
    name: String,
    origin: Origin,
    top: Option<Record<'a>>,
    users: Vec<Record<'a>>,
    /// Roles that somebody holds, as groups.
    held: RefCell<BTreeSet<String>>,
}

/// A second factor of a user, and the requirement of flows that it answers.
struct Factor {
    word: &'static str,
    need: Need,
    holder: String,
}

impl<'a> Realm<'a> {
    fn whole(&self) -> From<'_> {
        From {
            origin: self.origin,
            object: &self.name,
        }
    }

    fn made(&self, what: &str) -> String {
        format!("group:{}: {what}", self.name)
    }

    fn process(&self, id: &str, name: &str, maker: &mut Maker<'_>) -> String {
        let full = format!("keycloak/{}/{id}", self.name);
        maker.process(self.whole(), &full, &format!("Keycloak: {name}"));
        full
    }

    fn write(&self, shared: &BTreeSet<String>, maker: &mut Maker<'_>) {
        let flow = self.flow(maker);
        for user in &self.users {
            let name = user.text("username");
            let name = if shared.contains(&name.to_lowercase()) {
                format!("{name}@{}", self.name)
            } else {
                name
            };
            self.user(user, &name, flow.as_ref(), maker);
        }
        if let Some(top) = &self.top {
            self.groups(&top.records("groups"), None, maker);
            self.roles(top, maker);
        }
        let whole = self.whole();
        let scope = &*self.name;
        if self.top.is_none() {
            let detail = "the file of the realm is not among the inputs: neither its roles nor its reset flow are seen";
            maker.coverage(whole, [SOURCE, scope, "realm", "unknown", detail]);
        }
        if self.users.is_empty() {
            let detail = "no users: a partial export of the console holds none; use `kc.sh export --users realm_file`";
            maker.coverage(whole, [SOURCE, scope, "users", "unknown", detail]);
        }
        maker.coverage(
            whole,
            [SOURCE, scope, "mfa", "known", "second factors as enrolled"],
        );
    }

    /// The ways through the reset flow, where reset is allowed at all.
    fn flow(&self, maker: &mut Maker<'_>) -> Option<Flow> {
        let top = self.top.as_ref()?;
        if top.flag("resetPasswordAllowed") != Some(true) {
            return None;
        }
        let name = top.text("resetCredentialsFlow");
        let name = if name.is_empty() {
            "reset credentials".to_owned()
        } else {
            name
        };
        let flows = top.records("authenticationFlows");
        if flows.is_empty() {
            return Some(Flow::default_flow());
        }
        let flow = Flow::read(&name, &flows);
        if flow.is_none() {
            let message = format!(
                "realm `{}` has no flow `{name}`, which it resets credentials by",
                self.name
            );
            maker.say(Diagnostic::new(Code::AmbiguousExport, message).in_file(self.origin.file));
        }
        let flow = flow?;
        for step in &flow.unknown {
            let process = self.process(
                "unknown-step",
                "steps of the reset flow that are not known",
                maker,
            );
            let scope = format!("process:{process}");
            let detail = format!(
                "the reset flow has a step `{step}` that is not known: it is taken to stop nobody; a reset that asks for nothing else is one by `--assume weak-proofing`"
            );
            maker.coverage(
                self.whole(),
                [SOURCE, &*scope, "reset_flow", "unknown", &*detail],
            );
        }
        Some(flow)
    }

    fn user(&self, user: &Record<'_>, name: &str, flow: Option<&Flow>, maker: &mut Maker<'_>) {
        let id = user.text("id");
        if name.is_empty() {
            return maker.leave_out("users without a name");
        }
        let from = From {
            origin: user.origin,
            object: &id,
        };
        let reference = format!("identity:{name}");
        let is_service = !user.text("serviceAccountClientId").is_empty();
        let email = user.text("email").replace(';', ",");
        let full = [user.text("firstName"), user.text("lastName")].join(" ");
        maker.row(
            Table::Identities,
            from,
            &[
                ("id", &own_id(name)),
                ("kind", if is_service { "service" } else { "" }),
                ("name", full.trim()),
                (
                    "enabled",
                    if user.flag("enabled") == Some(false) {
                        "false"
                    } else {
                        ""
                    },
                ),
                ("aliases", &id),
            ],
        );
        maker.keys.declare(name, SOURCE);
        maker.keys.add(Key::ObjectId, &id, name);
        maker.keys.add(Key::Login, name, name);
        maker.keys.add(Key::Address, &email, name);
        let accounts = self.made("all accounts");
        maker.member(from, &reference, &accounts);
        if !email.is_empty() {
            let row = [("id", &*format!("mailbox:{email}")), ("owner", &reference)];
            maker.row(Table::Mailboxes, from, &row);
        }
        let factors = factors(user, name);
        for factor in &factors {
            let row = [
                ("identity", &*reference),
                ("factor", factor.word),
                ("holder", &*factor.holder),
            ];
            maker.row(Table::MfaBindings, from, &row);
        }
        for group in user.list("groups") {
            let group = self.group(&group);
            maker.member(from, &reference, &group);
        }
        for role in user.list("realmRoles") {
            self.holds(from, &reference, "", &role, maker);
        }
        for (client, roles) in user.named_lists("clientRoles") {
            for role in roles {
                self.holds(from, &reference, &client, &role, maker);
            }
        }
        if !user.text("federationLink").is_empty() {
            return maker.leave_out("resets of users whose password is kept in another directory");
        }
        if let Some(flow) = flow.filter(|_| !is_service) {
            self.reset(from, name, &email, &factors, flow, maker);
        }
    }

    /// One gate per way through the flow, for the password and for what it enrols anew.
    fn reset(
        &self,
        from: From<'_>,
        name: &str,
        email: &str,
        factors: &[Factor],
        flow: &Flow,
        maker: &mut Maker<'_>,
    ) {
        let process = match flow.unknown.is_empty() {
            true => self.process("reset", "self-service reset of credentials", maker),
            false => self.process(
                "unknown-step",
                "steps of the reset flow that are not known",
                maker,
            ),
        };
        let target = format!("identity:{name}");
        let has_otp = factors.iter().any(|factor| factor.need == Need::Otp);
        let mut restored = Vec::new();
        if flow.sets_password {
            restored.push("password");
        }
        if flow.enrols_otp && has_otp {
            restored.push("mfa");
        }
        let configured: BTreeSet<Need> = factors.iter().map(|factor| factor.need).collect();
        for (number, way) in flow.ways(&configured).into_iter().enumerate() {
            // Every requirement has its answers; a way without one is closed.
            let mut gates: Vec<Vec<(String, &str)>> = vec![Vec::new()];
            for need in way {
                let answers: Vec<(String, &str)> = match need {
                    Need::Mail if email.is_empty() => Vec::new(),
                    Need::Mail => vec![(format!("mailbox:{email}"), "email_link")],
                    Need::Never => Vec::new(),
                    need => {
                        let own = factors.iter().filter(|factor| factor.need == need);
                        own.map(|factor| (factor.holder.clone(), method_of(need)))
                            .collect()
                    }
                };
                let longer = gates.iter().flat_map(|gate| {
                    answers.iter().map(|answer| {
                        let mut longer = gate.clone();
                        longer.push(answer.clone());
                        longer
                    })
                });
                gates = longer.collect();
            }
            for (at, rows) in gates.iter().enumerate() {
                for restores in &restored {
                    let gate = format!("{process} of {name}: {restores} {number}.{at}");
                    // Nothing is asked for: only an assumption says who comes through.
                    let anybody = [(String::new(), "help_desk")];
                    let rows = if rows.is_empty() { &anybody[..] } else { rows };
                    for (source, method) in rows {
                        maker.row(
                            Table::Recoveries,
                            from,
                            &[
                                ("source", source),
                                ("target", &target),
                                ("method", method),
                                ("restores", restores),
                                ("gate", if rows.len() > 1 { &gate } else { "" }),
                                ("process", &process),
                            ],
                        );
                    }
                }
            }
        }
    }
}

fn method_of(need: Need) -> &'static str {
    match need {
        Need::Otp => "authenticator",
        Need::SecurityKey => "security_key",
        Need::RecoveryCode => "recovery_code",
        Need::Mail | Need::Never => "email_link",
    }
}

/// Types of credentials alone; what they hold stays unread.
fn factors(user: &Record<'_>, name: &str) -> Vec<Factor> {
    let mut factors = Vec::new();
    for credential in user.records("credentials") {
        let label = credential.text("userLabel").replace(';', ",");
        let device = |what: &str| match label.as_str() {
            "" => format!("device:{what} of {name}"),
            label => format!("device:{label} of {name}"),
        };
        let (word, need, holder) = match credential.text("type").as_str() {
            "otp" | "totp" | "hotp" => ("totp", Need::Otp, device("authenticator")),
            "webauthn" => ("fido2", Need::SecurityKey, device("security key")),
            "webauthn-passwordless" => ("passkey", Need::SecurityKey, device("passkey")),
            "recovery-authn-codes" => (
                "recovery_code",
                Need::RecoveryCode,
                device("recovery codes"),
            ),
            _ => continue,
        };
        factors.push(Factor { word, need, holder });
    }
    factors
}
