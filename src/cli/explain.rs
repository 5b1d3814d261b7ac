//! `linchpin explain`: the proof, every minimal one, what is missing, or who can reach something.

mod tell;

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use super::args::{ExplainArgs, Format, Telling};
use super::console::Console;
use super::loaded::{Loaded, find, named};
use super::rulebook;
use super::{Exit, Failure};
use crate::analyze::explain;
use crate::draw;
use crate::model::{AssetId, Kind};
use crate::report::{self, Chain, View, visible};
use crate::rules::Fact;
use crate::solve::{self, Proof};
use tell::{list, tell, tell_held};

/// Nodes of a picture.
const NODES: usize = 200;
/// Names that are listed before the rest is counted.
const LISTED: usize = 50;

pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<Exit, Failure> {
    let Some(loaded) = Loaded::new(&args.read, &args.scenario, console)? else {
        return Ok(Exit::Bad);
    };
    let (org, view) = (&loaded.org, loaded.view());
    let telling = match (args.telling, args.read.format) {
        (Telling::Text, Format::Json) => Telling::Json,
        (telling, _) => telling,
    };
    let seed = find(org, &args.identity, Kind::Identity, "--identity")?;
    let text = if args.reverse {
        exposed(&view, seed, telling)?
    } else {
        let goal = match &args.system {
            Some(name) => Some(find(org, name, Kind::System, "--system")?),
            None => None,
        };
        fallen(&view, (args.all, telling), seed, goal)?
    };
    console.out(&text)?;
    Ok(Exit::Done)
}

/// What is asked: from where, with what, to where.
struct Asked<'v, 'a> {
    view: &'v View<'a>,
    seed: AssetId,
    goal: AssetId,
    given: Vec<Fact>,
}

fn fallen(
    view: &View<'_>,
    (all_ways, telling): (u32, Telling),
    seed: AssetId,
    goal: Option<AssetId>,
) -> Result<String, Failure> {
    let graph = &view.program.graph;
    let atlas = &view.program.atlas;
    let start = atlas.fact(seed);
    if atlas.is_disabled_account(start) {
        let name = named(view, seed);
        return Err(Failure::Usage(format!(
            "`{name}` is disabled: nobody can sign in as it"
        )));
    }
    let base = solve::closure(graph, &view.program.assumed);
    let mut given = view.program.assumed.clone();
    given.push(start);
    let all = solve::closure(graph, &given);
    let alone = solve::closure(graph, &[start]);
    // What the assumptions give to anybody is this one's doing only where it needs none of them.
    let level = |fact: Fact| {
        if base.contains(fact) {
            alone.level(fact)
        } else {
            all.level(fact)
        }
    };
    let goal = match goal {
        Some(goal) => goal,
        None => {
            let systems = view.org.systems.iter().filter_map(|system| {
                let fact = atlas.fact(system.asset);
                let hops = level(fact).filter(|_| fact != start)?;
                Some((view.criticality(fact), hops, system.asset))
            });
            let key = |asset: AssetId| view.org.assets.get(asset).key;
            let worst = systems
                .min_by(|one, two| (one.0, one.1, key(one.2)).cmp(&(two.0, two.1, key(two.2))));
            match worst {
                Some((_, _, worst)) => worst,
                None => {
                    let name = named(view, seed);
                    return Ok(match telling {
                        Telling::Json => format!(
                            "{:#}\n",
                            json!({ "identity": view.shown(seed), "unlocks": false, "proofs": [] })
                        ),
                        _ => format!(
                            "{name} unlocks no privileged system; --system NAME says what keeps one from falling\n"
                        ),
                    });
                }
            }
        }
    };
    let fact = atlas.fact(goal);
    if atlas.is_disabled_account(fact) {
        let name = named(view, goal);
        return Err(Failure::Usage(format!(
            "`{name}` is disabled: nothing brings it down"
        )));
    }
    let is_base = base.contains(fact);
    let asked = Asked {
        view,
        seed,
        goal,
        given: if is_base { vec![start] } else { given },
    };
    if level(fact).is_none() {
        let closure = if is_base { &alone } else { &all };
        let misses = explain::misses(graph, closure, &asked.given, fact);
        return asked.missed(&misses, is_base, telling);
    }
    let mut found = explain::proofs(graph, &asked.given, fact, all_ways as usize);
    asked.without_twins(&mut found);
    asked.proved(&found, telling)
}

