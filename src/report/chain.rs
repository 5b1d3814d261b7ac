//! A proof as a chain that people can follow: helper facts folded away, every step with its method,
//! its process and its row.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{View, keys};
use crate::compile::{GateOrigin, Meaning};
use crate::model::{Access, AssetId, Kind, Organisation, RowRef, Table, Word};
use crate::rules::Fact;
use crate::solve::{Proof, ProofStep};

/// A chain from a seed to a system. What its steps list is kept together: there is a chain for every
/// identity that unlocks something.
#[derive(Clone, Debug, Default)]
pub struct Chain<'a> {
    steps: Vec<Told>,
    inputs: Vec<Term>,
    how: Vec<Cow<'a, str>>,
    rows: Vec<RowRef>,
    /// How many steps of a very long proof are not told, and after how many of the others.
    pub omitted: Option<(u32, usize)>,
}

/// A step, with where its lists stand in those of the chain.
#[derive(Clone, Debug)]
struct Told {
    yields: Term,
    inputs: Range<usize>,
    need: u32,
    of: u32,
    how: Range<usize>,
    process: Option<u32>,
    is_recovery: bool,
    hops: u32,
    rows: Range<usize>,
}

/// One step of a chain: these together yield that.
#[derive(Clone, Copy, Debug)]
pub struct Step<'c, 'a> {
    /// What the step yields.
    pub yields: Term,
    /// The inputs that are used.
    pub inputs: &'c [Term],
    /// How many inputs the gate needs, and how many it has.
    pub need: u32,
    /// See `need`.
    pub of: u32,
    /// Methods of a recovery, else the relation: `sign_in`, `owner`, `delegate`, `member`, ...
    pub how: &'c [Cow<'a, str>],
    /// The recovery process, as a position among the processes.
    pub process: Option<u32>,
    /// Whether it is a recovery, which costs a hop.
    pub is_recovery: bool,
    /// Recoveries on the longest branch so far.
    pub hops: u32,
    /// The rows it rests on.
    pub rows: &'c [RowRef],
}

/// What a chain speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// An asset as a whole.
    Asset(AssetId),
    /// The password of an identity.
    Password(AssetId),
    /// The second factor of an identity.
    Mfa(AssetId),
    /// Nobody in particular: an assumption satisfies the row.
    Anybody,
}

impl Term {
    /// What kind of thing it is, in one word.
    #[must_use]
    pub fn word(self, view: &View<'_>) -> &'static str {
        match self {
            Self::Asset(asset) => view.org.assets.kind(asset).word(),
            Self::Password(_) => "password",
            Self::Mfa(_) => "mfa",
            Self::Anybody => "anybody",
        }
    }

    /// The name it has, as shown.
    #[must_use]
    pub fn name<'a>(self, view: &View<'a>) -> &'a str {
        match self {
            Self::Asset(asset) | Self::Password(asset) | Self::Mfa(asset) => view.shown(asset),
            Self::Anybody => "anybody (assumed)",
        }
    }

    /// As a chain writes it: identities bare, other assets with their kind.
    #[must_use]
    pub fn text(self, view: &View<'_>) -> String {
        let mut text = String::new();
        self.add_to(&mut text, view);
        text
    }

    fn add_to(self, text: &mut String, view: &View<'_>) {
        let (before, after) = match self {
            Self::Asset(asset) => match view.org.assets.kind(asset) {
                Kind::Identity => ("", ""),
                kind => {
                    text.push_str(kind.word());
                    (":", "")
                }
            },
            Self::Password(_) => ("password(", ")"),
            Self::Mfa(_) => ("mfa(", ")"),
            Self::Anybody => ("", ""),
        };
        for part in [before, self.name(view), after] {
            text.push_str(part);
        }
    }
}

/// The chain of a proof.
#[must_use]
pub fn chain<'a>(view: &View<'a>, proof: &Proof) -> Chain<'a> {
    let steps = proof.steps.len();
    let mut teller = Teller {
        view,
        proof,
        heads: Heads::new(view, &proof.steps),
        chain: Chain {
            steps: Vec::with_capacity(steps),
            // Most gates have one or two inputs.
            inputs: Vec::with_capacity(2 * steps),
            how: Vec::with_capacity(2 * steps),
            rows: Vec::with_capacity(2 * steps),
            omitted: None,
        },
    };
    let (first, last) = match proof.omitted {
        0 => (&*proof.steps, &[][..]),
        _ => proof.steps.split_at(Proof::KEPT.min(steps)),
    };
    for step in first {
        teller.tell(step);
    }
    if proof.omitted > 0 {
        teller.chain.omitted = Some((proof.omitted, teller.chain.steps.len()));
    }
    for step in last {
        teller.tell(step);
    }
    teller.chain
}

