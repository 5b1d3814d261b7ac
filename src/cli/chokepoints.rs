//! `linchpin chokepoints`: the things whose loss takes most pairs with it.

use std::fmt::Write;

use serde_json::{Value, json};

use super::args::{ChokePointsArgs, Format};
use super::console::Console;
use super::loaded::{Loaded, find};
use super::{Exit, Failure};
use crate::analyze::choke::{self, ChokePoint, Ranking};
use crate::model::Kind;
use crate::report::{self, RowEntry, View, clipped, visible};
use crate::rules::Fact;

pub(super) fn run(args: &ChokePointsArgs, console: &Console) -> Result<Exit, Failure> {
    let Some(loaded) = Loaded::new(&args.read, &args.scenario, console)? else {
        return Ok(Exit::Bad);
    };
    let view = loaded.view();
    let systems = args.system.iter().map(|name| {
        let system = find(view.org, name, Kind::System, "--system")?;
        if view.org.assets.kind(system) != Kind::System {
            return Err(Failure::Usage(format!("--system: `{name}` is no system")));
        }
        Ok(view.program.atlas.fact(system))
    });
    let systems: Vec<Fact> = systems.collect::<Result<_, _>>()?;
    let kinds: Vec<&str> = args.kind.iter().map(|kind| kind.word()).collect();
    let asked = choke::Asked {
        top: Some(args.top as usize),
        systems: &systems,
        kinds: &kinds,
        ..choke::Asked::default()
    };
    let found = choke::choke_points(view.org, view.program, view.options, view.scan, asked);
    let text = match args.read.format {
        Format::Text => text(&view, &found),
        Format::Json => as_json(&view, &found),
    };
    console.out(&text)?;
    Ok(Exit::Done)
}

/// Columns of a line.
const COLUMNS: usize = 118;

fn text(view: &View<'_>, found: &Ranking) -> String {
    let mut text = String::new();
    let all: u32 = found.pairs.iter().sum();
    // Writing to a string cannot fail.
    if all == 0 {
        return "no identity unlocks a privileged system: there is nothing to take away\n"
            .to_owned();
    }
    let _ = writeln!(
        text,
        "{all} pairs of an identity and a system that it unlocks (criticality 0: {}, 1: {}, 2: {})",
        found.pairs[0], found.pairs[1], found.pairs[2]
    );
    if view.scan.waived.pair_count() > 0 {
        let _ = writeln!(
            text,
            "{} waived pairs are left out",
            view.scan.waived.pair_count()
        );
    }
    if found.points.is_empty() {
        text.push_str("none of them depends on one thing alone\n");
        return text;
    }
    let _ = writeln!(
        text,
        "\n pairs that disappear: criticality\n      0      1      2  freed  when this goes"
    );
    for point in &found.points {
        let what = format!(
            "{} {}",
            point.thing.word(),
            report::thing_text(view, point.thing)
        );
        let [zero, one, two] = point.pairs;
        let line = format!(
            "{zero:>7}{one:>7}{two:>7}{:>7}  {}",
            point.freed,
            visible(&what)
        );
        let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        let mut said = Vec::new();
        if let Some(owner) = report::thing_owner(view, point.thing) {
            said.push(format!("accountable {owner}"));
        }
        said.extend(places(&report::thing_rows(view, point.thing)));
        if !said.is_empty() {
            let line = format!("{:30}{}", "", visible(&said.join("; ")));
            let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        }
    }
    if found.tried > found.points.len() {
        let _ = writeln!(
            text,
            "the first {} of {} things that a chain rests on; --top lists more",
            found.points.len(),
            found.tried
        );
    }
    text.push_str("\nfreed: identities that unlock nothing of criticality 0 any more\n");
    text
}

/// Rows that are told by their place.
const PLACES: usize = 4;

pub(super) fn places(rows: &[RowEntry<'_>]) -> Vec<String> {
    let mut places: Vec<String> = rows
        .iter()
        .take(PLACES)
        .map(|entry| match entry.line {
            Some(line) => format!("{}:{line}", entry.file),
            None => entry.file.to_string(),
        })
        .collect();
    places.retain(|place| !place.is_empty());
    if rows.len() > PLACES {
        places.push(format!("{} rows more", rows.len() - PLACES));
    }
    places
}

fn as_json(view: &View<'_>, found: &Ranking) -> String {
    let points: Vec<Value> = found
        .points
        .iter()
        .map(|point| entry(view, point))
        .collect();
    let [zero, one, two] = found.pairs;
    format!(
        "{:#}\n",
        json!({
            "pairs": { "0": zero, "1": one, "2": two },
            "tried": found.tried,
            "waived_pairs": view.scan.waived.pair_count(),
            "choke_points": points,
        })
    )
}

fn entry(view: &View<'_>, point: &ChokePoint) -> Value {
    let [zero, one, two] = point.pairs;
    json!({
        "kind": point.thing.word(),
        "what": report::thing_text(view, point.thing),
        "pairs": { "0": zero, "1": one, "2": two },
        "freed": point.freed,
        "accountable": report::thing_owner(view, point.thing),
        "rows": report::thing_rows(view, point.thing),
    })
}