impl<'a> Asked<'_, 'a> {
    /// Leaves out proofs that say the same by the same rows: a row that is written twice, or somebody
    /// who owns a mailbox and reads it as a delegate too, is no further way.
    fn without_twins(&self, found: &mut explain::Proofs) {
        let mut told: BTreeSet<String> = BTreeSet::new();
        found.proofs.retain(|proof| {
            let chain = report::chain(self.view, proof);
            let rows = chain.steps().flat_map(|step| step.rows);
            let mut keys: Vec<String> = rows
                .map(|&row| report::row_key(self.view.org, row))
                .collect();
            keys.sort_unstable();
            keys.dedup();
            told.insert(format!(
                "{} {}",
                chain.text(self.view, false),
                keys.join(" ")
            ))
        });
    }

    fn proved(&self, found: &explain::Proofs, telling: Telling) -> Result<String, Failure> {
        let view = self.view;
        let chains: Vec<Chain<'a>> = found
            .proofs
            .iter()
            .map(|proof| report::chain(view, proof))
            .collect();
        let title = format!(
            "Why {} falls with {}",
            named(view, self.goal),
            named(view, self.seed)
        );
        Ok(match telling {
            Telling::Text => self.text(&chains, found),
            Telling::Json => self.json(chains, found),
            Telling::Dot => draw::dot(&self.picture(found, title)),
            Telling::Svg => draw::svg(&self.picture(found, title)),
        })
    }

    fn picture(&self, found: &explain::Proofs, title: String) -> draw::Picture {
        let proofs: Vec<(AssetId, &Proof)> = found
            .proofs
            .iter()
            .map(|proof| (self.seed, proof))
            .collect();
        draw::proofs(self.view, &proofs, title, NODES)
    }

    fn text(&self, chains: &[Chain<'_>], found: &explain::Proofs) -> String {
        let view = self.view;
        let mut text = String::new();
        let fact = view.program.atlas.fact(self.goal);
        let is_system = view.org.assets.kind(self.goal) == Kind::System;
        let critical = if is_system {
            format!(", criticality {},", view.criticality(fact))
        } else {
            String::new()
        };
        let hops = found.proofs.first().and_then(|proof| proof.steps.last());
        let hops = hops.map_or(0, |step| step.level);
        let hops = match hops {
            1 => "1 hop".to_owned(),
            hops => format!("{hops} hops"),
        };
        let (seed, goal) = (named(view, self.seed), named(view, self.goal));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{goal}{critical} falls with {seed} in {hops}");
        if let Some(waiver) = view.scan.waived.pair(self.seed, self.goal) {
            let _ = writeln!(text, "{}", visible(&rulebook::text(waiver)));
        }
        for (at, chain) in chains.iter().enumerate() {
            if chains.len() > 1 {
                let _ = writeln!(text, "\nproof {} of {}", at + 1, chains.len());
            } else {
                text.push('\n');
            }
            for (number, step) in chain.steps().enumerate() {
                let _ = tell(&mut text, view, number + 1, step);
            }
            if chain.steps().len() == 0 {
                let _ = writeln!(text, "  it is {seed} itself");
            }
        }
        if found.is_cut {
            let _ = writeln!(text, "\nthere may be more ways; --all asks for more");
        }
        text
    }

    fn json(&self, chains: Vec<Chain<'a>>, found: &explain::Proofs) -> String {
        let view = self.view;
        let proofs: Vec<Value> = chains
            .into_iter()
            .map(|chain| {
                let hops = chain.steps().last().map_or(0, |step| step.hops);
                let techniques: Vec<Vec<_>> = chain
                    .steps()
                    .map(|step| {
                        let found = step.how.iter().filter_map(|how| report::technique(how));
                        found.collect()
                    })
                    .collect();
                let mut steps = json!(report::chain_entries(view, &chain));
                if let Some(steps) = steps.as_array_mut() {
                    for (step, techniques) in steps.iter_mut().zip(techniques) {
                        step["techniques"] = json!(techniques);
                    }
                }
                json!({ "hops": hops, "steps": steps })
            })
            .collect();
        let goal = view.org.assets.get(self.goal);
        format!(
            "{:#}\n",
            json!({
                "identity": view.shown(self.seed),
                "goal": { "kind": goal.kind.word(), "name": goal.shown },
                "unlocks": true,
                "proofs": proofs,
                "more": found.is_cut,
            })
        )
    }

    /// What keeps it from falling.
    fn missed(
        &self,
        misses: &explain::Misses,
        is_base: bool,
        telling: Telling,
    ) -> Result<String, Failure> {
        let view = self.view;
        let (seed, goal) = (named(view, self.seed), named(view, self.goal));
        if matches!(telling, Telling::Dot | Telling::Svg) {
            return Err(Failure::Usage(format!(
                "{goal} does not fall with {seed}: there is no proof to draw"
            )));
        }
        let fact_name = |fact: Fact| report::fact_text(view, fact);
        let any_of: Vec<String> = misses.any_of.iter().map(|&fact| fact_name(fact)).collect();
        if telling == Telling::Json {
            let held = misses.held.iter().map(|held| {
                let names = |slots: &[u32]| -> Vec<String> {
                    let inputs = view.program.graph.inputs(held.gate);
                    slots
                        .iter()
                        .map(|&slot| fact_name(inputs[slot as usize]))
                        .collect()
                };
                json!({
                    "yields": fact_name(view.program.graph.head(held.gate)),
                    "need": view.program.graph.need(held.gate),
                    "has": names(&held.has),
                    "lacks": names(&held.lacks),
                    "rows": report::gate_rows(view, held.gate),
                })
            });
            let held: Vec<Value> = held.collect();
            let found = view.org.assets.get(self.goal);
            return Ok(format!(
                "{:#}\n",
                json!({
                    "identity": view.shown(self.seed),
                    "goal": { "kind": found.kind.word(), "name": found.shown },
                    "unlocks": false,
                    "proofs": [],
                    "any_of": any_of,
                    "held": held,
                })
            ));
        }
        let mut text = format!("{goal} does not fall with {seed}\n");
        if is_base {
            text.push_str(
                "(the assumptions alone give it to anybody; that is not this one's doing)\n",
            );
        }
        if any_of.is_empty() {
            text.push_str("\nno one thing more would bring it down\n");
        } else {
            text.push_str("\nany one of these more would bring it down, the nearest first:\n");
            list(&mut text, &any_of);
        }
        if !misses.held.is_empty() {
            text.push_str("\ngates that hold, the nearest first:\n");
            for held in misses.held.iter().take(LISTED / 5) {
                let _ = tell_held(&mut text, view, held);
            }
        }
        if misses.is_cut {
            text.push_str("\nmore was not looked at: the way back is very wide\n");
        }
        Ok(text)
    }
}

