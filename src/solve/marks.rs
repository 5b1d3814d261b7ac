//! A set of numbers that is emptied again and again.

/// A bit for each number that may be in it, and those that are (4 bytes each).
#[derive(Default)]
pub(super) struct Marks {
    bits: Vec<u64>,
    numbers: Vec<u32>,
}

impl Marks {
    /// For numbers below this one.
    pub(super) fn new(count: usize) -> Self {
        let mut marks = Self::default();
        marks.make_room(count);
        marks
    }

    /// Takes numbers below this one from now on.
    pub(super) fn make_room(&mut self, count: usize) {
        let words = count.div_ceil(64);
        if self.bits.len() < words {
            self.bits.resize(words, 0);
        }
    }

    /// Whether a number is new.
    pub(super) fn insert(&mut self, number: usize) -> bool {
        let (word, bit) = (&mut self.bits[number / 64], 1 << (number % 64));
        let is_new = *word & bit == 0;
        if is_new {
            *word |= bit;
            self.numbers.push(number as u32);
        }
        is_new
    }

    /// O(the numbers in it).
    pub(super) fn clear(&mut self) {
        for number in self.numbers.drain(..) {
            self.bits[number as usize / 64] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_new_once_until_they_are_forgotten() {
        let mut marks = Marks::new(65);
        for _ in 0..2 {
            assert!([0, 63, 64].iter().all(|&number| marks.insert(number)));
            assert!(![0, 63, 64].iter().any(|&number| marks.insert(number)));
            marks.clear();
        }
        marks.make_room(200);
        assert!(marks.insert(199) && marks.insert(1) && !marks.insert(199));
    }
}
