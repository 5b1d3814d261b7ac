//! What went wrong or deserves a look, as data: a code, a place, what was found, what was expected.
//! Nothing is printed here.

mod code;
mod sources;

pub use code::Code;
pub use sources::{FileId, Place, SourceFile, Sources};

/// A place in the text of an input file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file.
    pub file: FileId,
    /// The first byte, in the decoded text.
    pub start: u32,
    /// How many bytes.
    pub len: u32,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// The result stands, but look at it.
    Warning,
    /// For information.
    Note,
}

impl Severity {
    /// As it is printed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing to say about the inputs.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What kind of thing.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// One sentence in lower case without a full stop; user text in backticks.
    pub message: String,
    /// Where; none for what concerns a whole file or run.
    pub origin: Option<Origin>,
    /// The file, for what concerns a whole file.
    pub file: Option<FileId>,
    /// What stands under the caret: what was expected.
    pub label: String,
    /// What to do next.
    pub help: Option<String>,
    /// Another place that matters, with its label.
    pub related: Option<(Origin, String)>,
}

impl Diagnostic {
    /// A diagnostic of the code's own severity.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            origin: None,
            file: None,
            label: String::new(),
            help: None,
            related: None,
        }
    }

    /// Says where, and what stands under the caret.
    #[must_use]
    pub fn at(mut self, origin: Origin, label: impl Into<String>) -> Self {
        self.origin = Some(origin);
        self.label = label.into();
        self
    }

    /// Says which file, where no place in it matters.
    #[must_use]
    pub fn in_file(mut self, file: FileId) -> Self {
        self.file = Some(file);
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn related(mut self, origin: Origin, label: impl Into<String>) -> Self {
        self.related = Some((origin, label.into()));
        self
    }
}

/// The word that was probably meant, for a "did you mean": within a third of its length.
#[must_use]
pub fn closest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&text, word), word))
        .filter(|(distance, word)| *distance <= word.len().max(3) / 3)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_near_miss_is_named_and_a_far_one_is_not() {
        assert_eq!(
            closest("hellp_desk", ["help_desk", "human"]),
            Some("help_desk")
        );
        assert_eq!(
            closest("Identites", ["identity", "identities"]),
            Some("identities")
        );
        assert_eq!(closest("zebra", ["help_desk", "human"]), None);
    }
}
