//! Gates that ask for two or more and that one asset, or one person, satisfies alone.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::compile::{GateOrigin, Meaning, Program};
use crate::model::{AssetId, Kind, Organisation};
use crate::rules::{Class, Fact, Gate, RuleGraph};

/// Who satisfies a recovery gate alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Single {
    /// Those who can, best known first: things before people, then by name.
    pub holders: Vec<AssetId>,
    /// The identities whose recovery it is, when the gate is for many and its sources are their own.
    pub of: Vec<AssetId>,
}

/// Recovery gates of two or more by their position, each with those who satisfy it alone without
/// any recovery: by being the source, by being in the group that is, by holding it or reading it.
///
/// Whoever satisfies `need` of `n` inputs controls at least one of any `n - need + 1` of them, so
/// it is enough to try those behind the `n - need + 1` inputs with the fewest behind them: a help
/// desk of thousands beside a manager costs one look-up. Where that would be more work, as in a gate
/// of very many inputs, everybody behind any of them is counted instead.
pub(super) fn single_holders(org: &Organisation, program: &Program) -> BTreeMap<u32, Single> {
    let graph = &program.graph;
    let free = Free::new(graph);
    let gates: Vec<(Gate, u32)> = graph
        .gates()
        .filter(|&gate| graph.need(gate) >= 2)
        .filter_map(|gate| match program.atlas.origin(gate) {
            GateOrigin::Recovery(at) => Some((gate, at)),
            _ => None,
        })
        .collect();
    let alone: Vec<Option<Vec<AssetId>>> = gates
        .par_iter()
        .with_min_len(1 << 10)
        .map_init(
            || Behind::new(program, &free),
            |behind, &(gate, _)| {
                let target = target(program, graph.head(gate));
                let mut holders = behind.all_of(gate);
                holders.retain(|&holder| Some(holder) != target);
                (!holders.is_empty()).then_some(holders)
            },
        )
        .collect();
    let mut found: BTreeMap<u32, Single> = BTreeMap::new();
    for (&(gate, at), holders) in gates.iter().zip(alone) {
        if let Some(holders) = holders {
            let single = found.entry(at).or_default();
            single.holders.extend(holders);
            single.of.extend(target(program, graph.head(gate)));
        }
    }
    for single in found.values_mut() {
        single.holders.sort_by_key(|&holder| {
            let asset = org.assets.get(holder);
            (asset.kind == Kind::Identity, asset.kind, asset.key)
        });
        single.holders.dedup();
    }
    found
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

/// Those in `need` or more of the sets: O(n log n) in the sum of their sizes.
fn counted(sets: &[&[AssetId]], need: usize) -> Vec<AssetId> {
    let mut everybody = sets.concat();
    everybody.sort_unstable();
    everybody
        .chunk_by(|one, two| one == two)
        .filter(|same| same.len() >= need)
        .map(|same| same[0])
        .collect()
}

/// Who is behind a fact: everything from which it follows alone and without a recovery.
struct Behind<'a> {
    program: &'a Program,
    free: &'a Free,
    /// Those behind facts that take a long walk and that several gates start from.
    crowds: FxHashMap<Fact, Rc<[AssetId]>>,
    /// Those behind the other inputs of one gate, one input after the other.
    few: Vec<AssetId>,
    /// What a walk has met, in that order; the first [`FEW`] are looked through one by one ...
    met: Vec<Fact>,
    /// ... and the others are kept here as well.
    beyond: FxHashSet<Fact>,
}

/// Facts or assets that are fewer than it takes for a set of them to be worth making.
const FEW: usize = 16;

/// Those behind an input of a gate.
enum Set {
    Few(Range<usize>),
    Crowd(Rc<[AssetId]>),
}

impl<'a> Behind<'a> {
    fn new(program: &'a Program, free: &'a Free) -> Self {
        Self {
            program,
            free,
            crowds: FxHashMap::default(),
            few: Vec::new(),
            met: Vec::new(),
            beyond: FxHashSet::default(),
        }
    }

    /// Those behind `need` or more inputs of a gate.
    fn all_of(&mut self, gate: Gate) -> Vec<AssetId> {
        let graph = &self.program.graph;
        let (inputs, need) = (graph.inputs(gate), graph.need(gate) as usize);
        self.few.clear();
        let sets: Vec<Set> = inputs.iter().map(|&input| self.of(input)).collect();
        let sets = sets.iter().map(|set| match set {
            Set::Few(span) => &self.few[span.clone()],
            Set::Crowd(crowd) => crowd,
        });
        let mut sets: Vec<&[AssetId]> = sets.collect();
        sets.sort_by_key(|set| set.len());
        let first = (sets.len() + 1).saturating_sub(need);
        let tried: usize = sets[..first].iter().map(|set| set.len()).sum();
        let everybody: usize = sets.iter().map(|set| set.len()).sum();
        if tried.saturating_mul(sets.len()) > everybody.saturating_mul(LOOK_UPS) {
            return counted(&sets, need);
        }
        let mut candidates = sets[..first].concat();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|candidate| {
            let holds = sets
                .iter()
                .filter(|set| set.binary_search(candidate).is_ok());
            holds.count() >= need
        });
        candidates
    }

    /// Ascending.
    fn of(&mut self, fact: Fact) -> Set {
        if let Some(crowd) = self.crowds.get(&fact) {
            return Set::Crowd(Rc::clone(crowd));
        }
        let start = self.few.len();
        self.walk(fact);
        let assets = &mut self.few[start..];
        assets.sort_unstable();
        if self.met.len() > FEW && self.program.graph.uses(fact).len() > 1 {
            let crowd: Rc<[AssetId]> = (&*assets).into();
            self.few.truncate(start);
            self.crowds.insert(fact, Rc::clone(&crowd));
            return Set::Crowd(crowd);
        }
        Set::Few(start..self.few.len())
    }

    /// Adds those behind a fact to `few`.
    fn walk(&mut self, from: Fact) {
        let program = self.program;
        self.met.clear();
        self.beyond.clear();
        self.meet(from);
        let mut at = 0;
        while let Some(&fact) = self.met.get(at) {
            at += 1;
            if program.atlas.is_disabled_account(fact) {
                continue;
            }
            if let Meaning::Asset(asset) = program.atlas.meaning(fact)
                && !matches!(program.graph.class(fact), Class::Group | Class::System)
            {
                self.few.push(asset);
            }
            for &source in self.free.of(fact) {
                self.meet(source);
            }
        }
    }

    fn meet(&mut self, fact: Fact) {
        let first = &self.met[..self.met.len().min(FEW)];
        if first.contains(&fact) || first.len() == FEW && !self.beyond.insert(fact) {
            return;
        }
        self.met.push(fact);
    }
}
