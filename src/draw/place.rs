//! Where nodes go: layers from left to right, systems at the right. After Sugiyama, Tagawa and Toda
//! (1981): break cycles, layer by the longest path, order by barycentres, align by isotonic
//! regression. Plain sums and divisions alone, so that every machine gives the same picture.

mod order;

use petgraph::algo::{greedy_feedback_arc_set, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Look, Picture};

/// A laid-out picture; all lengths in pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// Width of the drawing.
    pub width: f64,
    /// Height of the drawing.
    pub height: f64,
    /// One per node.
    pub boxes: Vec<Frame>,
    /// One per edge: the points that its curve goes through.
    pub paths: Vec<Vec<(f64, f64)>>,
}

/// Centre and size of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Horizontal centre.
    pub x: f64,
    /// Vertical centre.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

const NODE_HEIGHT: f64 = 38.0;
const GATE_SIZE: f64 = 34.0;
/// Between the boxes of one layer.
const GAP: f64 = 16.0;
/// Between layers: room for the edges' labels.
const BETWEEN: f64 = 132.0;
const MARGIN: f64 = 24.0;

/// A place in a layer: a node, or a bend of an edge that passes through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    size: f64,
}

/// Lays a picture out: O(sweeps x (nodes + bends + edges) log edges).
#[must_use]
pub fn place(picture: &Picture) -> Placement {
    let mut boxes: Vec<Frame> = picture
        .nodes
        .iter()
        .map(|node| frame(node.look, &node.label))
        .collect();
    let ranks = ranks(picture);
    let layers = ranks.iter().max().map_or(0, |&most| most + 1);
    // Nodes first, then the bends of long edges; `bends[edge]` from source to target.
    let mut slots: Vec<Slot> = boxes
        .iter()
        .map(|frame| Slot { size: frame.height })
        .collect();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); layers];
    for (node, &rank) in ranks.iter().enumerate() {
        members[rank].push(node);
    }
    let mut links: Vec<(usize, usize)> = Vec::new();
    let mut bends: Vec<Vec<usize>> = Vec::with_capacity(picture.edges.len());
    for edge in &picture.edges {
        let (low, high) = if ranks[edge.from] <= ranks[edge.to] {
            (edge.from, edge.to)
        } else {
            (edge.to, edge.from)
        };
        let mut chain = Vec::new();
        let mut before = low;
        let between = (ranks[low] + 1).min(ranks[high])..ranks[high];
        for layer in &mut members[between] {
            let bend = slots.len();
            slots.push(Slot { size: 4.0 });
            layer.push(bend);
            links.push((before, bend));
            chain.push(bend);
            before = bend;
        }
        if ranks[low] != ranks[high] {
            links.push((before, high));
        }
        if low != edge.from {
            chain.reverse();
        }
        bends.push(chain);
    }
    let layer_of = layer_of(&members, slots.len());
    order::untangle(&mut members, &layer_of, &links);
    let ys = order::align(&members, &links, &slots, GAP);
    let xs = columns(&members, &boxes);
    for (node, frame) in boxes.iter_mut().enumerate() {
        frame.x = xs[ranks[node]];
        frame.y = ys[node] + MARGIN;
    }
    let paths = picture
        .edges
        .iter()
        .zip(&bends)
        .map(|(edge, chain)| {
            let (from, to) = (boxes[edge.from], boxes[edge.to]);
            let forward = ranks[edge.from] <= ranks[edge.to];
            let side = if forward { 1.0 } else { -1.0 };
            let mut points = vec![(from.x + side * from.width / 2.0, from.y)];
            points.extend(
                chain
                    .iter()
                    .map(|&bend| (xs[layer_of[bend]], ys[bend] + MARGIN)),
            );
            points.push((to.x - side * to.width / 2.0, to.y));
            points
        })
        .collect();
    let right = boxes
        .iter()
        .map(|frame| frame.x + frame.width / 2.0)
        .fold(0.0, f64::max);
    let bottom = boxes
        .iter()
        .map(|frame| frame.y + frame.height / 2.0)
        .fold(0.0, f64::max);
    Placement {
        width: right + MARGIN,
        height: bottom + MARGIN,
        boxes,
        paths,
    }
}

