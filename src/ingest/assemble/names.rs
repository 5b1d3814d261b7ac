//! The names that the rows of a part of a table mention, before anybody looks them up.

use std::borrow::Cow;

use crate::diag::Origin;
use crate::ingest::schema::{self, Col};
use crate::model::{Kind, NameHash, Wanted};

/// A name with its kind, not looked up yet (40 bytes: a part of a table has thousands).
#[derive(Clone, Debug)]
pub(super) struct Reference<'t> {
    text: Text<'t>,
    /// Of kind and key.
    hash: NameHash,
    pub origin: Origin,
    pub kind: Kind,
}

/// How a name is written and compared.
#[derive(Clone, Debug)]
enum Text<'t> {
    /// As it is written, which stands in a file.
    Plain(&'t str),
    Folded(Box<Folded<'t>>),
}

#[derive(Clone, Debug)]
struct Folded<'t> {
    key: Cow<'t, str>,
    shown: Cow<'t, str>,
}

impl<'t> Reference<'t> {
    /// A name as compared and as written.
    pub(super) fn new(kind: Kind, key: Cow<'t, str>, shown: Cow<'t, str>, origin: Origin) -> Self {
        let hash = NameHash::new(kind, &key);
        let text = match (key, shown) {
            (Cow::Borrowed(key), Cow::Borrowed(shown)) if key == shown => Text::Plain(key),
            (key, shown) => Text::Folded(Box::new(Folded { key, shown })),
        };
        Self {
            text,
            hash,
            origin,
            kind,
        }
    }

    /// A name that is compared as it is written.
    pub(super) fn plain(kind: Kind, text: &'t str, origin: Origin) -> Self {
        Self {
            text: Text::Plain(text),
            hash: NameHash::new(kind, text),
            origin,
            kind,
        }
    }

    /// The name as compared.
    pub(super) fn key(&self) -> &str {
        match &self.text {
            Text::Plain(text) => text,
            Text::Folded(text) => &text.key,
        }
    }

    /// The name as written.
    pub(super) fn shown(&self) -> &str {
        match &self.text {
            Text::Plain(text) => text,
            Text::Folded(text) => &text.shown,
        }
    }

    /// The name as compared, to be kept.
    pub(super) fn to_key(&self) -> Cow<'t, str> {
        match &self.text {
            Text::Plain(text) => Cow::Borrowed(text),
            Text::Folded(text) => text.key.clone(),
        }
    }

    pub(super) fn hash(&self) -> NameHash {
        self.hash
    }

    /// What to look for.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted::hashed(self.kind, self.key(), self.hash)
    }
}

/// The place of a reference among those of a part of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(u32);

/// The places of references that follow each other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Several {
    start: u32,
    end: u32,
}

/// The references of a part of a table, in the order of rows and columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Names<'t> {
    list: Vec<Reference<'t>>,
    /// For every column the last cell that was read without a word: rows of a gate name one target,
    /// and factors of a person one identity.
    recent: [Option<Recent<'t>>; schema::MOST_COLUMNS],
}

#[derive(Clone, Copy, Debug)]
struct Recent<'t> {
    text: &'t str,
    default: Kind,
    at: At,
}

impl<'t> Names<'t> {
    pub(super) fn push(&mut self, reference: Reference<'t>) -> At {
        self.list.push(reference);
        At(self.list.len() as u32 - 1)
    }

    /// A reference by a name that is compared as it is written, put together where it is kept.
    pub(super) fn push_plain(&mut self, kind: Kind, text: &'t str, origin: Origin) -> At {
        self.list.push(Reference::plain(kind, text, origin));
        At(self.list.len() as u32 - 1)
    }

    pub(super) fn extend(&mut self, references: impl Iterator<Item = Reference<'t>>) -> Several {
        let start = self.list.len() as u32;
        self.list.extend(references);
        let end = self.list.len() as u32;
        Several { start, end }
    }

    /// The reference that the last cell of this column gave, when it was the same text.
    pub(super) fn recent(&self, column: Col, text: &str, default: Kind) -> Option<At> {
        let recent = self.recent[usize::from(column.at)]?;
        (recent.text == text && recent.default == default).then_some(recent.at)
    }

    /// Keeps what a cell of this column gave for the next one.
    pub(super) fn remember(&mut self, column: Col, text: Option<&'t str>, default: Kind, at: At) {
        self.recent[usize::from(column.at)] = text.map(|text| Recent { text, default, at });
    }

    pub(super) fn get(&self, at: At) -> &Reference<'t> {
        &self.list[at.0 as usize]
    }

    pub(super) fn several(&self, several: Several) -> &[Reference<'t>] {
        &self.list[several.start as usize..several.end as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets all but the first ones.
    pub(super) fn truncate(&mut self, len: usize) {
        if len < self.list.len() {
            self.list.truncate(len);
            self.recent = Default::default();
        }
    }

    /// The references from a place on.
    pub(super) fn from(&self, at: usize) -> &[Reference<'t>] {
        self.list.get(at..).unwrap_or_default()
    }

    pub(super) fn wanted(&self) -> impl ExactSizeIterator<Item = Wanted<'_>> {
        self.list.iter().map(Reference::wanted)
    }
}

impl At {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Several {
    pub(super) fn each(self) -> impl Iterator<Item = At> {
        (self.start..self.end).map(At)
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}
