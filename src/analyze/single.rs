//! Gates that ask for two or more and that one asset, or one person, satisfies alone.

use std::collections::BTreeMap;
use std::rc::Rc;

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
    let mut behind = Behind::new(program);
    let mut found: BTreeMap<u32, Single> = BTreeMap::new();
    for gate in graph.gates().filter(|&gate| graph.need(gate) >= 2) {
        let GateOrigin::Recovery(at) = program.atlas.origin(gate) else {
            continue;
        };
        let target = target(program, graph.head(gate));
        let mut holders = behind.all_of(gate);
        holders.retain(|&holder| Some(holder) != target);
        if holders.is_empty() {
            continue;
        }
        let single = found.entry(at).or_default();
        single.holders.extend(holders);
        single.of.extend(target);
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

/// Whose account, password or factor a fact is.
fn target(program: &Program, head: Fact) -> Option<AssetId> {
    match program.atlas.meaning(head) {
        Meaning::Asset(asset) => Some(asset),
        Meaning::Password(at) | Meaning::Mfa(at) => program.atlas.identity(at),
        Meaning::Helper => None,
    }
}

/// Who is behind a fact: everything from which it follows alone and without a recovery.
struct Behind<'a> {
    program: &'a Program,
    /// For every fact, the gates that yield it from one input at no cost.
    sources: FxHashMap<Fact, Vec<Fact>>,
    /// Of facts that several gates start from.
    known: FxHashMap<Fact, Rc<[AssetId]>>,
}

impl<'a> Behind<'a> {
    fn new(program: &'a Program) -> Self {
        let graph: &RuleGraph = &program.graph;
        let mut sources: FxHashMap<Fact, Vec<Fact>> = FxHashMap::default();
        let free = graph
            .gates()
            .filter(|&gate| graph.need(gate) == 1 && graph.cost(gate) == 0);
        for gate in free {
            let of = sources.entry(graph.head(gate)).or_default();
            of.extend_from_slice(graph.inputs(gate));
        }
        Self {
            program,
            sources,
            known: FxHashMap::default(),
        }
    }

    /// Those behind `need` or more inputs of a gate.
    fn all_of(&mut self, gate: Gate) -> Vec<AssetId> {
        let graph = &self.program.graph;
        let (inputs, need) = (graph.inputs(gate), graph.need(gate) as usize);
        let mut sets: Vec<_> = inputs.iter().map(|&input| self.of(input)).collect();
        sets.sort_by_key(|set| set.len());
        let first = (sets.len() + 1).saturating_sub(need);
        let mut candidates: Vec<AssetId> = sets[..first]
            .iter()
            .flat_map(|set| set.iter().copied())
            .collect();
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
    fn of(&mut self, fact: Fact) -> Rc<[AssetId]> {
        if let Some(known) = self.known.get(&fact) {
            return Rc::clone(known);
        }
        let program = self.program;
        let mut seen: FxHashSet<Fact> = FxHashSet::default();
        let mut open = vec![fact];
        let mut assets = Vec::new();
        while let Some(next) = open.pop() {
            if !seen.insert(next) || program.atlas.is_disabled_account(next) {
                continue;
            }
            if let Meaning::Asset(asset) = program.atlas.meaning(next)
                && !matches!(program.graph.class(next), Class::Group | Class::System)
            {
                assets.push(asset);
            }
            open.extend(self.sources.get(&next).into_iter().flatten());
        }
        assets.sort_unstable();
        let assets: Rc<[AssetId]> = assets.into();
        if program.graph.uses(fact).len() > 1 {
            self.known.insert(fact, Rc::clone(&assets));
        }
        assets
    }
}
