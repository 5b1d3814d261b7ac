//! `linchpin frameworks`: what published frameworks say of what is found, and which number is right.

use std::fmt::Write;

use serde_json::json;

use super::args::{Format, FrameworksArgs};
use super::console::Console;
use super::{Exit, Failure};
use crate::report::{Control, Frameworks, Misnumbered, frameworks};

/// Columns of a line.
const COLUMNS: usize = 100;
/// Where what is said of a control begins.
const INDENT: &str = "              ";

pub(super) fn run(args: &FrameworksArgs, console: &Console) -> Result<Exit, Failure> {
    let known = frameworks();
    let (controls, wrong) = match &args.number {
        None => (
            known.controls.iter().collect(),
            known.misnumbered.iter().collect(),
        ),
        Some(asked) => find(known, asked),
    };
    if let (Some(asked), true, true) = (&args.number, controls.is_empty(), wrong.is_empty()) {
        return Err(Failure::Usage(format!(
            "`{asked}` is no number or word of the data file; `linchpin frameworks` lists all"
        )));
    }
    let text = match args.format {
        Format::Text => tell(known, &controls, &wrong),
        Format::Json => {
            let list = json!({
                "frameworks": known.frameworks,
                "controls": controls,
                "misnumbered": wrong,
            });
            format!("{list:#}\n")
        }
    };
    console.out(&text)?;
    Ok(Exit::Done)
}

/// The controls with this number, those that a wrong number means, else those that fit a word.
fn find<'k>(known: &'k Frameworks, asked: &str) -> (Vec<&'k Control>, Vec<&'k Misnumbered>) {
    let asked = asked.trim();
    let is = |text: &str| text.eq_ignore_ascii_case(asked);
    let mut wrong = known.misnumbered.iter();
    let wrong: Vec<&Misnumbered> = wrong.by_ref().filter(|one| is(&one.written)).collect();
    let means = |control: &Control| {
        let mut all = wrong.iter();
        all.any(|one| one.framework == control.framework && one.is == control.id)
    };
    let controls = known.controls.iter();
    let controls = controls.filter(|control| {
        is(&control.id)
            || is(&known.cited(control))
            || means(control)
            || control.of.iter().any(|of| is(of))
    });
    (controls.collect(), wrong)
}

/// Adds a text in lines of the terminal's width, the first after `first`, the others below it.
fn wrapped(text: &mut String, first: &str, say: &str) {
    let options = textwrap::Options::new(COLUMNS)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent(first)
        .subsequent_indent(INDENT);
    text.push_str(&textwrap::fill(say, options));
    text.push('\n');
}

fn tell(known: &Frameworks, controls: &[&Control], wrong: &[&Misnumbered]) -> String {
    let mut text = String::new();
    for framework in &known.frameworks {
        let mine = controls.iter().filter(|one| one.framework == framework.key);
        let mine: Vec<_> = mine.collect();
        if mine.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} {} ({})",
            framework.name, framework.version, framework.source
        );
        for control in mine {
            wrapped(&mut text, &format!("  {:<12}", control.id), &control.name);
            let only = match control.only.is_empty() {
                true => String::new(),
                false => format!(" (accounts of kind {})", control.only.join(", ")),
            };
            let of = format!("of {}{only}", control.of.join(", "));
            wrapped(&mut text, INDENT, &of);
            if let Some(note) = &control.note {
                wrapped(&mut text, INDENT, &format!("note: {note}"));
            }
        }
        text.push('\n');
    }
    if !wrong.is_empty() {
        text.push_str("wrong numbers\n");
        for one in wrong {
            let line = format!("{} is {}: {}", one.written, one.is, one.why);
            wrapped(&mut text, "  ", &line);
        }
    }
    text
}
