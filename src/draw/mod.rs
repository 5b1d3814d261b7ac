//! Pictures of the part of the graph that matters: what is worth drawing, where it goes, and how it
//! looks as SVG or DOT.

mod dot;
mod graphml;
mod graphviz;
mod picture;
mod place;
mod select;
mod svg;

pub use dot::dot;
pub use graphml::graphml;
pub use graphviz::{GraphvizError, svg as graphviz_svg};
pub use picture::{Edge, Look, Node, Picture};
pub use place::{Placement, place};
pub use select::{Limits, picture, proofs};
pub use svg::svg;
