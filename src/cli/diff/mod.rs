//! `linchpin diff`: what moved between two exports, and which changed rows explain it.

mod scans;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{DiffArgs, DiffForm, Format};
use super::check;
use super::complaints;
use super::console::Console;
use super::loaded::Loaded;
use super::moves::Told;
use super::progress::Progress;
use super::rulebook::{self, Rulebook};
use super::{Exit, Failure};
use crate::analyze;
use crate::analyze::causes::{self, Cause, Search};
use crate::analyze::compare::{self, Comparison, Move};
use crate::compile::{self, Meaning};
use crate::ingest::Ingested;
use crate::ingest::changes::{Kept, MadeRow, read_kept};
use crate::model::{AssetId, Change, RowRef, Word, row_key};
use crate::report::{self, RowChange, View};
use crate::rules::Fact;
use crate::solve;

pub(super) fn run(args: &DiffArgs, console: &Console) -> Result<Exit, Failure> {
    if args.read.redact {
        return Err(Failure::Usage(
            "this command names names; use --redact with `scan`".to_owned(),
        ));
    }
    let [old, new] = [0, 1].map(|at| args.read.inputs.get(at));
    let (Some(old), Some(new), 2) = (old, new, args.read.inputs.len()) else {
        return Err(Failure::Usage(
            "two inputs are compared: linchpin diff OLD NEW; several exports of one time go into a folder".to_owned(),
        ));
    };
    match [old, new].map(|input| scans::scan_in(input)) {
        [Some(old), Some(new)] => return scans::run(args, console, [&old, &new]),
        [None, None] => {}
        [old, _] => {
            let (scan, export) = if old.is_some() {
                ("OLD", "NEW")
            } else {
                ("NEW", "OLD")
            };
            return Err(Failure::Usage(format!(
                "{scan} is a scan and {export} an export: compare two scans (tiers.json) or two exports; `linchpin scan` makes a scan of an export"
            )));
        }
    }
    let before = check::read_inputs(&args.read, std::slice::from_ref(old), false, console);
    if before.has_errors() {
        return Ok(Exit::Bad);
    }
    let mut rulebook = Rulebook::load(&args.scenario, args.read.format, console)?;
    let options = args.read.options(false);
    read_kept(std::slice::from_ref(new), &options, |ingested, kept| {
        // Both at one time, or a waiver or signal could count on one side alone.
        let times = [&before.organisation, &ingested.organisation];
        rulebook.set_clock(&times);
        let rulebook = Arc::new(rulebook);
        let before = Loaded::of(before, &args.scenario, &rulebook)?;
        compared(args, console, &before, &rulebook, ingested, kept)
    })
}

fn compared(
    args: &DiffArgs,
    console: &Console,
    before: &Loaded,
    rulebook: &Rulebook,
    ingested: Ingested,
    kept: &Kept<'_>,
) -> Result<Exit, Failure> {
    let ingested = check::said(&args.read, ingested, kept.sources(), console);
    if ingested.has_errors() {
        return Ok(Exit::Bad);
    }
    let options = args.scenario.options(&ingested.organisation);
    let options = options.map_err(|error| Failure::Usage(error.to_string()))?;
    let org = ingested.organisation;
    let program = compile::compile(&org, &options);
    let judge = rulebook.judge(&org, &options);
    let mut scan = analyze::scan_identities(&org, &program, &judge);
    rulebook.begin(&org, args.read.format, console);
    rulebook.waive(&org, &mut scan)?;
    rulebook::remark(&scan, args.read.format, console);
    let view = View {
        org: &org,
        sources: kept.sources(),
        program: &program,
        options: &options,
        scan: &scan,
        policy: &rulebook.policy,
    };
    let side = compare::Scanned {
        org: &org,
        program: &program,
        scan: &scan,
    };
    let found = compare::compare(before.side(), side);
    let old = before.view();
    let rows = report::row_changes(old.org, view.org);
    let told = Told {
        before: &old,
        after: &view,
        found: &found,
    };
    let top = args.moves.top as usize;
    let causes = explained(args, console, rulebook, &told, &rows, kept);
    let holds = told.conditions(&args.moves.fail_on);
    let form = match (args.form, args.read.format) {
        (DiffForm::Text, Format::Json) => DiffForm::Json,
        (form, _) => form,
    };
    let because = |at: usize| {
        causes
            .get(at)
            .map_or(Vec::new(), |cause| lines(&told, &rows, cause))
    };
    let text = match form {
        DiffForm::Text => {
            let count = rows.len();
            let changed = if count == 1 {
                "row or gate"
            } else {
                "rows and gates"
            };
            format!("{count} changed {changed}\n\n{}", told.text(top, &because))
        }
        DiffForm::Markdown => told.markdown(rows.len(), top, &because),
        DiffForm::Json => {
            let entry = |at: usize| match causes.get(at) {
                Some(cause) => json!({
                    "smallest": cause.is_smallest,
                    "changes": cause.changes.iter().map(|&at| entry(&told, &rows[at])).collect::<Vec<_>>(),
                }),
                None => Value::Null,
            };
            let mut all = told.json(top, &entry);
            all["changed_rows"] = json!(rows.len());
            all["conditions"] = json!(holds);
            format!("{all:#}\n")
        }
    };
    console.out(&text)?;
    for condition in &holds {
        complaints::remark(
            console,
            args.read.format,
            &format!("--fail-on {condition} holds"),
        );
    }
    Ok(if holds.is_empty() {
        Exit::Done
    } else {
        Exit::Condition
    })
}

