//! Diagnostics as people or scripts read them.

use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin as SourceOrigin, Renderer, Snippet};
use serde_json::json;

use super::args::Format;
use super::console::Console;
use crate::diag::{Code, Diagnostic, Origin, Severity, Sources};
use crate::report::visible;

/// Errors and warnings of each that are printed; the rest is counted.
const PRINTED: usize = 100;
/// Characters of a line that are shown before the place and from it on.
const BEFORE: usize = 60;
const AFTER: usize = 100;

/// Prints diagnostics: errors first; in text, warnings of one code beyond a few are counted.
pub(super) fn print(
    console: &Console,
    format: Format,
    sources: &Sources,
    diagnostics: &[Diagnostic],
    redact: bool,
) {
    match format {
        Format::Json => print_json(console, sources, diagnostics, redact),
        Format::Text => print_text(console, sources, diagnostics, redact),
    }
}

/// Says something that is no diagnostic, in the form that the others have.
pub(super) fn remark(console: &Console, format: Format, text: &str) {
    match format {
        Format::Text => console.err(&format!("{text}\n")),
        Format::Json => {
            let line = json!({ "severity": "note", "code": null, "message": text });
            console.err(&format!("{line}\n"));
        }
    }
}

fn print_text(console: &Console, sources: &Sources, diagnostics: &[Diagnostic], redact: bool) {
    const FEW: usize = 5;
    let errors: Vec<_> = of(diagnostics, Severity::Error).collect();
    for diagnostic in errors.iter().take(PRINTED) {
        console.err(&rendered(sources, diagnostic, redact));
    }
    if errors.len() > PRINTED {
        console.err(&format!(
            "error: {} more errors, not shown\n\n",
            errors.len() - PRINTED
        ));
    }
    if console.quiet {
        return;
    }
    for severity in [Severity::Warning, Severity::Note] {
        let all: Vec<_> = of(diagnostics, severity).collect();
        for &code in Code::ALL {
            let same: Vec<_> = all
                .iter()
                .filter(|diagnostic| diagnostic.code == code)
                .collect();
            for diagnostic in same.iter().take(FEW) {
                console.err(&rendered(sources, diagnostic, redact));
            }
            if same.len() > FEW {
                let more = same.len() - FEW;
                console.err(&format!(
                    "{}[{}]: {more} more of these; `--format json` lists them all\n\n",
                    severity.word(),
                    code.word()
                ));
            }
        }
    }
    if !errors.is_empty() {
        let warnings = of(diagnostics, Severity::Warning).count();
        let also = if warnings > 0 {
            format!(", {}", counted(warnings, "warning"))
        } else {
            String::new()
        };
        console.err(&format!("{}{also}\n", counted(errors.len(), "error")));
    }
}

/// "1 error", "2 errors".
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

fn of(diagnostics: &[Diagnostic], severity: Severity) -> impl Iterator<Item = &Diagnostic> {
    diagnostics
        .iter()
        .filter(move |diagnostic| diagnostic.severity == severity)
}

fn rendered(sources: &Sources, diagnostic: &Diagnostic, redact: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    // With pseudonyms in the outputs, messages must not name names either.
    if redact {
        let mut text = format!(
            "{}[{}]: {}",
            diagnostic.severity.word(),
            diagnostic.code.word(),
            diagnostic.code.description()
        );
        if let Some(origin) = diagnostic.origin {
            let place = sources.place(origin);
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n --> {}:{}:{}",
                place.path, place.line, place.column
            );
        }
        return text + "\n\n";
    }
    let message = visible(&diagnostic.message).into_owned();
    let mut group = level
        .primary_title(message)
        .id(diagnostic.code.word())
        .elements(None::<Snippet<'_, annotate_snippets::Annotation<'_>>>);
    if let Some(origin) = diagnostic.origin {
        group = located(group, sources, origin, &diagnostic.label);
    } else if let Some(file) = diagnostic.file {
        group = group.element(SourceOrigin::path(
            visible(&sources.file(file).path).into_owned(),
        ));
    }
    let mut groups = vec![group];
    if let Some((origin, label)) = &diagnostic.related {
        let title = Level::NOTE.secondary_title(visible(label).into_owned());
        groups.push(located(Group::with_title(title), sources, *origin, ""));
    }
    if let Some(help) = &diagnostic.help {
        groups.push(Group::with_title(
            Level::HELP.secondary_title(visible(help).into_owned()),
        ));
    }
    let renderer = Renderer::styled()
        .decor_style(DecorStyle::Ascii)
        .term_width(120);
    format!("{}\n\n", renderer.render(&groups))
}

