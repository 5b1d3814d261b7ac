//! What reset tools take: files and request bodies that give accounts their tiers, with a run-book beside
//! them. Nothing is sent anywhere.

mod entra;
mod google;
mod okta;
mod plain;
mod runbook;
mod scim;
mod servicenow;

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{TIERS, Word};

pub use runbook::runbook;

/// A form that some tool takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "the words say which they are; the run-books explain them"
)]
pub enum Form {
    EntraGroup,
    EntraAu,
    EntraAttribute,
    OktaGroup,
    OktaProfile,
    Servicenow,
    GoogleOu,
    GoogleGroup,
    Scim,
    Csv,
}

impl Word for Form {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("entra-group", Self::EntraGroup),
        ("entra-au", Self::EntraAu),
        ("entra-attribute", Self::EntraAttribute),
        ("okta-group", Self::OktaGroup),
        ("okta-profile", Self::OktaProfile),
        ("servicenow", Self::Servicenow),
        ("google-ou", Self::GoogleOu),
        ("google-group", Self::GoogleGroup),
        ("scim", Self::Scim),
        ("csv", Self::Csv),
    ];
}

impl Form {
    /// Whether membership says the tier, so that accounts of the tiers that are not exported are in none
    /// of the groups or units; else every account is told its tier.
    #[must_use]
    pub fn is_by_group(self) -> bool {
        matches!(
            self,
            Self::EntraGroup | Self::EntraAu | Self::OktaGroup | Self::GoogleOu | Self::GoogleGroup
        )
    }
}

/// An account and the tier that it is to have in the tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id as shown: a user principal name or login.
    pub id: String,
    /// Its id in the tool's own directory, if an export told it.
    pub native: Option<String>,
    /// Whether it is a user there: services are principals of another kind, unless they sign in by a name
    /// as people do.
    pub is_user: bool,
    /// Its tier by an earlier export; nothing when it had none there.
    pub before: Option<u8>,
    /// Its tier now; nothing takes it away.
    pub now: Option<u8>,
    /// Its tier before this scan, as the tables have it.
    pub previous: Option<u8>,
    /// How many systems it unlocks.
    pub unlocks: usize,
    /// Recoveries on the way to the worst of them.
    pub hops: Option<u32>,
    /// The proof, in one line.
    pub chain: String,
}

impl Account {
    /// Whether anything is to be done about it.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before != self.now
    }
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What an export is made of.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The files, in the order of the run-book.
    pub files: Vec<File>,
    /// Accounts that the tool cannot take, with why.
    pub left_out: Vec<(String, &'static str)>,
}

impl Made {
    fn file(&mut self, name: String, text: String) {
        self.files.push(File { name, text });
    }

    fn json_lines(&mut self, name: String, lines: &[serde_json::Value]) {
        if !lines.is_empty() {
            let lines = lines.iter().map(|line| format!("{line}\n"));
            self.file(name, lines.collect());
        }
    }
}

/// Whether a file of this name is one that an export makes, so that another one may remove it.
#[must_use]
pub fn is_own_file(name: &str) -> bool {
    const WHOLE: [&str; 8] = [
        "attributes.jsonl",
        "requests.jsonl",
        "members.csv",
        "users.csv",
        "units.csv",
        "group-members-add.csv",
        "group-members-remove.csv",
        "reset-tiers.csv",
    ];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let numbered = |prefix: &str, suffix: &str| {
        let rest = name.strip_prefix(prefix);
        let rest = rest.and_then(|rest| rest.strip_suffix(suffix));
        rest.is_some_and(is_number)
    };
    WHOLE.contains(&name)
        || numbered("insert-multiple-", ".json")
        || (0..TIERS).any(|tier| {
            let of = |rest: &str| name == format!("tier-{tier}-{rest}");
            let words = ["add", "remove"].iter().any(|word| {
                [".csv", ".json", ".jsonl"]
                    .iter()
                    .any(|end| of(&format!("{word}{end}")))
                    || numbered(&format!("tier-{tier}-{word}-"), ".csv")
            });
            words || of("unit.json")
        })
}

/// The names that an export gives to groups and fields.
#[derive(Clone, Debug)]
pub struct Names {
    /// The name of the group or unit of a tier, `{tier}` standing for its number.
    pub group: String,
    /// When it was decided, as text; for forms that have a place for it.
    pub date: String,
    /// The ids that the tool gave the groups or units, by tier, as far as they are known.
    pub ids: BTreeMap<u8, String>,
}

