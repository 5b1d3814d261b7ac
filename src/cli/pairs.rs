//! `linchpin pairs`: who brings down together what none of them brings down alone.

use std::fmt::Write;

use serde_json::{Value, json};

use super::args::{Format, PairsArgs};
use super::console::Console;
use super::loaded::{Loaded, find, named};
use super::{Exit, Failure, rulebook};
use crate::analyze::pairs::{self, Asked, Found};
use crate::model::{AssetId, Kind};
use crate::report::{View, clipped, visible};
use crate::rules::{Fact, Incoming};

/// Columns of a line.
const COLUMNS: usize = 118;
/// Names of a class that are listed before the rest is counted.
const LISTED: usize = 4;

pub(super) fn run(args: &PairsArgs, console: &Console) -> Result<Exit, Failure> {
    let Some(loaded) = Loaded::new(&args.read, &args.scenario, console)? else {
        return Ok(Exit::Bad);
    };
    let view = loaded.view();
    let mut systems: Vec<AssetId> = Vec::new();
    for name in &args.system {
        let system = find(view.org, name, Kind::System, "--system")?;
        if view.org.assets.kind(system) != Kind::System {
            return Err(Failure::Usage(format!("--system: `{name}` is no system")));
        }
        systems.push(system);
    }
    if args.system.is_empty() {
        let worst = view
            .org
            .systems
            .iter()
            .filter(|system| system.criticality == 0);
        systems.extend(worst.map(|system| system.asset));
    }
    systems.sort_by_key(|&system| view.org.assets.get(system).key);
    systems.dedup();
    let (mut sets, is_cut) = search(&view, args, &systems);
    for (who, system, at) in view.scan.waived.sets() {
        let mut is_used = false;
        for set in &mut sets {
            if system.is_none_or(|system| system == set.system) && set.holds(who) {
                set.waived.push(who.to_vec());
                is_used = true;
            }
        }
        if !is_used {
            let (waiver, _) = &view.scan.waived.list[at];
            rulebook::unused(waiver, args.read.format, console);
        }
    }
    let text = match args.read.format {
        Format::Text => text(&view, args, &systems, &sets, is_cut),
        Format::Json => as_json(&view, &sets, is_cut),
    };
    console.out(&text)?;
    Ok(Exit::Done)
}

/// A system and the classes of identities that bring it down together.
struct Set {
    system: AssetId,
    classes: Vec<Vec<AssetId>>,
    /// Those of them that are accepted risks.
    waived: Vec<Vec<AssetId>>,
}

impl Set {
    fn count(&self) -> u64 {
        self.classes
            .iter()
            .map(|class| class.len() as u64)
            .product()
    }

    /// Whether these are one of each class.
    fn holds(&self, who: &[AssetId]) -> bool {
        let one_of = |class: &Vec<AssetId>| who.iter().any(|asset| class.contains(asset));
        who.len() == self.classes.len() && self.classes.iter().all(one_of)
    }
}

fn search(view: &View<'_>, args: &PairsArgs, systems: &[AssetId]) -> (Vec<Set>, bool) {
    let graph = &view.program.graph;
    let atlas = &view.program.atlas;
    let incoming = Incoming::new(graph);
    let people: Vec<AssetId> = view
        .org
        .identities
        .iter()
        .filter(|identity| identity.enabled)
        .map(|identity| identity.asset)
        .collect();
    let seeds: Vec<Fact> = people.iter().map(|&asset| atlas.fact(asset)).collect();
    let base: Vec<Fact> = view
        .scan
        .baseline
        .systems
        .iter()
        .map(|one| one.system)
        .collect();
    // What the assumptions give to anybody is somebody's doing only where it needs none of them.
    let (given, own): (Vec<AssetId>, Vec<AssetId>) = systems
        .iter()
        .partition(|&&system| base.contains(&atlas.fact(system)));
    let mut sets: Vec<Set> = Vec::new();
    let mut is_cut = false;
    for (systems, assumed) in [(own, &view.program.assumed[..]), (given, &[][..])] {
        if systems.is_empty() {
            continue;
        }
        let goals: Vec<Fact> = systems.iter().map(|&system| atlas.fact(system)).collect();
        let found: Found = pairs::find(
            graph,
            &incoming,
            Asked {
                seeds: &seeds,
                assumed,
                goals: &goals,
                threes: args.threes,
                tries: args.tries,
            },
        );
        is_cut |= found.is_cut;
        sets.extend(found.sets.iter().map(|(goal, classes)| {
            Set {
                system: systems[*goal],
                classes: classes
                    .iter()
                    .map(|&class| found.classes[class].iter().map(|&at| people[at]).collect())
                    .collect(),
                waived: Vec::new(),
            }
        }));
    }
    let key = |asset: AssetId| view.org.assets.get(asset).key;
    for set in &mut sets {
        for class in &mut set.classes {
            class.sort_by_key(|&asset| key(asset));
        }
        set.classes
            .sort_by_key(|class| class.first().map(|&asset| key(asset)));
    }
    let rank = |set: &Set| {
        let names: Vec<&str> = set
            .classes
            .iter()
            .flatten()
            .map(|&asset| key(asset))
            .collect();
        (set.classes.len(), key(set.system), names)
    };
    sets.sort_by(|one, two| rank(one).cmp(&rank(two)));
    (sets, is_cut)
}

