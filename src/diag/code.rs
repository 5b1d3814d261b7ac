//! The codes of diagnostics and findings: one list, so that scripts and waivers can name them.

use super::Severity;

macro_rules! codes {
    ($($(#[$about:meta])* $variant:ident = $word:literal, $severity:ident, $text:literal;)+) => {
        /// What kind of diagnostic or finding it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "`description` says it for people and programs alike")]
        pub enum Code { $($variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it is written.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// How bad it is by itself.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

codes! {
    // Errors of the inputs: nothing is written.
    UnreadableFile = "unreadable-file", Error, "a file or directory cannot be read";
    NotText = "not-text", Error, "bytes that are not text in the file's encoding";
    BadSyntax = "bad-syntax", Error, "the file is not well-formed CSV, JSON or zip";
    UnclaimedInput = "unclaimed-input", Error, "a file given by name is nothing that Linchpin reads";
    MissingTable = "missing-table", Error, "the inputs hold no table `identities`";
    MissingColumn = "missing-column", Error, "a required column is missing";
    DuplicateColumn = "duplicate-column", Error, "a column stands twice in the header";
    MissingValue = "missing-value", Error, "a required value is missing";
    FieldCount = "field-count", Error, "a row has more or fewer fields than the header";
    BadValue = "bad-value", Error, "a value is not one of those the column takes";
    BadNumber = "bad-number", Error, "a number does not parse or is out of range";
    BadTime = "bad-time", Error, "a time is not RFC 3339";
    WrongKind = "wrong-kind", Error, "a reference of a kind that the column does not allow";
    EmptyName = "empty-name", Error, "a reference whose name is empty";
    DuplicateId = "duplicate-id", Error, "an id that the same source declares twice";
    AliasConflict = "alias-conflict", Error, "an alias that belongs to two identities or is another's id";
    GateConflict = "gate-conflict", Error, "rows of one gate that disagree";
    BadNeed = "bad-need", Error, "`need` outside 1..n of its gate";
    BadTarget = "bad-target", Error, "a recovery whose target, source and `restores` do not go together";
    ChangeRow = "change-row", Error, "a row of a change set where tables are read, or one that says nothing of its change";
    NoSuchRow = "no-such-row", Error, "a change of a row that is not there";
    RowExists = "row-exists", Error, "an added row that is there already";
    // Warnings: the result stands, but look at it.
    UnknownColumn = "unknown-column", Warning, "a column that is kept out of the analysis";
    UndeclaredName = "undeclared-name", Warning, "a name that no table declares and a row uses";
    UnknownOwner = "unknown-owner", Warning, "an owner that is no identity";
    NearPrefix = "near-prefix", Warning, "a name that begins with what is nearly the prefix of a kind";
    UnknownIdentity = "unknown-identity", Warning, "a signal or reset of an identity that nothing else names";
    ListInSingle = "list-in-single", Warning, "a `;` in a reference to a single thing";
    DuplicateGateRow = "duplicate-gate-row", Warning, "rows of a gate with the same source and method count once";
    OpenEnrolment = "open-enrolment", Warning, "a factor that is not enrolled: whoever signs in first enrols it";
    SourceConflict = "source-conflict", Warning, "two sources say different things about one id";
    ShortExport = "short-export", Warning, "an export that holds fewer objects than it says";
    DamagedExport = "damaged-export", Warning, "values that the exporting tool or a spreadsheet has lost";
    AmbiguousJoin = "ambiguous-join", Warning, "a key of an export that leads to several accounts: it joins nothing";
    LiveSecret = "live-secret", Warning, "an export that holds secrets in use; they are not read";
    AmbiguousExport = "ambiguous-export", Warning, "an export that says two things about one object";
    // Notes.
    UnclaimedFile = "unclaimed-file", Note, "a file in a directory that no reader claims";
    LeftOut = "left-out", Note, "what an importer leaves out";
    // Findings of the analysis.
    GateSingleHolder = "gate-single-holder", Warning, "one asset or person satisfies a gate of two or more alone";
    FootholdCritical = "foothold-critical", Warning, "something that is no identity unlocks a criticality-0 system";
    BaselineLoss = "baseline-loss", Warning, "the assumptions alone give a privileged system";
    ClaimWithoutGate = "claim-without-gate", Note, "approvals or hold time that a process claims and no gate keeps";
    TierRaised = "tier-raised", Note, "an identity whose tier is stricter than its previous one";
}

impl Code {
    /// The code with this word, without regard to case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.word().eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_unique_and_described() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
        words.sort_unstable();
        let before = words.len();
        words.dedup();
        assert_eq!(words.len(), before);
        assert!(Code::ALL.iter().all(|code| code.description().len() > 10));
        assert!(
            Code::ALL
                .iter()
                .all(|code| Code::parse(code.word()) == Some(*code))
        );
    }
}
