//! The names that the rows of a part of a table mention, before anybody looks them up.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use crate::diag::Origin;
use crate::ingest::schema::{self, Col};
use crate::model::{Kind, NameHash, ProcessId, Wanted};

/// A name with its kind, not looked up yet (40 bytes: a part of a table has thousands).
#[derive(Clone, Debug)]
pub(super) struct Reference<'t> {
    text: Spelling<'t>,
    /// Of kind and key.
    hash: NameHash,
    pub origin: Origin,
    pub kind: Kind,
}

impl<'t> Reference<'t> {
    /// A name as compared and as written.
    pub(super) fn new(kind: Kind, key: Cow<'t, str>, shown: Cow<'t, str>, origin: Origin) -> Self {
        let hash = NameHash::new(kind, &key);
        let text = Spelling::new(key, shown);
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
            text: Spelling::Plain(text),
            hash: NameHash::new(kind, text),
            origin,
            kind,
        }
    }

    /// The name as compared.
    pub(super) fn key(&self) -> &str {
        self.text.key()
    }

    /// The name as written.
    pub(super) fn shown(&self) -> &str {
        self.text.shown()
    }

    /// The name as compared, to be kept.
    pub(super) fn to_key(&self) -> Cow<'t, str> {
        match &self.text {
            Spelling::Plain(text) => Cow::Borrowed(text),
            Spelling::Folded(text) => text.key.clone(),
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

/// How a name is written and compared, in two words: rows that wait are many.
#[derive(Clone, Debug)]
pub(super) enum Spelling<'t> {
    /// Compared as it is written, which stands in a file.
    Plain(&'t str),
    Folded(Box<Folded<'t>>),
}

#[derive(Clone, Debug)]
pub(super) struct Folded<'t> {
    key: Cow<'t, str>,
    shown: Cow<'t, str>,
}

impl<'t> Spelling<'t> {
    /// A name as compared and as written.
    pub(super) fn new(key: Cow<'t, str>, shown: Cow<'t, str>) -> Self {
        match (key, shown) {
            (Cow::Borrowed(key), Cow::Borrowed(shown)) if key == shown => Self::Plain(key),
            (key, shown) => Self::Folded(Box::new(Folded { key, shown })),
        }
    }

    /// The name as compared.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Folded(text) => &text.key,
        }
    }

    /// The name as written.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Folded(text) => &text.shown,
        }
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

    /// The references at these places.
    pub(super) fn at(&self, places: Range<usize>) -> &[Reference<'t>] {
        self.list.get(places).unwrap_or_default()
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

/// The processes that the rows of a part name: rows that follow each other mostly name the same few.
#[derive(Default)]
pub(super) struct Processes<'t>(Vec<NamedProcess<'t>>);

struct NamedProcess<'t> {
    name: Cow<'t, str>,
    /// Where it stands first.
    origin: Origin,
    known: Cell<Option<ProcessId>>,
}

impl<'t> Processes<'t> {
    /// The place of a name, which may have others.
    pub(super) fn add(&mut self, name: Cow<'t, str>, origin: Origin) -> usize {
        /// Names to look for one among.
        const RECENT: usize = 8;
        let recent = self.0.len().saturating_sub(RECENT);
        let known = self.0[recent..].iter().rposition(|one| one.name == name);
        known.map_or_else(
            || {
                self.0.push(NamedProcess {
                    name,
                    origin,
                    known: Cell::default(),
                });
                self.0.len() - 1
            },
            |known| recent + known,
        )
    }

    /// The process that a name stands for, asked for once.
    pub(super) fn resolve(
        &self,
        place: usize,
        ask: impl FnOnce(&str, Origin) -> ProcessId,
    ) -> ProcessId {
        let process = &self.0[place];
        process.known.get().unwrap_or_else(|| {
            let found = ask(&process.name, process.origin);
            process.known.set(Some(found));
            found
        })
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
