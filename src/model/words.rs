//! The closed vocabularies of the tables. Every word is written as in the tables, in lower case.

/// A closed list of words that a column takes.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word with its value, in the order in which they are explained.
    const WORDS: &'static [(&'static str, Self)];

    /// The value of a word, without regard to case.
    fn parse(text: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
            .map(|&(_, value)| value)
    }

    /// The word for this value.
    fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| word)
    }
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the word itself says what it means")]
        pub enum $name { $($variant),+ }

        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $name::$variant)),+];
        }
    };
}

words!(
    /// The input tables, in the order in which they are read.
    Table {
        Identities = "identities",
        Mailboxes = "mailboxes",
        MfaBindings = "mfa_bindings",
        Holdings = "holdings",
        Recoveries = "recoveries",
        Memberships = "memberships",
        Systems = "systems",
        Grants = "grants",
        Processes = "processes",
        Signals = "signals",
        Resets = "resets",
        Coverage = "coverage",
    }
);
words!(
    /// What kind of identity it is.
    IdentityKind {
        Human = "human",
        Admin = "admin",
        Service = "service",
        Workload = "workload",
        HelpDesk = "help_desk",
        BreakGlass = "break_glass",
        External = "external",
    }
);
words!(
    /// What signing in takes.
    SignIn {
        Password = "password",
        PasswordAndMfa = "password+mfa",
        Passwordless = "passwordless",
    }
);
words!(
    /// Whose mailbox it is.
    MailboxKind { User = "user", Shared = "shared", Personal = "personal" }
);
words!(
    /// The kind of second factor.
    Factor {
        Sms = "sms",
        Voice = "voice",
        Totp = "totp",
        Push = "push",
        Fido2 = "fido2",
        Passkey = "passkey",
        SmartCard = "smart_card",
        EmailOtp = "email_otp",
        RecoveryCode = "recovery_code",
        TemporaryPass = "temporary_pass",
    }
);
words!(
    /// How a recovery is asked for or proven.
    Method {
        EmailLink = "email_link",
        SmsCode = "sms_code",
        VoiceCall = "voice_call",
        Authenticator = "authenticator",
        SecurityKey = "security_key",
        SecurityQuestions = "security_questions",
        RecoveryCode = "recovery_code",
        RecoveryContact = "recovery_contact",
        StoredSecret = "stored_secret",
        HelpDesk = "help_desk",
        AdminReset = "admin_reset",
        ManagerApproval = "manager_approval",
        Ownership = "ownership",
        Carrier = "carrier",
    }
);
words!(
    /// What a recovery restores. `Asset` has no word: the recovery of a phone, a vault and so on.
    Restored {
        Password = "password",
        Mfa = "mfa",
        Account = "account",
        Membership = "membership",
        Asset = "",
    }
);
words!(
    /// Whether access is there now or may be activated.
    Access { Standing = "standing", Eligible = "eligible" }
);
words!(
    /// How well a process proves who is asking, in rising strength.
    Proofing {
        None = "none",
        Knowledge = "knowledge",
        Possession = "possession",
        Ial1 = "ial1",
        Ial2 = "ial2",
        Ial3 = "ial3",
    }
);
words!(
    /// A threat signal on an identity.
    SignalKind {
        Phishing = "phishing",
        SimSwap = "sim_swap",
        MailboxCompromise = "mailbox_compromise",
        LeakedCredential = "leaked_credential",
        ImpossibleTravel = "impossible_travel",
        ResetAnomaly = "reset_anomaly",
        Other = "other",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_written_as_in_the_tables() {
        assert_eq!(SignIn::parse("Password+MFA"), Some(SignIn::PasswordAndMfa));
        assert_eq!(IdentityKind::parse("helpdesk"), None);
        assert_eq!(Factor::Fido2.word(), "fido2");
    }

    #[test]
    fn proofing_rises() {
        assert!(Proofing::None < Proofing::Knowledge && Proofing::Possession < Proofing::Ial1);
    }
}
