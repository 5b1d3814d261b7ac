//! One scan: every identity and every foothold asked, tiers set, results in the order of the
//! outputs.

use rayon::prelude::*;

use super::accountability::{Answerable, answerable, ground};
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
    scan_by(org, program, &Judge::new(&policy, org, false, None), tick)
}

/// The same with tiers by some policy.
pub fn scan_by(
    org: &Organisation,
    program: &Program,
    judge: &Judge<'_>,
    tick: &(dyn Fn(u64) + Sync),
) -> Scan {
    scan_with(org, program, judge, true, tick)
}

/// The same for identities alone: without footholds, coverage and findings, for whoever asks only
/// what identities unlock.
pub fn scan_identities(org: &Organisation, program: &Program, judge: &Judge<'_>) -> Scan {
    scan_with(org, program, judge, false, &|_| {})
}

fn scan_with(
    org: &Organisation,
    program: &Program,
    judge: &Judge<'_>,
    is_whole: bool,
    tick: &(dyn Fn(u64) + Sync),
) -> Scan {
    let order = SystemOrder::new(org, program);
    let enabled: Vec<u32> = (0..org.identities.len() as u32)
        .filter(|&at| org.identities[at as usize].enabled)
        .collect();
    let footholds: Vec<AssetId> = org
        .assets
        .iter()
        .filter(|(_, asset)| {
            is_whole
                && matches!(
                    asset.kind,
                    Kind::Mailbox | Kind::Phone | Kind::Device | Kind::Vault
                )
        })
        .map(|(id, _)| id)
        .collect();
    let accounts = enabled.iter().map(|&at| org.identities[at as usize].asset);
    let seeds: Vec<Fact> = accounts
        .chain(footholds.iter().copied())
        .map(|asset| program.atlas.fact(asset))
        .collect();
    let question = Question {
        seeds: &seeds,
        assumed: &program.assumed,
        severity: &order.severity,
        place: &order.place,
    };
    // What does not wait for the answers is found while the solver has threads to spare.
    let (answers, beside) = rayon::join(
        || solve::solve(&program.graph, &question, tick),
        || {
            is_whole.then(|| {
                let coverage = coverage::coverage(org, program);
                let singles = single::single_holders(org, program);
                (coverage, singles, ground(org, program, judge))
            })
        },
    );
    let mut answers = answers.into_iter();
    let asked = org
        .identities
        .iter()
        .map(|identity| match identity.enabled {
            true => answers.next(),
            false => None,
        });
    let asked: Vec<Option<Answer>> = asked.collect();
    let identities = asked.into_par_iter().enumerate().map(|(at, answer)| {
        let verdict = answer
            .as_ref()
            .map(|answer| judge.verdict(org, at as u32, answer, &order.severity));
        let tier = verdict.map(|verdict| verdict.tier);
        let before = org.identities[at].tier;
        IdentityResult {
            identity: at as u32,
            answer,
            tier,
            rules: verdict.map_or([None; 2], |verdict| verdict.rules),
            change: tier.map(|tier| Change::of(before, tier)),
        }
    });
    let mut identities: Vec<IdentityResult> = identities.collect();
    sort_identities(org, &mut identities);

    let mut footholds: Vec<FootholdResult> = footholds
        .into_iter()
        .zip(answers)
        .filter(|(_, answer)| !answer.unlocks().is_empty())
        .map(|(asset, answer)| FootholdResult { asset, answer })
        .collect();
    footholds.sort_by(|a, b| {
        let rank = |result: &FootholdResult| {
            let worst = result
                .answer
                .unlocks()
                .first()
                .map(|worst| (order.severity[worst.system.index()], worst.hops));
            (
                worst.map(|(severity, _)| severity),
                std::cmp::Reverse(result.answer.unlocks().len()),
                worst,
            )
        };
        let key = |result: &FootholdResult| {
            let asset = org.assets.get(result.asset);
            (asset.kind, asset.key)
        };
        rank(a).cmp(&rank(b)).then_with(|| key(a).cmp(&key(b)))
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
            || findings::findings(org, program, &scan, singles),
            || answerable(org, program, &scan, judge, ground),
        );
    }
    scan
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

/// By tier, disabled identities last, then by unlocks falling, then by id as compared.
fn sort_identities(org: &Organisation, identities: &mut [IdentityResult]) {
    let key = |result: &IdentityResult| {
        let identity = &org.identities[result.identity as usize];
        org.assets.get(identity.asset).key
    };
    // Most comparisons are settled by the first bytes of the id, which lie beside each other here;
    // the ids themselves lie all over the memory.
    let first_bytes = |text: &str| {
        let mut first = [0; 16];
        for (to, from) in first.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        u128::from_be_bytes(first)
    };
    // 32 bytes each: tier and unlocks falling in one number beside the place.
    let mut order: Vec<(u64, u32, u128)> = identities
        .par_iter()
        .enumerate()
        .map(|(at, result)| {
            let answer = result.answer.as_ref();
            let unlocks = answer.map_or(0, |answer| answer.unlocks().len()) as u32;
            let tier = u64::from(result.tier.unwrap_or(u8::MAX));
            let rank = tier << 32 | u64::from(u32::MAX - unlocks);
            (rank, at as u32, first_bytes(key(result)))
        })
        .collect();
    order.par_sort_unstable_by(|a, b| {
        let whole = || {
            let [a, b] = [a.1, b.1].map(|at| key(&identities[at as usize]));
            a.cmp(b)
        };
        (a.0, a.2).cmp(&(b.0, b.2)).then_with(whole)
    });
    let mut sorted: Vec<_> = identities.iter_mut().map(std::mem::take).collect();
    for (to, (_, from, _)) in identities.iter_mut().zip(order) {
        *to = std::mem::take(&mut sorted[from as usize]);
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