/// The steps of a proof by what they yield.
enum Heads<'p> {
    /// So few that each is looked at.
    Few(&'p [ProofStep]),
    Many(FxHashMap<Fact, &'p ProofStep>),
}

impl<'p> Heads<'p> {
    fn new(view: &View<'_>, steps: &'p [ProofStep]) -> Self {
        const FEW: usize = 32;
        if steps.len() <= FEW {
            return Self::Few(steps);
        }
        let graph = &view.program.graph;
        let by_head = steps.iter().map(|step| (graph.head(step.gate), step));
        Self::Many(by_head.collect())
    }

    /// The step that yields a fact.
    fn of(&self, view: &View<'_>, fact: Fact) -> Option<&'p ProofStep> {
        let graph = &view.program.graph;
        match self {
            Self::Few(steps) => steps.iter().find(|step| graph.head(step.gate) == fact),
            Self::Many(by_head) => by_head.get(&fact).copied(),
        }
    }
}

struct Teller<'p, 'v, 'a> {
    view: &'v View<'a>,
    proof: &'p Proof,
    heads: Heads<'p>,
    chain: Chain<'a>,
}

impl Teller<'_, '_, '_> {
    /// Adds the step, unless it yields a helper: that is told where the helper is used.
    fn tell(&mut self, step: &ProofStep) -> Option<()> {
        let graph = &self.view.program.graph;
        let yields = self.term(graph.head(step.gate))?;
        // A recovery for many: the gate that yields the shared fact is the one that people know.
        let told = match self.view.program.atlas.origin(step.gate) {
            GateOrigin::Shared => self
                .heads
                .of(self.view, *graph.inputs(step.gate).first()?)?,
            _ => step,
        };
        let gate_inputs = graph.inputs(told.gate);
        let ends = |chain: &Chain<'_>| [chain.inputs.len(), chain.how.len(), chain.rows.len()];
        let starts = ends(&self.chain);
        for &slot in self.proof.slots(told) {
            let input = self.input(gate_inputs[slot as usize]);
            self.chain.inputs.push(input);
        }
        let first = self.chain.inputs.get(starts[0]).copied();
        let process = self.list(told, first);
        let [inputs, how, rows] = ends(&self.chain);
        self.chain.steps.push(Told {
            yields,
            inputs: starts[0]..inputs,
            need: graph.need(told.gate),
            of: gate_inputs.len() as u32,
            how: starts[1]..how,
            process,
            is_recovery: graph.cost(step.gate) > 0,
            hops: step.level,
            rows: starts[2]..rows,
        });
        Some(())
    }

    /// Adds how a step is taken and its rows; gives its process.
    fn list(&mut self, told: &ProofStep, first: Option<Term>) -> Option<u32> {
        let org = self.view.org;
        match self.view.program.atlas.origin(told.gate) {
            GateOrigin::SignIn(identity) => {
                self.chain.how.push("sign_in".into());
                self.chain.rows.push(org.identities[identity as usize].row);
                None
            }
            GateOrigin::Row(row) => {
                self.chain.how.push(relation(org, row, first));
                self.chain.rows.push(row);
                None
            }
            GateOrigin::Recovery(gate) => {
                let rows = org.rows_of(org.gates[gate as usize]);
                let mut process = None;
                for &slot in self.proof.slots(told) {
                    let index = rows[slot as usize];
                    let recovery = &org.recoveries[index as usize];
                    self.chain.how.push(recovery.method.word().into());
                    process = recovery.process.map(|process| process.0);
                    self.chain.rows.push(RowRef {
                        table: Table::Recoveries,
                        index,
                    });
                }
                process
            }
            GateOrigin::Shared | GateOrigin::AnyOf => None,
        }
    }

    /// An input; a helper stands for what satisfies it in this proof.
    fn input(&self, mut fact: Fact) -> Term {
        loop {
            if let Some(term) = self.term(fact) {
                return term;
            }
            let graph = &self.view.program.graph;
            let inner = self.heads.of(self.view, fact).and_then(|step| {
                let slot = *self.proof.slots(step).first()?;
                graph.inputs(step.gate).get(slot as usize).copied()
            });
            match inner {
                Some(inner) => fact = inner,
                None => return Term::Anybody,
            }
        }
    }

    fn term(&self, fact: Fact) -> Option<Term> {
        let atlas = &self.view.program.atlas;
        match atlas.meaning(fact) {
            Meaning::Asset(asset) => Some(Term::Asset(asset)),
            Meaning::Password(at) => atlas.identity(at).map(Term::Password),
            Meaning::Mfa(at) => atlas.identity(at).map(Term::Mfa),
            Meaning::Helper => None,
        }
    }
}

