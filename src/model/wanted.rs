//! Names before they are found.

use std::hash::{BuildHasher, Hash, Hasher};

use rustc_hash::FxBuildHasher;

use super::Kind;

/// A name to look up: what it is of, the name as compared, and the hash of both.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'a str,
    pub(super) hash: NameHash,
}

/// The hash of a name with its kind.
#[derive(Clone, Copy, Debug)]
pub struct NameHash(pub(super) u64);

impl NameHash {
    /// Hashes a name as compared.
    #[must_use]
    pub fn new(kind: Kind, key: &str) -> Self {
        let mut hasher = FxBuildHasher.build_hasher();
        (kind as u8).hash(&mut hasher);
        key.hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl<'a> Wanted<'a> {
    /// A name whose hash is not known yet.
    #[must_use]
    pub fn new(kind: Kind, key: &'a str) -> Self {
        Self::hashed(kind, key, NameHash::new(kind, key))
    }

    /// What it is of.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// A name that was hashed before.
    #[must_use]
    pub fn hashed(kind: Kind, key: &'a str, hash: NameHash) -> Self {
        Self { kind, key, hash }
    }
}
