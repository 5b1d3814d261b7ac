//! Everything an attacker can hold, each name once.

use super::slots::{READ_AHEAD, Slots, touch};
use super::span::Span;
use super::wanted::{NameHash, Wanted};
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

/// All assets by number and by name.
///
/// The text of all names lies in one piece; a name costs its length and about 30 bytes.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    text: String,
    list: Vec<Entry>,
    aliases: Vec<Alias>,
    /// Assets, and aliases with the highest bit set.
    slots: Slots,
    /// Whether assets have names now that they are not found by.
    is_renamed: bool,
}

/// One asset: its kind is in the span's spare byte.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Span,
    /// Where another spelling of the key is shown: its place among `aliases`, plus one.
    shown: u32,
}

/// A further spelling or name of an asset.
#[derive(Clone, Copy, Debug)]
struct Alias {
    name: Span,
    asset: AssetId,
}

const ALIAS: u32 = 1 << 31;

/// The asset of every kind that was found last.
#[derive(Default)]
struct Last([u32; Kind::ALL.len()]);

impl Assets {
    /// Makes room for about this many names.
    pub fn reserve(&mut self, names: usize) {
        self.list.reserve(names);
        self.text.reserve(names.saturating_mul(24));
        let (list, aliases, text) = (&self.list, &self.aliases, &self.text);
        let hash_of = |number| hash_of(named(list, aliases, number).0, text).0;
        self.slots.reserve(names, hash_of);
    }

    /// The asset of this kind with this name as compared, aliases included.
    #[must_use]
    pub fn find(&self, kind: Kind, key: &str) -> Option<AssetId> {
        self.find_hashed(Wanted::new(kind, key))
    }

    /// The same by a name as people write it.
    #[must_use]
    pub fn find_spelled(&self, kind: Kind, text: &str) -> Option<AssetId> {
        self.find(kind, &fold_name(kind, text))
    }

    /// The same for a name with its hash.
    #[must_use]
    pub fn find_hashed(&self, wanted: Wanted<'_>) -> Option<AssetId> {
        let is_it = |number| self.is_named(self.named(number).0, wanted);
        let number = self.slots.find(wanted.hash.0, is_it)?;
        Some(self.named(number).1)
    }

    /// Whether a name is the one that is looked for.
    fn is_named(&self, name: Span, wanted: Wanted<'_>) -> bool {
        // Lengths first: they are at hand, and the text is somewhere else in memory.
        name.extra == wanted.kind as u8
            && name.len() == wanted.key.len()
            && name.of(&self.text) == wanted.key
    }

