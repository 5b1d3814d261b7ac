//! The keys by which exports know the same account: object id, SID, immutable id, login, address, in
//! this order. A key that two accounts have joins nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

/// What kind of key it is, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::ingest) enum Key {
    /// The id of an object in a cloud directory.
    ObjectId,
    /// A security identifier.
    Sid,
    /// What a synchronised account is anchored by.
    ImmutableId,
    /// A user principal name or login.
    Login,
    /// A mail address, proxy addresses included.
    Address,
    /// `DOMAIN\name`, or the name alone.
    Sam,
}

/// What a key leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Joined {
    One(String),
    Several(Vec<String>),
    Nothing,
}

/// An account of a cloud directory that is synchronised from another one.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct Synchronised {
    /// The id of the account in the cloud.
    pub identity: String,
    /// Keys of the account that it is made of.
    pub keys: Vec<(Key, String)>,
    /// Where the export says so, and its native id.
    pub origin: crate::diag::Origin,
    pub object: String,
    /// Whether the export says that it is synchronised; else it is taken to be, where the other
    /// directory has an account of the same login.
    pub is_known: bool,
}

/// An account that has a key, and whether others may be synchronised from it.
type Account = (Rc<str>, bool);

/// All keys of a run.
#[derive(Default)]
pub(in crate::ingest) struct Keys {
    known: FxHashMap<(Key, Box<str>), Vec<Account>>,
    /// The id that was noted last: its keys follow each other.
    last: Option<Rc<str>>,
    /// Accounts that wait for the directory they come from, by their ids.
    pub synchronised: BTreeMap<String, Synchronised>,
    /// Groups that reset the passwords of such accounts in the cloud, by their ids there.
    pub resetters: BTreeMap<String, BTreeSet<Rc<str>>>,
    /// How such accounts reset their passwords themselves, by their ids in the cloud.
    pub own_resets: BTreeMap<String, OwnReset>,
    /// Whose a mailbox is, by its id in lower case.
    owners: FxHashMap<Box<str>, Box<str>>,
    /// Which source has an account of an id.
    ids: BTreeMap<String, &'static str>,
    /// Groups by their keys.
    groups: FxHashMap<(Key, Box<str>), Vec<Rc<str>>>,
    /// The security identifiers of accounts that others are synchronised from, by id in lower case.
    sids: FxHashMap<Box<str>, Box<str>>,
}

/// A self-service reset: rows of a gate as (sources of which any one will do, method).
#[derive(Clone, Debug, Default)]
pub(in crate::ingest) struct OwnReset {
    pub need: i64,
    pub rows: Vec<(Vec<String>, String)>,
    pub mails: Vec<String>,
    pub phones: Vec<String>,
}

impl Keys {
    /// Notes a key of an account.
    pub(super) fn add(&mut self, key: Key, value: &str, identity: &str) {
        self.note(key, value, identity, false);
    }

    /// Notes a key of an account that others may be synchronised from.
    pub(super) fn add_local(&mut self, key: Key, value: &str, identity: &str) {
        if key == Key::Sid && !value.is_empty() {
            let id = identity.to_lowercase().into_boxed_str();
            self.sids.insert(id, value.to_lowercase().into());
        }
        self.note(key, value, identity, true);
    }

