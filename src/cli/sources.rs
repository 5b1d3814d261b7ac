//! `linchpin sources`: what is understood, how to obtain it, what comes of it.

use std::fmt::Write;

use serde_json::json;

use super::args::{Format, SourcesArgs};
use super::console::Console;
use super::{Exit, Failure};
use crate::ingest::import::settings::SETTINGS;
use crate::ingest::import::{IMPORTERS, Importer, MAP};

pub(super) fn run(args: &SourcesArgs, console: &Console) -> Result<Exit, Failure> {
    let wanted = |importer: &&&dyn Importer| args.source.is_none_or(|name| importer.name() == name);
    let importers: Vec<_> = IMPORTERS.iter().filter(wanted).collect();
    let text = match args.format {
        Format::Text if args.data => data(&importers),
        Format::Json => {
            let list: Vec<_> = importers.iter().map(|importer| of(**importer)).collect();
            format!("{:#}\n", json!({ "sources": list }))
        }
        Format::Text => {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _ = tell(&mut text, &importers, args.source);
            text
        }
    };
    console.out(&text)?;
    Ok(Exit::Done)
}

/// Each file behind its name, so that one of several is easy to cut out.
fn data(importers: &[&&dyn Importer]) -> String {
    let files = importers.iter().flat_map(|importer| importer.data());
    let parts = files.map(|(name, text)| format!("# {name}\n{text}"));
    parts.collect::<Vec<_>>().join("\n")
}

fn of(importer: &dyn Importer) -> serde_json::Value {
    let documents = importer.documents().iter().map(|document| {
        json!({ "name": document.name, "obtain": document.obtain, "yields": document.yields })
    });
    let settings = settings(importer.name()).map(
        |setting| json!({ "name": setting.name, "values": setting.values, "about": setting.about }),
    );
    json!({
        "name": importer.name(),
        "about": importer.about(),
        "documents": documents.collect::<Vec<_>>(),
        "settings": settings.collect::<Vec<_>>(),
        "data": importer.data().iter().map(|(name, text)| json!({ "name": name, "text": text })).collect::<Vec<_>>(),
    })
}

fn settings(name: &str) -> impl Iterator<Item = &'static crate::ingest::import::settings::Setting> {
    SETTINGS.iter().filter(move |setting| {
        let of = setting.name.split('.').next();
        of == Some(name)
            || (of == Some("hybrid") && ["entra", "azurehound", "okta"].contains(&name))
    })
}

fn tell(
    text: &mut String,
    importers: &[&&dyn Importer],
    one: Option<&str>,
) -> Result<(), std::fmt::Error> {
    let bold = anstyle::Style::new().bold();
    for importer in importers {
        writeln!(
            text,
            "{bold}{}{bold:#}  {}",
            importer.name(),
            importer.about()
        )?;
        for document in importer.documents() {
            writeln!(text, "  {}: {}", document.name, document.yields)?;
            if one.is_some() {
                writeln!(text, "      {}", document.obtain)?;
            }
        }
        for setting in settings(importer.name()) {
            let values = match setting.values {
                [] => "FILE".to_owned(),
                values => values.join("|"),
            };
            writeln!(text, "  --set {}={values}: {}", setting.name, setting.about)?;
        }
        writeln!(text)?;
    }
    if one.is_none() || one == Some(MAP) {
        writeln!(
            text,
            "{bold}{MAP}{bold:#}  any other list (HR, tickets, IAM), with --map FILE.toml:\n\n  \
             [[file]]\n  match = \"hr-*.csv\"\n  table = \"identities\"\n  \
             columns = {{ id = \"Login\", owner = \"Manager\", department = \"Dept\" }}\n  \
             constants = {{ kind = \"external\" }}\n  \
             values = {{ enabled = {{ Active = \"true\", Left = \"false\" }} }}\n"
        )?;
    }
    if one.is_none() {
        writeln!(
            text,
            "`linchpin sources SOURCE` says how to obtain each. Files are recognised by what they hold, alone,\n\
             in folders or in a .zip; `--from SOURCE=PATH` says what a file is. Several exports in one scan are\n\
             joined by object id, SID, immutable id, login and address."
        )?;
    }
    Ok(())
}