    /// Looks up many names, the cheapest way first. Exports are sorted alike, so the next name mostly is
    /// one of those that were numbered right after the last one: these lie side by side in memory, while
    /// the table of hashes keeps nothing together. For the others each step towards a name (slot, entry,
    /// text) is taken for a batch of them before the next step, so that the processor waits for many
    /// places in memory at a time and not for one after the other; about three times as fast where the
    /// table is larger than the caches.
    pub fn find_all<'a>(
        &self,
        wanted: impl ExactSizeIterator<Item = Wanted<'a>>,
        found: &mut Vec<Option<AssetId>>,
    ) {
        let first = found.len();
        found.resize(first + wanted.len(), None);
        self.find_some(wanted.enumerate(), &mut found[first..]);
    }

    /// The same for names with the places among `found` where their assets are noted, or that there is none.
    pub fn find_some<'a>(
        &self,
        wanted: impl Iterator<Item = (usize, Wanted<'a>)>,
        found: &mut [Option<AssetId>],
    ) {
        let mut last = Last::default();
        let mut batch: Vec<(usize, Wanted<'a>)> = Vec::with_capacity(READ_AHEAD);
        for (at, wanted) in wanted {
            let near = self.near(&mut last, wanted);
            if near.is_some() {
                found[at] = near;
                continue;
            }
            batch.push((at, wanted));
            if batch.len() == READ_AHEAD {
                self.find_batch(&mut batch, &mut last, found);
            }
        }
        self.find_batch(&mut batch, &mut last, found);
    }

    /// The asset of this name when it is the last one of its kind that was found or one of the few
    /// numbered after that.
    fn near(&self, last: &mut Last, wanted: Wanted<'_>) -> Option<AssetId> {
        /// Assets to look at: of a million generated identities' references that are found at all, six in
        /// seven are found among so many, and nearly all of these among the first four.
        const NEAR: usize = 8;
        if self.is_renamed {
            // Nobody is found by a pseudonym.
            return None;
        }
        let last = &mut last.0[wanted.kind as usize];
        let first = *last as usize;
        let near = self.list.get(first..)?.iter().take(NEAR);
        let further = near
            .map(|entry| entry.key)
            .position(|name| self.is_named(name, wanted))?;
        let at = (first + further) as u32;
        *last = at;
        Some(AssetId(at))
    }

    /// Looks up names in the table, and notes what they stand for at their places.
    fn find_batch(
        &self,
        batch: &mut Vec<(usize, Wanted<'_>)>,
        last: &mut Last,
        found: &mut [Option<AssetId>],
    ) {
        self.warm(batch.iter().map(|(_, wanted)| wanted.hash));
        for (at, wanted) in batch.drain(..) {
            found[at] = self.find_hashed(wanted);
            if let Some(found) = found[at] {
                last.0[wanted.kind as usize] = found.0;
            }
        }
    }

    /// Brings what a look-up of these names will read into the caches: at most [`READ_AHEAD`] of them.
    fn warm(&self, names: impl Iterator<Item = NameHash>) {
        let mut likely = [None; READ_AHEAD];
        let mut count = 0;
        for (likely, hash) in likely.iter_mut().zip(names) {
            // A slot of another name is as good as an empty one: most names are in their first slot.
            *likely = self.slots.likely(hash.0);
            count += 1;
        }
        let starts = likely.map(|number| number.map_or(0, |number| self.named(number).0.start()));
        touch(&self.text, &starts[..count]);
    }

    /// Brings the places into the caches where these names will be put: some dozens at most, or the first
    /// ones are gone again when they are needed.
    pub fn make_ready(&self, names: impl Iterator<Item = NameHash>) {
        self.slots.read_ahead(names.map(|hash| hash.0));
    }

    fn named(&self, number: u32) -> (Span, AssetId) {
        named(&self.list, &self.aliases, number)
    }

    /// Further names of assets as compared, in the order in which they were given.
    pub fn aliases(&self) -> impl Iterator<Item = (AssetId, &str)> {
        let all = self.aliases.iter();
        let named = all.map(|alias| (alias.asset, alias.name.of(&self.text)));
        // Another spelling of the key is no name that is looked up.
        named.filter(|(asset, name)| {
            let own = self.get(*asset);
            own.key != *name && self.find(own.kind, name) == Some(*asset)
        })
    }

    /// Adds an asset whose key is not there yet.
    pub fn insert(&mut self, kind: Kind, key: &str, shown: &str) -> AssetId {
        self.insert_hashed(Wanted::new(kind, key), shown)
    }

    /// The same for a name with its hash.
    pub fn insert_hashed(&mut self, wanted: Wanted<'_>, shown: &str) -> AssetId {
        let Wanted { kind, key, hash } = wanted;
        let id = AssetId(self.list.len() as u32);
        let mut name = Span::append(&mut self.text, key);
        name.extra = kind as u8;
        let shown = shown.trim();
        let shown = if shown == key {
            0
        } else {
            self.keep_name(id, kind, shown) + 1
        };
        self.list.push(Entry { key: name, shown });
        self.take_slot(hash, id.0);
        id
    }

    /// Makes `key` a further name of an asset.
    pub fn alias(&mut self, id: AssetId, key: &str) {
        let kind = self.kind(id);
        let wanted = Wanted::new(kind, key);
        if self.find_hashed(wanted).is_none() {
            let alias = self.keep_name(id, kind, key);
            self.take_slot(wanted.hash, alias | ALIAS);
        }
    }

    fn keep_name(&mut self, asset: AssetId, kind: Kind, name: &str) -> u32 {
        let mut name = Span::append(&mut self.text, name);
        name.extra = kind as u8;
        self.aliases.push(Alias { name, asset });
        self.aliases.len() as u32 - 1
    }

    fn take_slot(&mut self, hash: NameHash, number: u32) {
        let (list, aliases, text) = (&self.list, &self.aliases, &self.text);
        let hash_of = |number| hash_of(named(list, aliases, number).0, text).0;
        self.slots.insert(hash.0, number, hash_of);
    }

    /// What kind of asset it is, without a look at its names.
    #[must_use]
    pub fn kind(&self, id: AssetId) -> Kind {
        kind_of(self.list[id.index()].key)
    }

    /// Gives an asset another name, for pseudonyms. It is found by its old names still.
    pub fn rename(&mut self, id: AssetId, name: &str) {
        self.is_renamed = true;
        let kind = self.kind(id);
        let old = self.list[id.index()].key;
        let hash = hash_of(old, &self.text);
        let alias = self.aliases.len() as u32 | ALIAS;
        self.aliases.push(Alias {
            name: old,
            asset: id,
        });
        self.slots.replace(hash.0, id.0, alias);
        let mut key = Span::append(&mut self.text, name);
        key.extra = kind as u8;
        self.list[id.index()] = Entry { key, shown: 0 };
    }

    /// An asset by its number.
    #[must_use]
    pub fn get(&self, id: AssetId) -> Asset<'_> {
        self.view(&self.list[id.index()])
    }

    /// Brings the names of these assets into the caches, each step towards them for all of them at a
    /// time, so that the processor waits for many places in memory together: at most [`READ_AHEAD`].
    pub fn read_ahead(&self, assets: &[AssetId]) {
        let mut starts = [0; READ_AHEAD];
        for (start, id) in starts.iter_mut().zip(assets) {
            *start = self
                .list
                .get(id.index())
                .map_or(0, |entry| entry.key.start());
        }
        touch(&self.text, &starts[..assets.len().min(READ_AHEAD)]);
    }

    fn view(&self, entry: &Entry) -> Asset<'_> {
        let key = entry.key.of(&self.text);
        let shown = entry.shown.checked_sub(1);
        Asset {
            kind: kind_of(entry.key),
            key,
            shown: shown.map_or(key, |at| self.aliases[at as usize].name.of(&self.text)),
        }
    }

    /// Every asset in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AssetId, Asset<'_>)> {
        self.list
            .iter()
            .enumerate()
            .map(|(at, entry)| (AssetId(at as u32), self.view(entry)))
    }

    /// What kind of thing every asset is, in the order of their numbers.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = (AssetId, Kind)> {
        let kinds = self.list.iter().map(|entry| kind_of(entry.key));
        kinds
            .enumerate()
            .map(|(at, kind)| (AssetId(at as u32), kind))
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

