//! A plan: the fewest changes that bring an organisation to a goal, and a proof of how few they
//! could be.
//!
//! Implicit hitting sets (Moreno-Centeno and Karp, 2013). Every proof of something that the goal
//! forbids must be broken by one of the changes that break it, so the proofs found so far ask for a
//! cheapest set that hits them all. That set is tried by compiling and solving with its changes
//! made; proofs that survive ask for more, until none does. What the cheapest set costs is never more
//! than what any plan costs: the lower bound. Where the search for it finished, the plan is optimal.

mod cover;
mod fixes;
mod leaves;
mod lockout;
mod twins;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Judge, Scan, Waived, scan};
use crate::compile::{Edits, Options, Program, compile_edited};
use crate::model::{AssetId, IdentityKind, Organisation};
use crate::rules::Fact;
use crate::solve::{self, Proof};
use cover::{Cover, Demand, cover};
use fixes::Fixes;
pub use fixes::{Fix, FixKind, RAISED};
use lockout::Lockout;
pub use twins::Twins;

/// What the organisation is to be brought to. What the assumptions alone give counts too: it must
/// not bring down what nobody is to bring down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// At most so many identities have this tier or a stricter one.
    Tier {
        /// The tier.
        tier: u8,
        /// How many may have it.
        at_most: usize,
    },
    /// No identity of this kind, or of any kind, unlocks a system of this criticality or a worse one.
    NoUnlocks {
        /// The kind; any when there is none.
        kind: Option<IdentityKind>,
        /// The criticality.
        criticality: u8,
    },
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The goal.
    pub goal: Goal,
    /// Kinds of changes that may be made.
    pub kinds: Vec<FixKind>,
    /// Changes that may not.
    pub kept: FxHashSet<Fix>,
    /// Accepted risks: what an identity unlocks by them is not beyond the goal.
    pub waived: Waived,
    /// What a change of each kind costs, 1 if it is not here.
    pub costs: FxHashMap<FixKind, u32>,
}

/// One change of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFix {
    /// The change.
    pub fix: Fix,
    /// What it costs.
    pub cost: u32,
    /// How many identities are beyond the goal once it and those before it are made, by solving.
    pub left: usize,
    /// Identities (by position) whose last legitimate recovery it cuts off.
    pub locks_out: Vec<u32>,
}

/// A plan.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The changes, most gain first.
    pub fixes: Vec<PlannedFix>,
    /// What they cost together.
    pub cost: u32,
    /// No plan of such changes costs less.
    pub bound: u32,
    /// How many identities are beyond the goal before.
    pub before: usize,
    /// How many of those may stay.
    pub allowed: usize,
    /// Whether the plan reaches the goal, by solving.
    pub is_reached: bool,
    /// Identities (by position) that no change allowed here brings to the goal, where there are more
    /// than may stay; with a proof that nothing breaks.
    pub hopeless: Vec<(u32, Proof)>,
    /// Whether the assumptions alone bring down what nobody is to, whatever is changed.
    pub is_given: bool,
}

impl Plan {
    /// Whether no plan is cheaper.
    #[must_use]
    pub fn is_optimal(&self) -> bool {
        self.is_reached && self.cost == self.bound
    }
}

/// Rounds of solving before a plan is given up as it is.
const ROUNDS: usize = 400;
/// Proofs that one round adds.
const PROOFS: usize = 400;

/// Looks for a plan. Goals of tiers need a policy that [goes by criticality](Judge::is_by_criticality).
#[must_use]
pub fn plan(org: &Organisation, options: &Options, judge: &Judge<'_>, asked: &Asked) -> Plan {
    let mut planner = Planner {
        org,
        options,
        asked,
        fixes: Fixes::new(org, options, &asked.kinds),
        twins: Twins::new(org),
        numbers: FxHashMap::default(),
        list: Vec::new(),
        costs: Vec::new(),
        spoilt: FxHashSet::default(),
        judge,
        is_lenient: false,
        base: Vec::new(),
    };
    let speaks = |at: u32| planner.fixes.speaks(at);
    if !asked.kinds.contains(&FixKind::Membership) || !(0..org.memberships.len() as u32).any(speaks)
    {
        return planner.plan();
    }
    planner.plan_with_leaves()
}

