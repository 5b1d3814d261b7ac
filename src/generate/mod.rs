//! A believable organisation of any size, for benchmarks and trials. The same shape and seed give
//! the same rows: everything about the n-th person, service or administrator follows from the seed
//! and n alone, so tables can be made side by side.
//!
//! Of N identities 40 % are people, 40 % accounts of those people elsewhere, 15 % services, 3 %
//! contractors and 2 % administrators. People are in teams of 30 with a vault, teams in departments,
//! departments in sites of 5,000 with a help desk. There is a privileged system for every 500
//! identities, and one console that resets everybody. Two administrators together reset a third: of the
//! same role, or for one role in four from anywhere in the organisation.

mod names;
mod people;
mod roles;
mod tables;

pub use tables::{Row, rows, tables};

/// How the organisation looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// How many identities.
    pub identities: u64,
    /// What everything random follows from.
    pub seed: u64,
    /// The share of people who are agents of their site's help desk.
    pub help_desk_share: f64,
    /// The share of people whose self-service reset takes one of three methods instead of two.
    pub sspr_one_method: f64,
    /// The share of administrators whose password is reset through their person's mailbox.
    pub admin_mail_recovery: f64,
    /// How many accounts elsewhere stand in a row, each the recovery contact of the next person's.
    pub depth: u64,
    /// Whether there are help desks and a console, from which very many accounts fall.
    pub hubs: bool,
}

impl Shape {
    /// The usual organisation of this many identities.
    #[must_use]
    pub fn new(identities: u64, seed: u64) -> Self {
        Self {
            identities,
            seed,
            help_desk_share: 0.0024,
            sspr_one_method: 0.15,
            admin_mail_recovery: 0.3,
            depth: 1,
            hubs: true,
        }
    }
}

/// People in a team.
const TEAM: u64 = 30;
/// Teams in a department.
const DEPARTMENT: u64 = 10;
/// People in a site.
const SITE: u64 = 5000;
/// One site in this many has a help desk that restores second factors without approval.
const SITES_TO_A_LAX_DESK: u64 = 16;
/// One site in this many has its self-service reset as policy rows instead of rows per person.
const SITES_TO_A_POLICY: u64 = 8;
/// Identities to a privileged system.
const TO_A_SYSTEM: u64 = 500;
/// Administrators in a role.
const ROLE: u64 = 20;
/// One role in this many is spread over the organisation: its administrators reset each other, and
/// those of the other such roles, wherever they are.
const ROLES_TO_A_SPREAD_ONE: u64 = 4;

/// A shape with its numbers worked out.
#[derive(Clone, Debug)]
struct World {
    shape: Shape,
    people: u64,
    accounts: u64,
    admins: u64,
    services: u64,
    contractors: u64,
    teams: u64,
    departments: u64,
    sites: u64,
    systems: u64,
    roles: u64,
    /// Administrators who hold the console.
    console: u64,
    /// Systems that a role, or a service with privileges, reaches on average: larger organisations
    /// split their systems finer.
    systems_to_a_role: f64,
}

impl World {
    fn new(shape: &Shape) -> Self {
        let n = shape.identities;
        let admins = (n * 2 / 100).min(n);
        let contractors = n * 3 / 100;
        let services = n * 15 / 100;
        let accounts = n * 40 / 100;
        let people = n - admins - contractors - services - accounts;
        // The console, and one at least that roles are for.
        let systems = if n > 0 { (n / TO_A_SYSTEM).max(2) } else { 0 };
        let console = if shape.hubs {
            (45 + n / 30_000).min(admins.div_ceil(2))
        } else {
            0
        };
        Self {
            shape: shape.clone(),
            people,
            accounts,
            admins,
            services,
            contractors,
            teams: people.div_ceil(TEAM),
            departments: people.div_ceil(TEAM * DEPARTMENT),
            // A department is in one site; where the last ones reach into the next, it has none.
            sites: people
                .div_ceil(TEAM * DEPARTMENT)
                .checked_sub(1)
                .map_or(0, |last| last * TEAM * DEPARTMENT / SITE + 1),
            systems,
            roles: admins.div_ceil(ROLE),
            console,
            systems_to_a_role: ((systems.max(1) as f64).log10() - 0.45).max(1.0),
        }
    }

    /// Random numbers of the `n`-th thing of a kind: the same whoever asks.
    fn random(&self, kind: &str, n: u64) -> fastrand::Rng {
        let mut hash = self.shape.seed ^ 0x9e37_79b9_7f4a_7c15;
        for part in kind.bytes().map(u64::from).chain([n]) {
            // The finaliser of SplitMix64 (Steele, Lea and Flood 2014), over the parts in turn.
            hash = hash.wrapping_add(part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            hash ^= hash >> 31;
        }
        fastrand::Rng::with_seed(hash)
    }

    /// Whether something with this probability holds for the `n`-th thing of a kind.
    fn chance(&self, kind: &str, n: u64, probability: f64) -> bool {
        self.random(kind, n).f64() < probability
    }
}
