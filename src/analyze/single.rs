//! Gates that ask for two or more and that one asset, or one person, satisfies alone.

use std::ops::Range;
use std::rc::Rc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::compile::{GateOrigin, Meaning, Program};
use crate::model::{AssetId, Kind, Organisation};
use crate::rules::{Class, Fact, Gate, RuleGraph};

/// A recovery gate that somebody satisfies alone.
#[derive(Debug)]
pub(super) struct Single {
    /// Its position in [`Organisation::gates`].
    pub gate: u32,
    /// Those who can, best known first: things before people, then by name.
    pub holders: Those,
    /// The identities whose recovery it is, when the gate is for many and its sources are their own.
    pub of: Option<Those>,
}

/// The first of some assets, and how many they are.
#[derive(Debug)]
pub(super) struct Those {
    pub first: AssetId,
    pub count: usize,
}

/// Recovery gates of two or more that somebody satisfies alone without any recovery, ascending: by being
/// the source, by being in the group that is, by holding it or reading it.
///
/// Whoever satisfies `need` of `n` inputs controls at least one of any `n - need + 1` of them, so
/// it is enough to try those behind the `n - need + 1` inputs with the fewest behind them: a help
/// desk of thousands beside a manager costs one look-up. Where that would be more work, as in a gate
/// of very many inputs, everybody behind any of them is counted instead.
pub(super) fn single_holders(org: &Organisation, program: &Program) -> Vec<Single> {
    /// Gates whose holders are kept at a time: two groups that share thousands may stand in every gate.
    const AT_A_TIME: usize = 1 << 13;
    let graph = &program.graph;
    let free = Free::new(graph);
    let mut gates: Vec<(Gate, u32)> = graph
        .gates()
        .filter(|&gate| graph.need(gate) >= 2)
        .filter_map(|gate| match program.atlas.origin(gate) {
            GateOrigin::Recovery(at) => Some((gate, at)),
            _ => None,
        })
        .collect();
    gates.sort_by_key(|&(_, at)| at);
    let mut found = Vec::new();
    let mut open = Open::default();
    for some in gates.chunks(AT_A_TIME) {
        let alone: Vec<Vec<AssetId>> = some
            .par_iter()
            .with_min_len(1 << 10)
            .map_init(
                || Behind::new(program, &free),
                |behind, &(gate, _)| {
                    let target = target(program, graph.head(gate));
                    let mut holders = behind.all_of(gate);
                    holders.retain(|&holder| Some(holder) != target);
                    holders
                },
            )
            .collect();
        for (&(gate, at), holders) in some.iter().zip(alone) {
            if at != open.gate {
                found.extend(std::mem::take(&mut open).close(org));
                open.gate = at;
            }
            if !holders.is_empty() {
                open.add(holders, target(program, graph.head(gate)));
            }
        }
    }
    found.extend(open.close(org));
    found
}

/// A recovery gate while the gates that it was compiled to are gone through.
#[derive(Default)]
struct Open {
    gate: u32,
    holders: Vec<AssetId>,
    /// How many holders there were when they were last rid of those who came twice.
    distinct: usize,
    of: Vec<AssetId>,
}

impl Open {
    fn add(&mut self, holders: Vec<AssetId>, of: Option<AssetId>) {
        /// So many come twice before it is worth looking.
        const SPARE: usize = 1 << 16;
        if self.holders.is_empty() {
            self.holders = holders;
        } else {
            self.holders.extend(holders);
        }
        if self.holders.len() > 2 * self.distinct + SPARE {
            self.tidy();
        }
        self.of.extend(of);
    }

    fn tidy(&mut self) {
        self.holders.sort_unstable();
        self.holders.dedup();
        self.distinct = self.holders.len();
    }

