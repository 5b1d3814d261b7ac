//! `linchpin harden`: the fewest changes that reach a goal.

use std::fmt::Write;

use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};

use super::args::{Format, HardenArgs};
use super::chokepoints::places;
use super::complaints::remark;
use super::console::Console;
use super::loaded::{Loaded, find, named};
use super::{Exit, Failure};
use crate::analyze::harden::{self, Asked, Fix, FixKind, Goal, Plan, PlannedFix};
use crate::model::{
    AssetId, Kind, Organisation, RowRef, Source, Table, Target, Word, fold, row_key,
};
use crate::report::{self, RowEntry, View, clipped, visible};
use crate::write::Outputs;

/// Changes that are made if nobody says otherwise.
const USUAL: [FixKind; 4] = [
    FixKind::Factor,
    FixKind::Proofing,
    FixKind::Membership,
    FixKind::Recovery,
];
/// Columns of a line.
const COLUMNS: usize = 118;
/// Names that are listed before the rest is counted.
const LISTED: usize = 5;

pub(super) fn run(args: &HardenArgs, console: &Console) -> Result<Exit, Failure> {
    let Some(loaded) = Loaded::new(&args.read, &args.scenario, console)? else {
        return Ok(Exit::Bad);
    };
    let view = loaded.view();
    let mut kinds: Vec<FixKind> = USUAL
        .into_iter()
        .chain(args.allow.iter().copied())
        .collect();
    kinds.retain(|kind| !args.forbid.contains(kind));
    let asked = Asked {
        goal: args.goal,
        kinds,
        kept: kept(&view, &args.keep)?,
        waived: view.scan.waived.clone(),
        costs: args.cost.iter().copied().collect(),
    };
    let judge = loaded.rulebook.judge(view.org, view.options);
    if matches!(asked.goal, harden::Goal::Tier { .. }) && !judge.is_by_criticality() {
        return Err(Failure::Usage(
            "the policy has rules that count systems, hops, accounts or mailboxes; harden plans for tiers that go by criticality: ask for --goal no-any-unlocks:0 instead".to_owned(),
        ));
    }
    let plan = harden::plan(view.org, view.options, &judge, &asked);
    let made = within(&plan, args.budget);
    if let Some(path) = &args.out {
        let fixes: Vec<Fix> = made.iter().map(|one| one.fix).collect();
        write_changes(&view, &fixes, path, console)?;
    }
    let text = match args.read.format {
        Format::Text => text(&view, &asked, &plan, made),
        Format::Json => as_json(&view, &plan, made),
    };
    console.out(&text)?;
    let said = if !plan.is_reached {
        "no plan of the allowed changes reaches the goal"
    } else if made.len() < plan.fixes.len() {
        "the budget does not reach the goal"
    } else {
        return Ok(Exit::Done);
    };
    remark(console, args.read.format, said);
    Ok(Exit::Condition)
}

/// The changes that a budget allows.
fn within(plan: &Plan, budget: Option<u32>) -> &[PlannedFix] {
    let mut spent = 0;
    let count = plan.fixes.iter().take_while(|one| {
        spent += one.cost;
        budget.is_none_or(|budget| spent <= budget)
    });
    let count = count.count();
    &plan.fixes[..count]
}

