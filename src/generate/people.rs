//! People, their accounts elsewhere, and contractors.

use super::names::{ELSEWHERE, FAMILY, GIVEN, capital};
use super::{DEPARTMENT, SITE, SITES_TO_A_LAX_DESK, SITES_TO_A_POLICY, TEAM, World};

/// A person, by number.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// `bergman17@hq.example`.
    pub id: String,
    /// `Ada Bergman`.
    pub name: String,
    /// `bergman17`.
    pub login: String,
    pub has_personal_mailbox: bool,
}

impl World {
    pub(super) fn person(&self, at: u64) -> Person {
        let mut random = self.random("person", at);
        let given = GIVEN[random.usize(..GIVEN.len())];
        let family = FAMILY[random.usize(..FAMILY.len())];
        let login = format!("{family}{at}");
        Person {
            id: format!("{login}@hq.example"),
            name: format!("{} {}", capital(given), capital(family)),
            login,
            has_personal_mailbox: random.bool(),
        }
    }

    /// The person's manager: the first of the team, of the department, of the site.
    pub(super) fn manager_of(&self, at: u64) -> Option<u64> {
        let lead = [TEAM, TEAM * DEPARTMENT, SITE]
            .into_iter()
            .map(|size| at / size * size)
            .find(|&lead| lead != at);
        lead.or(if at > 0 { Some(0) } else { None })
    }

    /// The number of the person's telephone: a few share their team lead's.
    pub(super) fn phone_of(&self, at: u64) -> String {
        let shared = self.chance("shared-phone", at, 0.02);
        let holder = if shared { at / TEAM * TEAM } else { at };
        // 01632 960 is kept for fiction. These have a digit more: it has a thousand numbers only.
        format!("+441632{}", 9_600_000 + holder)
    }

    pub(super) fn has_security_key(&self, at: u64) -> bool {
        self.chance("key", at, 0.15)
    }

    /// Whether a new second factor is sent to the person's own mailbox.
    pub(super) fn enrols_by_mail(&self, at: u64) -> bool {
        self.chance("enrol", at, 0.15)
    }

    /// Whether one of the three methods of self-service reset is enough.
    pub(super) fn resets_with_one(&self, at: u64) -> bool {
        self.chance("sspr", at, self.shape.sspr_one_method)
    }

    /// Whether the site's self-service reset stands once as policy rows.
    pub(super) fn has_policy(&self, site: u64) -> bool {
        site % SITES_TO_A_POLICY == SITES_TO_A_POLICY - 1
    }

    /// Whether the site's desk restores second factors on its own.
    pub(super) fn is_lax(&self, site: u64) -> bool {
        site.is_multiple_of(SITES_TO_A_LAX_DESK)
    }

    /// The site that a person works at.
    pub(super) fn site_of(&self, at: u64) -> u64 {
        (at / SITE).min(self.sites.saturating_sub(1))
    }

    /// Whether there is a help desk at every site.
    pub(super) fn has_desks(&self) -> bool {
        self.shape.hubs && self.shape.help_desk_share > 0.0
    }

    /// Whether the person is an agent of the site's help desk: spread over its teams. A desk has one
    /// agent at least, the last person of a small site.
    pub(super) fn is_agent(&self, at: u64) -> bool {
        if !self.has_desks() {
            return false;
        }
        let share = self.shape.help_desk_share.min(1.0);
        let place = at % SITE;
        let size = SITE.min(self.people - (at - place));
        let before = |people: u64| (people as f64 * share).floor();
        before(place) < before(place + 1) || (before(size) < 1.0 && place + 1 == size)
    }

    pub(super) fn personal_mailbox(&self, person: &Person) -> Option<String> {
        person
            .has_personal_mailbox
            .then(|| format!("{}@home.example", person.login))
    }

    /// The account elsewhere with this number; it belongs to the person of the same number.
    pub(super) fn account(&self, at: u64) -> String {
        let app = ELSEWHERE[self.random("app", at).usize(..ELSEWHERE.len())];
        let owner = self.person(at % self.people.max(1));
        format!("{app}/{}", owner.login)
    }

    pub(super) fn contractor(&self, at: u64) -> String {
        let mut random = self.random("contractor", at);
        let given = GIVEN[random.usize(..GIVEN.len())];
        let family = FAMILY[random.usize(..FAMILY.len())];
        format!("{}.{family}.x{at}@ext.example", &given[..1])
    }

    /// The person who answers for a contractor.
    pub(super) fn sponsor(&self, at: u64) -> u64 {
        self.random("sponsor", at).u64(..self.people.max(1))
    }
}

pub(super) fn team(at: u64) -> String {
    format!("team-{at:05}")
}

pub(super) fn department(at: u64) -> String {
    format!("department-{at:04}")
}

pub(super) fn site(at: u64) -> String {
    format!("site-{at:03}")
}

pub(super) fn desk(site: u64) -> String {
    format!("help-desk-{site:03}")
}

/// The handset that approves the person's sign-ins.
pub(super) fn device(person: u64) -> String {
    format!("app-{person}")
}
