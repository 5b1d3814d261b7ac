//! A picture as GraphML, for tools that draw and analyse graphs themselves.

use std::fmt::Write;

use maud::Escaper;

use super::{Look, Picture};
use crate::report::visible;

/// What is said of nodes and edges: its name and type.
const NODE: [(&str, &str); 5] = [
    ("kind", "string"),
    ("label", "string"),
    ("about", "string"),
    ("tier", "int"),
    ("seed", "boolean"),
];
const EDGE: [(&str, &str); 4] = [
    ("method", "string"),
    ("source_row", "string"),
    ("recovery", "boolean"),
    ("worst", "boolean"),
];

/// The GraphML text of a picture.
#[must_use]
pub fn graphml(picture: &Picture) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
    );
    // Writing to a string cannot fail.
    for (of, keys) in [("node", &NODE[..]), ("edge", &EDGE[..])] {
        for (name, kind) in keys {
            let _ = writeln!(
                text,
                "<key id=\"{of}_{name}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
            );
        }
    }
    let _ = writeln!(text, "<graph id=\"linchpin\" edgedefault=\"directed\">");
    for (at, node) in picture.nodes.iter().enumerate() {
        let _ = writeln!(text, "<node id=\"n{at}\">");
        let kind = match node.look {
            Look::Identity(_) => "identity".to_owned(),
            Look::Gate(need, of) => format!("gate {need} of {of}"),
            look => look.word(),
        };
        data(&mut text, "node_kind", &kind);
        data(&mut text, "node_label", &node.label);
        data(&mut text, "node_about", &node.tooltip);
        if let Look::Identity(Some(tier)) = node.look {
            data(&mut text, "node_tier", &tier.to_string());
        }
        data(&mut text, "node_seed", &node.is_seed.to_string());
        text.push_str("</node>\n");
    }
    for (at, edge) in picture.edges.iter().enumerate() {
        let (from, to) = (edge.from, edge.to);
        let _ = writeln!(
            text,
            "<edge id=\"e{at}\" source=\"n{from}\" target=\"n{to}\">"
        );
        data(&mut text, "edge_method", &edge.label);
        data(&mut text, "edge_source_row", &edge.tooltip);
        data(&mut text, "edge_recovery", &edge.is_recovery.to_string());
        data(&mut text, "edge_worst", &edge.is_worst.to_string());
        text.push_str("</edge>\n");
    }
    text.push_str("</graph>\n</graphml>\n");
    text
}

/// One datum; characters that XML does not have are made visible, the others escaped.
fn data(text: &mut String, key: &str, value: &str) {
    let _ = write!(text, "<data key=\"{key}\">");
    for (at, line) in value.split('\n').enumerate() {
        text.push_str(if at > 0 { "\n" } else { "" });
        let _ = write!(Escaper::new(text), "{}", visible(line));
    }
    text.push_str("</data>\n");
}
