//! Free text of the rows, all in one piece.

use super::slots::{READ_AHEAD, touch};
use super::span::Span;

/// A text that an organisation keeps; its length is at most 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text(Span);

impl Text {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.len() == 0
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
        Text(Span::append(&mut self.0, text))
    }

    /// Brings these texts into the caches, at most [`READ_AHEAD`]: see `Assets::read_ahead`.
    pub fn read_ahead(&self, texts: &[Text]) {
        let mut starts = [0; READ_AHEAD];
        for (start, text) in starts.iter_mut().zip(texts) {
            *start = text.0.start();
        }
        touch(&self.0, &starts[..texts.len().min(READ_AHEAD)]);
    }

    /// A text that is kept.
    #[must_use]
    pub fn get(&self, text: Text) -> &str {
        text.0.of(&self.0)
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