fn write_changes(
    view: &View<'_>,
    fixes: &[Fix],
    path: &std::path::Path,
    console: &Console,
) -> Result<(), Failure> {
    let mut tables: Map<String, Value> = Map::new();
    if fixes.is_empty() {
        // No change at all is a change set too.
        tables.insert(Table::Recoveries.word().to_owned(), json!([]));
    }
    for (table, row) in report::change_rows(view, fixes) {
        let rows = tables.entry(table.word()).or_insert_with(|| json!([]));
        if let Some(rows) = rows.as_array_mut() {
            rows.push(Value::Object(row));
        }
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|name| name.to_lowercase().ends_with(".json")) else {
        return Err(Failure::Usage(format!(
            "--out: `{}` is no name for a change set; expected one that ends in .json",
            path.display()
        )));
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut outputs = Outputs::new(folder.unwrap_or(std::path::Path::new(".")))?;
    outputs.file(name, |out| writeln!(out, "{:#}", Value::Object(tables)))?;
    // Nothing else in that folder is ours to replace.
    let written = outputs.place_all()?;
    console.note(|notes| notes.written = written);
    Ok(())
}

/// The changes that would touch what is to stay as it is.
fn kept(view: &View<'_>, keep: &[String]) -> Result<FxHashSet<Fix>, Failure> {
    let mut kept = FxHashSet::default();
    for what in keep {
        let what = Kept::parse(view, what)?;
        let all = all_fixes(view.org);
        kept.extend(all.filter(|&fix| what.holds(view.org, fix)));
    }
    Ok(kept)
}

enum Kept {
    Row(String),
    Process(u32),
    Asset(AssetId),
}

impl Kept {
    fn parse(view: &View<'_>, text: &str) -> Result<Self, Failure> {
        if text.contains('|') {
            let known = all_fixes(view.org).flat_map(|fix| rows_of(view.org, fix));
            let mut keys = known.map(|row| row_key(view.org, row));
            return if keys.any(|key| key == text) {
                Ok(Self::Row(text.to_owned()))
            } else {
                Err(Failure::Usage(format!(
                    "--keep: no row that could change has the key `{text}`"
                )))
            };
        }
        if let Some(name) = text.strip_prefix("process:") {
            let key = fold(name);
            let at = view
                .org
                .processes
                .iter()
                .position(|process| *process.key == *key);
            return match at {
                Some(at) => Ok(Self::Process(at as u32)),
                None => Err(Failure::Usage(format!(
                    "--keep: no process is named `{name}`"
                ))),
            };
        }
        find(view.org, text, Kind::Identity, "--keep").map(Self::Asset)
    }

    fn holds(&self, org: &Organisation, fix: Fix) -> bool {
        match self {
            Self::Row(key) => rows_of(org, fix)
                .iter()
                .any(|&row| row_key(org, row) == *key),
            Self::Process(process) => match fix {
                Fix::Raise(at) => at == *process,
                Fix::Guard(gate) | Fix::Remove(gate) => org
                    .recoveries_of(org.gates[gate as usize])
                    .any(|row| row.process.is_some_and(|at| at.0 == *process)),
                _ => false,
            },
            Self::Asset(asset) => assets_of(org, fix).contains(asset),
        }
    }
}

/// Every change that could be made.
fn all_fixes(org: &Organisation) -> impl Iterator<Item = Fix> {
    let count = |length: usize| 0..length as u32;
    let gates = count(org.gates.len()).flat_map(|at| [Fix::Guard(at), Fix::Remove(at)]);
    gates
        .chain(count(org.memberships.len()).map(Fix::Leave))
        .chain(count(org.holdings.len()).map(Fix::Release))
        .chain(count(org.grants.len()).map(Fix::Revoke))
        .chain(count(org.bindings.len()).map(Fix::Unbind))
        .chain(count(org.identities.len()).map(Fix::Enrol))
        .chain(count(org.processes.len()).map(Fix::Raise))
        .chain(count(org.mailboxes.len()).flat_map(|at| {
            let mailbox = &org.mailboxes[at as usize];
            let readers = mailbox.owner.iter().chain(org.list(mailbox.delegates));
            let readers = readers.chain(org.list(mailbox.forwards_to));
            readers
                .map(move |&reader| Fix::Cut(at, reader))
                .collect::<Vec<_>>()
        }))
}

/// The rows that a change changes.
fn rows_of(org: &Organisation, fix: Fix) -> Vec<RowRef> {
    let row = |table, index| vec![RowRef { table, index }];
    match fix {
        Fix::Guard(gate) | Fix::Remove(gate) => {
            let rows = org.rows_of(org.gates[gate as usize]).iter();
            let table = Table::Recoveries;
            rows.map(|&index| RowRef { table, index }).collect()
        }
        Fix::Enrol(at) => vec![org.identities[at as usize].row],
        Fix::Raise(at) => vec![org.processes[at as usize].row],
        Fix::Leave(at) => row(Table::Memberships, at),
        Fix::Release(at) => row(Table::Holdings, at),
        Fix::Cut(at, _) => vec![org.mailboxes[at as usize].row],
        Fix::Unbind(at) => row(Table::MfaBindings, at),
        Fix::Revoke(at) => row(Table::Grants, at),
    }
}

fn assets_of(org: &Organisation, fix: Fix) -> Vec<AssetId> {
    match fix {
        Fix::Guard(gate) | Fix::Remove(gate) => {
            let rows = org.recoveries_of(org.gates[gate as usize]);
            let sources = rows.filter_map(|row| match row.source {
                Source::Asset(asset) => Some(asset),
                _ => None,
            });
            let target = match org.gates[gate as usize].target {
                Target::Asset(asset) => Some(asset),
                Target::Everyone => None,
            };
            sources.chain(target).collect()
        }
        Fix::Enrol(at) => vec![org.identities[at as usize].asset],
        Fix::Raise(_) => Vec::new(),
        Fix::Leave(at) => {
            let row = &org.memberships[at as usize];
            vec![row.member, row.group]
        }
        Fix::Release(at) => {
            let row = &org.holdings[at as usize];
            vec![row.holder, row.asset]
        }
        Fix::Cut(at, reader) => vec![org.mailboxes[at as usize].asset, reader],
        Fix::Unbind(at) => {
            let row = &org.bindings[at as usize];
            row.holder.into_iter().chain([row.identity]).collect()
        }
        Fix::Revoke(at) => {
            let row = &org.grants[at as usize];
            vec![row.principal, row.system]
        }
    }
}

fn goal_text(goal: Goal) -> String {
    match goal {
        Goal::Tier { tier, at_most } => {
            let stricter = if tier == 0 { "" } else { " or stricter" };
            format!("at most {at_most} identities of tier {tier}{stricter}")
        }
        Goal::NoUnlocks { kind, criticality } => {
            let who = kind.map_or("nobody".to_owned(), |kind| format!("no {}", kind.word()));
            let worse = if criticality == 0 { "" } else { " or worse" };
            format!("{who} unlocks a system of criticality {criticality}{worse}")
        }
    }
}

fn text(view: &View<'_>, asked: &Asked, plan: &Plan, made: &[PlannedFix]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "goal: {}; now {} beyond it{}",
        goal_text(asked.goal),
        if plan.before == 1 {
            "1 is".to_owned()
        } else {
            format!("{} are", plan.before)
        },
        match asked.waived.pair_count() {
            0 => String::new(),
            count => format!(", waived pairs left out ({count})"),
        }
    );
    if !plan.is_reached {
        stuck(&mut text, view, plan);
        if plan.fixes.is_empty() {
            return text;
        }
    } else if plan.fixes.is_empty() {
        text.push_str("the goal is reached already\n");
        return text;
    }
    let count = plan.fixes.len();
    let changes = if count == 1 { "change" } else { "changes" };
    let cost = if plan.cost == count as u32 {
        String::new()
    } else {
        format!(" of cost {}", plan.cost)
    };
    let what = if plan.is_reached {
        "plan"
    } else {
        "\nwhat comes nearest"
    };
    let proven = if !plan.is_reached {
        String::new()
    } else if plan.cost == plan.bound {
        "; optimal: no plan of these kinds costs less".to_owned()
    } else {
        format!("; any plan of these kinds costs at least {}", plan.bound)
    };
    let _ = writeln!(text, "{what}: {count} {changes}{cost}{proven}\n");
    let mut before = plan.before;
    for (at, one) in made.iter().enumerate() {
        let what = report::fix_text(view, one.fix);
        let line = format!("{:>4}  {}", at + 1, visible(&what));
        let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        let mut said = vec![format!("{before} -> {} beyond the goal", one.left)];
        before = one.left;
        if let Some(owner) = owner(view, one.fix) {
            said.push(format!("accountable {owner}"));
        }
        said.extend(places(&entries(view, one.fix)));
        let line = format!("      {}", visible(&said.join("; ")));
        let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        if !one.locks_out.is_empty() {
            let names: Vec<String> = one
                .locks_out
                .iter()
                .take(LISTED)
                .map(|&at| named(view, view.org.identities[at as usize].asset))
                .collect();
            let more = match one.locks_out.len().saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let line = format!(
                "      locks out: {}{more} has no other recovery",
                names.join(", ")
            );
            let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
        }
    }
    if made.len() < count {
        let _ = writeln!(
            text,
            "\nthe budget ends here, {} changes before the goal; {before} are beyond it still",
            count - made.len()
        );
    }
    text
}

