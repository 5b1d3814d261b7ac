//! Who a SID is: names, kinds, well-known groups.

use std::collections::{BTreeMap, BTreeSet};

use super::systems::{TierZero, is_domain_sid, rid_of};
use super::{Maker, Object, ObjectKind};

/// A principal by its name in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    Identity(String),
    Group(String),
}

/// Every SID of a collection.
pub(super) struct Names {
    by_sid: BTreeMap<String, Principal>,
    /// For references that are distinguished names.
    by_distinguished_name: BTreeMap<String, String>,
    /// Domain names by SID.
    domains: BTreeMap<String, String>,
    tier_zero: TierZero,
}

impl Names {
    pub(super) fn of(objects: &[Object], maker: &mut Maker<'_>) -> Self {
        let tier_zero = TierZero::load(maker);
        let mut names = Self {
            by_sid: BTreeMap::new(),
            by_distinguished_name: BTreeMap::new(),
            domains: BTreeMap::new(),
            tier_zero,
        };
        let mut taken = BTreeSet::new();
        for object in objects {
            if object.kind == ObjectKind::Domain {
                let name = if object.name.is_empty() {
                    &object.sid
                } else {
                    &object.name
                };
                names.domains.insert(object.sid.clone(), name.clone());
                continue;
            }
            if object.kind == ObjectKind::User && is_local(&object.sid) {
                continue;
            }
            // Names are unique in a directory; where an export repeats one, the SID tells them apart.
            let plain = if object.name.is_empty() {
                object.sid.clone()
            } else {
                object.name.replace(';', ",")
            };
            // A cloud account of the same login is another account: this one signs in to its domain.
            let plain = match plain.rsplit_once('@') {
                Some((account, domain))
                    if object.kind == ObjectKind::User && maker.keys.is_of_the_cloud(&plain) =>
                {
                    format!("{domain}\\{account}")
                }
                _ => plain,
            };
            let name = if taken.insert((object.kind, plain.to_lowercase())) {
                plain
            } else {
                format!("{plain} ({})", object.sid)
            };
            let principal = if object.kind == ObjectKind::User {
                Principal::Identity(name)
            } else {
                Principal::Group(name)
            };
            names.by_sid.insert(object.sid.clone(), principal);
            if !object.distinguished_name.is_empty() {
                names
                    .by_distinguished_name
                    .insert(object.distinguished_name.clone(), object.sid.clone());
            }
        }
        names
    }

    /// Who a SID or distinguished name is. A principal that the collection does not hold is what
    /// its stated kind says: a group, or an account that only this reference names. Nothing for
    /// what stays out: computers and the local system accounts.
    pub(super) fn resolve(&self, sid: &str, kind: &str) -> Option<Principal> {
        if sid.is_empty() {
            return None;
        }
        let sid = self
            .by_distinguished_name
            .get(sid)
            .map_or(sid, String::as_str);
        if let Some(known) = self.by_sid.get(sid) {
            return Some(known.clone());
        }
        if is_local(sid) || kind.eq_ignore_ascii_case("computer") || self.domains.contains_key(sid)
        {
            return None;
        }
        if kind.eq_ignore_ascii_case("group") || is_well_known_group(sid) {
            return Some(Principal::Group(sid.to_owned()));
        }
        // "Base" is SharpHound's word for what it could not look up; an account is the worst case.
        Some(Principal::Identity(sid.to_owned()))
    }

    /// The name of the domain that an object belongs to.
    pub(super) fn domain_of<'a>(&'a self, object: &'a Object) -> Option<&'a str> {
        let sid = if object.kind == ObjectKind::Domain {
            &*object.sid
        } else {
            &object.domain_sid
        };
        if let Some(name) = self.domains.get(sid) {
            return Some(name);
        }
        None
    }

    /// Whoever signs in to a domain is in Authenticated Users, and that in Everyone.
    pub(super) fn implicit_member(&self, group: &Object) -> Option<String> {
        let member = if group.sid.ends_with("-S-1-5-11") {
            format!("{}-513", group.domain_sid)
        } else if group.sid.ends_with("-S-1-1-0") {
            format!("{}-S-1-5-11", group.sid.strip_suffix("-S-1-1-0")?)
        } else {
            return None;
        };
        match self.by_sid.get(&member)? {
            Principal::Group(name) => Some(name.clone()),
            Principal::Identity(_) => None,
        }
    }

    /// The criticality of a group that controls a domain, if it is one.
    pub(super) fn tier_zero(&self, sid: &str) -> Option<u8> {
        self.tier_zero.of(sid)
    }

    pub(super) fn domain_criticality(&self) -> u8 {
        self.tier_zero.domain_criticality
    }
}

/// The group of all accounts of a domain: made by the importer, in no directory.
pub(super) fn accounts_of(domain: &str) -> String {
    format!("all accounts of {domain}")
}

/// The group of all groups of a domain: made by the importer, so that a group without members is
/// declared too. It holds no rights.
pub(super) fn groups_of(domain: &str) -> String {
    format!("all groups of {domain}")
}

/// SYSTEM, LOCAL SERVICE and NETWORK SERVICE: every machine's own, nobody's to reset.
fn is_local(sid: &str) -> bool {
    ["S-1-5-18", "S-1-5-19", "S-1-5-20"]
        .iter()
        .any(|local| sid == *local || sid.ends_with(&format!("-{local}")))
}

/// Built-in groups, and relative ids below 1000 that are no user's (500 to 503 are).
fn is_well_known_group(sid: &str) -> bool {
    if !is_domain_sid(sid) {
        return true;
    }
    rid_of(sid).is_some_and(|rid| rid < 1000 && !(500..=503).contains(&rid))
}