    fn close(mut self, org: &Organisation) -> Option<Single> {
        self.tidy();
        let first = self.holders.iter().copied().min_by_key(|&holder| {
            let asset = org.assets.get(holder);
            (asset.kind == Kind::Identity, asset.kind, asset.key)
        });
        let those = |first: AssetId, count| Those { first, count };
        Some(Single {
            gate: self.gate,
            holders: those(first?, self.holders.len()),
            of: self.of.first().map(|&first| those(first, self.of.len())),
        })
    }
}

/// For every fact, what yields it alone and at no cost: flat, as the graph itself is.
struct Free {
    starts: Vec<u32>,
    sources: Vec<Fact>,
}

impl Free {
    fn new(graph: &RuleGraph) -> Self {
        let is_free = |gate: &Gate| graph.need(*gate) == 1 && graph.cost(*gate) == 0;
        let mut starts = vec![0u32; graph.fact_count() + 1];
        for gate in graph.gates().filter(is_free) {
            starts[graph.head(gate).index() + 1] += graph.inputs(gate).len() as u32;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut sources = vec![Fact(0); starts.last().copied().unwrap_or_default() as usize];
        for gate in graph.gates().filter(is_free) {
            let slot = &mut next[graph.head(gate).index()];
            for &input in graph.inputs(gate) {
                sources[*slot as usize] = input;
                *slot += 1;
            }
        }
        Self { starts, sources }
    }

    fn of(&self, fact: Fact) -> &[Fact] {
        let at = fact.index();
        &self.sources[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Whose account, password or factor a fact is.
fn target(program: &Program, head: Fact) -> Option<AssetId> {
    match program.atlas.meaning(head) {
        Meaning::Asset(asset) => Some(asset),
        Meaning::Password(at) | Meaning::Mfa(at) => program.atlas.identity(at),
        Meaning::Helper => None,
    }
}

/// How many look-ups of one in a sorted set cost as much as sorting one more.
const LOOK_UPS: usize = 4;

/// Facts or assets that are fewer than it takes for a set of them to be worth making.
const FEW: usize = 16;

/// Those behind an input of a gate, perhaps some of them twice.
struct Set {
    /// Where they are in [`Behind::few`], ascending.
    few: Range<usize>,
    /// Those who come with a crowd, ascending in each.
    crowds: Vec<Rc<[AssetId]>>,
}

impl Set {
    fn len(&self) -> usize {
        let crowds = self.crowds.iter().map(|crowd| crowd.len());
        self.few.len() + crowds.sum::<usize>()
    }

    /// All of them, in ascending parts.
    fn parts<'a>(&'a self, few: &'a [AssetId]) -> impl Iterator<Item = &'a [AssetId]> {
        let crowds = self.crowds.iter().map(|crowd| &**crowd);
        std::iter::once(&few[self.few.clone()]).chain(crowds)
    }
}

/// Those in `need` or more of the sets: O(n log n) in the sum of their sizes.
fn counted(sets: &[Set], few: &[AssetId], need: usize) -> Vec<AssetId> {
    let mut everybody: Vec<(AssetId, usize)> = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let all = set.parts(few).flatten();
        everybody.extend(all.map(|&asset| (asset, at)));
    }
    everybody.sort_unstable();
    everybody.dedup();
    everybody
        .chunk_by(|one, two| one.0 == two.0)
        .filter(|same| same.len() >= need)
        .map(|same| same[0].0)
        .collect()
}

/// Who is behind a fact: everything from which it follows alone and without a recovery.
struct Behind<'a> {
    program: &'a Program,
    free: &'a Free,
    /// Those behind groups and behind what very many share.
    crowds: FxHashMap<Fact, Rc<[AssetId]>>,
    /// How many more assets `crowds` may hold: groups in groups in groups would hold each other's members.
    room: usize,
    /// The others behind the inputs of one gate, one input after the other.
    few: Vec<AssetId>,
    /// What a walk has met, in that order; the first [`FEW`] are looked through one by one ...
    met: Vec<Fact>,
    /// ... and the others are kept here as well.
    beyond: FxHashSet<Fact>,
}

impl<'a> Behind<'a> {
    fn new(program: &'a Program, free: &'a Free) -> Self {
        Self {
            program,
            free,
            crowds: FxHashMap::default(),
            room: 1 << 24,
            few: Vec::new(),
            met: Vec::new(),
            beyond: FxHashSet::default(),
        }
    }

    /// Those behind `need` or more inputs of a gate, ascending.
    fn all_of(&mut self, gate: Gate) -> Vec<AssetId> {
        let graph = &self.program.graph;
        let (inputs, need) = (graph.inputs(gate), graph.need(gate) as usize);
        self.few.clear();
        let mut sets: Vec<Set> = inputs.iter().map(|&input| self.of(input)).collect();
        let few = &*self.few;
        sets.sort_by_key(Set::len);
        let first = (sets.len() + 1).saturating_sub(need);
        let tried: usize = sets[..first].iter().map(Set::len).sum();
        let everybody: usize = sets.iter().map(Set::len).sum();
        if tried.saturating_mul(sets.len()) > everybody.saturating_mul(LOOK_UPS) {
            return counted(&sets, few, need);
        }
        let parts = sets[..first].iter().flat_map(|set| set.parts(few));
        let mut candidates: Vec<AssetId> = parts.flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|candidate| {
            let holds = |set: &&Set| {
                let mut parts = set.parts(few);
                parts.any(|part| part.binary_search(candidate).is_ok())
            };
            sets.iter().filter(holds).count() >= need
        });
        candidates
    }

    /// Those behind a fact. Crowds on the way are found once for all gates, however many lead to them.
    fn of(&mut self, fact: Fact) -> Set {
        let start = self.few.len();
        let mut crowds = Vec::new();
        for fact in self.walk(fact, Self::is_crowd) {
            let crowd = self.crowd(fact);
            if crowd.len() > FEW {
                crowds.push(crowd);
            } else {
                self.few.extend_from_slice(&crowd);
            }
        }
        self.few[start..].sort_unstable();
        Set {
            few: start..self.few.len(),
            crowds,
        }
    }

    /// Whether many facts may lead here, or from here to many gates.
    fn is_crowd(&self, fact: Fact) -> bool {
        self.program.graph.class(fact) == Class::Group || self.free.of(fact).len() > FEW
    }

    /// Everybody behind a fact, ascending.
    fn crowd(&mut self, fact: Fact) -> Rc<[AssetId]> {
        if let Some(crowd) = self.crowds.get(&fact) {
            return Rc::clone(crowd);
        }
        let start = self.few.len();
        self.walk(fact, |_, _| false);
        self.few[start..].sort_unstable();
        let crowd: Rc<[AssetId]> = self.few[start..].into();
        self.few.truncate(start);
        if crowd.len() <= self.room {
            self.room -= crowd.len();
            self.crowds.insert(fact, Rc::clone(&crowd));
        }
        crowd
    }

    /// Adds those behind a fact to `few`, but for those behind the facts where it is to stop. Gives these.
    fn walk(&mut self, from: Fact, is_end: impl Fn(&Self, Fact) -> bool) -> Vec<Fact> {
        let (program, free) = (self.program, self.free);
        let mut ends = Vec::new();
        self.met.clear();
        self.beyond.clear();
        self.meet(from);
        let mut at = 0;
        while let Some(&fact) = self.met.get(at) {
            at += 1;
            if program.atlas.is_disabled_account(fact) {
                continue;
            }
            if is_end(self, fact) {
                ends.push(fact);
                continue;
            }
            if let Meaning::Asset(asset) = program.atlas.meaning(fact)
                && !matches!(program.graph.class(fact), Class::Group | Class::System)
            {
                self.few.push(asset);
            }
            for &source in free.of(fact) {
                self.meet(source);
            }
        }
        ends
    }

    fn meet(&mut self, fact: Fact) {
        let first = &self.met[..self.met.len().min(FEW)];
        if first.contains(&fact) || first.len() == FEW && !self.beyond.insert(fact) {
            return;
        }
        self.met.push(fact);
    }
}
