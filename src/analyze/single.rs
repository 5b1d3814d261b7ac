//! Gates that ask for two or more and that one asset, or one person, satisfies alone.

use std::ops::{ControlFlow, Range};
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
    /// The first of those who do: things before people, then by kind and name.
    pub holder: AssetId,
    /// How many others do.
    pub more: usize,
    /// What it restores, or whose; nothing when it restores many.
    pub of: Option<AssetId>,
    /// How many others the gate is for whose sources are their own and whom somebody recovers alone:
    /// perhaps somebody else for each.
    pub of_more: usize,
}

/// Recovery gates of two or more, ascending, that somebody satisfies alone without any recovery: by being
/// the source, by being in the group that is, by holding it or reading it.
///
/// Whoever satisfies `need` of `n` inputs controls at least one of any `n - need + 1` of them, so
/// it is enough to try those behind the `n - need + 1` inputs with the fewest behind them: a help
/// desk of thousands beside a manager costs one look-up. Where that would be more work, as in a gate
/// of very many inputs, everybody behind any of them is counted instead. All holders are sought for the
/// first identity alone that a gate is for: two groups that share thousands may stand in everybody's gate.
pub(super) fn single_holders(org: &Organisation, program: &Program) -> Vec<Single> {
    let graph = &program.graph;
    let free = Free::new(graph);
    let behind = || Behind::new(program, &free);
    let gates: Vec<(Gate, u32)> = graph
        .gates()
        .filter(|&gate| graph.need(gate) >= 2)
        .filter_map(|gate| match program.atlas.origin(gate) {
            GateOrigin::Recovery(at) => Some((gate, at)),
            _ => None,
        })
        .collect();
    let alone: Vec<(Gate, u32)> = gates
        .par_iter()
        .with_min_len(1 << 10)
        .map_init(behind, |behind, &(gate, at)| {
            behind.is_satisfied_alone(gate).then_some((gate, at))
        })
        .flatten_iter()
        .collect();
    // Gates are compiled in the order of the recoveries that they come from.
    let recoveries: Vec<&[(Gate, u32)]> = alone.chunk_by(|one, two| one.1 == two.1).collect();
    recoveries
        .par_iter()
        .with_min_len(1 << 6)
        .map_init(behind, |behind, of| {
            let (gate, at) = of[0];
            let holders = behind.all_of(gate);
            let holder = holders.iter().copied().min_by_key(|&holder| {
                let asset = org.assets.get(holder);
                (asset.kind == Kind::Identity, asset.kind, asset.key)
            });
            Some(Single {
                gate: at,
                holder: holder?,
                more: holders.len() - 1,
                of: match behind.restores(gate) {
                    Restores::One(asset) => Some(asset),
                    Restores::Nobody | Restores::Many => None,
                },
                of_more: of.len() - 1,
            })
        })
        .flatten_iter()
        .collect()
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

/// What a fact is of: the asset, or the identity whose password or factor it is.
fn target(program: &Program, head: Fact) -> Option<AssetId> {
    match program.atlas.meaning(head) {
        Meaning::Asset(asset) => Some(asset),
        Meaning::Password(at) | Meaning::Mfa(at) => program.atlas.identity(at),
        Meaning::Helper => None,
    }
}

/// What a gate restores, or whose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restores {
    /// Nothing that anybody can sign in with.
    Nobody,
    One(AssetId),
    Many,
}

impl Restores {
    /// What is behind the head of a gate: O(whom it is for, where all but one of them are disabled).
    fn of(program: &Program, head: Fact) -> Self {
        // Facts of assets have their numbers.
        let can_sign_in = |asset: &AssetId| !program.atlas.is_disabled_account(Fact(asset.0));
        if let Some(one) = target(program, head) {
            return if can_sign_in(&one) {
                Self::One(one)
            } else {
                Self::Nobody
            };
        }
        // A recovery for many, who may be one or nobody: the shared fact yields what is theirs.
        let heads = program.graph.uses(head).iter();
        let mut all = heads
            .filter_map(|step| target(program, step.head))
            .filter(can_sign_in);
        let Some(first) = all.next() else {
            return Self::Nobody;
        };
        if all.any(|other| other != first) {
            Self::Many
        } else {
            Self::One(first)
        }
    }
}

/// How many look-ups of one in a sorted set cost as much as counting one more.
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

