//! The solver on shapes that are hard for some solver, against two searches per seed in the same run:
//! `cargo bench --bench shapes`. One is the project's own, with hops and proofs as the solver has them; the
//! other is the plainest worklist, which only finds what falls, for what hops may cost at most.
//!
//! They take turns, as a machine may be faster or slower a minute later; shown are the medians of the
//! times and of the ratios of turns.
//!
//! `LINCHPIN_BENCH_N` (default 100000) is the number of accounts, `LINCHPIN_BENCH_TURNS` (3) that of turns,
//! `LINCHPIN_BENCH_ONLY` a part of the names of the shapes to run. The searches are given every tenth
//! seed where all of them would take minutes, and their times are multiplied; the line says so.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and prints its result"
)]

mod support;

use std::time::Instant;

use linchpin::generate::Shape;
use linchpin::rules::{Class, Fact, RuleGraph, RuleGraphBuilder};
use linchpin::solve::{solve, solve_by_search};
use support::{Asked, middle, number, only, organisation, plain};

/// As in the program.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let n = number("LINCHPIN_BENCH_N", 100_000) as usize;
    let only = only();
    println!(
        "{n} accounts; seconds by a plain search per seed, by one with hops and proofs, by the solver, and \
         how many times faster than each"
    );
    let usual = || Shape::new(n as u64, 1);
    let shapes: [(&str, usize, &dyn Fn() -> RuleGraph); 12] = [
        ("usual", 1, &|| organisation(&usual())),
        ("no hubs", 1, &|| {
            organisation(&Shape {
                hubs: false,
                ..usual()
            })
        }),
        ("30 % in help desks", 10, &|| {
            organisation(&Shape {
                help_desk_share: 0.3,
                ..usual()
            })
        }),
        ("chains 10,000 deep", 10, &|| chains(n, 10_000, false)),
        ("chains 10,000 deep, AND links", 10, &|| {
            chains(n, 10_000, true)
        }),
        ("random layers", 10, &|| layers(n, false)),
        ("layers of AND gates", 10, &|| layers(n, true)),
        ("dense 3-of-6 cascades", 10, &|| dense(n)),
        ("everybody reaches everything", 1000, &|| circle(n)),
        ("one gate of all", 1, &|| one_gate(n)),
        ("a group that reads many mailboxes", 10, &|| reader(n)),
        ("a desk that resets everybody", 10, &|| desk(n)),
    ];
    for (name, sample, graph) in shapes {
        if name.contains(&only) {
            compare(name, sample, &graph());
        }
    }
}

fn compare(name: &str, sample: usize, graph: &RuleGraph) {
    let asked = Asked::of(graph);
    let seeds = &asked.seeds;
    let some: Vec<Fact> = seeds.iter().copied().step_by(sample).collect();
    let part = some.len() as f64 / seeds.len() as f64;
    // By the plain search, by that with hops and proofs, by the solver; then the two ratios.
    let mut columns: [Vec<f64>; 5] = Default::default();
    for _ in 0..number("LINCHPIN_BENCH_TURNS", 3) {
        let begin = Instant::now();
        let fast = solve(graph, &asked.question(seeds), &|_| {});
        let solver = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let searched = solve_by_search(graph, &asked.question(&some));
        let search = begin.elapsed().as_secs_f64() / part;
        let begin = Instant::now();
        let fallen = plain::accounts(graph, &some);
        let plain = begin.elapsed().as_secs_f64() / part;
        assert!(
            fast.iter().step_by(sample).eq(&searched),
            "{name}: the answers differ"
        );
        assert!(
            searched.iter().map(|answer| answer.accounts).eq(fallen),
            "{name}: the accounts differ"
        );
        let values = [plain, search, solver, plain / solver, search / solver];
        for (column, value) in columns.iter_mut().zip(values) {
            column.push(value);
        }
    }
    let note = match sample {
        1 => String::new(),
        _ => format!("  (searches: every {sample}th seed)"),
    };
    let [plain, search, solver, to_plain, to_search] =
        columns.map(|mut column| middle(&mut column));
    println!(
        "{name:<34} {plain:>8.3} {search:>8.3} {solver:>8.3} {to_plain:>8.1} x {to_search:>8.1} x{note}"
    );
}

/// Accounts and one system that some of them hold: where everything leads, so that there are hops and a
/// proof for whoever gets far.
fn accounts(n: usize, holds: impl Fn(usize) -> bool) -> (RuleGraphBuilder, Vec<Fact>) {
    let mut builder = RuleGraphBuilder::new();
    let accounts: Vec<Fact> = (0..n).map(|_| builder.fact(Class::Account)).collect();
    let system = builder.fact(Class::System);
    for at in (0..n).filter(|&at| holds(at)) {
        builder.gate(system, 1, 0, &accounts[at..=at]);
    }
    (builder, accounts)
}