    fn note(&mut self, key: Key, value: &str, identity: &str, is_local: bool) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let last = self.last.clone().filter(|last| **last == *identity);
        let identity = last.unwrap_or_else(|| identity.into());
        self.last = Some(Rc::clone(&identity));
        let value = value.to_lowercase().into_boxed_str();
        let known = self.known.entry((key, value)).or_default();
        let same = known
            .iter_mut()
            .find(|(other, _)| other.eq_ignore_ascii_case(&identity));
        match same {
            Some((_, local)) => *local |= is_local,
            None => {
                known.reserve_exact(1);
                known.push((identity, is_local));
            }
        }
    }

    /// Notes that a source has an account of this id.
    pub(super) fn declare(&mut self, identity: &str, source: &'static str) {
        self.ids.entry(identity.to_lowercase()).or_insert(source);
    }

    /// Whether a mailbox may have this owner: nobody, or the one that any source has named first.
    pub(super) fn owns_mailbox(&mut self, mailbox: &str, owner: &str) -> bool {
        if owner.is_empty() {
            return true;
        }
        let mailbox = mailbox.to_lowercase().into_boxed_str();
        let owner = owner.to_lowercase().into_boxed_str();
        match self.owners.get(&mailbox) {
            Some(known) => *known == owner,
            None => {
                self.owners.insert(mailbox, owner);
                true
            }
        }
    }

    /// Whether a directory that is not Active Directory has an account of this id.
    pub(super) fn is_of_the_cloud(&self, identity: &str) -> bool {
        let source = self.declared_by(identity);
        source.is_some_and(|source| !["sharphound", "activedirectory"].contains(&source))
    }

    /// Notes a key of a group; `group` is its reference.
    pub(super) fn add_group(&mut self, key: Key, value: &str, group: &str) {
        let value = value.trim().to_lowercase();
        if value.is_empty() {
            return;
        }
        let known = self
            .groups
            .entry((key, value.into_boxed_str()))
            .or_default();
        if !known.iter().any(|other| other.eq_ignore_ascii_case(group)) {
            known.push(group.into());
        }
    }

    /// The group that one of these keys leads to.
    pub(super) fn find_group(&self, keys: &[(Key, &str)]) -> Option<String> {
        keys.iter().find_map(|(key, value)| {
            let value = value.trim().to_lowercase().into_boxed_str();
            match self.groups.get(&(*key, value)).map(Vec::as_slice) {
                Some([one]) => Some(one.to_string()),
                _ => None,
            }
        })
    }

    /// The security identifier of an account that others are synchronised from.
    pub(super) fn sid_of(&self, identity: &str) -> Option<&str> {
        let sid = self.sids.get(&*identity.to_lowercase());
        sid.map(|sid| &**sid)
    }

    /// Which source has an account of this id.
    pub(super) fn declared_by(&self, identity: &str) -> Option<&'static str> {
        self.ids.get(&identity.to_lowercase()).copied()
    }

    /// The account that the strongest known of some keys leads to.
    pub(super) fn find(&self, keys: &[(Key, &str)]) -> Joined {
        self.among(keys, |_| true)
    }

    /// The same among accounts that others are synchronised from.
    pub(super) fn find_local(&self, keys: &[(Key, &str)]) -> Joined {
        self.among(keys, |is_local| is_local)
    }

    fn among(&self, keys: &[(Key, &str)], counts: impl Fn(bool) -> bool) -> Joined {
        let mut keys: Vec<_> = keys.to_vec();
        keys.sort_by_key(|(key, _)| *key);
        for (key, value) in keys {
            // Immutable ids are base64, where case matters; two that differ by case alone do not occur.
            let value = value.trim().to_lowercase().into_boxed_str();
            let known = self.known.get(&(key, value)).map_or(&[][..], Vec::as_slice);
            let mut own = known.iter().filter(|(_, is_local)| counts(*is_local));
            match (own.next(), own.next()) {
                (Some((one, _)), None) => return Joined::One(one.to_string()),
                (None, _) => {}
                _ => {
                    let own = known.iter().filter(|(_, is_local)| counts(*is_local));
                    return Joined::Several(own.map(|(id, _)| id.to_string()).collect());
                }
            }
        }
        Joined::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_key_decides_and_an_ambiguous_one_joins_nothing() {
        let mut keys = Keys::default();
        keys.add(Key::Address, "Kim@X", "kim");
        keys.add(Key::Address, "kim@x", "KIM");
        keys.add(Key::ObjectId, "7", "lee");
        keys.add(Key::Address, "both@x", "kim");
        keys.add(Key::Address, "both@x", "lee");
        let found = |wanted: &[(Key, &str)]| keys.find(wanted);
        assert_eq!(
            found(&[(Key::Address, "KIM@X ")]),
            Joined::One("kim".into())
        );
        assert_eq!(
            found(&[(Key::Address, "kim@x"), (Key::ObjectId, "7")]),
            Joined::One("lee".into())
        );
        assert_eq!(
            found(&[(Key::Address, "both@x")]),
            Joined::Several(vec!["kim".into(), "lee".into()])
        );
        assert_eq!(found(&[(Key::Sid, "S-1")]), Joined::Nothing);
    }
}
