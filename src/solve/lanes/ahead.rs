//! Lanes that join where each has found much by itself.

use super::beginning::{Beginnings, Begun};
use super::mask::{count, is_empty, only};
use super::{LANES, Lanes, Patience};
use crate::rules::{Class, Fact, RuleGraph};
use crate::solve::Search;

/// What part of a closure a lane is to find by itself, but no more than so many facts. Closures that
/// grow by a cascade are alike by then; found with `benches/shapes.rs`.
const PART: usize = 16;
const ENOUGH: usize = 1 << 13;
/// No lane keeps more facts than this of what it found by itself (16 bytes each).
const MOST: usize = 2 * ENOUGH;

impl Lanes<'_> {
    /// All lanes from where each has found much by itself; says whether it was finished.
    pub(super) fn go_from_ahead(&mut self, seeds: &[Fact], patience: Patience) -> bool {
        let graph = self.graph;
        let closure = self.mean_of_last();
        let closure = closure.unwrap_or_else(|| size_of_closures(graph, seeds));
        let enough = (closure / PART).min(ENOUGH);
        self.reset(seeds.len());
        let beginnings = self.beginnings.take();
        let mut beginnings =
            beginnings.unwrap_or_else(|| Beginnings::new(graph, self.shared.uses(graph)));
        let mut seeds = seeds.iter().take(LANES).enumerate();
        let all_begun = seeds.all(|(lane, &seed)| self.begin(&mut beginnings, enough, lane, seed));
        self.beginnings = Some(beginnings);
        if !all_begun {
            return false;
        }
        self.join();
        self.go(patience)
    }

    /// How many facts a lane of the last batch reached on average, if lanes began by themselves.
    fn mean_of_last(&self) -> Option<usize> {
        let begun = self.ahead.iter().map(|ahead| ahead.facts.len());
        let events = self.events.iter().map(|event| count(&event.lanes));
        (begun.sum::<usize>() + events.sum::<usize>()).checked_div(self.ahead.len())
    }

    /// Says whether the first levels of a lane are few enough facts to be kept.
    fn begin(&mut self, from: &mut Beginnings<'_>, enough: usize, lane: usize, seed: Fact) -> bool {
        let Some(mut beginning) = from.of(seed, enough, MOST) else {
            return false;
        };
        let own = only(lane);
        for fact in std::mem::take(&mut beginning.coming) {
            self.next_level.add(fact, &own);
        }
        self.ahead.push(beginning);
        true
    }

    /// Gives the lanes what each has found by itself.
    fn join(&mut self) {
        /// So many facts at a time for all lanes: their masks stay in the processor's cache.
        const TOGETHER: usize = 1 << 12;
        let graph = self.graph;
        let mut rests: Vec<&[Begun]> = self.ahead.iter().map(|ahead| &*ahead.facts).collect();
        for start in (0..graph.fact_count()).step_by(TOGETHER) {
            let first = self.reached.len();
            for (lane, rest) in rests.iter_mut().enumerate() {
                let is_next = |begun: &Begun| begun.fact.index() < start + TOGETHER;
                let next = rest.iter().take_while(|begun| is_next(begun)).count();
                let (next, then) = rest.split_at(next);
                *rest = then;
                for begun in next {
                    let have = self.have.of_mut(begun.fact);
                    if is_empty(have) {
                        self.reached.push(begun.fact);
                    }
                    have[lane / 64] |= 1 << (lane % 64);
                    if graph.class(begun.fact) == Class::System {
                        let system = (lane as u32, begun.fact, begun.level);
                        self.systems.push(system);
                    }
                }
            }
            for &fact in &self.reached[first..] {
                let have = self.have.of(fact);
                match graph.class(fact) {
                    Class::Account => self.accounts.add(have),
                    Class::Mailbox => self.mailboxes.add(have),
                    _ => {}
                }
                self.wide.count(graph, fact, have);
                self.direction.reached(have, 0);
            }
        }
    }
}

/// How large the closures of some seeds are: the largest of a few of them, until one is large.
fn size_of_closures(graph: &RuleGraph, seeds: &[Fact]) -> usize {
    const ASKED: usize = 8;
    let mut search = Search::new(graph);
    let mut largest = 0;
    for seed in seeds.iter().step_by(seeds.len().div_ceil(ASKED).max(1)) {
        search.run(&[*seed]);
        largest = largest.max(search.reached().len());
        if largest > graph.fact_count() / PART {
            break;
        }
    }
    largest
}
