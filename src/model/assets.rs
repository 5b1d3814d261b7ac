//! Everything an attacker can hold, each name once.

use super::{Kind, fold_name};
use rustc_hash::FxHashMap;

/// An asset of one organisation, numbered from 0 in the order in which names were first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub u32);

impl AssetId {
    /// The position of this asset in an array with one entry per asset.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An asset's kind and names.
#[derive(Clone, Debug)]
pub struct Asset {
    /// What it is.
    pub kind: Kind,
    /// The name as compared.
    pub key: Box<str>,
    /// The name as shown.
    pub shown: Box<str>,
}

/// The assets of an organisation by name.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    list: Vec<Asset>,
    by_key: [FxHashMap<Box<str>, AssetId>; 7],
}

impl Assets {
    /// Looks a name up by its compared form; identities answer to their aliases too.
    #[must_use]
    pub fn find(&self, kind: Kind, key: &str) -> Option<AssetId> {
        self.by_key[kind as usize].get(key).copied()
    }

    /// Looks a name up as somebody wrote it.
    #[must_use]
    pub fn find_spelled(&self, kind: Kind, text: &str) -> Option<AssetId> {
        self.find(kind, &fold_name(kind, text))
    }

    /// Adds a name that is not there yet.
    pub fn insert(&mut self, kind: Kind, key: String, shown: &str) -> AssetId {
        let id = AssetId(self.list.len() as u32);
        let key: Box<str> = key.into();
        self.by_key[kind as usize].insert(key.clone(), id);
        self.list.push(Asset {
            kind,
            key,
            shown: shown.trim().into(),
        });
        id
    }

    /// Lets a further name stand for an asset.
    pub fn alias(&mut self, id: AssetId, key: String) {
        let kind = self.list[id.index()].kind;
        self.by_key[kind as usize].insert(key.into(), id);
    }

    /// Replaces the shown name by that of the declaring row.
    pub fn show_as(&mut self, id: AssetId, shown: &str) {
        self.list[id.index()].shown = shown.trim().into();
    }

    /// Replaces both names, for pseudonyms.
    pub fn rename(&mut self, id: AssetId, name: &str) {
        let asset = &mut self.list[id.index()];
        asset.key = name.into();
        asset.shown = name.into();
    }

    /// The asset with this number.
    #[must_use]
    pub fn get(&self, id: AssetId) -> &Asset {
        &self.list[id.index()]
    }

    /// All assets in the order in which they were first seen.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AssetId, &Asset)> {
        self.list
            .iter()
            .enumerate()
            .map(|(at, asset)| (AssetId(at as u32), asset))
    }

    /// How many assets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
