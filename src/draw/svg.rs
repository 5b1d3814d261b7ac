//! A picture as SVG: self-contained, without fonts, links or scripts. maud escapes every text and
//! attribute.

use maud::{Markup, html};

use super::place::{Frame, Placement, place};
use super::{Edge, Look, Node, Picture};

const STYLE: &str = "\
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px}\
.kind{font-size:9.5px}.method{font-size:10px;fill:#1f2937;paint-order:stroke;stroke:#fff;stroke-width:4px}\
.edge{fill:none;stroke:#6b7280;stroke-width:1.1}.recovery{stroke:#111827;stroke-width:1.5}\
.relation{stroke-dasharray:5 3}.worst{stroke:#7f1d1d;stroke-width:3;stroke-dasharray:none}\
.node{stroke:#374151;stroke-width:1.2}.seed{stroke-width:2.6}.title{font-size:16px;font-weight:bold}";

const HEADER: f64 = 58.0;
const LEGEND: f64 = 70.0;

/// Draws a picture: the same bytes on every machine.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let placed = place(picture);
    let width = placed.width.max(980.0);
    let height = placed.height + HEADER + LEGEND;
    let shift = format!(
        "translate({},{HEADER})",
        number((width - placed.width) / 2.0)
    );
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" width=(number(width)) height=(number(height))
            viewBox={ "0 0 " (number(width)) " " (number(height)) } {
            title { (picture.title) }
            desc { (picture.note) }
            style { (maud::PreEscaped(STYLE)) }
            defs {
                (marker("arrow", "#374151"))
                (marker("arrow-worst", "#7f1d1d"))
            }
            rect width="100%" height="100%" fill="#ffffff" {}
            text class="title" x="24" y="28" { (picture.title) }
            text x="24" y="48" { (picture.note) }
            g transform=(shift) {
                @for (edge, path) in picture.edges.iter().zip(&placed.paths) { (edge_path(edge, path)) }
                @for (node, frame) in picture.nodes.iter().zip(&placed.boxes) { (node_shape(node, frame)) }
                @for (edge, path) in picture.edges.iter().zip(&placed.paths) { (edge_label(edge, path)) }
            }
            (legend(&placed, height))
        }
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
        markup.into_string()
    )
}

fn marker(id: &str, color: &str) -> Markup {
    html! {
        marker id=(id) viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"
            markerUnits="userSpaceOnUse" orient="auto" {
            path d="M0,0 L10,5 L0,10 z" fill=(color) {}
        }
    }
}

fn edge_path(edge: &Edge, points: &[(f64, f64)]) -> Markup {
    let kind = match (edge.is_worst, edge.is_recovery) {
        (true, _) => "edge worst",
        (false, true) => "edge recovery",
        (false, false) => "edge relation",
    };
    let head = if edge.is_worst {
        "url(#arrow-worst)"
    } else {
        "url(#arrow)"
    };
    html! {
        path class=(kind) d=(curve(points)) marker-end=(head) { title { (edge.tooltip) } }
    }
}

/// A smooth line through the points that leaves and arrives horizontally.
fn curve(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, &(x, y)) in points.iter().enumerate() {
        if at == 0 {
            path.push_str(&format!("M{},{}", number(x), number(y)));
            continue;
        }
        let (before_x, before_y) = points[at - 1];
        let middle = (before_x + x) / 2.0;
        path.push_str(&format!(
            " C{m},{} {m},{} {},{}",
            number(before_y),
            number(y),
            number(x),
            number(y),
            m = number(middle)
        ));
    }
    path
}

/// In the first stretch of the edge, where the one it belongs to is plain.
fn edge_label(edge: &Edge, points: &[(f64, f64)]) -> Markup {
    let (Some(&from), Some(&to)) = (points.first(), points.get(1)) else {
        return html! {};
    };
    let (x, y) = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0 - 4.0);
    html! {
        @if !edge.label.is_empty() {
            text class="method" x=(number(x)) y=(number(y)) text-anchor="middle" { (edge.label) }
        }
    }
}

fn node_shape(node: &Node, frame: &Frame) -> Markup {
    let (fill, ink) = node.look.colors();
    let class = if node.is_seed { "node seed" } else { "node" };
    html! {
        g class="thing" {
            title { (node.tooltip) }
            (outline(node.look, frame, class, fill))
            @if let Look::Gate(need, of) = node.look {
                text x=(number(frame.x)) y=(number(frame.y + 4.0)) text-anchor="middle" font-weight="bold" fill=(ink) {
                    (need) "/" (of)
                }
            } @else {
                text class="kind" x=(number(frame.x)) y=(number(frame.y - 5.0)) text-anchor="middle" fill=(ink) { (node.look.word()) }
                text x=(number(frame.x)) y=(number(frame.y + 10.0)) text-anchor="middle" fill=(ink) { (node.label) }
            }
        }
    }
}

