//! What a file is: a table by its name, an object of tables or an export by its content.

use super::{csv, files, import, json};
use crate::diag::{Code, Diagnostic};
use crate::model::{Table, Word};

/// Whether a JSON text that breaks off somewhere may be an export that was cut off: those say in
/// their first lines, or in their last, what they hold.
pub(super) fn may_be_export(text: &str) -> bool {
    const LOOKED_AT: usize = 4096;
    let bytes = text.as_bytes();
    let ends = [
        &bytes[..bytes.len().min(LOOKED_AT)],
        &bytes[bytes.len().saturating_sub(LOOKED_AT)..],
    ];
    ends.into_iter().any(|part| {
        let part = String::from_utf8_lossy(part).to_lowercase();
        let marks = [
            "\"data\"",
            "\"meta\"",
            "@odata.",
            "\"value\"",
            "\"graph\"",
            "\"users\"",
        ];
        marks.iter().any(|mark| part.contains(mark))
    })
}

pub(super) enum Recognised<'a> {
    Csv(Table),
    Json(Table),
    Tables(json::Members<'a>),
    Export((usize, &'static str), import::Form),
    /// A list that a map is for.
    Mapped(usize, import::Form),
    Broken(Box<Diagnostic>),
    /// The answer of an API that refused the question, saved as if it were an export.
    Refusal,
    /// What an earlier scan wrote into the same directory.
    OwnOutput,
    Nothing,
}

/// What is said of a file that is not what the user said it is.
pub(super) fn not_of(importer: usize, path: &str) -> Diagnostic {
    let importer = import::IMPORTERS[importer];
    let names: Vec<_> = importer
        .documents()
        .iter()
        .map(|document| document.name)
        .collect();
    let message = format!("`{path}` is no {} that Linchpin knows", importer.about());
    Diagnostic::new(Code::UnclaimedInput, message).help(format!(
        "known are {}; `linchpin sources {}` says how to obtain each",
        names.join(", "),
        importer.name()
    ))
}

/// A table by the file's name, an object of tables or an export by its content.
pub(super) fn recognise<'a>(
    name: &str,
    text: json::Text<'a>,
    found: &files::Found,
    maps: &import::Maps,
) -> Recognised<'a> {
    if files::is_own_graph(name) {
        return Recognised::OwnOutput;
    }
    if found.large.is_some() {
        return import::recognise_large(found).map_or(Recognised::Nothing, |document| {
            Recognised::Export(document, import::Form::Json)
        });
    }
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let (stem, extension) = file_name.rsplit_once('.').unwrap_or((file_name, ""));
    if let Some(map) = maps.of(name) {
        let form = match extension.to_lowercase().as_str() {
            "csv" => import::Form::Csv,
            "ldf" | "ldif" => import::Form::Ldif,
            _ => import::Form::Json,
        };
        return Recognised::Mapped(map, form);
    }
    let is_table = found.folder.is_none() && found.importer.is_none();
    let table = Table::parse(stem).filter(|_| is_table);
    let export = |form| {
        let document = import::recognise(name, form, text, found.importer)?;
        Some(Recognised::Export(document, form))
    };
    if extension.eq_ignore_ascii_case("csv") {
        return match table {
            // `Get-Mailbox | Export-Csv mailboxes.csv` is no table of that name.
            Some(table) => match export(import::Form::Csv) {
                Some(export) if !csv::has_required(table, text.text) => export,
                _ => Recognised::Csv(table),
            },
            None if files::is_output(name) => Recognised::OwnOutput,
            None => export(import::Form::Csv).unwrap_or(Recognised::Nothing),
        };
    }
    if ["ldf", "ldif"]
        .iter()
        .any(|ldif| extension.eq_ignore_ascii_case(ldif))
    {
        return export(import::Form::Ldif).unwrap_or(Recognised::Nothing);
    }
    let members = json::top_object(text);
    if let Some(members) = members {
        if let Some(export) = export(import::Form::Json) {
            return export;
        }
        let has = |wanted: &str| members.0.iter().any(|(key, _)| key == wanted);
        if has("schema_version") && has("unlock_sets") {
            return Recognised::OwnOutput;
        }
        if is_table
            && members.0.iter().any(|(key, value)| {
                Table::parse(key.trim()).is_some() && value.get().starts_with('[')
            })
        {
            return Recognised::Tables(members);
        }
        let text_of = |wanted: &str| members.0.iter().find(|(key, _)| key == wanted);
        let is_refusal = text_of("error")
            .is_some_and(|(_, value)| value.get().contains("\"code\""))
            || text_of("errorCode").is_some();
        if is_refusal {
            return Recognised::Refusal;
        }
        // One line of JSON Lines is an object too.
        return table.map_or(Recognised::Nothing, Recognised::Json);
    }
    if let Some(table) = table {
        return Recognised::Json(table);
    }
    if let Some(export) = export(import::Form::Json) {
        return export;
    }
    match text.parse::<&serde_json::value::RawValue>(text.text) {
        Err(error) if !text.text.trim().is_empty() => Recognised::Broken(error),
        _ => Recognised::Nothing,
    }
}
