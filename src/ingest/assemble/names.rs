//! The names that the rows of a part of a table mention, before anybody looks them up.

use std::borrow::Cow;

use crate::diag::Origin;
use crate::ingest::schema::{self, Col};
use crate::model::{Kind, NameHash, Wanted};

/// A name with its kind, not looked up yet.
#[derive(Clone, Debug)]
pub(super) struct Reference<'t> {
    pub kind: Kind,
    /// As compared.
    pub key: Cow<'t, str>,
    /// As written.
    pub shown: Cow<'t, str>,
    pub origin: Origin,
    /// Of kind and key.
    hash: NameHash,
}

impl<'t> Reference<'t> {
    pub(super) fn new(kind: Kind, key: Cow<'t, str>, shown: Cow<'t, str>, origin: Origin) -> Self {
        Self {
            hash: NameHash::new(kind, &key),
            kind,
            key,
            shown,
            origin,
        }
    }

    pub(super) fn hash(&self) -> NameHash {
        self.hash
    }

    /// What to look for.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted::hashed(self.kind, &self.key, self.hash)
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
        let hash = NameHash::new(kind, text);
        self.list.push(Reference {
            kind,
            key: Cow::Borrowed(text),
            shown: Cow::Borrowed(text),
            origin,
            hash,
        });
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
