//! One scan: every identity and every foothold asked, tiers set, results in the order of the
//! outputs.

use rayon::prelude::*;

use super::accountability::{Answerable, answerable, ground};
use super::order::{IdOrder, ranked};
use super::{Change, Coverage, Finding, Judge, Waived, coverage, findings, single};
use crate::compile::Program;
use crate::model::{AssetId, Kind, Organisation, Policy};
use crate::rules::{Class, Fact};
use crate::solve::{self, Answer, Question, Unlocked};

/// The result of a scan.
#[derive(Debug)]
pub struct Scan {
    /// One per identity, in the order of `tiers.csv`: tier, unlocks falling, id.
    pub identities: Vec<IdentityResult>,
    /// Assets that are no identities and unlock something, worst first.
    pub footholds: Vec<FootholdResult>,
    /// What the assumptions alone give.
    pub baseline: Baseline,
    /// What the tables know about the identities.
    pub coverage: Coverage,
    /// The criticality of every system, by fact; 255 for facts that are none.
    pub criticality: Vec<u8>,
    /// What deserves a look.
    pub findings: Vec<Finding>,
    /// Recovery processes, the riskiest first.
    pub processes: Vec<Answerable>,
    /// Whether footholds, coverage, findings and processes were looked for.
    pub is_whole: bool,
    /// Accepted risks among all this; none unless they are applied.
    pub waived: Waived,
}

/// What falls with one identity.
#[derive(Debug, Default)]
pub struct IdentityResult {
    /// Its position among the identities.
    pub identity: u32,
    /// Nothing for a disabled identity, which is never a seed.
    pub answer: Option<Answer>,
    /// Its tier; none when disabled.
    pub tier: Option<u8>,
    /// The rule of the policy that assigned it, and the one that made it stricter, by position.
    pub rules: [Option<u16>; 2],
    /// Against the tier before; none when disabled.
    pub change: Option<Change>,
}

/// What falls with something that is no identity.
#[derive(Debug)]
pub struct FootholdResult {
    /// The mailbox, phone, device or vault.
    pub asset: AssetId,
    /// What it unlocks, at least one system.
    pub answer: Answer,
}

/// What the assumptions alone give to anybody.
#[derive(Debug, Default)]
pub struct Baseline {
    /// Systems, with their distance.
    pub systems: Vec<Unlocked>,
    /// Accounts.
    pub accounts: u32,
    /// Mailboxes.
    pub mailboxes: u32,
}

/// Scans a compiled organisation on the threads of the current rayon pool. `tick` is called with
/// the number of seeds done since the last call.
///
/// Tiers are those of the policy that is built in, all signals counted; see [`scan_by`].
pub fn scan(org: &Organisation, program: &Program, tick: &(dyn Fn(u64) + Sync)) -> Scan {
    let policy = Policy::default();
    let judge = Judge::new(&policy, org, false, None);
    scan_by(org, program, &judge, IdOrder::of(org), tick)
}

/// The same with tiers by some policy. `ids` is the order of the organisation's ids, which can be had
/// before it is compiled.
pub fn scan_by(
    org: &Organisation,
    program: &Program,
    judge: &Judge<'_>,
    ids: IdOrder,
    tick: &(dyn Fn(u64) + Sync),
) -> Scan {
    scan_with(org, program, judge, ids, true, tick)
}

/// The same for identities alone: without footholds, coverage and findings, for whoever asks only
/// what identities unlock.
pub fn scan_identities(org: &Organisation, program: &Program, judge: &Judge<'_>) -> Scan {
    scan_with(org, program, judge, IdOrder::of(org), false, &|_| {})
}

fn scan_with(
    org: &Organisation,
    program: &Program,
    judge: &Judge<'_>,
    ids: IdOrder,
    is_whole: bool,
    tick: &(dyn Fn(u64) + Sync),
) -> Scan {
    // What does not wait for the answers is found while the solver has threads to spare.
    let asked = Asked::of(org, program, is_whole);
    let (mut answers, beside) = asked.answers(program, tick, || {
        is_whole.then(|| {
            let coverage = coverage::coverage(org, program);
            let singles = single::single_holders(org, program);
            (coverage, singles, ground(org, program, judge))
        })
    });
    let Asked {
        order,
        enabled,
        footholds,
        ..
    } = asked;
    let (of_accounts, of_footholds) = answers.split_at_mut(enabled.len());
    let identities = ranked(org, judge, &order.severity, ids, &enabled, of_accounts);
    let mut footholds: Vec<FootholdResult> = footholds
        .into_par_iter()
        .zip(of_footholds)
        .filter(|(_, answer)| !answer.unlocks().is_empty())
        .map(|(asset, answer)| FootholdResult {
            asset,
            answer: std::mem::take(answer),
        })
        .collect();
    // No two of them have one key, so the order is the same on any number of threads.
    footholds.par_sort_by_cached_key(|result| {
        let unlocks = result.answer.unlocks();
        let worst = unlocks.first();
        let severity = worst.map(|worst| order.severity[worst.system.index()]);
        let hops = worst.map(|worst| worst.hops);
        let asset = org.assets.get(result.asset);
        let many = std::cmp::Reverse(unlocks.len());
        (severity, many, hops, asset.kind, asset.key)
    });

    let baseline = baseline(program, &order);
    let mut scan = Scan {
        identities,
        footholds,
        baseline,
        coverage: Coverage::default(),
        criticality: order.severity,
        findings: Vec::new(),
        waived: Waived::default(),
        processes: Vec::new(),
        is_whole,
    };
    if let Some((coverage, singles, ground)) = beside {
        scan.coverage = coverage;
        (scan.findings, scan.processes) = rayon::join(
            || {
                let findings = findings::findings(org, program, &scan, singles, &ground.ways);
                // What is left of millions of answers takes its time to go.
                drop(answers);
                findings
            },
            || answerable(org, program, &scan, judge, &ground),
        );
    }
    scan
}