/// The causes of the moves that are told.
fn explained(
    args: &DiffArgs,
    console: &Console,
    rulebook: &Rulebook,
    told: &Told<'_, '_>,
    rows: &[RowChange],
    kept: &Kept<'_>,
) -> Vec<Cause> {
    let moves = &told.found.moved[..told.found.moved.len().min(args.moves.top as usize)];
    if moves.is_empty() || rows.is_empty() {
        return Vec::new();
    }
    let touching: Vec<Vec<usize>> = moves.iter().map(|one| touching(told, rows, one)).collect();
    // A try reads the tables again: so many that even a large organisation takes minutes at most.
    let budget = (20_000_000 / told.after.org.identities.len().max(1)).clamp(60, 20_000);
    let progress = Progress::new(console, "explaining", budget as u64);
    let mut undone = |set: &[usize]| {
        progress.tick(1);
        undo(args, rulebook, told, rows, kept, set, moves)
    };
    let found = causes::causes(Search {
        changes: rows.len(),
        touching: &touching,
        undone: &mut undone,
        budget,
    });
    progress.finish();
    found
}

/// Which moves are undone when some differences are.
fn undo(
    args: &DiffArgs,
    rulebook: &Rulebook,
    told: &Told<'_, '_>,
    rows: &[RowChange],
    kept: &Kept<'_>,
    set: &[usize],
    moves: &[Move],
) -> Vec<bool> {
    let made: Vec<MadeRow> = set.iter().flat_map(|&at| rows[at].undo_cells()).collect();
    let org = kept.changed(&made);
    let Ok(options) = args.scenario.options(&org) else {
        return vec![false; moves.len()];
    };
    let program = compile::compile(&org, &options);
    let judge = rulebook.judge(&org, &options);
    let scan = analyze::scan_identities(&org, &program, &judge);
    let undone = compare::Scanned {
        org: &org,
        program: &program,
        scan: &scan,
    };
    let old = compare::Scanned {
        org: told.before.org,
        program: told.before.program,
        scan: told.before.scan,
    };
    is_undone(&compare::compare(old, undone), moves)
}

/// Whether each of some moves is none of those that are left.
fn is_undone(left: &Comparison, moves: &[Move]) -> Vec<bool> {
    let moved: BTreeSet<u32> = left.moved.iter().map(|one| one.identity[0]).collect();
    let gone: BTreeSet<u32> = left.vanished.iter().copied().collect();
    let is_back =
        |one: &Move| !moved.contains(&one.identity[0]) && !gone.contains(&one.identity[0]);
    moves.iter().map(is_back).collect()
}

