//! A picture as DOT, through graphviz-rust's syntax tree. The tree prints text as it is, so every
//! text goes through [`quote`], and nothing but labels and tooltips is made of names.

use graphviz_rust::dot_generator::{attr, id, node_id};
use graphviz_rust::dot_structures::{
    Attribute, Edge as DotEdge, EdgeTy, Graph, Id, Node as DotNode, NodeId, Stmt, Vertex,
};
use graphviz_rust::printer::{DotPrinter, PrinterContext};

use super::{Look, Picture};

/// The DOT text of a picture.
#[must_use]
pub fn dot(picture: &Picture) -> String {
    let name = |at: usize| format!("n{at}");
    let mut stmts = vec![
        Stmt::Attribute(attr!("rankdir", "LR")),
        Stmt::Attribute(Attribute(
            Id::Plain("label".into()),
            quote(&format!("{}\n{}", picture.title, picture.note)),
        )),
    ];
    for (at, node) in picture.nodes.iter().enumerate() {
        let (fill, ink) = node.look.colors();
        let (shape, text) = match node.look {
            Look::Gate(..) => (shape(node.look), node.look.word()),
            look => (shape(look), format!("{}\n{}", look.word(), node.label)),
        };
        let attributes = vec![
            Attribute(Id::Plain("label".into()), quote(&text)),
            Attribute(Id::Plain("tooltip".into()), quote(&node.tooltip)),
            Attribute(Id::Plain("shape".into()), Id::Plain(shape.into())),
            Attribute(
                Id::Plain("style".into()),
                quote(if matches!(node.look, Look::Identity(_)) {
                    "filled,rounded"
                } else {
                    "filled"
                }),
            ),
            Attribute(Id::Plain("fillcolor".into()), quote(fill)),
            Attribute(Id::Plain("fontcolor".into()), quote(ink)),
            Attribute(
                Id::Plain("penwidth".into()),
                Id::Plain(if node.is_seed { "2.6" } else { "1.2" }.into()),
            ),
        ];
        stmts.push(Stmt::Node(DotNode {
            id: node_id!(name(at)),
            attributes,
        }));
    }
    for drawn in &picture.edges {
        let attributes = vec![
            Attribute(Id::Plain("label".into()), quote(&drawn.label)),
            Attribute(Id::Plain("edgetooltip".into()), quote(&drawn.tooltip)),
            Attribute(
                Id::Plain("style".into()),
                Id::Plain(
                    if drawn.is_recovery || drawn.is_worst {
                        "solid"
                    } else {
                        "dashed"
                    }
                    .into(),
                ),
            ),
            Attribute(
                Id::Plain("penwidth".into()),
                Id::Plain(if drawn.is_worst { "3" } else { "1.2" }.into()),
            ),
            Attribute(
                Id::Plain("color".into()),
                quote(if drawn.is_worst { "#7f1d1d" } else { "#374151" }),
            ),
        ];
        let vertex = |at: usize| Vertex::N(node_id!(name(at)));
        stmts.push(Stmt::Edge(DotEdge {
            ty: EdgeTy::Pair(vertex(drawn.from), vertex(drawn.to)),
            attributes,
        }));
    }
    let graph = Graph::DiGraph {
        id: id!("linchpin"),
        strict: false,
        stmts,
    };
    graph.print(&mut PrinterContext::default()) + "\n"
}

fn shape(look: Look) -> &'static str {
    match look {
        Look::Identity(_) => "box",
        Look::Password | Look::Mfa => "parallelogram",
        Look::Mailbox => "note",
        Look::Phone => "Mrecord",
        Look::Device => "component",
        Look::Vault => "hexagon",
        Look::Group => "folder",
        Look::System(_) => "octagon",
        Look::Gate(..) => "circle",
        Look::Anybody => "ellipse",
    }
}

/// A quoted text that Graphviz shows as it is: no escape sequences, no entities, no markup. Line
/// breaks of our own become `\n`; a name's own were made visible before.
fn quote(text: &str) -> Id {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '&' => quoted.push_str("&amp;"),
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            c if c.is_control() => {}
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Id::Escaped(quoted)
}

#[cfg(test)]
mod tests {
    use super::super::Node;
    use super::*;

    #[test]
    fn a_hostile_label_stays_one_label() {
        let hostile = "x\"]; evil [label=\"pwned\\\" <b>&lt; \\N";
        let node = Node {
            look: Look::Phone,
            label: hostile.into(),
            tooltip: hostile.into(),
            is_seed: false,
        };
        let picture = Picture {
            nodes: vec![node],
            ..Picture::default()
        };
        let text = dot(&picture);
        let parsed = graphviz_rust::parse(&text);
        let Ok(Graph::DiGraph { stmts, .. }) = parsed else {
            unreachable!("not a digraph: {text}")
        };
        let nodes = stmts
            .iter()
            .filter(|stmt| matches!(stmt, Stmt::Node(_)))
            .count();
        assert_eq!(nodes, 1, "{text}");
    }
}