impl Names {
    /// The group of a tier.
    #[must_use]
    pub fn of(&self, tier: u8) -> String {
        self.group.replace("{tier}", &tier.to_string())
    }

    /// The id of the group or unit of a tier as a segment of a path, or what to put there.
    fn id(&self, what: &str, tier: u8) -> String {
        let known = self.ids.get(&tier).map(|id| segment(id));
        known.unwrap_or_else(|| format!("{{id of the {what} of tier {tier}}}"))
    }
}

/// Makes the files of a form for the accounts that are changed.
#[must_use]
pub fn make(form: Form, accounts: &[Account], names: &Names) -> Made {
    let changed: Vec<&Account> = accounts.iter().filter(|one| one.is_changed()).collect();
    match form {
        Form::EntraGroup => entra::groups(&changed),
        Form::EntraAu => entra::units(&changed, names),
        Form::EntraAttribute => entra::attributes(&changed),
        Form::OktaGroup => okta::groups(&changed, names),
        Form::OktaProfile => okta::profiles(&changed),
        Form::Servicenow => servicenow::records(&changed, names),
        Form::GoogleOu => google::units(&changed, names),
        Form::GoogleGroup => google::groups(&changed),
        Form::Scim => scim::patches(&changed),
        Form::Csv => plain::table(accounts),
    }
}

/// Those that leave a tier, and those that come into one, ascending by id.
fn moves<'a>(accounts: &[&'a Account], tier: u8) -> [Vec<&'a Account>; 2] {
    let of = |side: fn(&Account) -> Option<u8>, other: fn(&Account) -> Option<u8>| {
        let mine = accounts.iter().copied();
        mine.filter(|one| side(one) == Some(tier) && other(one) != Some(tier))
            .collect()
    };
    [
        of(|one| one.before, |one| one.now),
        of(|one| one.now, |one| one.before),
    ]
}

/// `T0`, or nothing where the tier is taken away.
fn label(tier: Option<u8>) -> Option<String> {
    tier.map(|tier| format!("T{tier}"))
}

/// In how many parts of at most so many a list is cut, parts of nearly one size: a part of one is made
/// only of a list of one, for some tools refuse it.
fn parts<T>(list: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let count = list.len().div_ceil(most).max(1);
    let size = list.len().div_ceil(count).max(1);
    list.chunks(size)
}

/// What a segment of a path may hold unescaped.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name as a segment of a URL.
fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// A CSV text of these rows.
fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail.
        let _ = out.write_record(row);
    }
    String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Whether a name looks like a mail address or user principal name.
#[must_use]
pub fn is_address(name: &str) -> bool {
    let mut parts = name.split('@');
    let (local, domain) = (parts.next(), parts.next());
    parts.next().is_none()
        && local.is_some_and(|local| !local.is_empty())
        && domain.is_some_and(|domain| domain.contains('.'))
        && !name.contains(char::is_whitespace)
}

/// Whether a name is a GUID, as Entra's object ids are.
#[must_use]
pub fn is_guid(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_holds_one_of_many() {
        let list: Vec<u32> = (0..40_001).collect();
        let sizes: Vec<usize> = parts(&list, 40_000).map(<[u32]>::len).collect();
        assert_eq!(sizes, [20_001, 20_000]);
        assert_eq!(parts(&list[..40_000], 40_000).count(), 1);
        assert_eq!(parts(&list[..1], 40_000).count(), 1);
        assert_eq!(parts(&list[..0], 40_000).count(), 0);
    }

    #[test]
    fn ids_are_told_apart() {
        assert!(is_guid("6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0") && !is_guid("6ea91a8d"));
        assert!(is_address("kim@contoso.com") && !is_address("kim") && !is_address("a@b@c.d"));
        assert_eq!(segment("a_b#EXT#@c/d"), "a_b%23EXT%23%40c%2Fd");
        for own in [
            "tier-0-add-12.csv",
            "tier-3-remove.jsonl",
            "insert-multiple-1.json",
            "tier-1-unit.json",
        ] {
            assert!(is_own_file(own), "{own}");
        }
        for other in [
            "identities.csv",
            "../users.csv",
            "tier-4-add.csv",
            "insert-multiple-.json",
            "export.json",
        ] {
            assert!(!is_own_file(other), "{other}");
        }
    }
}
