//! What is worth drawing: whole chains, the worst first, up to a readable number of nodes.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Edge, Look, Node, Picture};
use crate::analyze::{Change, IdentityResult};
use crate::model::{AssetId, Kind, SignIn};
use crate::report::{Chain, Step, Term, View, chain, clipped, row_entry, visible};
use crate::rules::{Class, Fact};
use crate::solve::{self, Closure, Proof};

/// What may be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At most this many nodes.
    pub max_nodes: usize,
    /// What falls with this identity, instead of the worst chains.
    pub focus: Option<AssetId>,
}

/// How many of the worst chains are emphasised.
const WORST: usize = 3;
/// Columns of a name before it is cut.
const LABEL: usize = 24;

/// Chooses what to draw.
#[must_use]
pub fn picture(view: &View<'_>, limits: Limits) -> Picture {
    match limits.focus {
        Some(identity) => focused(view, identity, limits.max_nodes),
        None => worst_chains(view, limits.max_nodes),
    }
}

/// Draws proofs, each whole, as far as they fit.
#[must_use]
pub fn proofs(
    view: &View<'_>,
    proofs: &[(AssetId, &Proof)],
    title: String,
    max_nodes: usize,
) -> Picture {
    let mut drawing = Drawing::new(view, max_nodes);
    let mut cut = 0;
    for (at, (seed, proof)) in proofs.iter().enumerate() {
        drawing.node(Term::Asset(*seed));
        if !drawing.add(&chain(view, proof), Some(*seed), at == 0) {
            cut += 1;
        }
    }
    let drawn = proofs.len() - cut;
    let note = match (drawn, cut) {
        (1, 0) => "The proof of fewest hops.".to_owned(),
        (drawn, 0) => format!("{drawn} proofs."),
        (drawn, cut) => format!("{drawn} proofs; {cut} more do not fit."),
    };
    drawing.finish(title, note)
}

fn worst_chains(view: &View<'_>, max_nodes: usize) -> Picture {
    // Criticality first; then chains that nobody has accounted for: those with recoveries in them,
    // and of those the ones whose tier must rise furthest; then as they stand in the outputs.
    let rank = |result: &IdentityResult| {
        let worst = result.answer.as_ref()?.unlocks().first()?;
        let before = view.org.identities[result.identity as usize].tier;
        let rise = match result.change {
            Some(Change::Raise) => before.unwrap_or(0),
            _ => 0,
        };
        let criticality = view.criticality(worst.system);
        Some((criticality, worst.hops == 0, std::cmp::Reverse(rise)))
    };
    let ranked = view.scan.identities.iter().enumerate();
    let mut candidates: Vec<_> = ranked
        .filter_map(|(at, result)| Some((rank(result)?, at)))
        .collect();
    // Enough to fill any picture; looking at every chain of a large organisation is not needed.
    const LOOKED_AT: usize = 5000;
    let more = candidates.len().saturating_sub(LOOKED_AT);
    if more > 0 {
        candidates.select_nth_unstable(LOOKED_AT);
        candidates.truncate(LOOKED_AT);
    }
    candidates.sort_unstable();
    let mut drawing = Drawing::new(view, max_nodes);
    let (mut drawn, mut cut) = (0, more);
    for (_, at) in candidates {
        let result = &view.scan.identities[at];
        let Some(proof) = result.answer.as_ref().and_then(|answer| answer.proof()) else {
            continue;
        };
        let seed = view.org.identities[result.identity as usize].asset;
        if drawing.add(&chain(view, proof), Some(seed), drawn < WORST) {
            drawn += 1;
        } else {
            cut += 1;
        }
    }
    let title = "What falls when a reset is abused".to_owned();
    let note = match (drawn, cut) {
        (0, 0) => "No identity unlocks a privileged system.".to_owned(),
        (drawn, 0) => format!(
            "All {drawn} identities that unlock a privileged system, each with the chain to its worst one."
        ),
        (drawn, cut) => format!(
            "{drawn} of {} identities that unlock a privileged system, the worst first, each with the chain to its worst one; \
             {cut} left out to keep at most {max_nodes} nodes (--max-nodes).",
            drawn + cut
        ),
    };
    drawing.finish(title, note)
}