fn stuck(text: &mut String, view: &View<'_>, plan: &Plan) {
    if plan.is_given {
        text.push_str("no plan: the assumptions alone bring it down, and no change allowed here breaks that\n");
        return;
    }
    if plan.hopeless.is_empty() {
        text.push_str("no plan found\n");
        return;
    }
    let _ = writeln!(
        text,
        "no plan: nothing that may be changed breaks these chains ({} identities, {} may stay);\n--allow grant, holding, binding or reader permits more",
        plan.hopeless.len(),
        plan.allowed
    );
    for (at, proof) in plan.hopeless.iter().take(LISTED) {
        let asset = view.org.identities[*at as usize].asset;
        let told = format!(
            "  {}: {}",
            named(view, asset),
            report::chain(view, proof).text(view, false)
        );
        let _ = writeln!(text, "{}", clipped(&told, COLUMNS));
    }
}

fn entries<'a>(view: &View<'a>, fix: Fix) -> Vec<RowEntry<'a>> {
    let rows = rows_of(view.org, fix).into_iter();
    rows.map(|row| report::row_entry(view.org, view.sources, row))
        .collect()
}

/// Who answers for what is changed.
fn owner<'a>(view: &View<'a>, fix: Fix) -> Option<&'a str> {
    use crate::analyze::choke::Thing;
    let row = |table, index| Thing::Row(RowRef { table, index });
    let thing = match fix {
        Fix::Guard(gate) | Fix::Remove(gate) => Thing::Recovery(gate),
        Fix::Enrol(at) => Thing::Asset(view.org.identities[at as usize].asset),
        Fix::Raise(at) => return report::accountable(view, &view.org.processes[at as usize]),
        Fix::Leave(at) => row(Table::Memberships, at),
        Fix::Release(at) => row(Table::Holdings, at),
        Fix::Cut(at, reader) => Thing::Reader(at, reader),
        Fix::Unbind(at) => row(Table::MfaBindings, at),
        Fix::Revoke(at) => row(Table::Grants, at),
    };
    report::thing_owner(view, thing)
}

fn as_json(view: &View<'_>, plan: &Plan, made: &[PlannedFix]) -> String {
    let name = |at: u32| view.shown(view.org.identities[at as usize].asset);
    let changes: Vec<Value> = made
        .iter()
        .map(|one| {
            let locks_out = one.locks_out.iter().map(|&at| name(at));
            json!({
                "kind": one.fix.kind().word(),
                "what": report::fix_text(view, one.fix),
                "cost": one.cost,
                "beyond_goal": one.left,
                "accountable": owner(view, one.fix),
                "locks_out": locks_out.collect::<Vec<_>>(),
                "rows": entries(view, one.fix),
            })
        })
        .collect();
    let stuck: Vec<&str> = plan.hopeless.iter().map(|(at, _)| name(*at)).collect();
    format!(
        "{:#}\n",
        json!({
            "reached": plan.is_reached && made.len() == plan.fixes.len(),
            "beyond_goal": plan.before,
            "cost": plan.cost,
            "at_least": plan.bound,
            "optimal": plan.is_optimal(),
            "changes": changes,
            "stuck": stuck,
            "waived_pairs": view.scan.waived.pair_count(),
        })
    )
}
