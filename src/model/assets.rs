//! Everything an attacker can hold, each name once.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::{Kind, fold_name};

/// An asset of one organisation, numbered from 0 in the order in which names are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub u32);

impl AssetId {
    /// The position of this asset in an array with one entry per asset.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An asset with its name.
#[derive(Clone, Copy, Debug)]
pub struct Asset<'a> {
    /// What kind of thing it is.
    pub kind: Kind,
    /// The name as compared.
    pub key: &'a str,
    /// The name as shown: the declared id's spelling, else the first one seen.
    pub shown: &'a str,
}

/// All assets by number and by name. The text of all names lies in one piece, so a name costs its
/// length and about 50 bytes.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    text: String,
    list: Vec<Entry>,
    names: HashTable<Name>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: Kind,
    key: Span,
    shown: Span,
}

/// A name and whose it is: an asset's key, or an alias. The kind stands here too, so that a look-up
/// reads the table and the text and nothing else.
#[derive(Clone, Copy, Debug)]
struct Name {
    start: usize,
    len: u32,
    kind: Kind,
    asset: AssetId,
}

impl Name {
    fn of(self, text: &str) -> &str {
        &text[self.start..self.start + self.len as usize]
    }
}

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: usize,
    len: u32,
}

impl Span {
    fn of(self, text: &str) -> &str {
        &text[self.start..self.start + self.len as usize]
    }
}

fn hash(kind: Kind, key: &str) -> u64 {
    FxBuildHasher.hash_one((kind as u8, key))
}

fn append(text: &mut String, part: &str) -> Span {
    let start = text.len();
    text.push_str(part);
    Span {
        start,
        len: part.len() as u32,
    }
}

impl Assets {
    /// Makes room for about this many names.
    pub fn reserve(&mut self, names: usize) {
        let text = &self.text;
        self.names
            .reserve(names, |name| hash(name.kind, name.of(text)));
        self.list.reserve(names);
        self.text.reserve(names.saturating_mul(24));
    }

    /// The asset of this kind with this name as compared, aliases included.
    #[must_use]
    pub fn find(&self, kind: Kind, key: &str) -> Option<AssetId> {
        let found = self.names.find(hash(kind, key), |name| {
            name.kind == kind && name.len as usize == key.len() && name.of(&self.text) == key
        });
        found.map(|name| name.asset)
    }

    /// The same by a name as people write it.
    #[must_use]
    pub fn find_spelled(&self, kind: Kind, text: &str) -> Option<AssetId> {
        self.find(kind, &fold_name(kind, text))
    }

    /// Adds an asset whose key is not there yet.
    pub fn insert(&mut self, kind: Kind, key: &str, shown: &str) -> AssetId {
        let id = AssetId(self.list.len() as u32);
        let shown = shown.trim();
        let key_span = append(&mut self.text, key);
        let shown_span = if shown == key {
            key_span
        } else {
            append(&mut self.text, shown)
        };
        self.list.push(Entry {
            kind,
            key: key_span,
            shown: shown_span,
        });
        self.name(id, kind, key_span);
        id
    }

    /// Makes `key` a further name of an asset.
    pub fn alias(&mut self, id: AssetId, key: &str) {
        let kind = self.list[id.index()].kind;
        if self.find(kind, key).is_none() {
            let span = append(&mut self.text, key);
            self.name(id, kind, span);
        }
    }

    fn name(&mut self, asset: AssetId, kind: Kind, span: Span) {
        let text = &self.text;
        let name = Name {
            start: span.start,
            len: span.len,
            kind,
            asset,
        };
        let hash_of = |name: &Name| hash(name.kind, name.of(text));
        self.names.insert_unique(hash_of(&name), name, hash_of);
    }

    /// Gives an asset another name, for pseudonyms. It is found by its old names still.
    pub fn rename(&mut self, id: AssetId, name: &str) {
        let span = append(&mut self.text, name);
        let entry = &mut self.list[id.index()];
        entry.key = span;
        entry.shown = span;
    }

    /// An asset by its number.
    #[must_use]
    pub fn get(&self, id: AssetId) -> Asset<'_> {
        self.view(&self.list[id.index()])
    }

    fn view(&self, entry: &Entry) -> Asset<'_> {
        Asset {
            kind: entry.kind,
            key: entry.key.of(&self.text),
            shown: entry.shown.of(&self.text),
        }
    }

    /// Every asset in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AssetId, Asset<'_>)> {
        self.list
            .iter()
            .enumerate()
            .map(|(at, entry)| (AssetId(at as u32), self.view(entry)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_kind_and_alias() {
        let mut assets = Assets::default();
        let ann = assets.insert(Kind::Identity, "ann", "Ann ");
        let box_of_ann = assets.insert(Kind::Mailbox, "ann", "ann");
        assets.alias(ann, "a.nn");
        assert_eq!(assets.find(Kind::Identity, "ann"), Some(ann));
        assert_eq!(assets.find(Kind::Identity, "a.nn"), Some(ann));
        assert_eq!(assets.find_spelled(Kind::Mailbox, " ANN"), Some(box_of_ann));
        assert_eq!(assets.find(Kind::Mailbox, "a.nn"), None);
        assert_eq!(assets.get(ann).shown, "Ann");
        assets.rename(ann, "identity-1");
        assert_eq!(
            (assets.get(ann).key, assets.get(ann).shown),
            ("identity-1", "identity-1")
        );
    }
}
