//! A part of a long text.

/// Where a part of a text lies: 12 bytes, for a text of up to 256 TiB and a part of up to 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start_low: u32,
    len: u32,
    start_high: u16,
    /// Room that would be padding otherwise.
    pub extra: u8,
}

impl Span {
    /// Adds a part at the end of a text.
    pub fn append(text: &mut String, part: &str) -> Self {
        let start = text.len() as u64;
        text.push_str(part);
        Self {
            start_low: start as u32,
            start_high: (start >> 32) as u16,
            len: part.len() as u32,
            extra: 0,
        }
    }

    pub fn start(self) -> usize {
        (u64::from(self.start_high) << 32 | u64::from(self.start_low)) as usize
    }

    pub fn len(self) -> usize {
        self.len as usize
    }

    /// The part of the text that it was appended to.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start()..self.start() + self.len())
            .unwrap_or_default()
    }
}
