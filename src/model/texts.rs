//! Free text of the rows, all in one piece.

/// A text that an organisation keeps; its length is at most 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    start: usize,
    len: u32,
}

impl Text {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// Where the texts lie.
#[derive(Clone, Debug, Default)]
pub struct Texts(String);

impl Texts {
    /// Keeps a text.
    pub fn keep(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return Text::default();
        }
        let start = self.0.len();
        self.0.push_str(text);
        Text {
            start,
            len: text.len() as u32,
        }
    }

    /// A text that is kept.
    #[must_use]
    pub fn get(&self, text: Text) -> &str {
        self.0
            .get(text.start..text.start + text.len as usize)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let mut texts = Texts::default();
        let (one, two) = (texts.keep("one"), texts.keep("zwo\u{308}"));
        assert_eq!((texts.get(one), texts.get(two)), ("one", "zwo\u{308}"));
        assert!(texts.keep("").is_empty() && texts.get(Text::default()).is_empty());
    }
}