/// The line that holds the origin, cut to a window around it: a JSON file may be one line.
fn located<'a>(group: Group<'a>, sources: &Sources, origin: Origin, label: &str) -> Group<'a> {
    let place = sources.place(origin);
    let (line, line_start) = sources.file(origin.file).line_text(origin.start);
    let at = (origin.start - line_start) as usize;
    let start = line[..at.min(line.len())]
        .char_indices()
        .rev()
        .take(BEFORE)
        .last()
        .map_or(at.min(line.len()), |(start, _)| start);
    let len = (origin.len as usize).max(1);
    let wanted_end = (at + len).min(line.len());
    let end = line[at.min(line.len())..]
        .char_indices()
        .map(|(offset, c)| at + offset + c.len_utf8())
        .take(AFTER)
        .last()
        .unwrap_or(at.min(line.len()));
    // Every character that would act on a terminal is replaced by one that does not, so the caret
    // stays in its column.
    let cut = if end < line.len() { "\u{2026}" } else { "" };
    let window: String = line[start..end]
        .chars()
        .map(|c| {
            if visible(c.encode_utf8(&mut [0; 4])).len() > 4 && c != '\t' {
                '\u{fffd}'
            } else if c == '\t' {
                ' '
            } else {
                c
            }
        })
        .chain(cut.chars())
        .collect();
    let column = |byte: usize| line[start..byte.clamp(start, end)].chars().count();
    let offset = |column: usize| {
        window
            .char_indices()
            .nth(column)
            .map_or(window.len(), |(offset, _)| offset)
    };
    let from = offset(column(at));
    let to = offset(column(wanted_end.min(end))).max(from);
    let path = visible(place.path).into_owned();
    let snippet = Snippet::source(window)
        .line_start(place.line as usize)
        .annotation(
            AnnotationKind::Primary
                .span(from..to)
                .label(visible(label).into_owned()),
        );
    if start == 0 {
        return group.element(snippet.path(path));
    }
    // The renderer counts columns in what it is given; a line that was cut needs its own.
    let origin = SourceOrigin::path(path)
        .line(place.line as usize)
        .char_column(place.column as usize);
    group.element(origin).element(snippet)
}

fn print_json(console: &Console, sources: &Sources, diagnostics: &[Diagnostic], redact: bool) {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.origin.map(|origin| sources.place(origin));
        let file = place
            .map(|place| place.path)
            .or_else(|| Some(&*sources.file(diagnostic.file?).path));
        let related = diagnostic.related.as_ref().map(|(origin, label)| {
            let place = sources.place(*origin);
            json!({ "file": place.path, "line": place.line, "column": place.column, "label": label })
        });
        let said = |text: &str| {
            if redact {
                diagnostic.code.description().to_owned()
            } else {
                text.to_owned()
            }
        };
        let line = json!({
            "severity": diagnostic.severity.word(),
            "code": diagnostic.code.word(),
            "message": said(&diagnostic.message),
            "file": file,
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "expected": (!redact && !diagnostic.label.is_empty()).then_some(&diagnostic.label),
            "help": diagnostic.help.as_ref().filter(|_| !redact),
            "related": related.filter(|_| !redact),
        });
        let _ = writeln!(text, "{line}");
    }
    console.err(&text);
}