fn text(
    view: &View<'_>,
    args: &PairsArgs,
    systems: &[AssetId],
    sets: &[Set],
    is_cut: bool,
) -> String {
    let mut text = String::new();
    let all: u64 = sets.iter().map(Set::count).sum();
    let what = if args.threes {
        "sets of two or three"
    } else {
        "pairs"
    };
    // Writing to a string cannot fail.
    if sets.is_empty() {
        let _ = writeln!(
            text,
            "no {what} of identities bring down one of {} systems that none of them brings down alone",
            systems.len()
        );
    } else {
        let _ = writeln!(
            text,
            "{all} {what} of identities bring down what none of them brings down alone{}\n",
            match sets.iter().map(|set| set.waived.len()).sum() {
                0 => String::new(),
                waived => format!(", {waived} of them waived"),
            }
        );
    }
    let mut last = None;
    for set in sets.iter().take(args.top as usize) {
        if last.replace(set.system) != Some(set.system) {
            let fact = view.program.atlas.fact(set.system);
            let critical = view.criticality(fact);
            let line = format!("{} (criticality {critical})", named(view, set.system));
            let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        }
        let classes = set.classes.iter().map(|class| {
            let names = class.iter().take(LISTED).map(|&asset| named(view, asset));
            let names = names.collect::<Vec<_>>().join(" or ");
            match class.len().saturating_sub(LISTED) {
                0 => names,
                more => format!("{names} or {more} more"),
            }
        });
        let classes: Vec<String> = classes.collect();
        let count = match (set.count(), set.waived.len()) {
            (1, 0) => String::new(),
            (1, _) => " (waived)".to_owned(),
            (count, 0) => format!(" ({count} sets)"),
            (count, waived) => format!(" ({count} sets, {waived} waived)"),
        };
        let line = format!("  {}{count}", classes.join("  +  "));
        let _ = writeln!(text, "{}", clipped(&visible(&line), COLUMNS));
    }
    if sets.len() > args.top as usize {
        let more = sets.len() - args.top as usize;
        let _ = writeln!(text, "  and {more} kinds of sets more; --top lists more");
    }
    if is_cut {
        let _ = writeln!(
            text,
            "\nstopped at {} combinations tried: there may be more; --tries goes on",
            args.tries
        );
    }
    text
}

fn as_json(view: &View<'_>, sets: &[Set], is_cut: bool) -> String {
    let list: Vec<Value> = sets
        .iter()
        .map(|set| {
            let names = |who: &[AssetId]| -> Vec<&str> {
                let names = who.iter().map(|&asset| view.shown(asset));
                names.collect()
            };
            let classes = set.classes.iter().map(|class| names(class));
            json!({
                "system": view.shown(set.system),
                "one_of_each": classes.collect::<Vec<_>>(),
                "count": set.count(),
                "waived": set.waived.iter().map(|who| names(who)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let all: u64 = sets.iter().map(Set::count).sum();
    format!(
        "{:#}\n",
        json!({ "sets": list, "count": all, "stopped": is_cut })
    )
}
