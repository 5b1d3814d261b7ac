//! What a row of a change set does.

use super::Word;

/// What a row of a change set does to the row with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It is not there yet.
    Add,
    /// It goes; in a gate the need stays what it was.
    Remove,
    /// Its other cells become these; empty ones stay what they were.
    Set,
}

impl Word for Change {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("add", Self::Add),
        ("remove", Self::Remove),
        ("set", Self::Set),
    ];
}
