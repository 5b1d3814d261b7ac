//! A table of numbers by the hashes of their names.

use std::hint::black_box;

use rayon::prelude::*;

/// How many look-ups wait for memory together.
pub const READ_AHEAD: usize = 16;

/// Reads these bytes of a text, all at a time as far as the processor can.
pub(super) fn touch(text: &str, places: &[usize]) {
    let bytes = text.as_bytes();
    let sum = places.iter().fold(0, |sum: u8, &place| {
        sum ^ bytes.get(place).copied().unwrap_or(0)
    });
    // Without a use the reads would be left out.
    black_box(sum);
}

/// Numbers found by hash, in a table of open addresses with linear probing. The names themselves lie
/// elsewhere, and whoever looks something up says whether a number is the one.
///
/// It is our own because looking names up is where reading a large organisation spends its time, and
/// the time is waiting for memory: with the places of a batch of names known beforehand, their waits
/// overlap (see [`Slots::read_ahead`]).
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// The upper half is the upper half of the hash; the lower half is 0 for a free slot, else one
    /// more than the number. The size is a power of two.
    slots: Vec<u64>,
    /// How many slots are taken.
    taken: usize,
}

impl Slots {
    /// The number with this hash of which `is_it` holds.
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            let number = (slot as u32).checked_sub(1)?;
            if slot >> 32 == hash >> 32 && is_it(number) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// What [`Slots::find`] will most likely ask about, without looking further than at the first slot.
    pub fn likely(&self, hash: u64) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let slot = self.slots[hash as usize & mask];
        let number = (slot as u32).checked_sub(1)?;
        (slot >> 32 == hash >> 32).then_some(number)
    }

    /// Brings the slots of these hashes into the caches.
    pub fn read_ahead(&self, hashes: impl Iterator<Item = u64>) {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return;
        };
        let places = hashes.map(|hash| hash as usize & mask);
        let sum = places.fold(0, |sum, place| sum ^ self.slots[place]);
        // Without a use the reads would be left out.
        black_box(sum);
    }

    /// Adds a number that is not there yet; `hash_of` gives the hashes of those that are.
    pub fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        self.reserve(1, hash_of);
        self.taken += 1;
        self.put(hash, number);
    }

    /// Puts another number in the place of one that is there.
    pub fn replace(&mut self, hash: u64, number: u32, by: u32) {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return;
        };
        let mut at = hash as usize & mask;
        while let Some(found) = (self.slots[at] as u32).checked_sub(1) {
            if found == number {
                self.slots[at] = self.slots[at] >> 32 << 32 | u64::from(by + 1);
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for so many more: at most three quarters of the table are taken.
    pub fn reserve(&mut self, more: usize, hash_of: impl Fn(u32) -> u64) {
        let numbers = self.taken.saturating_add(more);
        let enough = |slots: usize| slots / 4 * 3 >= numbers;
        if enough(self.slots.len()) {
            return;
        }
        let mut size = self.slots.len().max(READ_AHEAD);
        while !enough(size) {
            size *= 2;
        }
        // Written here, one after the other: pages that are zero by themselves are fetched twice, when they
        // are first read and when they are first written, and both at random. By all threads, as most of it
        // is the system finding memory.
        let slots = rayon::iter::repeat_n(0, size)
            .with_min_len(1 << 16)
            .collect();
        for slot in std::mem::replace(&mut self.slots, slots) {
            if let Some(number) = (slot as u32).checked_sub(1) {
                self.put(hash_of(number), number);
            }
        }
    }

    /// Takes the first free slot from the hash's own on.
    fn put(&mut self, hash: u64, number: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] as u32 != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = hash >> 32 << 32 | u64::from(number + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_among_others_of_the_same_hash_and_while_the_table_grows() {
        // Every hash stands for three numbers, and many hashes share their slots.
        let hash_of = |number: u32| u64::from(number / 3 % 50) | u64::from(number / 3) << 32;
        let mut slots = Slots::default();
        assert_eq!(slots.find(0, |_| true), None);
        for number in 0..600 {
            slots.insert(hash_of(number), number, hash_of);
        }
        for number in 0..600 {
            let found = slots.find(hash_of(number), |found| found == number);
            assert_eq!(found, Some(number));
        }
        assert_eq!(slots.find(hash_of(600), |_| true), None);
        slots.replace(hash_of(7), 7, 1000);
        assert_eq!(slots.find(hash_of(7), |found| found == 7), None);
        assert_eq!(slots.find(hash_of(7), |found| found == 1000), Some(1000));
    }
}