fn kind_of(name: Span) -> Kind {
    Kind::ALL[usize::from(name.extra)]
}

fn hash_of(name: Span, text: &str) -> NameHash {
    NameHash::new(kind_of(name), name.of(text))
}

/// What a number in the table stands for.
fn named(list: &[Entry], aliases: &[Alias], number: u32) -> (Span, AssetId) {
    if number & ALIAS == 0 {
        (list[number as usize].key, AssetId(number))
    } else {
        let alias = aliases[(number & !ALIAS) as usize];
        (alias.name, alias.asset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_kind_and_alias() {
        let mut assets = Assets::default();
        assert_eq!(assets.find(Kind::Identity, "ann"), None);
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
        for old in ["ann", "a.nn"] {
            assert_eq!(assets.find(Kind::Identity, old), Some(ann));
        }
        assert_eq!(assets.find(Kind::Identity, "identity-1"), None);
        let mut found = Vec::new();
        let names = ["identity-1", "ann"].map(|name| Wanted::new(Kind::Identity, name));
        assets.find_all(names.into_iter(), &mut found);
        assert_eq!(found, [None, Some(ann)]);
    }

    #[test]
    fn names_in_any_order_are_found_one_by_one_and_together() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut assets = Assets::default();
        let name = |at: u32| format!("name-{at}");
        for at in 0..3000 {
            // Kinds share names, and numbers of a kind do not follow each other.
            let kind = Kind::ALL[random.usize(..3)];
            if assets.find(kind, &name(at / 2)).is_none() {
                let id = assets.insert(kind, &name(at / 2), "");
                assets.alias(id, &format!("alias-{at}"));
            }
        }
        for step in [0, 1, 3, 40] {
            let mut at = 0;
            let names: Vec<(Kind, String)> = (0..4000)
                .map(|_| {
                    // Forward mostly, as in sorted exports, and sometimes anywhere.
                    at = match random.u32(..10) {
                        0 => random.u32(..1700),
                        _ => at + random.u32(..=step),
                    };
                    let kind = Kind::ALL[random.usize(..4)];
                    let name = match random.u32(..8) {
                        0 => format!("alias-{at}"),
                        _ => name(at),
                    };
                    (kind, name)
                })
                .collect();
            let wanted = names.iter().map(|(kind, name)| Wanted::new(*kind, name));
            let mut found = Vec::new();
            assets.find_all(wanted.clone(), &mut found);
            let expected: Vec<_> = wanted.map(|name| assets.find_hashed(name)).collect();
            assert_eq!(found, expected);
            assert!(found.iter().any(Option::is_some) && found.iter().any(Option::is_none));
        }
    }

    #[test]
    fn many_names_are_found_while_the_table_grows_and_in_batches() {
        let mut assets = Assets::default();
        let name = |at: u32| format!("name-{at}");
        for at in 0..5000 {
            let kind = Kind::ALL[at as usize % Kind::ALL.len()];
            let id = assets.insert(kind, &name(at), &format!("Name-{at}"));
            assets.alias(id, &format!("alias-{at}"));
            assert_eq!(id, AssetId(at));
        }
        let names: Vec<String> = (0..6000).map(name).collect();
        let wanted = names
            .iter()
            .enumerate()
            .map(|(at, name)| Wanted::new(Kind::ALL[at % Kind::ALL.len()], name));
        let mut found = Vec::new();
        assets.find_all(wanted, &mut found);
        for (at, found) in (0..6000).zip(found) {
            assert_eq!(found, (at < 5000).then_some(AssetId(at)), "{at}");
        }
        for at in 0..5000 {
            let kind = Kind::ALL[at as usize % Kind::ALL.len()];
            assert_eq!(assets.find(kind, &format!("alias-{at}")), Some(AssetId(at)));
            assert_eq!(assets.get(AssetId(at)).shown, format!("Name-{at}"));
            let other = Kind::ALL[(at as usize + 1) % Kind::ALL.len()];
            assert_eq!(assets.find(other, &name(at)), None);
        }
    }
}
