//! Administrators, services, systems, and who holds what.

use super::names::{SERVICES, SYSTEMS};
use super::{ROLE, ROLES_TO_A_SPREAD_ONE, TEAM, World};

/// The share of services that hold privileges, and the power by which it grows in organisations of fewer
/// identities than [`SMALL`], where few services do much.
const PRIVILEGED_SERVICES: f64 = 0.022;
const SMALL: f64 = 10_000.0;
const GROWTH: f64 = 1.25;
/// The share of services whose secret lies in a team's vault; the owner rotates the others.
const IN_A_VAULT: f64 = 0.85;

/// Who can make a service's secret anew.
pub(super) enum Keeper {
    /// The vault of this team.
    Vault(u64),
    /// This person.
    Owner(u64),
}

impl World {
    pub(super) fn admin(&self, at: u64) -> String {
        format!("adm-{}", self.person(self.person_of_admin(at)).login)
    }

    /// Administrators are spread over the people.
    pub(super) fn person_of_admin(&self, at: u64) -> u64 {
        (at * self.people / self.admins.max(1)).min(self.people.saturating_sub(1))
    }

    pub(super) fn resets_by_mail(&self, at: u64) -> bool {
        self.chance("admin-mail", at, self.shape.admin_mail_recovery)
    }

    /// Two others who together reset an administrator: the next two of the role, or any two
    /// administrators of the roles that are spread over the organisation.
    pub(super) fn peers(&self, at: u64) -> Option<[u64; 2]> {
        let (role, place) = (at / ROLE, at % ROLE);
        if !role.is_multiple_of(ROLES_TO_A_SPREAD_ONE) {
            let first = at - place;
            let size = ROLE.min(self.admins - first);
            return (size >= 3).then(|| [1, 2].map(|step| first + (place + step) % size));
        }
        // Administrators of such roles, numbered through.
        let block = ROLE * ROLES_TO_A_SPREAD_ONE;
        let count = self.admins / block * ROLE + (self.admins % block).min(ROLE);
        if count < 3 {
            return None;
        }
        let number = role / ROLES_TO_A_SPREAD_ONE * ROLE + place;
        let mut random = self.random("peers", at);
        // How far behind each of the two is, going round.
        let first = random.u64(1..count);
        let second = random.u64(1..count - 1);
        let second = second + u64::from(second >= first);
        Some([first, second].map(|step| {
            let number = (number + step) % count;
            number / ROLE * block + number % ROLE
        }))
    }

    pub(super) fn service(&self, at: u64) -> String {
        let kind = SERVICES[self.random("service", at).usize(..SERVICES.len())];
        format!("svc-{kind}-{at:06}")
    }

    pub(super) fn keeper(&self, at: u64) -> Keeper {
        let mut random = self.random("keeper", at);
        let team = at % self.teams.max(1);
        if random.f64() < IN_A_VAULT {
            Keeper::Vault(team)
        } else {
            let first = team * TEAM;
            let size = TEAM.min(self.people.saturating_sub(first)).max(1);
            Keeper::Owner(first + random.u64(..size))
        }
    }

    pub(super) fn is_privileged(&self, service: u64) -> bool {
        let growth = (SMALL / self.shape.identities as f64).max(1.0).powf(GROWTH);
        let share = (PRIVILEGED_SERVICES * growth).min(0.3);
        self.chance("privileged", service, share)
    }

    /// Systems of the `at`-th role or privileged service, without repetition.
    pub(super) fn systems_of(&self, kind: &str, at: u64) -> Vec<u64> {
        let mut random = self.random(kind, at);
        let mean = self.systems_to_a_role;
        let count = mean.floor() as u64 + u64::from(random.f64() < mean.fract());
        let mut systems: Vec<u64> = (0..count).map(|_| random.u64(..self.systems)).collect();
        systems.sort_unstable();
        systems.dedup();
        systems
    }

    pub(super) fn system(&self, at: u64) -> String {
        if at == 0 {
            return "console".to_owned();
        }
        format!("{}-{at:04}", SYSTEMS[at as usize % SYSTEMS.len()])
    }

    /// One in ten is what must not fall, three in ten come next.
    pub(super) fn criticality(&self, system: u64) -> u8 {
        match system % 10 {
            0 => 0,
            1..=3 => 1,
            _ => 2,
        }
    }
}

pub(super) fn vault(team: u64) -> String {
    format!("vault-team-{team:05}")
}

pub(super) fn role(at: u64) -> String {
    format!("role-{at:04}")
}