/// Every system and account that falls with one identity, nearest first.
fn focused(view: &View<'_>, identity: AssetId, max_nodes: usize) -> Picture {
    let program = view.program;
    let graph = &program.graph;
    let seed = program.atlas.fact(identity);
    let mut drawing = Drawing::new(view, max_nodes);
    let shown = visible(view.shown(identity));
    let title = format!("What falls with {shown}");
    if program.atlas.is_disabled_account(seed) {
        drawing.node(Term::Asset(identity));
        return drawing.finish(
            title,
            format!("{shown} is disabled: nobody can sign in as it."),
        );
    }
    let alone = solve::closure(graph, &[seed]);
    let base = solve::closure(graph, &program.assumed);
    let mut given = program.assumed.clone();
    given.push(seed);
    let all = solve::closure(graph, &given);
    let mut fallen: Vec<(u8, u32, Fact, Proof)> = Vec::new();
    for fact in graph.facts().filter(|&fact| fact != seed) {
        let rank = match graph.class(fact) {
            Class::System => view.criticality(fact),
            Class::Account => u8::MAX,
            _ => continue,
        };
        let closure: &Closure = if base.contains(fact) { &alone } else { &all };
        if let (Some(level), Some(proof)) = (closure.level(fact), closure.proof(graph, fact)) {
            fallen.push((rank, level, fact, proof));
        }
    }
    fallen.sort_by_key(|(rank, level, fact, _)| (*rank, *level, *fact));
    drawing.node(Term::Asset(identity));
    let (mut drawn, mut cut) = (0, 0);
    for (at, (_, _, _, proof)) in fallen.iter().enumerate() {
        if drawing.add(&chain(view, proof), Some(identity), at == 0) {
            drawn += 1;
        } else {
            cut += 1;
        }
    }
    let note = match cut {
        0 => format!("All {drawn} systems and accounts that fall with {shown}."),
        cut => format!(
            "{drawn} of {} systems and accounts that fall with {shown}; {cut} left out to keep at most {max_nodes} nodes (--max-nodes).",
            drawn + cut
        ),
    };
    drawing.finish(title, note)
}

/// A node's identity: what it stands for, or the step whose gate it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Term(Term),
    Gate(Term, Vec<Term>, u32),
}

struct Drawing<'v, 'a> {
    view: &'v View<'a>,
    max_nodes: usize,
    picture: Picture,
    marks: BTreeMap<Mark, usize>,
    edges: BTreeMap<(usize, usize), usize>,
    /// The nodes of identities, by their positions among the identities.
    identities: FxHashMap<u32, usize>,
}

impl<'v, 'a> Drawing<'v, 'a> {
    fn new(view: &'v View<'a>, max_nodes: usize) -> Self {
        Self {
            view,
            max_nodes,
            picture: Picture::default(),
            marks: BTreeMap::new(),
            edges: BTreeMap::new(),
            identities: FxHashMap::default(),
        }
    }

    fn finish(mut self, title: String, note: String) -> Picture {
        // Tiers are looked for when it is known which few identities are drawn.
        for result in &self.view.scan.identities {
            if let Some(&at) = self.identities.get(&result.identity) {
                let node = &mut self.picture.nodes[at];
                node.look = Look::Identity(result.tier);
                node.tooltip = format!("{} {}", node.look.word(), node.tooltip);
            }
        }
        self.picture.title = title;
        self.picture.note = note;
        self.picture
    }

    /// Draws a chain whole, or not at all when it does not fit.
    fn add(&mut self, chain: &Chain, seed: Option<AssetId>, is_worst: bool) -> bool {
        let steps: Vec<Step<'_, '_>> = chain.steps().filter(|step| !self.is_folded(step)).collect();
        let mut marks: Vec<Mark> = Vec::new();
        for step in &steps {
            marks.push(Mark::Term(self.folded(step.yields)));
            marks.extend(
                step.inputs
                    .iter()
                    .map(|&input| Mark::Term(self.folded(input))),
            );
            marks.extend(self.gate_mark(step));
        }
        marks.sort();
        marks.dedup();
        let new = marks
            .iter()
            .filter(|mark| !self.marks.contains_key(mark))
            .count();
        if self.picture.nodes.len() + new > self.max_nodes {
            return false;
        }
        for step in &steps {
            self.step(step, is_worst);
        }
        if let Some(&at) = seed.and_then(|seed| self.marks.get(&Mark::Term(Term::Asset(seed)))) {
            self.picture.nodes[at].is_seed = true;
        }
        true
    }

    fn step(&mut self, step: &Step<'_, '_>, is_worst: bool) {
        let head = self.node(self.folded(step.yields));
        let tooltip = self.step_tooltip(step);
        match self.gate_mark(step) {
            None => {
                for &input in step.inputs {
                    let from = self.node(self.folded(input));
                    self.edge(
                        from,
                        head,
                        step.how.join(" + "),
                        &tooltip,
                        step.is_recovery,
                        is_worst,
                    );
                }
            }
            Some(mark) => {
                let gate = match self.marks.get(&mark) {
                    Some(&known) => known,
                    None => {
                        let look = Look::Gate(step.need, step.of);
                        self.push(
                            mark,
                            Node {
                                look,
                                label: String::new(),
                                tooltip: tooltip.clone(),
                                is_seed: false,
                            },
                        )
                    }
                };
                let is_sign_in = !step.is_recovery;
                for (at, &input) in step.inputs.iter().enumerate() {
                    let from = self.node(self.folded(input));
                    let how = if is_sign_in {
                        String::new()
                    } else {
                        step.how
                            .get(at)
                            .map(ToString::to_string)
                            .unwrap_or_default()
                    };
                    self.edge(from, gate, how, &tooltip, step.is_recovery, is_worst);
                }
                let how = if is_sign_in {
                    "signs in".to_owned()
                } else {
                    String::new()
                };
                self.edge(gate, head, how, &tooltip, step.is_recovery, is_worst);
            }
        }
    }