/// In one word what a row says.
fn relation<'a>(org: &'a Organisation, row: RowRef, input: Option<Term>) -> Cow<'a, str> {
    let at = row.index as usize;
    match row.table {
        Table::Mailboxes => {
            let Some(Term::Asset(input)) = input else {
                return "".into();
            };
            let mailbox = &org.mailboxes[at];
            let word = if mailbox.owner == Some(input) {
                "owner"
            } else if org.list(mailbox.delegates).contains(&input) {
                "delegate"
            } else {
                "forward"
            };
            word.into()
        }
        Table::MfaBindings => org.bindings[at].factor.word().into(),
        Table::Holdings => "holder".into(),
        Table::Memberships => match org.memberships[at].access {
            Access::Standing => "member".into(),
            Access::Eligible => "eligible member".into(),
        },
        Table::Grants => {
            let grant = &org.grants[at];
            let role = if grant.role.is_empty() {
                "grant"
            } else {
                org.text(grant.role)
            };
            match grant.access {
                Access::Standing => role.into(),
                Access::Eligible => format!("eligible {role}").into(),
            }
        }
        _ => "".into(),
    }
}

impl<'a> Chain<'a> {
    /// Its steps, inputs before heads.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = Step<'_, 'a>> + ExactSizeIterator {
        self.steps.iter().map(|told| Step {
            yields: told.yields,
            inputs: &self.inputs[told.inputs.clone()],
            need: told.need,
            of: told.of,
            how: &self.how[told.how.clone()],
            process: told.process,
            is_recovery: told.is_recovery,
            hops: told.hops,
            rows: &self.rows[told.rows.clone()],
        })
    }

    /// The chain in one line: `a -> b (how, file:line) -> c (...)`; a step that does not start from
    /// the one before begins anew after a `;`.
    #[must_use]
    pub fn text(&self, view: &View<'_>, with_rows: bool) -> String {
        /// What most steps take.
        const STEP: usize = 1 << 6;
        let mut text = String::with_capacity(self.steps.len() * STEP);
        let mut last: Option<Term> = None;
        for (at, step) in self.steps().enumerate() {
            if let Some((count, _)) = self.omitted.filter(|(_, after)| *after == at) {
                let _ = write!(text, " -> \u{2026} ({count} steps not told)");
                last = Some(Term::Anybody);
            }
            if last.is_none() || step.inputs.len() != 1 || step.inputs.first().copied() != last {
                if last.is_some() {
                    text.push_str("; ");
                }
                for (at, input) in step.inputs.iter().enumerate() {
                    text.push_str(if at > 0 { " + " } else { "" });
                    input.add_to(&mut text, view);
                }
            }
            text.push_str(" -> ");
            step.yields.add_to(&mut text, view);
            text.push_str(" (");
            for (at, how) in step.how.iter().enumerate() {
                text.push_str(if at > 0 { " + " } else { "" });
                text.push_str(how);
            }
            let mut digits = itoa::Buffer::new();
            if step.of > 1 {
                text.push_str(", ");
                text.push_str(digits.format(step.need));
                text.push_str(" of ");
                text.push_str(digits.format(step.of));
            }
            if let Some(process) = step.process {
                text.push_str(" by ");
                text.push_str(&view.org.processes[process as usize].id);
            }
            let rows = step.rows.iter().filter(|_| with_rows);
            for meta in rows.filter_map(|&row| view.org.meta(row)) {
                let (file, line) = keys::place(view.org, view.sources, meta);
                text.push_str(", ");
                text.push_str(file);
                if let Some(line) = line {
                    text.push(':');
                    text.push_str(digits.format(line));
                }
            }
            text.push(')');
            last = Some(step.yields);
        }
        match super::visible(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(shown) => shown,
        }
    }
}