/// What the solver is asked.
struct Asked {
    order: SystemOrder,
    /// Identities that can sign in, by their positions.
    enabled: Vec<u32>,
    /// Assets that are no accounts.
    footholds: Vec<AssetId>,
    /// The facts of both.
    seeds: Vec<Fact>,
}

impl Asked {
    fn of(org: &Organisation, program: &Program, with_footholds: bool) -> Self {
        let enabled = || {
            let identities = org.identities.par_iter().enumerate();
            let enabled = identities.filter(|(_, identity)| identity.enabled);
            enabled.map(|(at, _)| at as u32).collect::<Vec<u32>>()
        };
        let footholds = || {
            let is_foothold = |asset: &AssetId| {
                matches!(
                    org.assets.kind(*asset),
                    Kind::Mailbox | Kind::Phone | Kind::Device | Kind::Vault
                )
            };
            let assets = (0..org.assets.len() as u32).into_par_iter().map(AssetId);
            let footholds = assets.filter(|asset| with_footholds && is_foothold(asset));
            footholds.collect::<Vec<AssetId>>()
        };
        let (enabled, footholds) = rayon::join(enabled, footholds);
        let seeds = || {
            let accounts = enabled.par_iter();
            let accounts = accounts.map(|&at| org.identities[at as usize].asset);
            let mut seeds = Vec::with_capacity(enabled.len() + footholds.len());
            seeds.par_extend(accounts.map(|asset| program.atlas.fact(asset)));
            let footholds = footholds.par_iter();
            seeds.par_extend(footholds.map(|&asset| program.atlas.fact(asset)));
            seeds
        };
        let (seeds, order) = rayon::join(seeds, || SystemOrder::new(org, program));
        Self {
            order,
            enabled,
            footholds,
            seeds,
        }
    }

    /// The answers, and what is done beside the search for them.
    fn answers<T: Send>(
        &self,
        program: &Program,
        tick: &(dyn Fn(u64) + Sync),
        beside: impl FnOnce() -> T + Send,
    ) -> (Vec<Answer>, T) {
        let question = Question {
            seeds: &self.seeds,
            assumed: &program.assumed,
            severity: &self.order.severity,
            place: &self.order.place,
        };
        solve::solve_beside(&program.graph, &question, beside, tick)
    }
}

/// Which unlocked system is the worst: smallest criticality, then (in the solver) fewest hops, then
/// id as compared.
struct SystemOrder {
    severity: Vec<u8>,
    place: Vec<u32>,
}

impl SystemOrder {
    fn new(org: &Organisation, program: &Program) -> Self {
        let facts = program.graph.fact_count();
        let mut order = Self {
            severity: vec![u8::MAX; facts],
            place: vec![0; facts],
        };
        let mut systems: Vec<_> = org.systems.iter().collect();
        systems.sort_by_key(|system| org.assets.get(system.asset).key);
        for (place, system) in systems.into_iter().enumerate() {
            let at = program.atlas.fact(system.asset).index();
            order.severity[at] = system.criticality;
            order.place[at] = place as u32;
        }
        order
    }
}

fn baseline(program: &Program, order: &SystemOrder) -> Baseline {
    if program.assumed.is_empty() {
        return Baseline::default();
    }
    let graph = &program.graph;
    let closure = solve::closure(graph, &program.assumed);
    let mut baseline = Baseline::default();
    for fact in graph.facts() {
        let Some(hops) = closure.level(fact) else {
            continue;
        };
        match graph.class(fact) {
            Class::System => baseline.systems.push(Unlocked { system: fact, hops }),
            Class::Account => baseline.accounts += 1,
            Class::Mailbox => baseline.mailboxes += 1,
            _ => {}
        }
    }
    baseline.systems.sort_unstable_by_key(|unlocked| {
        let at = unlocked.system.index();
        (order.severity[at], unlocked.hops, order.place[at])
    });
    baseline
}