    /// A gate is drawn as one when it has more than one input.
    fn gate_mark(&self, step: &Step<'_, '_>) -> Option<Mark> {
        (step.of > 1).then(|| {
            Mark::Gate(
                self.folded(step.yields),
                step.inputs
                    .iter()
                    .map(|&input| self.folded(input))
                    .collect(),
                step.of,
            )
        })
    }

    /// Where the password (or the factor) alone signs in, it and the account are drawn as one.
    fn folded(&self, term: Term) -> Term {
        let (asset, is_password) = match term {
            Term::Password(asset) => (asset, true),
            Term::Mfa(asset) => (asset, false),
            _ => return term,
        };
        let alone = self
            .view
            .org
            .identity(asset)
            .is_some_and(|identity| match identity.sign_in {
                SignIn::Password => is_password,
                SignIn::PasswordAndMfa => is_password && !identity.has_binding,
                SignIn::Passwordless => !is_password,
            });
        if alone { Term::Asset(asset) } else { term }
    }

    fn is_folded(&self, step: &Step<'_, '_>) -> bool {
        step.inputs.len() == 1
            && step.inputs.first().map(|&input| self.folded(input))
                == Some(self.folded(step.yields))
    }

    fn node(&mut self, term: Term) -> usize {
        let mark = Mark::Term(term);
        if let Some(&known) = self.marks.get(&mark) {
            return known;
        }
        let view = self.view;
        let look = match term {
            Term::Password(_) => Look::Password,
            Term::Mfa(_) => Look::Mfa,
            Term::Anybody => Look::Anybody,
            Term::Asset(asset) => match view.org.assets.kind(asset) {
                // Its tier comes last.
                Kind::Identity => Look::Identity(None),
                Kind::Mailbox => Look::Mailbox,
                Kind::Phone => Look::Phone,
                Kind::Device => Look::Device,
                Kind::Vault => Look::Vault,
                Kind::Group => Look::Group,
                Kind::System => Look::System(view.criticality(view.program.atlas.fact(asset))),
            },
        };
        let name = visible(term.name(view));
        let mut tooltip = match look {
            Look::Identity(_) => name.clone().into_owned(),
            _ => format!("{} {name}", look.word()),
        };
        if let Term::Asset(asset) = term
            && let Some(identity) = view.org.identity(asset)
            && !identity.name.is_empty()
        {
            tooltip.push_str(&format!(
                " ({})",
                visible(self.view.org.text(identity.name))
            ));
        }
        let label = clipped(&name, LABEL);
        let node = self.push(
            mark,
            Node {
                look,
                label,
                tooltip,
                is_seed: false,
            },
        );
        if let Term::Asset(asset) = term
            && let Some(at) = view.org.identity_of[asset.index()]
        {
            self.identities.insert(at, node);
        }
        node
    }

    fn push(&mut self, mark: Mark, node: Node) -> usize {
        let at = self.picture.nodes.len();
        self.picture.nodes.push(node);
        self.marks.insert(mark, at);
        at
    }

    /// One edge per pair of nodes: the first label stands, what else is said joins the tooltip.
    fn edge(
        &mut self,
        from: usize,
        to: usize,
        label: String,
        tooltip: &str,
        is_recovery: bool,
        is_worst: bool,
    ) {
        if let Some(&known) = self.edges.get(&(from, to)) {
            let edge = &mut self.picture.edges[known];
            edge.is_worst |= is_worst;
            edge.is_recovery |= is_recovery;
            if !edge.tooltip.contains(tooltip) {
                edge.tooltip = format!("{}\n{tooltip}", edge.tooltip);
            }
            return;
        }
        self.edges.insert((from, to), self.picture.edges.len());
        let label = clipped(&label, LABEL);
        self.picture.edges.push(Edge {
            from,
            to,
            label,
            tooltip: tooltip.to_owned(),
            is_recovery,
            is_worst,
        });
    }

    fn step_tooltip(&self, step: &Step<'_, '_>) -> String {
        let view = self.view;
        let inputs: Vec<_> = step.inputs.iter().map(|input| input.text(view)).collect();
        let mut text = format!(
            "{} -> {} ({})",
            inputs.join(" + "),
            step.yields.text(view),
            step.how.join(" + ")
        );
        if let Some(process) = step.process {
            text.push_str(&format!(
                ", process {}",
                view.org.processes[process as usize].id
            ));
        }
        for &row in step.rows {
            let entry = row_entry(view.org, view.sources, row);
            text.push_str(&format!(", {}", entry.file));
            if let Some(line) = entry.line {
                text.push_str(&format!(":{line}"));
            }
        }
        visible(&text).into_owned()
    }
}