struct Planner<'a> {
    org: &'a Organisation,
    options: &'a Options,
    asked: &'a Asked,
    fixes: Fixes<'a>,
    twins: Twins,
    numbers: FxHashMap<Fix, u32>,
    list: Vec<Fix>,
    costs: Vec<u32>,
    /// Changes that were made and did not break what they were to break: none is known.
    spoilt: FxHashSet<Fix>,
    judge: &'a Judge<'a>,
    /// Whether edits are taken [leniently](Edits::is_lenient).
    is_lenient: bool,
    /// Changes that are made whatever else is.
    base: Vec<Fix>,
}

/// An organisation with some changes made.
struct State {
    edits: Edits,
    program: Program,
    /// Identities beyond the goal (by position), each with a proof.
    beyond: Vec<(u32, Proof)>,
    /// A proof that the assumptions alone bring down what nobody is to.
    given: Option<Proof>,
}

impl Planner<'_> {
    fn plan(&mut self) -> Plan {
        let (mut plan, fixes, demands, allowed) = self.search();
        if let Some(fixes) = fixes {
            let all: Vec<Fix> = self.base.drain(..).chain(fixes).collect();
            let fixes = self.without_idle(all, allowed);
            self.order(&mut plan, fixes, &demands);
        }
        plan
    }

    /// The cheapest changes that break every proof that was met, until none is left: as many as may
    /// stay. Nothing where that takes too many rounds.
    fn search(&mut self) -> (Plan, Option<Vec<Fix>>, Vec<Demand>, usize) {
        let start = self.state(&[]);
        let fixed = self.always_beyond();
        let mut allowed = match self.asked.goal {
            Goal::Tier { at_most, .. } => at_most.saturating_sub(fixed.len()),
            Goal::NoUnlocks { .. } => 0,
        };
        let is_impossible =
            matches!(self.asked.goal, Goal::Tier { at_most, .. } if at_most < fixed.len());
        let mut plan = Plan {
            before: start.beyond.len() + fixed.len(),
            allowed,
            ..Plan::default()
        };
        let mut demands: Vec<Demand> = Vec::new();
        let mut found = Cover::default();
        let mut state = start;
        let mut is_done_at_all = false;
        for _ in 0..ROUNDS {
            let is_done = state.given.is_none() && state.beyond.len() <= allowed;
            if is_done {
                plan.is_reached = !is_impossible && allowed == plan.allowed;
                is_done_at_all = true;
                break;
            }
            self.ask(&mut demands, &state);
            let hopeless: FxHashSet<u32> = demands
                .iter()
                .filter(|demand| demand.fixes.is_empty())
                .filter_map(|demand| demand.seed)
                .collect();
            plan.is_given = demands
                .iter()
                .any(|demand| demand.fixes.is_empty() && demand.seed.is_none());
            if plan.is_given {
                found = Cover::default();
                break;
            }
            if hopeless.len() > allowed {
                // What comes nearest leaves those that nothing helps.
                let stuck = state.beyond.iter().filter(|(at, _)| hopeless.contains(at));
                plan.hopeless = stuck.cloned().collect();
                allowed = hopeless.len();
            }
            found = cover(&demands, &self.costs, allowed);
            state = self.state(&self.named(&found.fixes));
        }
        plan.bound = found.bound;
        let fixes = is_done_at_all.then(|| self.named(&found.fixes));
        (plan, fixes, demands, allowed)
    }

    fn named(&self, numbers: &[u32]) -> Vec<Fix> {
        numbers.iter().map(|&at| self.list[at as usize]).collect()
    }

    /// Identities whose tier no change of recoveries moves.
    fn always_beyond(&self) -> Vec<u32> {
        let Goal::Tier { tier, .. } = self.asked.goal else {
            return Vec::new();
        };
        let identities = (0u32..).zip(&self.org.identities);
        identities
            .filter(|(_, identity)| identity.enabled)
            .filter(|(at, _)| self.judge.verdict_if(self.org, *at, None).tier <= tier)
            .map(|(at, _)| at)
            .collect()
    }

    /// The worst criticality that an identity may not unlock; none when it may unlock anything or
    /// nothing is of use.
    fn forbidden(&self, at: u32) -> Option<u8> {
        let identity = &self.org.identities[at as usize];
        match self.asked.goal {
            Goal::Tier { tier, .. } => {
                let is_beyond = |worst| self.judge.verdict_if(self.org, at, worst).tier <= tier;
                // Worse systems make no tier less strict.
                let forbidden = (0..3).rev().find(|&worst| is_beyond(Some(worst)));
                forbidden.filter(|_| !is_beyond(None))
            }
            Goal::NoUnlocks { kind, criticality } => kind
                .is_none_or(|kind| kind == identity.kind)
                .then_some(criticality),
        }
    }

    /// Compiles and solves with some changes made.
    fn state(&self, fixes: &[Fix]) -> State {
        let mut edits = Edits {
            is_lenient: self.is_lenient,
            ..Edits::default()
        };
        for &fix in self.base.iter().chain(fixes) {
            self.twins.apply(self.org, fix, &mut edits);
        }
        let program = compile_edited(self.org, self.options, &edits);
        let worst = match self.asked.goal {
            Goal::Tier { tier, .. } => tier,
            Goal::NoUnlocks { criticality, .. } => criticality,
        };
        let given = self.given(&program, worst);
        let mut state = State {
            edits,
            program,
            beyond: Vec::new(),
            given,
        };
        if state.given.is_some() {
            return state;
        }
        let scan: Scan = scan::scan_identities(self.org, &state.program, self.judge);
        let mut search = solve::Search::new(&state.program.graph);
        for result in &scan.identities {
            let Some(forbidden) = self.forbidden(result.identity) else {
                continue;
            };
            let asset = self.org.identities[result.identity as usize].asset;
            let unlocks = result.answer.iter().flat_map(|answer| answer.unlocks());
            let mut systems = unlocks.map(|one| one.system);
            let first = systems.clone().next();
            // The worst comes first; what is waived is passed over.
            let counts = |system: &Fact| self.asked.waived.pair(asset, AssetId(system.0)).is_none();
            let Some(worst) = systems
                .find(counts)
                .filter(|worst| scan.criticality[worst.index()] <= forbidden)
            else {
                continue;
            };
            let kept = result.answer.as_ref().and_then(|answer| answer.proof());
            let proof = match kept {
                Some(proof) if proof.omitted == 0 && first == Some(worst) => Some(proof.clone()),
                _ => self.whole_proof(&mut search, &state.program, asset, worst),
            };
            state
                .beyond
                .extend(proof.map(|proof| (result.identity, proof)));
        }
        state
    }

    fn whole_proof(
        &self,
        search: &mut solve::Search<'_>,
        program: &Program,
        seed: AssetId,
        goal: Fact,
    ) -> Option<Proof> {
        let mut given = vec![program.atlas.fact(seed)];
        search.run(&given);
        search.whole_proof(goal).or_else(|| {
            given.extend(&program.assumed);
            search.run(&given);
            search.whole_proof(goal)
        })
    }

    /// A proof that the assumptions alone bring down a system as critical as that.
    fn given(&self, program: &Program, worst: u8) -> Option<Proof> {
        if program.assumed.is_empty() {
            return None;
        }
        let mut search = solve::Search::new(&program.graph);
        search.run(&program.assumed);
        let systems = self.org.systems.iter();
        let mut forbidden = systems.filter(|system| system.criticality <= worst);
        forbidden.find_map(|system| search.whole_proof(program.atlas.fact(system.asset)))
    }

    /// What the surviving proofs of a state ask for.
    fn ask(&mut self, demands: &mut Vec<Demand>, state: &State) {
        if let Some(proof) = &state.given {
            let fixes = self.breaking(state, proof);
            demands.push(Demand { fixes, seed: None });
            return;
        }
        // Those that a plan is surely about before those that may stay.
        for (seed, proof) in state.beyond.iter().take(PROOFS) {
            let fixes = self.breaking(state, proof);
            demands.push(Demand {
                fixes,
                seed: Some(*seed),
            });
        }
    }

    fn breaking(&mut self, state: &State, proof: &Proof) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        for fix in self.fixes.breaking(&state.program, &state.edits, proof) {
            let fix = self.twins.first(fix);
            if is_made(self.org, &state.edits, fix) {
                self.spoilt.insert(fix);
            }
            if self.spoilt.contains(&fix) || self.asked.kept.contains(&fix) {
                continue;
            }
            let at = *self.numbers.entry(fix).or_insert_with(|| {
                self.list.push(fix);
                let cost = self.asked.costs.get(&fix.kind()).copied();
                self.costs.push(cost.unwrap_or(1).max(1));
                self.list.len() as u32 - 1
            });
            found.push(at);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Without the changes that the goal does not need after all, by solving.
    fn without_idle(&self, mut fixes: Vec<Fix>, allowed: usize) -> Vec<Fix> {
        const TRIED: usize = 60;
        if fixes.len() > TRIED {
            return fixes;
        }
        let mut at = fixes.len();
        while at > 0 {
            at -= 1;
            let mut fewer = fixes.clone();
            fewer.remove(at);
            let state = self.state(&fewer);
            if state.given.is_none() && state.beyond.len() <= allowed {
                fixes = fewer;
            }
        }
        fixes
    }

    /// Puts changes into the order of their gain: exactly for few, by the proofs they break for many.
    fn order(&self, plan: &mut Plan, mut fixes: Vec<Fix>, demands: &[Demand]) {
        const EXACT: usize = 12;
        fixes.sort_unstable();
        let mut lockout = Lockout::new(self.org, self.options, &self.twins);
        let mut made: Vec<Fix> = Vec::new();
        let fixed = self.always_beyond().len();
        let left = |made: &[Fix]| {
            let state = self.state(made);
            match state.given {
                // As long as the assumptions alone do it, everybody is beyond the goal.
                Some(_) => self.org.identities.len(),
                None => state.beyond.len() + fixed,
            }
        };
        while !fixes.is_empty() {
            let tried: Vec<usize> = if fixes.len() <= EXACT {
                (0..fixes.len()).collect()
            } else {
                self.most_demanded(&fixes, &made, demands)
                    .into_iter()
                    .collect()
            };
            let best = tried
                .into_iter()
                .map(|at| {
                    made.push(fixes[at]);
                    let left = left(&made);
                    made.pop();
                    (left, at)
                })
                .min();
            let Some((left, at)) = best else {
                break;
            };
            let fix = fixes.remove(at);
            made.push(fix);
            let cost = self
                .asked
                .costs
                .get(&fix.kind())
                .copied()
                .unwrap_or(1)
                .max(1);
            plan.cost += cost;
            plan.fixes.push(PlannedFix {
                fix,
                cost,
                left,
                locks_out: lockout.with(fix),
            });
        }
    }
}

impl Planner<'_> {
    /// The position of the change that breaks most proofs which those made so far do not break.
    fn most_demanded(&self, fixes: &[Fix], made: &[Fix], demands: &[Demand]) -> Option<usize> {
        let number = |fix: &Fix| self.numbers.get(fix).copied();
        let made: FxHashSet<u32> = made.iter().filter_map(number).collect();
        let mut met: FxHashMap<u32, u32> = FxHashMap::default();
        let open = demands
            .iter()
            .filter(|demand| !demand.fixes.iter().any(|fix| made.contains(fix)));
        for fix in open.flat_map(|demand| &demand.fixes) {
            *met.entry(*fix).or_default() += 1;
        }
        let gain = |fix: &Fix| {
            number(fix)
                .and_then(|at| met.get(&at))
                .copied()
                .unwrap_or(0)
        };
        (0..fixes.len()).max_by_key(|&at| (gain(&fixes[at]), std::cmp::Reverse(at)))
    }
}

/// Whether a change is among those that were made.
fn is_made(org: &Organisation, edits: &Edits, fix: Fix) -> bool {
    let mut with = edits.clone();
    fix.apply(org, &mut with);
    with == *edits
}
