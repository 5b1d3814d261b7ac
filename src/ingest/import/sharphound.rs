//! SharpHound collections (versions 3 to 6): users, groups, domains and the rights over them.
//!
//! | in the collection | becomes |
//! |---|---|
//! | user | identity, named as BloodHound names it, its SID an alias; its mail address a mailbox |
//! | group member, primary group | membership |
//! | right over a user | recovery by whoever holds the right: the password alone for a reset right, the account for a right that plants a credential or rewrites the rights |
//! | right over a group's membership | recovery that restores membership |
//! | Tier-0 group, domain | privileged system |
//! | GetChanges and GetChangesAll on a domain | one group each, and a 2-of-2 gate that yields the domain |
//! | control of a domain | admin reset of every account of that domain, and of its groups' membership |
//!
//! Computers, sessions, trusts, certificates and policies stay out and are counted.

mod collection;
mod fields;
mod names;
mod rights;
mod stream;
pub(super) mod systems;

use super::keys::Key;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Head, Importer};
use crate::diag::{FileId, Origin};
use crate::model::Table;
use collection::{KINDS, Object, ObjectKind, Reference, Right, read_objects};
use names::{Names, Principal};
use rights::Rights;

const SOURCE: &str = "sharphound";

/// The importer.
pub struct SharpHound;

