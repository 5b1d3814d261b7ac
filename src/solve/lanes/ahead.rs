//! Lanes that join where each has found much by itself.

use super::beginning::{Beginning, Beginnings, Begun};
use super::family::{Families, Hanging, MEMBERS};
use super::mask::{count, is_empty, only};
use super::{LANES, Lanes, Patience};
use crate::rules::Class;

/// What part of a closure a lane is to find by itself, but no more than so many facts. Closures that
/// grow by a cascade are alike by then; found with `benches/shapes.rs`.
const PART: usize = 16;
const ENOUGH: usize = 1 << 13;
/// No lane keeps more facts than this of what it found by itself (16 bytes each), nor of what comes next (4).
const MOST: usize = 2 * ENOUGH;
/// Fewer lanes than this begin by themselves though they are of a family.
const FEWEST: usize = 8;

impl Lanes<'_> {
    /// All lanes from where each has found much by itself; says whether it was finished.
    pub(super) fn go_from_ahead(&mut self, hanging: &[Hanging], patience: Patience) -> bool {
        let graph = self.graph;
        // Before anything is known of closures, a small one may be found as a whole by its lane alone.
        let closure = self.mean_of_last().unwrap_or(graph.fact_count());
        let enough = (closure / PART).min(ENOUGH);
        self.reset(hanging.len());
        let Some(ahead) = self.begin(hanging, enough) else {
            return false;
        };
        for (lane, beginning) in ahead.into_iter().enumerate() {
            for &fact in &beginning.coming {
                self.next_level.add(fact, &only(lane));
            }
            self.ahead.push(beginning);
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

    /// The first levels of every lane; nothing where those of one, or what comes next, are more facts than are
    /// kept.
    fn begin(&mut self, hanging: &[Hanging], enough: usize) -> Option<Vec<Beginning>> {
        let graph = self.graph;
        let mut found: Vec<Option<Beginning>> = Vec::new();
        found.resize_with(hanging.len().min(LANES), || None);
        // Families side by side, as long as they gain by that.
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by_key(|&lane| (hanging[lane].below, hanging[lane].depth));
        let uses = self.shared.uses(graph);
        let families = self
            .families
            .get_or_insert_with(|| Families::new(graph, uses));
        for family in order.chunk_by(|&one, &other| hanging[one].below == hanging[other].below) {
            for lanes in family.chunks(MEMBERS).filter(|lanes| lanes.len() >= FEWEST) {
                let members: Vec<Hanging> = lanes.iter().map(|&lane| hanging[lane]).collect();
                if let Some(beginnings) = families.of(&members, enough, MOST) {
                    for (&lane, beginning) in lanes.iter().zip(beginnings) {
                        found[lane] = Some(beginning);
                    }
                }
            }
        }
        let alone = self
            .beginnings
            .get_or_insert_with(|| Beginnings::new(graph, uses));
        for (found, one) in found.iter_mut().zip(hanging) {
            if found.is_none() {
                let beginning = alone.of(one.seed, enough, MOST)?;
                if beginning.coming.len() > MOST {
                    return None;
                }
                *found = Some(beginning);
            }
        }
        found.into_iter().collect()
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
