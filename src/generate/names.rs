//! Names of nobody: common given names, surnames that are trades and landscapes.

pub(super) const GIVEN: [&str; 48] = [
    "ada", "amir", "anna", "aroha", "bao", "bela", "bram", "carla", "chen", "dana", "david",
    "elena", "emeka", "eva", "farid", "felix", "greta", "hana", "hugo", "ines", "ivan", "jana",
    "jonas", "kaia", "karim", "lena", "leo", "lucia", "maja", "marco", "mei", "mira", "nadia",
    "nils", "noor", "olga", "omar", "paulo", "petra", "rania", "ravi", "rosa", "samir", "sofia",
    "tariq", "uma", "viktor", "yuki",
];

pub(super) const FAMILY: [&str; 48] = [
    "ashdown",
    "bergman",
    "birch",
    "brook",
    "calder",
    "carpenter",
    "cooper",
    "dahl",
    "eastwood",
    "ferreira",
    "fields",
    "fisher",
    "fletcher",
    "forester",
    "gardner",
    "glover",
    "hansen",
    "haddad",
    "hill",
    "holm",
    "ivarsson",
    "jansen",
    "kaya",
    "kimura",
    "kowalski",
    "lindgren",
    "marsh",
    "mason",
    "meadows",
    "miller",
    "moreau",
    "novak",
    "okafor",
    "olsen",
    "oyelaran",
    "petrov",
    "rahman",
    "ribeiro",
    "rivers",
    "sato",
    "schneider",
    "silva",
    "smith",
    "thatcher",
    "underhill",
    "vance",
    "weaver",
    "wood",
];

pub(super) const DEPARTMENTS: [&str; 12] = [
    "Operations",
    "Finance",
    "Engineering",
    "Sales",
    "Legal",
    "Human Resources",
    "Logistics",
    "Research",
    "Support",
    "Marketing",
    "Procurement",
    "IT",
];

/// Services elsewhere in which people have accounts.
pub(super) const ELSEWHERE: [&str; 12] = [
    "crm", "wiki", "travel", "design", "survey", "payroll", "helpdesk", "code", "storage",
    "learning", "chat", "booking",
];

pub(super) const SERVICES: [&str; 12] = [
    "backup", "mailer", "etl", "monitor", "deploy", "scanner", "billing", "sync", "report",
    "queue", "search", "index",
];

pub(super) const SYSTEMS: [&str; 10] = [
    "tenant",
    "backup",
    "erp",
    "payroll",
    "ledger",
    "warehouse",
    "firewall",
    "hypervisor",
    "database",
    "build",
];

/// The text with its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