/// Every account resets the next; in every tenth link it takes the one before as well. The last of each
/// chain holds the system.
fn chains(n: usize, depth: usize, with_and: bool) -> RuleGraph {
    let (mut builder, accounts) = accounts(n, |at| (at + 1) % depth == 0);
    for at in 0..n {
        if (at + 1) % depth == 0 || at + 1 == n {
            continue;
        }
        let (before, this, next) = (at.saturating_sub(1), at, at + 1);
        if with_and && at % 10 == 9 {
            builder.gate(accounts[next], 2, 1, &[accounts[this], accounts[before]]);
        } else {
            builder.gate(accounts[next], 1, 1, &[accounts[this]]);
        }
    }
    builder.finish()
}

/// Twenty layers; every account follows from three of the layer below, or from two single ones and
/// any two of four. The last of the top layer holds the system.
fn layers(n: usize, with_and: bool) -> RuleGraph {
    let layer = n / 20;
    let (mut builder, accounts) = accounts(n, |at| at + 1 == layer * 20);
    let mut random = fastrand::Rng::with_seed(1);
    for at in layer..layer * 20 {
        let mut below = || accounts[at / layer * layer - layer + random.usize(..layer)];
        if with_and {
            let four = [below(), below(), below(), below()];
            builder.gate(accounts[at], 2, 1, &four);
            for _ in 0..2 {
                builder.gate(accounts[at], 1, 1, &[below()]);
            }
        } else {
            for _ in 0..3 {
                builder.gate(accounts[at], 1, 1, &[below()]);
            }
        }
    }
    builder.finish()
}

/// Two gates of three of six and one single one for every account, drawn at random.
fn dense(n: usize) -> RuleGraph {
    let (mut builder, accounts) = accounts(n, |at| at == 0);
    let mut random = fastrand::Rng::with_seed(1);
    for &head in &accounts {
        let mut any = || accounts[random.usize(..n)];
        for _ in 0..2 {
            let six = [any(), any(), any(), any(), any(), any()];
            builder.gate(head, 3, 1, &six);
        }
        builder.gate(head, 1, 1, &[any()]);
    }
    builder.finish()
}

/// Everybody is in one group that resets everybody.
fn circle(n: usize) -> RuleGraph {
    let (mut builder, accounts) = accounts(n, |at| at == 0);
    let group = builder.fact(Class::Group);
    let shared = builder.fact(Class::Helper);
    for &account in &accounts {
        builder.gate(group, 1, 0, &[account]);
    }
    builder.gate(shared, 1, 0, &[group]);
    for &account in &accounts {
        builder.gate(account, 1, 1, &[shared]);
    }
    builder.finish()
}

/// The last account resets half of the others, each of them one of the other half, and more than half of
/// them all together the first one: the gate could fire long before it does.
fn one_gate(n: usize) -> RuleGraph {
    let (mut builder, accounts) = accounts(n, |at| at == 0);
    let half = (n - 2) / 2;
    let others = &accounts[1..=2 * half];
    let (near, far) = others.split_at(half);
    for (&near, &far) in near.iter().zip(far) {
        builder.gate(near, 1, 1, &[accounts[n - 1]]);
        builder.gate(far, 1, 1, &[near]);
    }
    builder.gate(accounts[0], half as u32 + 1, 1, others);
    builder.finish()
}

/// A twentieth of the accounts are in a group that reads a mailbox for every account, and nothing follows
/// from any of these; its members hold the system.
fn reader(n: usize) -> RuleGraph {
    let (mut builder, accounts) = accounts(n, |at| at < n / 20);
    let group = builder.fact(Class::Group);
    for &member in &accounts[..n / 20] {
        builder.gate(group, 1, 0, &[member]);
    }
    for _ in 0..n {
        let mailbox = builder.fact(Class::Mailbox);
        builder.gate(mailbox, 1, 0, &[group]);
    }
    builder.finish()
}

/// Five hundred accounts are in a group that resets everybody else, from whom nothing follows but from the
/// last one, who holds the system.
fn desk(n: usize) -> RuleGraph {
    const MEMBERS: usize = 500;
    let (mut builder, accounts) = accounts(n, |at| at + 1 == n);
    let group = builder.fact(Class::Group);
    let (members, others) = accounts.split_at(MEMBERS.min(n));
    for &member in members {
        builder.gate(group, 1, 0, &[member]);
    }
    for &account in others {
        builder.gate(account, 1, 1, &[group]);
    }
    builder.finish()
}
