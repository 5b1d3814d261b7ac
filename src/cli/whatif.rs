//! `linchpin whatif`: what moves when some rows change.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{Format, WhatIfArgs};
use super::complaints;
use super::console::Console;
use super::loaded::Loaded;
use super::moves::Told;
use super::rulebook::{self, Rulebook};
use super::{Exit, Failure};
use crate::analyze::choke;
use crate::analyze::compare;
use crate::diag::Severity;
use crate::ingest::changes::{self, Changed};
use crate::report::{self, View, clipped, visible};

pub(super) fn run(args: &WhatIfArgs, console: &Console) -> Result<Exit, Failure> {
    if args.read.redact {
        return Err(Failure::Usage(
            "this command names names; use --redact with `scan`".to_owned(),
        ));
    }
    let mut changed =
        changes::read_changed(&args.read.inputs, &args.change, &args.read.options(false));
    if args.read.strict {
        for said in &mut changed.diagnostics {
            if said.severity == Severity::Warning {
                said.severity = Severity::Error;
            }
        }
    }
    let format = args.read.format;
    complaints::print(
        console,
        format,
        &changed.sources,
        &changed.diagnostics,
        false,
    );
    if changed.has_errors() {
        return Ok(Exit::Bad);
    }
    let Changed {
        before,
        after,
        sources,
        changes,
        ..
    } = changed;
    let sources = Arc::new(sources);
    console.note(|notes| notes.read(&after.inputs));
    let mut rulebook = Rulebook::load(&args.scenario, format, console)?;
    rulebook.set_clock(&[&before, &after]);
    let rulebook = Arc::new(rulebook);
    // Side by side: parts of a scan keep one thread busy.
    let side = |org| -> Result<_, Failure> {
        let side = Loaded::scanned(org, Arc::clone(&sources), &args.scenario, &rulebook)?;
        let points = choke_points(&side.view());
        Ok((side, points))
    };
    let (before, after) = rayon::join(|| side(before), || side(after));
    let ((before, were), (after, are)) = (before?, after?);
    let points = [were, are];
    rulebook::remark(&after.scan, format, console);
    rulebook.begin(&after.org, format, console);
    let found = compare::compare(before.side(), after.side());
    let (before, after) = (before.view(), after.view());
    let told = Told {
        before: &before,
        after: &after,
        found: &found,
    };
    let holds = told.conditions(&args.moves.fail_on);
    let text = match format {
        Format::Text => {
            let rows = if changes == 1 { "row" } else { "rows" };
            let mut text = format!("{changes} {rows} of changes, nothing was written\n\n");
            text += &told.text(args.moves.top as usize, &|_| Vec::new());
            text + &choke_text(&points)
        }
        Format::Json => {
            let mut all = told.json(args.moves.top as usize, &|_| Value::Null);
            all["changes"] = json!(changes);
            all["choke_points"] = json!({ "before": points[0], "after": points[1] });
            all["conditions"] = json!(holds);
            format!("{all:#}\n")
        }
    };
    console.out(&text)?;
    for condition in &holds {
        complaints::remark(console, format, &format!("--fail-on {condition} holds"));
    }
    Ok(if holds.is_empty() {
        Exit::Done
    } else {
        Exit::Condition
    })
}

/// Choke points that are compared.
const POINTS: usize = 5;

/// The first choke points of an organisation: what they are, and their pairs by criticality.
fn choke_points(view: &View<'_>) -> Vec<(String, [u32; 3])> {
    let asked = choke::Asked {
        top: Some(POINTS),
        ..choke::Asked::default()
    };
    let found = choke::choke_points(view.org, view.program, view.options, view.scan, asked);
    let points = found.points.iter().map(|point| {
        let what = report::thing_text(view, point.thing);
        (format!("{} {what}", point.thing.word()), point.pairs)
    });
    points.collect()
}

fn choke_text([before, after]: &[Vec<(String, [u32; 3])>; 2]) -> String {
    if before == after {
        return String::new();
    }
    let mut text = String::from("\nchoke points (pairs by criticality that disappear with them)\n");
    for (sign, here, there) in [("was", before, after), ("now", after, before)] {
        for (what, [zero, one, two]) in here.iter().filter(|point| !there.contains(point)) {
            let line = format!("  {sign} {zero:>6}{one:>7}{two:>7}  {}", visible(what));
            text += &clipped(&line, 118);
            text.push('\n');
        }
    }
    text
}