/// Every kind has its own outline.
fn outline(look: Look, frame: &Frame, class: &str, fill: &str) -> Markup {
    let (w, h) = (frame.width, frame.height);
    let (x, y) = (frame.x - w / 2.0, frame.y - h / 2.0);
    let (right, bottom, middle) = (x + w, y + h, frame.y);
    let polygon = |points: &[(f64, f64)]| {
        let points: Vec<_> = points
            .iter()
            .map(|(x, y)| format!("{},{}", number(*x), number(*y)))
            .collect();
        html! { polygon class=(class) fill=(fill) points=(points.join(" ")) {} }
    };
    let rectangle = |radius: &str| {
        html! {
            rect class=(class) fill=(fill) x=(number(x)) y=(number(y)) width=(number(w)) height=(number(h)) rx=(radius) {}
        }
    };
    let line = |d: String| html! { path class=(class) fill="none" d=(d) {} };
    match look {
        Look::Identity(_) => rectangle("16"),
        Look::Password | Look::Mfa => polygon(&[
            (x + 10.0, y),
            (right, y),
            (right - 10.0, bottom),
            (x, bottom),
        ]),
        // An envelope: the flap across the top corners.
        Look::Mailbox => html! {
            (rectangle("0"))
            (line(format!("M{0},{1} l12,9 M{2},{1} l-12,9", number(x), number(y), number(right))))
        },
        // A handset: very round, with a bar at either end.
        Look::Phone => html! {
            (rectangle("6"))
            (line(format!("M{0},{1} v{2} M{3},{1} v{2}", number(x + 9.0), number(y), number(h), number(right - 9.0))))
        },
        // A screen on a stand.
        Look::Device => html! {
            (rectangle("2"))
            (line(format!("M{},{} h40", number(frame.x - 20.0), number(bottom + 3.0))))
        },
        Look::Vault => polygon(&[
            (x + 10.0, y),
            (right - 10.0, y),
            (right, middle),
            (right - 10.0, bottom),
            (x + 10.0, bottom),
            (x, middle),
        ]),
        // A stack: another one peeps out behind.
        Look::Group => html! {
            rect class=(class) fill=(fill) x=(number(x + 4.0)) y=(number(y - 4.0)) width=(number(w)) height=(number(h)) rx="4" {}
            (rectangle("4"))
        },
        Look::System(_) => html! {
            (polygon(&[
                (x + 8.0, y), (right - 8.0, y), (right, y + 8.0), (right, bottom - 8.0),
                (right - 8.0, bottom), (x + 8.0, bottom), (x, bottom - 8.0), (x, y + 8.0),
            ]))
        },
        Look::Gate(..) => {
            html! { circle class=(class) fill=(fill) cx=(number(frame.x)) cy=(number(frame.y)) r=(number(w / 2.0)) {} }
        }
        Look::Anybody => html! {
            ellipse class=(class) fill=(fill) stroke-dasharray="3 3" cx=(number(frame.x)) cy=(number(frame.y)) rx=(number(w / 2.0)) ry=(number(h / 2.0)) {}
        },
    }
}

fn legend(placed: &Placement, height: f64) -> Markup {
    let y = height - 40.0;
    let tiers = [
        (Look::Identity(Some(0)), "tier 0"),
        (Look::Identity(Some(1)), "tier 1"),
        (Look::Identity(Some(2)), "tier 2"),
        (Look::Identity(Some(3)), "tier 3"),
    ];
    let mark = |look: Look, x: f64, width: f64| {
        outline(
            look,
            &Frame {
                x,
                y,
                width,
                height: 20.0,
            },
            "node",
            look.colors().0,
        )
    };
    html! {
        @if !placed.boxes.is_empty() {
            g {
                @for (at, (look, word)) in tiers.into_iter().enumerate() {
                    (mark(look, 44.0 + 92.0 * at as f64, 34.0))
                    text class="kind" x=(number(66.0 + 92.0 * at as f64)) y=(number(y + 4.0)) { (word) }
                }
                (mark(Look::Gate(2, 3), 412.0, 22.0))
                text class="kind" x="402" y=(number(y + 4.0)) { "2/3" }
                text class="kind" x="428" y=(number(y + 4.0)) { "gate: needs 2 of 3" }
                path class="edge recovery" d=(format!("M534,{y} h34")) marker-end="url(#arrow)" {}
                text class="kind" x="574" y=(number(y + 4.0)) { "recovery, by its method" }
                path class="edge relation" d=(format!("M700,{y} h34")) marker-end="url(#arrow)" {}
                text class="kind" x="740" y=(number(y + 4.0)) { "holds, reads, is member" }
                path class="edge worst" d=(format!("M864,{y} h34")) marker-end="url(#arrow-worst)" {}
                text class="kind" x="904" y=(number(y + 4.0)) { "worst chains" }
            }
        }
    }
}

/// At most one decimal, and no `-0`.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}