/// The differences whose rows name something on a chain that opened or closed.
fn touching(told: &Told<'_, '_>, rows: &[RowChange], one: &Move) -> Vec<usize> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (view, identity, list) in [
        (told.before, one.identity[0], &one.lost),
        (told.after, one.identity[1], &one.gained),
    ] {
        let asset = view.org.identities[identity as usize].asset;
        names.insert(name(view, asset));
        let graph = &view.program.graph;
        let mut given = view.program.assumed.clone();
        given.push(view.program.atlas.fact(asset));
        let mut search = solve::Search::new(graph);
        search.run(&given);
        for &goal in list {
            names.insert(name(view, goal));
            let proof = search.whole_proof(view.program.atlas.fact(goal));
            let steps = proof.iter().flat_map(|proof| &proof.steps);
            let facts = steps.flat_map(|step| {
                graph
                    .inputs(step.gate)
                    .iter()
                    .copied()
                    .chain([graph.head(step.gate)])
            });
            names.extend(facts.filter_map(|fact| fact_name(view, fact)));
        }
    }
    let mentions = |change: &RowChange| {
        let sides = [(told.before, &change.old), (told.after, &change.new)];
        sides.into_iter().any(|(view, rows)| {
            rows.iter().any(|&row| {
                let key = row_key(view.org, row);
                key.split(['|', ';']).any(|cell| names.contains(cell))
            })
        })
    };
    let all = rows.iter().enumerate();
    all.filter(|(_, change)| mentions(change))
        .map(|(at, _)| at)
        .collect()
}

fn fact_name(view: &View<'_>, fact: Fact) -> Option<String> {
    match view.program.atlas.meaning(fact) {
        Meaning::Asset(asset) => Some(name(view, asset)),
        Meaning::Password(at) | Meaning::Mfa(at) => {
            Some(name(view, view.program.atlas.identity(at)?))
        }
        Meaning::Helper => None,
    }
}

/// As row keys write it.
fn name(view: &View<'_>, asset: AssetId) -> String {
    let asset = view.org.assets.get(asset);
    let escaped = asset.key.replace('%', "%25").replace('|', "%7C");
    format!("{}:{escaped}", asset.kind.word())
}

/// A cause, a line per difference.
fn lines(told: &Told<'_, '_>, rows: &[RowChange], cause: &Cause) -> Vec<String> {
    if cause.changes.is_empty() {
        return vec!["because: no set of changed rows was found that explains it".to_owned()];
    }
    let count = cause.changes.len();
    let mut lines: Vec<String> = Vec::new();
    for (at, &change) in cause.changes.iter().enumerate() {
        let word = if at == 0 { "because" } else { "and" };
        lines.push(format!("{word}: {}", change_text(told, &rows[change])));
    }
    if !cause.is_smallest && count > 1 {
        lines.push("(none of these can be left out; a smaller set was not ruled out)".to_owned());
    }
    lines
}

/// A difference in one line.
fn change_text(told: &Told<'_, '_>, change: &RowChange) -> String {
    let (view, list) = match change.change {
        Change::Remove => (told.before, &change.old),
        _ if change.new.is_empty() => (told.before, &change.old),
        _ => (told.after, &change.new),
    };
    let what = match change.change {
        Change::Add => "added",
        Change::Remove => "removed",
        Change::Set if change.new.is_empty() => "removed from its gate",
        Change::Set => "changed",
    };
    const TOLD: usize = 3;
    let mut rows: Vec<String> = list
        .iter()
        .take(TOLD)
        .map(|&row| row_text(view, row))
        .collect();
    if list.len() > TOLD {
        rows.push(format!("{} more", list.len() - TOLD));
    }
    format!("{what} {}", rows.join(", "))
}

fn row_text(view: &View<'_>, row: RowRef) -> String {
    let entry = report::row_entry(view.org, view.sources, row);
    match entry.line {
        Some(line) => format!("{} ({}:{line})", entry.key, entry.file),
        None => format!("{} ({})", entry.key, entry.file),
    }
}

fn entry(told: &Told<'_, '_>, change: &RowChange) -> Value {
    let rows = |view: &View<'_>, rows: &[RowRef]| -> Vec<Value> {
        let entries = rows
            .iter()
            .map(|&row| report::row_entry(view.org, view.sources, row));
        entries.map(|entry| json!(entry)).collect()
    };
    json!({
        "change": change.change.word(),
        "table": change.table.word(),
        "old": rows(told.before, &change.old),
        "new": rows(told.after, &change.new),
    })
}