/// Those in `need` or more of the sets, in no order that means something: O(the sum of their sizes).
fn counted(sets: &[Set], few: &[AssetId], need: usize) -> Vec<AssetId> {
    /// The set where somebody was met last, and in how many that was.
    struct Met {
        last: usize,
        count: usize,
    }
    let mut everybody: FxHashMap<AssetId, Met> = FxHashMap::default();
    for (at, set) in sets.iter().enumerate() {
        for &asset in set.parts(few).flatten() {
            let met = everybody.entry(asset).or_insert(Met { last: at, count: 1 });
            if met.last != at {
                met.last = at;
                met.count += 1;
            }
        }
    }
    let enough = everybody.into_iter().filter(|(_, met)| met.count >= need);
    enough.map(|(asset, _)| asset).collect()
}

/// Who is behind a fact: everything from which it follows alone and without a recovery.
struct Behind<'a> {
    program: &'a Program,
    free: &'a Free,
    /// What recoveries for many restore.
    of_many: FxHashMap<Fact, Restores>,
    /// Those behind groups, and behind what very many can use.
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
            of_many: FxHashMap::default(),
            crowds: FxHashMap::default(),
            room: 1 << 24,
            few: Vec::new(),
            met: Vec::new(),
            beyond: FxHashSet::default(),
        }
    }

    /// What a gate restores. Many gates may be for one group.
    fn restores(&mut self, gate: Gate) -> Restores {
        let program = self.program;
        let head = program.graph.head(gate);
        match program.atlas.meaning(head) {
            Meaning::Helper => {
                let of_head = self.of_many.entry(head);
                *of_head.or_insert_with(|| Restores::of(program, head))
            }
            _ => Restores::of(program, head),
        }
    }

    fn is_satisfied_alone(&mut self, gate: Gate) -> bool {
        let mut is_found = false;
        self.each(gate, |_| {
            is_found = true;
            ControlFlow::Break(())
        });
        is_found
    }

    /// All who satisfy a gate alone, ascending.
    fn all_of(&mut self, gate: Gate) -> Vec<AssetId> {
        let mut all = Vec::new();
        self.each(gate, |holder| {
            all.push(holder);
            ControlFlow::Continue(())
        });
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Tells of those who satisfy a gate alone, perhaps more than once, until it is enough. The only one it
    /// restores does not count, and a gate that restores nobody who can sign in is satisfied by nobody.
    fn each(&mut self, gate: Gate, mut tell: impl FnMut(AssetId) -> ControlFlow<()>) {
        let program = self.program;
        let graph = &program.graph;
        let restores = self.restores(gate);
        if restores == Restores::Nobody {
            return;
        }
        let (inputs, need) = (graph.inputs(gate), graph.need(gate) as usize);
        self.few.clear();
        let mut sets: Vec<Set> = inputs.iter().map(|&input| self.of(input)).collect();
        let few = &*self.few;
        sets.sort_by_key(Set::len);
        let first = (sets.len() + 1).saturating_sub(need);
        let tried: usize = sets[..first].iter().map(Set::len).sum();
        let everybody: usize = sets.iter().map(Set::len).sum();
        let is_other = |holder: &&AssetId| Restores::One(**holder) != restores;
        if tried.saturating_mul(sets.len()) > everybody.saturating_mul(LOOK_UPS) {
            let counted = counted(&sets, few, need);
            let _ = counted
                .iter()
                .filter(is_other)
                .try_for_each(|&holder| tell(holder));
            return;
        }
        let holds = |candidate: &&AssetId| {
            let is_in = |set: &&Set| {
                let mut parts = set.parts(few);
                parts.any(|part| part.binary_search(candidate).is_ok())
            };
            sets.iter().filter(is_in).count() >= need
        };
        let candidates = sets[..first]
            .iter()
            .flat_map(|set| set.parts(few))
            .flatten();
        let mut holders = candidates.filter(is_other).filter(holds);
        let _ = holders.try_for_each(|&holder| tell(holder));
    }

    /// Those behind a fact. A crowd on the way is found once for many gates, however many lead to it.
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

    /// Whether many lead here, or perhaps many gates: a group, or what very many can use.
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

    /// Adds those behind a fact to `few`, but not those behind a fact where it is to stop. Gives the facts
    /// where it did.
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
