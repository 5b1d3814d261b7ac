//! The dated list of groups of Active Directory that control a domain or everything in it.

use serde::Deserialize;

use crate::diag::{Code, Diagnostic};
use crate::ingest::import::table::Maker;

pub(super) const BUILT_IN: &str = include_str!("../../../../data/systems/active-directory.toml");

/// The list.
#[derive(Default, Deserialize)]
pub(in crate::ingest) struct TierZero {
    pub domain_criticality: u8,
    group: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rid: Option<u32>,
    builtin: Option<String>,
    criticality: u8,
}

impl TierZero {
    /// The built-in list.
    pub fn load(maker: &mut Maker<'_>) -> Self {
        let list = toml::from_str(BUILT_IN);
        list.unwrap_or_else(|error| {
            maker.say(Diagnostic::new(
                Code::BadSyntax,
                format!("the list of Tier-0 groups is broken: {error}"),
            ));
            Self::default()
        })
    }

    /// The criticality of a group, if it is one of them. Built-in SIDs have the domain in front.
    pub fn of(&self, sid: &str) -> Option<u8> {
        let is = |group: &&Group| {
            let by_rid = group
                .rid
                .is_some_and(|rid| is_domain_sid(sid) && rid_of(sid) == Some(rid));
            by_rid
                || group
                    .builtin
                    .as_ref()
                    .is_some_and(|builtin| sid.ends_with(&format!("-{builtin}")))
        };
        self.group.iter().find(is).map(|group| group.criticality)
    }
}

/// Whether a SID is of a domain and not of every machine.
pub(super) fn is_domain_sid(sid: &str) -> bool {
    sid.starts_with("S-1-5-21-")
}

/// The last part of a SID.
pub(super) fn rid_of(sid: &str) -> Option<u32> {
    sid.rsplit('-').next()?.parse().ok()
}
