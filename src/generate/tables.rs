//! The rows of every table, in order, handed to whoever writes them.

use super::names::DEPARTMENTS;
use super::people::{department, desk, device, site, team};
use super::roles::{Keeper, role, vault};
use super::{DEPARTMENT, ROLE, SITE, Shape, TEAM, World};
use crate::model::Table;

/// Takes a row, cell by cell.
pub type Row<'a, E> = &'a mut dyn FnMut(&[&str]) -> Result<(), E>;

/// The tables of a generated organisation with their columns.
#[must_use]
pub fn tables() -> &'static [(Table, &'static [&'static str])] {
    &[
        (
            Table::Identities,
            &[
                "id",
                "kind",
                "name",
                "sign_in",
                "owner",
                "department",
                "tier",
                "recovery_mailbox",
                "recovery_phone",
            ],
        ),
        (
            Table::Mailboxes,
            &["id", "owner", "kind", "delegates", "forwards_to"],
        ),
        (Table::MfaBindings, &["identity", "factor", "holder"]),
        (Table::Holdings, &["holder", "asset"]),
        (
            Table::Recoveries,
            &[
                "source", "target", "method", "restores", "gate", "need", "process",
            ],
        ),
        (Table::Memberships, &["member", "group", "access"]),
        (Table::Systems, &["id", "criticality", "owner"]),
        (Table::Grants, &["principal", "system", "role", "access"]),
        (
            Table::Processes,
            &["id", "name", "operator", "policy_owner", "proofing"],
        ),
    ]
}

/// Gives every row of a table to `row`, in order.
///
/// # Errors
/// The first error of `row`.
pub fn rows<E>(shape: &Shape, table: Table, row: Row<'_, E>) -> Result<(), E> {
    let world = World::new(shape);
    match table {
        Table::Identities => world.identities(row),
        Table::Mailboxes => world.mailboxes(row),
        Table::MfaBindings => world.bindings(row),
        Table::Holdings => world.holdings(row),
        Table::Recoveries => world.recoveries(row),
        Table::Memberships => world.memberships(row),
        Table::Systems => world.systems_table(row),
        Table::Grants => world.grants(row),
        Table::Processes => world.processes(row),
        _ => Ok(()),
    }
}

