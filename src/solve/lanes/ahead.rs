//! Lanes that join where each has found much by itself.

use super::mask::{is_empty, only};
use super::{Lanes, Patience, Search};
use crate::rules::{Class, Fact};

/// What part of a closure a lane finds by itself, and how many facts at most. Closures that grow by a
/// cascade are alike by then; found with `benches/shapes.rs`, where a half and twice as much cost more.
const PART: usize = 16;
const MOST: usize = 1 << 13;

/// Searches by themselves (16 bytes per fact that a lane is ahead by, beside the search's own).
pub(super) struct Alone<'g> {
    search: Search<'g>,
    /// How many facts a lane is to be ahead by.
    enough: usize,
}

impl<'g> Lanes<'g> {
    /// All lanes from where each has found much by itself; says whether it was finished.
    pub(super) fn go_from_ahead(&mut self, seeds: &[Fact], patience: Patience) -> bool {
        self.reset(seeds.len());
        let mut alone = match self.alone.take() {
            Some(alone) => alone,
            None => self.first_alone(seeds),
        };
        for (lane, &seed) in seeds.iter().enumerate() {
            self.begin(&mut alone, lane, seed);
        }
        self.alone = Some(alone);
        let graph = self.graph;
        for fact in &self.reached {
            let have = self.have.of(*fact);
            match graph.class(*fact) {
                Class::Account => self.accounts.add(have),
                Class::Mailbox => self.mailboxes.add(have),
                _ => {}
            }
            self.wide.count(graph, *fact, have);
        }
        self.go(patience)
    }

    /// One seed tells how large the closures are.
    fn first_alone(&self, seeds: &[Fact]) -> Alone<'g> {
        let mut search = Search::new(self.graph);
        search.run(seeds.get(..1).unwrap_or_default());
        let enough = (search.reached().len() / PART).min(MOST);
        Alone { search, enough }
    }

    fn begin(&mut self, alone: &mut Alone<'g>, lane: usize, seed: Fact) {
        let own = only(lane);
        let beginning = alone.search.begin(seed, alone.enough);
        for begun in &beginning.facts {
            let have = self.have.of_mut(begun.fact);
            if is_empty(have) {
                self.reached.push(begun.fact);
            }
            have[lane / 64] |= own[lane / 64];
            if self.graph.class(begun.fact) == Class::System {
                let system = (lane as u32, begun.fact, begun.level);
                self.systems.push(system);
            }
        }
        for &fact in &beginning.coming {
            self.next_level.add(fact, &own);
        }
        self.ahead.push(beginning);
    }
}
