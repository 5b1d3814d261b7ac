//! The graph as searches for beginnings read it: no more of it than it takes, and in the order in which
//! they do, as that is what they wait for.

use std::hint::black_box;

use crate::rules::{Fact, Gate, RuleGraph, Use};

/// The largest need that a byte can tell.
pub(super) const MOST: u32 = u8::MAX as u32;

/// Facts whose uses are read together at most.
pub(super) const TOGETHER: usize = 64;

/// What all searches over one graph share (12 bytes per fact, 4 or 8 per input, 1 per gate).
pub(super) struct Uses {
    spans: Vec<Span>,
    /// For every fact the head and the gate of each of its uses that alone makes the gate fire, and the gate
    /// of each of the others.
    words: Vec<u32>,
    /// What every gate needs, as far as a byte can tell.
    needs: Vec<u8>,
    /// Whether some gate needs more than a byte can tell.
    are_beyond: bool,
}

/// Where the uses of a fact begin among the words; they end where those of the next one do.
#[derive(Clone, Copy)]
struct Span {
    free: u32,
    recoveries: u32,
    counted: u32,
}

/// A gate that one input is enough for, and what it yields.
pub(super) type Single = [u32; 2];

impl Uses {
    pub(super) fn new(graph: &RuleGraph) -> Self {
        let mut words = Vec::with_capacity(graph.input_count());
        let mut spans = Vec::with_capacity(graph.fact_count() + 1);
        for fact in graph.facts() {
            let uses = graph.uses(fact);
            let singles = |words: &mut Vec<u32>, cost| {
                let is_it = |step: &&Use| step.need() == 1 && step.cost() == cost;
                let singles = uses.iter().filter(is_it);
                words.extend(singles.flat_map(|step| [step.head.0, step.gate.0]));
            };
            let free = words.len() as u32;
            singles(&mut words, 0);
            let recoveries = words.len() as u32;
            singles(&mut words, 1);
            let counted = words.len() as u32;
            let others = uses.iter().filter(|step| step.need() > 1);
            words.extend(others.map(|step| step.gate.0));
            spans.push(Span {
                free,
                recoveries,
                counted,
            });
        }
        let end = words.len() as u32;
        spans.push(Span {
            free: end,
            recoveries: end,
            counted: end,
        });
        let needs = graph.gates().map(|gate| graph.need(gate).min(MOST) as u8);
        Self {
            spans,
            words,
            needs: needs.collect(),
            are_beyond: graph.gates().any(|gate| graph.need(gate) >= MOST),
        }
    }

    /// What every gate needs, as far as a byte can tell.
    pub(super) fn needs(&self) -> &[u8] {
        &self.needs
    }

    /// Whether some gate needs more than a byte can tell.
    pub(super) fn are_beyond(&self) -> bool {
        self.are_beyond
    }

    /// Sets counters of all gates back to what they need, of which so many were counted down while these
    /// facts were followed.
    pub(super) fn set_back(
        &self,
        left: &mut [u8],
        counted: usize,
        followed: impl Iterator<Item = Fact>,
    ) {
        // A byte that is copied in its turn is much cheaper than one at random.
        if counted > self.needs.len() / 32 {
            left.copy_from_slice(&self.needs);
            return;
        }
        for fact in followed {
            for &gate in self.counted(fact) {
                left[gate as usize] = self.needs[gate as usize];
            }
        }
    }

    /// Counts down what is left of the gates that a fact is an input of beside others, `down` by one; adds those
    /// of which nothing is left then.
    #[inline]
    pub(super) fn count_down(
        &self,
        fact: Fact,
        left: &mut [u8],
        met: &mut Vec<u32>,
        down: impl Fn(u8) -> u8,
    ) {
        let gates = self.counted(fact);
        // Each is written behind the others, and kept if nothing is left of it: a branch would be foretold
        // wrongly whenever a gate fires, and what comes after it be read too late.
        let mut count = met.len();
        met.resize(count + gates.len(), 0);
        for &gate in gates {
            let left = &mut left[gate as usize];
            *left = down(*left);
            met[count] = gate;
            count += usize::from(*left == 0);
        }
        met.truncate(count);
    }

    /// Reads the uses of some facts, all at a time as far as the processor can.
    pub(super) fn look_at(&self, facts: impl Iterator<Item = Fact>) {
        /// Uses stand side by side, so many words to each line of the processor's cache ...
        const LINE: usize = 64 / size_of::<u32>();
        /// ... of which so many are looked at.
        const LINES: usize = 4;
        let mut spans = [&[][..]; TOGETHER];
        for (span, fact) in spans.iter_mut().zip(facts) {
            *span = self.words(fact);
        }
        let mut sum = 0;
        for span in spans {
            for word in span.iter().step_by(LINE).take(LINES) {
                sum ^= word;
            }
        }
        // Without a use the reads would be left out.
        black_box(sum);
    }

    /// All words of a fact.
    fn words(&self, fact: Fact) -> &[u32] {
        let at = fact.index();
        &self.words[self.spans[at].free as usize..self.spans[at + 1].free as usize]
    }

    /// Gates without a recovery that the fact alone makes fire, and those with one.
    pub(super) fn singles(&self, fact: Fact) -> [&[Single]; 2] {
        let span = self.spans[fact.index()];
        let (free, recoveries) = (span.free as usize, span.recoveries as usize);
        let of = |words| <[u32]>::as_chunks(words).0;
        [
            of(&self.words[free..recoveries]),
            of(&self.words[recoveries..span.counted as usize]),
        ]
    }

    /// The other gates that it is an input of.
    pub(super) fn counted(&self, fact: Fact) -> &[u32] {
        let at = fact.index();
        &self.words[self.spans[at].counted as usize..self.spans[at + 1].free as usize]
    }
}

/// The head of a gate that one input is enough for, and the gate.
pub(super) fn of_single([head, gate]: Single) -> (Fact, Gate) {
    (Fact(head), Gate(gate))
}