fn frame(look: Look, label: &str) -> Frame {
    let (width, height) = match look {
        Look::Gate(..) => (GATE_SIZE, GATE_SIZE),
        _ => {
            let kind = look.word().width() as f64 * 5.4;
            (text_width(label).max(kind).max(56.0) + 26.0, NODE_HEIGHT)
        }
    };
    Frame {
        x: 0.0,
        y: 0.0,
        width,
        height,
    }
}

/// About how wide a text of 12 pixels is, whatever the font: wide letters count more.
fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        _ if c.width() == Some(2) => 13.0,
        '@' | 'M' | 'W' | 'm' | 'w' => 11.0,
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ' ' => 4.0,
        'A'..='Z' | '_' => 8.8,
        _ => 7.2,
    };
    text.chars().map(width).sum()
}

/// The layer of every node: as far left of the systems as its longest path needs.
fn ranks(picture: &Picture) -> Vec<usize> {
    let mut graph: DiGraph<(), ()> = DiGraph::new();
    for _ in &picture.nodes {
        graph.add_node(());
    }
    for edge in picture.edges.iter().filter(|edge| edge.from != edge.to) {
        graph.add_edge(NodeIndex::new(edge.from), NodeIndex::new(edge.to), ());
    }
    // Chains of several identities together may run in a circle: those edges are drawn backwards.
    let mut backwards: Vec<_> = greedy_feedback_arc_set(&graph)
        .map(|edge| edge.id())
        .collect();
    backwards.sort_unstable();
    for edge in backwards.into_iter().rev() {
        graph.remove_edge(edge);
    }
    let order = toposort(&graph, None).unwrap_or_default();
    let mut to_sink = vec![0usize; picture.nodes.len()];
    for node in order.into_iter().rev() {
        let next = graph.neighbors(node).map(|next| to_sink[next.index()] + 1);
        to_sink[node.index()] = next.max().unwrap_or(0);
    }
    let most = to_sink.iter().max().copied().unwrap_or(0);
    to_sink
        .into_iter()
        .map(|distance| most - distance)
        .collect()
}

fn layer_of(members: &[Vec<usize>], slots: usize) -> Vec<usize> {
    let mut layer_of = vec![0; slots];
    for (layer, members) in members.iter().enumerate() {
        for &slot in members {
            layer_of[slot] = layer;
        }
    }
    layer_of
}

/// The horizontal centre of every layer.
fn columns(members: &[Vec<usize>], boxes: &[Frame]) -> Vec<f64> {
    let mut x = MARGIN;
    members
        .iter()
        .map(|members| {
            let width = members
                .iter()
                .filter_map(|&slot| boxes.get(slot))
                .map(|frame| frame.width)
                .fold(GATE_SIZE, f64::max);
            let centre = x + width / 2.0;
            x += width + BETWEEN;
            centre
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Edge, Node};
    use super::*;

    fn picture(nodes: usize, edges: &[(usize, usize)]) -> Picture {
        let node = || Node {
            look: Look::Group,
            label: "x".into(),
            tooltip: String::new(),
            is_seed: false,
        };
        let edge = |&(from, to): &(usize, usize)| Edge {
            from,
            to,
            label: String::new(),
            tooltip: String::new(),
            is_recovery: false,
            is_worst: false,
        };
        Picture {
            nodes: (0..nodes).map(|_| node()).collect(),
            edges: edges.iter().map(edge).collect(),
            ..Picture::default()
        }
    }

    #[test]
    fn edges_lead_to_the_right_and_boxes_do_not_overlap() {
        let placed = place(&picture(
            7,
            &[(0, 1), (1, 2), (0, 2), (3, 2), (4, 1), (5, 2), (6, 5)],
        ));
        assert!(placed.boxes[0].x < placed.boxes[1].x && placed.boxes[1].x < placed.boxes[2].x);
        for (at, a) in placed.boxes.iter().enumerate() {
            for b in &placed.boxes[at + 1..] {
                let apart_x = (a.x - b.x).abs() >= (a.width + b.width) / 2.0;
                let apart_y = (a.y - b.y).abs() >= (a.height + b.height) / 2.0;
                assert!(apart_x || apart_y, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_circle_and_an_empty_picture_are_laid_out() {
        let placed = place(&picture(3, &[(0, 1), (1, 2), (2, 0)]));
        assert_eq!(placed.paths.len(), 3);
        assert_eq!(place(&picture(0, &[])).boxes.len(), 0);
        assert_eq!(place(&picture(1, &[(0, 0)])).paths[0].len(), 2);
    }
}
