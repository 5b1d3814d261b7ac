//! Files of waivers: TOML, a `[[waiver]]` for each accepted risk.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::diag::{Code, Diagnostic, Origin, Sources, closest};
use crate::model::Waiver;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    waiver: Vec<Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    finding: Option<Spanned<String>>,
    row: Option<String>,
    identity: Option<Who>,
    system: Option<String>,
    why: Spanned<String>,
    who: Spanned<String>,
    until: Spanned<Until>,
}

/// One identity, or several that act together.
#[derive(Deserialize)]
#[serde(untagged)]
enum Who {
    One(String),
    Together(Vec<String>),
}

/// A day or a time, as TOML writes it or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Until {
    Time(toml::value::Datetime),
    Text(String),
    Other(toml::Value),
}

/// Reads waivers; what is wrong with them is said with its place.
pub fn read(paths: &[PathBuf], sources: &mut Sources) -> (Vec<Waiver>, Vec<Diagnostic>) {
    let (mut waivers, mut said) = (Vec::new(), Vec::new());
    for path in paths {
        let shown = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot read `{shown}`: {error}");
                said.push(Diagnostic::new(Code::UnreadableFile, message));
                continue;
            }
        };
        let file = sources.add(shown.clone(), shown, text.clone());
        let at = |span: std::ops::Range<usize>| Origin {
            file,
            start: span.start as u32,
            len: span.len() as u32,
        };
        match toml::from_str::<File>(&text) {
            Err(error) => {
                let message = format!("this is no file of waivers: {}", error.message());
                said.push(
                    Diagnostic::new(Code::BadSyntax, message)
                        .at(at(error.span().unwrap_or(0..0)), "here")
                        .help("expected [[waiver]] with finding, row, identity or system, and why, who, until"),
                );
            }
            Ok(file) => {
                for written in file.waiver {
                    match waiver(written, &at) {
                        Ok(waiver) => waivers.push(waiver),
                        Err(diagnostic) => said.push(*diagnostic),
                    }
                }
            }
        }
    }
    (waivers, said)
}

fn waiver(
    written: Spanned<Written>,
    at: &dyn Fn(std::ops::Range<usize>) -> Origin,
) -> Result<Waiver, Box<Diagnostic>> {
    let bad = |message: String, origin: Origin, expected: &str| {
        Box::new(Diagnostic::new(Code::BadValue, message).at(origin, expected))
    };
    let origin = at(written.span());
    let written = written.into_inner();
    let finding = match &written.finding {
        None => None,
        Some(code) => Some(Code::parse(code.get_ref()).ok_or_else(|| {
            let words = Code::ALL.iter().map(|code| code.word());
            let hint = closest(code.get_ref(), words);
            let hint = hint.map_or_else(
                || "expected the code of a finding".to_owned(),
                |close| format!("did you mean `{close}`?"),
            );
            bad(
                format!("`{}` is no code of a finding", code.get_ref()),
                at(code.span()),
                &hint,
            )
        })?),
    };
    if finding.is_none() && written.row.is_none() && written.identity.is_none() {
        let message = "a waiver of nothing in particular".to_owned();
        return Err(bad(message, origin, "expected finding, row or identity"));
    }
    if written.identity.is_some() && (finding.is_some() || written.row.is_some()) {
        let message = "a waiver of a finding and of a chain at once".to_owned();
        let expected = "expected finding and row, or identity and system";
        return Err(bad(message, origin, expected));
    }
    if matches!(&written.identity, Some(Who::Together(names)) if names.is_empty()) {
        let message = "a waiver of the chain of nobody".to_owned();
        return Err(bad(message, origin, "expected a name, or two or three"));
    }
    if written.system.is_some() && written.identity.is_none() {
        let message = "a waiver of a system without an identity".to_owned();
        let expected = "expected identity beside system: whose chain is accepted?";
        return Err(bad(message, origin, expected));
    }
    for (name, text) in [("why", &written.why), ("who", &written.who)] {
        if text.get_ref().trim().is_empty() {
            let message = format!("a waiver without a {name}");
            return Err(bad(
                message,
                at(text.span()),
                "expected a text: accepted risks have reasons and owners",
            ));
        }
    }
    let until_text = match written.until.get_ref() {
        Until::Time(time) => time.to_string(),
        Until::Text(text) => text.trim().to_owned(),
        Until::Other(value) => value.to_string(),
    };
    let until = end(&until_text).ok_or_else(|| {
        bad(
            format!("`{until_text}` is no time"),
            at(written.until.span()),
            "expected a day, 2026-12-31, or a time with its zone, 2026-12-31T18:00:00Z",
        )
    })?;
    Ok(Waiver {
        finding,
        row: written.row,
        identities: match written.identity {
            None => Vec::new(),
            Some(Who::One(name)) => vec![name],
            Some(Who::Together(names)) => names,
        },
        system: written.system,
        why: written.why.into_inner(),
        who: written.who.into_inner(),
        until,
        until_text,
        origin,
    })
}

/// The second from which on it is over: a day ends with its last second (UTC).
fn end(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    // A time without its zone is nobody's time.
    let day = text
        .parse::<Date>()
        .ok()
        .filter(|_| text.len() == "2026-12-31".len())?;
    // The last days of the calendar have no instant: they never come to an end.
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let midnight = midnight.map(|day| day.timestamp().as_second());
    Some(midnight.map_or(i64::MAX, |midnight| midnight + 24 * 60 * 60))
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn a_day_ends_at_midnight_and_a_time_when_it_says() {
        assert_eq!(end("1970-01-01"), Some(86_400));
        assert_eq!(end("1970-01-01T00:00:10Z"), Some(10));
        assert_eq!(end("soon"), None);
        assert_eq!(end("2030-01-01T10:00:00"), None);
        assert_eq!(
            end("2030-01-01T10:00:00+02:00"),
            end("2030-01-01T08:00:00Z")
        );
        assert!(end("9999-12-31").is_some());
    }
}