impl Importer for SharpHound {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "SharpHound collection, versions 3 to 6"
    }

    fn documents(&self) -> &'static [Document] {
        &[Document {
            name: "collection",
            obtain: "`SharpHound.exe --CollectionMethods Default,ACL` and the .zip that it writes",
            yields: "accounts, groups and their members, rights that reset or take over accounts, domains",
        }]
    }

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        &[("data/systems/active-directory.toml", systems::BUILT_IN)]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        let top = head.top()?;
        let kind = top.record("meta")?.text("type");
        let is_known = KINDS.iter().any(|known| known.eq_ignore_ascii_case(&kind));
        (is_known && (top.has("data") || top.has(&kind))).then_some("collection")
    }

    fn goes_through(&self, head: &str, tail: &str) -> bool {
        stream::meta_in(head)
            .or_else(|| stream::meta_in(tail))
            .is_some_and(|meta| {
                KINDS
                    .iter()
                    .any(|kind| kind.eq_ignore_ascii_case(&meta.r#type))
            })
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let objects = read_objects(files, maker);
        let names = Names::of(&objects, maker);
        let mut import = Import {
            maker,
            names: &names,
            objects: &objects,
        };
        import.users();
        import.groups();
        import.domains();
        import.coverage();
    }
}

struct Import<'a, 's> {
    maker: &'a mut Maker<'s>,
    names: &'a Names,
    objects: &'a [Object],
}

impl<'a> Import<'a, '_> {
    fn of_kind(&self, kind: ObjectKind) -> impl Iterator<Item = (&'a Object, From<'a>)> + use<'a> {
        self.objects
            .iter()
            .filter(move |object| object.kind == kind)
            .map(|object| {
                let origin = object.from.unwrap_or(Origin {
                    file: FileId(0),
                    start: 0,
                    len: 0,
                });
                (
                    object,
                    From {
                        origin,
                        object: &object.sid,
                    },
                )
            })
    }

    fn users(&mut self) {
        for (user, from) in self.of_kind(ObjectKind::User) {
            let Some(Principal::Identity(id)) = self.names.resolve(&user.sid, "User") else {
                self.maker.leave_out("built-in local principals");
                continue;
            };
            let enabled = if user.enabled == Some(false) {
                "false"
            } else {
                ""
            };
            let kind = if user.is_service { "service" } else { "" };
            let aliases: Vec<&str> = std::iter::once(&*user.sid)
                .chain(user.other_names.iter().map(String::as_str))
                .filter(|alias| !alias.eq_ignore_ascii_case(&id) && !alias.contains(';'))
                .collect();
            let keys = &mut *self.maker.keys;
            keys.declare(&id, SOURCE);
            keys.add_local(Key::Sid, &user.sid, &id);
            keys.add_local(Key::Login, &user.name, &id);
            keys.add_local(Key::Sam, &user.sam, &id);
            keys.add(Key::Address, &user.email, &id);
            self.maker.row(
                Table::Identities,
                from,
                &[
                    ("id", &own_id(&id)),
                    ("kind", kind),
                    ("name", &user.display_name),
                    ("enabled", enabled),
                    ("aliases", &aliases.join(";")),
                ],
            );
            if !user.email.is_empty() && !user.email.contains(';') {
                self.maker.row(
                    Table::Mailboxes,
                    from,
                    &[
                        ("id", &format!("mailbox:{}", user.email)),
                        ("owner", &format!("identity:{id}")),
                    ],
                );
            }
            let member = format!("identity:{id}");
            for primary in &user.primary_groups {
                if let Some(Principal::Group(group)) = self.names.resolve(primary, "Group") {
                    self.maker.member(from, &member, &format!("group:{group}"));
                }
            }
            if let Some(domain) = self.names.domain_of(user) {
                let everyone = names::accounts_of(domain);
                self.maker
                    .member(from, &member, &format!("group:{everyone}"));
            }
            for right in &user.rights {
                let Some(source) = self.principal(&right.principal, &user.sid) else {
                    continue;
                };
                let Some(restores) = rights::over_user(&right.name) else {
                    self.maker
                        .leave_out(format!("`{}` rights over users", right.name));
                    continue;
                };
                self.recovery(right, user, &source, &member, restores);
            }
        }
    }

    fn groups(&mut self) {
        for (group, from) in self.of_kind(ObjectKind::Group) {
            let Some(Principal::Group(name)) = self.names.resolve(&group.sid, "Group") else {
                continue;
            };
            let target = format!("group:{name}");
            self.maker.keys.add_group(Key::Sid, &group.sid, &target);
            self.maker.keys.add_group(Key::Sam, &name, &target);
            for member in &group.members {
                if let Some(member_name) = self.principal(member, "") {
                    let from = From {
                        origin: member.origin,
                        object: &group.sid,
                    };
                    self.maker.member(from, &member_name, &target);
                }
            }
            // Windows puts everybody who has signed in here; no collection lists them.
            if let Some(domain_users) = self.names.implicit_member(group) {
                self.maker
                    .member(from, &format!("group:{domain_users}"), &target);
            }
            if let Some(criticality) = self.names.tier_zero(&group.sid) {
                let system = format!("system:{name}");
                self.maker.row(
                    Table::Systems,
                    from,
                    &[
                        ("id", &system),
                        ("name", &name),
                        ("criticality", &criticality.to_string()),
                    ],
                );
                self.maker.row(
                    Table::Grants,
                    from,
                    &[
                        ("principal", &target),
                        ("system", &system),
                        ("role", "member"),
                    ],
                );
            }
            for right in &group.rights {
                let Some(source) = self.principal(&right.principal, &group.sid) else {
                    continue;
                };
                if rights::over_group(&right.name) {
                    self.recovery(right, group, &source, &target, "membership");
                } else {
                    self.maker
                        .leave_out(format!("`{}` rights over groups", right.name));
                }
            }
            // Whoever controls the domain adds members to its groups.
            if let Some(domain) = self.names.domain_of(group) {
                let all = format!("group:{}", names::groups_of(domain));
                self.maker.member(from, &target, &all);
                self.control(from, domain, &target, "membership");
            }
        }
    }

    fn domains(&mut self) {
        for (domain, from) in self.of_kind(ObjectKind::Domain) {
            let Some(name) = self.names.domain_of(domain) else {
                continue;
            };
            let system = format!("system:{name}");
            self.maker.row(
                Table::Systems,
                from,
                &[
                    ("id", &system),
                    ("name", &format!("Active Directory domain {name}")),
                    ("criticality", &self.names.domain_criticality().to_string()),
                ],
            );
            let halves = ["GetChanges", "GetChangesAll"]
                .map(|right| (right, format!("group:{right} on {name}")));
            let gate = format!("DCSync {name}");
            for (right, group) in &halves {
                self.process(from, right);
                self.maker.row(
                    Table::Recoveries,
                    from,
                    &[
                        ("source", group),
                        ("target", &system),
                        ("method", "admin_reset"),
                        ("gate", &gate),
                        ("need", "2"),
                        ("process", &rights::process("DCSync")),
                    ],
                );
            }
            self.process(from, "DCSync");
            for right in &domain.rights {
                let Some(source) = self.principal(&right.principal, &domain.sid) else {
                    continue;
                };
                let from = From {
                    origin: right.principal.origin,
                    object: &domain.sid,
                };
                match rights::over_domain(&right.name) {
                    Rights::Replicate(which) => {
                        for (_, group) in halves.iter().filter(|(right, _)| which.contains(right)) {
                            self.maker.member(from, &source, group);
                        }
                    }
                    Rights::Control => self.recovery(right, domain, &source, &system, ""),
                    Rights::Other => self
                        .maker
                        .leave_out(format!("`{}` rights over domains", right.name)),
                }
            }
            let accounts = format!("group:{}", names::accounts_of(name));
            self.control(from, name, &accounts, "account");
            let detail = "a collection holds no second factors: sign-in is taken as password";
            let cells = [SOURCE, &*accounts, "mfa", "unknown", detail];
            self.maker.coverage(from, cells);
        }
    }

    fn control(&mut self, from: From<'_>, domain: &str, target: &str, restores: &str) {
        self.process(from, "DomainControl");
        self.maker.admin_reset(
            from,
            [&format!("system:{domain}"), target],
            restores,
            &rights::process("DomainControl"),
        );
    }

    fn recovery(
        &mut self,
        right: &Right,
        object: &Object,
        source: &str,
        target: &str,
        restores: &str,
    ) {
        let from = From {
            origin: right.principal.origin,
            object: &object.sid,
        };
        self.process(from, &right.name);
        self.maker.admin_reset(
            from,
            [source, target],
            restores,
            &rights::process(&right.name),
        );
    }

    fn process(&mut self, from: From<'_>, right: &str) {
        self.maker
            .process(from, &rights::process(right), &rights::process_name(right));
    }

    /// A reference to a principal, unless it is the object itself or stays out.
    fn principal(&mut self, reference: &Reference, own: &str) -> Option<String> {
        if *reference.sid == *own {
            return None;
        }
        match self.names.resolve(&reference.sid, &reference.kind) {
            Some(Principal::Identity(id)) => Some(format!("identity:{id}")),
            Some(Principal::Group(id)) => Some(format!("group:{id}")),
            None => {
                self.maker.leave_out("rights and memberships of computers");
                None
            }
        }
    }

    fn coverage(&mut self) {
        let Some((_, from)) = self
            .of_kind(ObjectKind::Domain)
            .next()
            .or_else(|| self.of_kind(ObjectKind::User).next())
        else {
            return;
        };
        // Said of every domain where there is one: its accounts are named then.
        if self.of_kind(ObjectKind::Domain).next().is_none() {
            let detail = "a collection holds no second factors: sign-in is taken as password";
            let cells = [SOURCE, "", "mfa", "unknown", detail];
            self.maker.coverage(from, cells);
        }
        for (aspect, state, detail) in [
            (
                "rights",
                "known",
                "rights over users, groups and domains as collected",
            ),
            (
                "self_service_reset",
                "unknown",
                "a SharpHound collection holds no self-service reset",
            ),
            (
                "computers",
                "unknown",
                "computers, sessions and local groups are left out",
            ),
            (
                "policies",
                "unknown",
                "rights over organizational units, group policies and certificate templates are left out",
            ),
            (
                "trusts",
                "unknown",
                "members from trusted domains that are not in the collection are left out",
            ),
        ] {
            self.maker
                .coverage(from, [SOURCE, "", aspect, state, detail]);
        }
    }
}
