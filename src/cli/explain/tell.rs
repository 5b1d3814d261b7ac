//! Steps and gates of an explanation, line by line.

use std::fmt::Write;

use super::LISTED;
use crate::analyze::explain;
use crate::report::{self, Step, View, visible};

/// Says how many there are beside those that are listed.
fn more(listed: &mut Vec<String>, all: usize) {
    if all > listed.len() {
        listed.push(format!("{} more", all - listed.len()));
    }
}

pub(super) fn list(text: &mut String, names: &[String]) {
    for name in names.iter().take(LISTED) {
        let _ = writeln!(text, "  {name}");
    }
    if names.len() > LISTED {
        let _ = writeln!(text, "  and {} more", names.len() - LISTED);
    }
}

/// One step: what yields what, and below it how, who answers for it, what it rests on.
pub(super) fn tell(
    text: &mut String,
    view: &View<'_>,
    number: usize,
    step: Step<'_, '_>,
) -> std::fmt::Result {
    let inputs = step.inputs.iter().take(LISTED);
    let mut inputs: Vec<String> = inputs.map(|input| input.text(view)).collect();
    more(&mut inputs, step.inputs.len());
    let line = format!("{} -> {}", inputs.join(" + "), step.yields.text(view));
    writeln!(text, "{number:>4}  {}", visible(&line))?;
    let mut how: Vec<String> = step
        .how
        .iter()
        .take(LISTED)
        .map(ToString::to_string)
        .collect();
    more(&mut how, step.how.len());
    let mut said: Vec<String> = vec![how.join(" + ")];
    if step.of > 1 {
        said.push(format!("{} of {}", step.need, step.of));
    }
    if step.is_recovery {
        said.push(format!("recovery, hop {}", step.hops));
    }
    if let Some(process) = step.process {
        let process = &view.org.processes[process as usize];
        said.push(format!("process {}", process.id));
        if let Some(owner) = report::accountable(view, process) {
            said.push(format!("accountable {owner}"));
        }
    }
    for technique in step
        .how
        .iter()
        .take(LISTED)
        .filter_map(|how| report::technique(how))
    {
        let named = format!("{} {}", technique.id, technique.name);
        if !said.contains(&named) {
            said.push(named);
        }
    }
    for &row in step.rows.iter().take(LISTED) {
        let entry = report::row_entry(view.org, view.sources, row);
        said.push(match entry.line {
            Some(line) => format!("{}:{line}", entry.file),
            None => entry.file.to_string(),
        });
    }
    let all = said.len() + step.rows.len().saturating_sub(LISTED);
    more(&mut said, all);
    said.retain(|part| !part.is_empty());
    writeln!(text, "        {}", visible(&said.join("; ")))
}

pub(super) fn tell_held(
    text: &mut String,
    view: &View<'_>,
    held: &explain::Held,
) -> std::fmt::Result {
    let graph = &view.program.graph;
    let inputs = graph.inputs(held.gate);
    let names = |slots: &[u32]| {
        let listed = slots.iter().take(LISTED);
        let mut names: Vec<String> = listed
            .map(|&slot| report::fact_text(view, inputs[slot as usize]))
            .collect();
        more(&mut names, slots.len());
        names.join(", ")
    };
    let line = format!(
        "{} needs {} of {}: has {}; lacks {}",
        report::fact_text(view, graph.head(held.gate)),
        graph.need(held.gate),
        inputs.len(),
        names(&held.has),
        names(&held.lacks)
    );
    writeln!(text, "  {}", visible(&line))?;
    let rows: Vec<String> = report::gate_rows(view, held.gate)
        .iter()
        .map(|entry| match entry.line {
            Some(line) => format!("{}:{line}", entry.file),
            None => entry.file.to_string(),
        })
        .collect();
    if !rows.is_empty() {
        writeln!(text, "      {}", visible(&rows.join("; ")))?;
    }
    Ok(())
}
