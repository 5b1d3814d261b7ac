//! The whole rule graph as OpenGraph JSON, for those who look at graphs in BloodHound. Gates of
//! several inputs are nodes of their own, with what they need: a path through one is no proof.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::report::{RuleEdge, RuleNode, View, rule_edges, rule_nodes};

/// Rows that are named on an edge.
const ROWS: usize = 20;

/// Writes nodes, then edges, one per line.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_opengraph(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\"metadata\":{\"source_kind\":\"Linchpin\"},\"graph\":{\"nodes\":[\n")?;
    let mut is_first = true;
    rule_nodes(view, &mut |one| separated(out, &mut is_first, &node(&one)))?;
    out.write_all(b"\n],\"edges\":[\n")?;
    is_first = true;
    rule_edges(view, &mut |one| separated(out, &mut is_first, &edge(&one)))?;
    out.write_all(b"\n]}}\n")
}

fn separated(out: &mut dyn Write, is_first: &mut bool, value: &Value) -> io::Result<()> {
    if !std::mem::take(is_first) {
        out.write_all(b",\n")?;
    }
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

fn node(one: &RuleNode) -> Value {
    let mut properties = Map::new();
    properties.insert("name".to_owned(), one.name.clone().into());
    if let Some(tier) = one.tier {
        properties.insert("reset_tier".to_owned(), tier.into());
    }
    if let Some(criticality) = one.criticality {
        properties.insert("criticality".to_owned(), criticality.into());
    }
    if let Some((need, of)) = one.need {
        properties.insert("need".to_owned(), need.into());
        properties.insert("of".to_owned(), of.into());
    }
    json!({ "id": one.id, "kinds": [camel(one.kind), "Linchpin"], "properties": properties })
}

fn edge(one: &RuleEdge) -> Value {
    let mut properties = Map::new();
    properties.insert("recovery".to_owned(), one.is_recovery.into());
    if !one.rows.is_empty() {
        let rows: Vec<&String> = one.rows.iter().take(ROWS).collect();
        properties.insert("rows".to_owned(), json!(rows));
    }
    json!({
        "kind": camel(&one.kind),
        "start": { "match_by": "id", "value": one.from },
        "end": { "match_by": "id", "value": one.to },
        "properties": properties,
    })
}

/// `help_desk` as `LinchpinHelpDesk`: letters and digits alone.
fn camel(word: &str) -> String {
    let mut name = "Linchpin".to_owned();
    for part in word.split('_') {
        let mut letters = part.chars().filter(char::is_ascii_alphanumeric);
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.extend(letters);
    }
    name
}