impl World {
    fn identities<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.people {
            let person = self.person(at);
            let manager = self.manager_of(at).map(|at| self.person(at).id);
            let of = DEPARTMENTS[(at / TEAM / DEPARTMENT) as usize % DEPARTMENTS.len()];
            let kind = if self.is_agent(at) {
                "help_desk"
            } else {
                "human"
            };
            row(&[
                &person.id,
                kind,
                &person.name,
                "password+mfa",
                &manager.unwrap_or_default(),
                of,
                "3",
                &self.personal_mailbox(&person).unwrap_or_default(),
                &self.phone_of(at),
            ])?;
        }
        for at in 0..self.accounts {
            let owner = self.person(at % self.people.max(1));
            let id = self.account(at);
            row(&[&id, "human", "", "password", &owner.id, "", "", "", ""])?;
        }
        for at in 0..self.admins {
            let owner = self.person(self.person_of_admin(at));
            let id = self.admin(at);
            row(&[
                &id,
                "admin",
                &owner.name,
                "password+mfa",
                &owner.id,
                "IT",
                "1",
                "",
                "",
            ])?;
        }
        for at in 0..self.services {
            let owner = match self.keeper(at) {
                Keeper::Vault(team) => (team * TEAM).min(self.people.saturating_sub(1)),
                Keeper::Owner(person) => person,
            };
            let id = self.service(at);
            row(&[
                &id,
                "service",
                "",
                "password",
                &self.person(owner).id,
                "IT",
                "",
                "",
                "",
            ])?;
        }
        for at in 0..self.contractors {
            let sponsor = self.person(self.sponsor(at));
            let id = self.contractor(at);
            row(&[
                &id,
                "external",
                "",
                "password",
                &sponsor.id,
                "",
                "3",
                "",
                "",
            ])?;
        }
        Ok(())
    }

    fn mailboxes<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.people {
            let person = self.person(at);
            // A lead's mailbox is read by somebody of the team.
            let delegate = if at % TEAM == 0 && at + 1 < self.people {
                self.person(at + 1).id
            } else {
                String::new()
            };
            row(&[&person.id, &person.id, "user", &delegate, ""])?;
            if let Some(personal) = self.personal_mailbox(&person) {
                row(&[&personal, &person.id, "personal", "", ""])?;
            }
        }
        for at in 0..self.teams {
            if self.chance("shared-mailbox", at, 0.1) {
                let id = format!("{}@hq.example", team(at));
                let readers = format!("group:{}", team(at));
                row(&[&id, "", "shared", &readers, ""])?;
            }
        }
        Ok(())
    }

    fn bindings<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.people {
            let id = self.person(at).id;
            row(&[&id, "push", &device(at)])?;
            row(&[&id, "sms", &self.phone_of(at)])?;
            if self.has_security_key(at) {
                row(&[&id, "fido2", &format!("key-{at}")])?;
            }
        }
        for at in 0..self.admins {
            let device = device(self.person_of_admin(at));
            row(&[&self.admin(at), "push", &device])?;
        }
        Ok(())
    }

    fn holdings<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.teams {
            row(&[&format!("group:{}", team(at)), &vault(at)])?;
        }
        Ok(())
    }

    fn recoveries<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.people {
            self.self_service(at, row)?;
            if self.enrols_by_mail(at) {
                let id = self.person(at).id;
                row(&[&id, &id, "email_link", "mfa", "", "", "enrol"])?;
            }
        }
        for at in (0..self.sites).filter(|&at| self.has_policy(at)) {
            self.policy(at, row)?;
        }
        for at in 0..self.accounts {
            let owner = self.person(at % self.people.max(1));
            let id = self.account(at);
            let depth = self.shape.depth.max(1);
            if at % depth > 0 {
                let before = self.account(at - 1);
                row(&[&before, &id, "recovery_contact", "", "", "", ""])?;
                continue;
            }
            let by_home = self.chance("elsewhere", at, 0.4);
            let home = self.personal_mailbox(&owner).filter(|_| by_home);
            let source = home.unwrap_or_else(|| owner.id.clone());
            row(&[&source, &id, "email_link", "", "", "", "link"])?;
        }
        self.admin_recoveries(row)?;
        for at in 0..self.services {
            let id = self.service(at);
            match self.keeper(at) {
                Keeper::Vault(team) => {
                    row(&[&vault(team), &id, "stored_secret", "", "", "", ""])?;
                }
                Keeper::Owner(person) => {
                    let owner = self.person(person).id;
                    row(&[&owner, &id, "admin_reset", "", "", "", "rotation"])?;
                }
            }
        }
        if self.contractors > 0 {
            row(&[
                "own:owner",
                "group:contractors",
                "manager_approval",
                "",
                "",
                "",
                "sponsor",
            ])?;
        }
        self.hubs(row)
    }

    /// Phone, mailbox and device: one or two of the three.
    fn self_service<E>(&self, at: u64, row: Row<'_, E>) -> Result<(), E> {
        if self.has_policy(self.site_of(at)) {
            return Ok(());
        }
        let person = self.person(at);
        let need = if self.resets_with_one(at) { "1" } else { "2" };
        let gate = format!("g{at}");
        let mut with = |source: &str, method: &str| {
            row(&[source, &person.id, method, "", &gate, need, "sspr"])
        };
        with(&self.phone_of(at), "sms_code")?;
        with(&device(at), "authenticator")?;
        match self.personal_mailbox(&person) {
            Some(personal) => with(&personal, "email_link"),
            None => with("", "security_questions"),
        }
    }

    fn policy<E>(&self, at: u64, row: Row<'_, E>) -> Result<(), E> {
        let target = format!("group:{}", site(at));
        let gate = format!("sspr-{}", site(at));
        for (source, method) in [
            ("own:phone", "sms_code"),
            ("own:device", "authenticator"),
            ("own:mailbox", "email_link"),
        ] {
            row(&[source, &target, method, "", &gate, "2", "sspr"])?;
        }
        Ok(())
    }

    fn admin_recoveries<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.admins {
            let id = self.admin(at);
            if self.resets_by_mail(at) {
                let mailbox = self.person(self.person_of_admin(at)).id;
                row(&[&mailbox, &id, "email_link", "", "", "", "admin-mail"])?;
            }
            if let Some(peers) = self.peers(at) {
                let gate = format!("two-{at}");
                for peer in peers {
                    let peer = self.admin(peer);
                    row(&[&peer, &id, "admin_reset", "", &gate, "2", "two-person"])?;
                }
            }
        }
        Ok(())
    }

    /// Help desks of the sites, and the console that restores every account.
    fn hubs<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in (0..self.sites).filter(|_| self.has_desks()) {
            let (agents, all) = (format!("group:{}", desk(at)), format!("group:{}", site(at)));
            row(&[&agents, &all, "help_desk", "password", "", "", "desk"])?;
            if self.is_lax(at) {
                row(&[&agents, &all, "help_desk", "mfa", "", "", "desk"])?;
                continue;
            }
            let gate = format!("desk-mfa-{at}");
            let manager = self
                .person((at * SITE).min(self.people.saturating_sub(1)))
                .id;
            row(&[&agents, &all, "help_desk", "mfa", &gate, "2", "desk-mfa"])?;
            row(&[
                &manager,
                &all,
                "manager_approval",
                "mfa",
                &gate,
                "2",
                "desk-mfa",
            ])?;
        }
        if self.console > 0 {
            row(&[
                "system:console",
                "*",
                "admin_reset",
                "account",
                "",
                "",
                "console",
            ])?;
        }
        Ok(())
    }

    fn memberships<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.people {
            row(&[&self.person(at).id, &team(at / TEAM), ""])?;
        }
        for at in 0..self.teams {
            let inner = format!("group:{}", team(at));
            row(&[&inner, &department(at / DEPARTMENT), ""])?;
        }
        for at in 0..self.departments {
            let inner = format!("group:{}", department(at));
            row(&[&inner, &site(at * TEAM * DEPARTMENT / SITE), ""])?;
        }
        for at in (0..self.people).filter(|&at| self.is_agent(at)) {
            row(&[&self.person(at).id, &desk(self.site_of(at)), ""])?;
        }
        for at in 0..self.contractors {
            let id = self.contractor(at);
            row(&[&id, "contractors", ""])?;
            if self.chance("in-a-team", at, 0.5) {
                row(&[&id, &team(self.sponsor(at) / TEAM), ""])?;
            }
        }
        for at in 0..self.admins {
            let access = if self.chance("eligible", at, 0.2) {
                "eligible"
            } else {
                "standing"
            };
            row(&[&self.admin(at), &role(at / ROLE), access])?;
        }
        for at in 0..self.console {
            row(&[&self.admin(at * 2), "console-admins", "eligible"])?;
        }
        Ok(())
    }

    fn systems_table<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        for at in 0..self.systems {
            let owner = self.person(self.random("owner", at).u64(..self.people.max(1)));
            let criticality = self.criticality(at).to_string();
            row(&[&self.system(at), &criticality, &owner.id])?;
        }
        Ok(())
    }

    fn grants<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        if self.console > 0 {
            row(&["group:console-admins", "console", "operator", "standing"])?;
        }
        for at in 0..self.roles {
            for system in self.systems_of("role", at) {
                let principal = format!("group:{}", role(at));
                row(&[&principal, &self.system(system.max(1)), "administrator", ""])?;
            }
        }
        for at in (0..self.services).filter(|&at| self.is_privileged(at)) {
            for system in self.systems_of("service-role", at) {
                let principal = self.service(at);
                row(&[&principal, &self.system(system.max(1)), "operator", ""])?;
            }
        }
        Ok(())
    }

    fn processes<E>(&self, row: Row<'_, E>) -> Result<(), E> {
        let owner = if self.people > 0 {
            self.person(0).id
        } else {
            String::new()
        };
        for (id, name, operator, proofing) in [
            ("sspr", "Self-service reset", "Corp IT", "possession"),
            (
                "enrol",
                "New second factor by mail",
                "Corp IT",
                "possession",
            ),
            (
                "link",
                "Reset link of a service elsewhere",
                "the service",
                "",
            ),
            (
                "desk",
                "Service desk call",
                "Outsourced Desk Ltd",
                "knowledge",
            ),
            (
                "desk-mfa",
                "Service desk call with the site's manager",
                "Outsourced Desk Ltd",
                "ial1",
            ),
            (
                "admin-mail",
                "Reset link for administrators",
                "Corp IT",
                "possession",
            ),
            (
                "two-person",
                "Reset by two administrators",
                "Corp IT",
                "ial2",
            ),
            ("rotation", "Rotation by the owner", "Corp IT", ""),
            ("sponsor", "The sponsor's word", "Corp IT", "knowledge"),
            ("console", "Administration console", "Corp IT", ""),
        ] {
            row(&[id, name, operator, &owner, proofing])?;
        }
        Ok(())
    }
}
