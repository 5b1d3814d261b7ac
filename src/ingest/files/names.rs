//! What the name of a file says of it.

use std::path::Path;

use crate::model::{Table, Word};

pub(in crate::ingest) fn extension(name: &str) -> String {
    Path::new(name)
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Whether a file is named as a table is.
pub(in crate::ingest) fn is_table(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    Table::parse(stem).is_some()
}

/// Whether a file is named as an output of a scan.
pub(in crate::ingest) fn is_output(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    [
        "tiers",
        "footholds",
        "unlocks",
        "accountability",
        "linchpin.opengraph",
    ]
    .iter()
    .any(|own| {
        stem.eq_ignore_ascii_case(own) || stem.eq_ignore_ascii_case(&format!("{own}.partial"))
    })
}

pub(in crate::ingest) fn is_zip(name: &str) -> bool {
    extension(name) == "zip"
}

pub(in crate::ingest) fn reads(name: &str) -> bool {
    matches!(
        extension(name).as_str(),
        "csv" | "json" | "jsonl" | "ndjson" | "zip" | "ldf" | "ldif"
    )
}

/// Whether a file is named as the graph that a scan writes for other tools: it looks like an export.
pub(in crate::ingest) fn is_own_graph(name: &str) -> bool {
    is_output(name) && name.to_lowercase().contains("linchpin.opengraph")
}
