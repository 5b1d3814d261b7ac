//! The seven kinds of asset and the prefixes they are written with.

/// What an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An account someone or something signs in with.
    Identity,
    /// A mailbox.
    Mailbox,
    /// A phone number.
    Phone,
    /// A device, or another thing one holds.
    Device,
    /// A vault of stored secrets.
    Vault,
    /// A group.
    Group,
    /// A privileged system.
    System,
}

impl Kind {
    /// All kinds, in the order in which they are counted.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Mailbox,
        Self::Phone,
        Self::Device,
        Self::Vault,
        Self::Group,
        Self::System,
    ];

    /// The word before the colon.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Mailbox => "mailbox",
            Self::Phone => "phone",
            Self::Device => "device",
            Self::Vault => "vault",
            Self::Group => "group",
            Self::System => "system",
        }
    }

    /// The kind that `text` starts with, and what follows the colon. Only the seven words are
    /// kinds; any other colon is part of the name.
    #[must_use]
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let (prefix, rest) = text.split_once(':')?;
        let prefix = prefix.trim_end();
        Self::ALL
            .into_iter()
            .find(|kind| prefix.eq_ignore_ascii_case(kind.word()))
            .map(|kind| (kind, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_seven_words_are_kinds() {
        assert_eq!(Kind::split("Phone:+1"), Some((Kind::Phone, "+1")));
        assert_eq!(Kind::split("mailbox:a:b"), Some((Kind::Mailbox, "a:b")));
        assert_eq!(Kind::split("apple:honan"), None);
        assert_eq!(Kind::split("phone"), None);
    }
}