/// Who can reach it.
fn exposed(view: &View<'_>, goal: AssetId, telling: Telling) -> Result<String, Failure> {
    let fact = view.program.atlas.fact(goal);
    let found = explain::exposure(view.org, view.program, fact);
    let name = |at: u32| view.shown(view.org.identities[at as usize].asset);
    match telling {
        Telling::Json => {
            let list: Vec<Value> = found
                .identities
                .iter()
                .map(|&(at, hops)| json!({ "identity": name(at), "hops": hops }))
                .collect();
            let found = view.org.assets.get(goal);
            Ok(format!(
                "{:#}\n",
                json!({ "goal": { "kind": found.kind.word(), "name": found.shown }, "reached_by": list })
            ))
        }
        Telling::Text => {
            let shown = named(view, goal);
            let count = found.identities.len();
            let mut text = match count {
                0 => format!("nobody but itself reaches {shown}\n"),
                1 => format!("1 identity reaches {shown}:\n"),
                _ => format!("{count} identities reach {shown}, the nearest first:\n"),
            };
            let names: Vec<String> = found
                .identities
                .iter()
                .map(|&(at, hops)| format!("{hops:>3} hops  {}", visible(name(at))))
                .collect();
            list(&mut text, &names);
            Ok(text)
        }
        Telling::Dot | Telling::Svg => {
            let graph = &view.program.graph;
            let mut search = solve::Search::new(graph);
            let proofs: Vec<(AssetId, Proof)> = found
                .identities
                .iter()
                .take(LISTED)
                .filter_map(|&(at, _)| {
                    let asset = view.org.identities[at as usize].asset;
                    let mut given = view.program.assumed.clone();
                    given.push(view.program.atlas.fact(asset));
                    search.run(&given);
                    Some((asset, search.whole_proof(fact)?))
                })
                .collect();
            let proofs: Vec<(AssetId, &Proof)> = proofs
                .iter()
                .map(|(asset, proof)| (*asset, proof))
                .collect();
            let title = format!("Who reaches {}", named(view, goal));
            let picture = draw::proofs(view, &proofs, title, NODES);
            Ok(if telling == Telling::Dot {
                draw::dot(&picture)
            } else {
                draw::svg(&picture)
            })
        }
    }
}
