//! A proof as a chain that people can follow: helper facts folded away, every step with its method,
//! its process and its row.

use std::borrow::Cow;
use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::{View, keys};
use crate::compile::{GateOrigin, Meaning};
use crate::model::{Access, AssetId, Kind, RowRef, Table, Word};
use crate::rules::Fact;
use crate::solve::{Proof, ProofStep};

/// A chain from a seed to a system.
#[derive(Clone, Debug, Default)]
pub struct Chain<'a> {
    /// The steps, inputs before heads.
    pub steps: Vec<Step<'a>>,
    /// How many steps of a very long proof are not told, and after how many of `steps`.
    pub omitted: Option<(u32, usize)>,
}

/// One step: these together yield that.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// What the step yields.
    pub yields: Term,
    /// The inputs that are used.
    pub inputs: Vec<Term>,
    /// How many inputs the gate needs, and how many it has.
    pub need: u32,
    /// See `need`.
    pub of: u32,
    /// Methods of a recovery, else the relation: `sign_in`, `owner`, `delegate`, `member`, ...
    pub how: Vec<Cow<'a, str>>,
    /// The recovery process, as a position among the processes.
    pub process: Option<u32>,
    /// Whether it is a recovery, which costs a hop.
    pub is_recovery: bool,
    /// Recoveries on the longest branch so far.
    pub hops: u32,
    /// The rows it rests on.
    pub rows: Vec<RowRef>,
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
            Self::Asset(asset) => view.org.assets.get(asset).kind.word(),
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
            Self::Asset(asset) => match view.org.assets.get(asset).kind {
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
    let by_head: FxHashMap<Fact, &ProofStep> = proof
        .steps
        .iter()
        .map(|step| (view.program.graph.head(step.gate), step))
        .collect();
    let teller = Teller { view, by_head };
    let told = |steps: &[ProofStep]| -> Vec<Step<'a>> {
        steps.iter().filter_map(|step| teller.step(step)).collect()
    };
    if proof.omitted == 0 {
        return Chain {
            steps: told(&proof.steps),
            omitted: None,
        };
    }
    let (first, last) = proof.steps.split_at(Proof::KEPT.min(proof.steps.len()));
    let mut steps = told(first);
    let omitted = Some((proof.omitted, steps.len()));
    steps.extend(told(last));
    Chain { steps, omitted }
}

struct Teller<'v, 'a> {
    view: &'v View<'a>,
    by_head: FxHashMap<Fact, &'v ProofStep>,
}

impl<'a> Teller<'_, 'a> {
    /// The step, unless it yields a helper: that is told where the helper is used.
    fn step(&self, step: &ProofStep) -> Option<Step<'a>> {
        let graph = &self.view.program.graph;
        let yields = self.term(graph.head(step.gate))?;
        // A recovery for many: the gate that yields the shared fact is the one that people know.
        let told = match self.view.program.atlas.origin(step.gate) {
            GateOrigin::Shared => *self.by_head.get(graph.inputs(step.gate).first()?)?,
            _ => step,
        };
        let gate_inputs = graph.inputs(told.gate);
        let used: Vec<Fact> = told
            .slots
            .iter()
            .map(|&slot| gate_inputs[slot as usize])
            .collect();
        let inputs: Vec<Term> = used.iter().map(|&fact| self.input(fact)).collect();
        let mut found = Step {
            yields,
            need: graph.need(told.gate),
            of: gate_inputs.len() as u32,
            how: Vec::new(),
            process: None,
            is_recovery: graph.cost(step.gate) > 0,
            hops: step.level,
            rows: Vec::new(),
            inputs,
        };
        self.tell(&mut found, told);
        Some(found)
    }

    fn tell(&self, found: &mut Step<'a>, told: &ProofStep) {
        let org = self.view.org;
        match self.view.program.atlas.origin(told.gate) {
            GateOrigin::SignIn(identity) => {
                found.how.push("sign_in".into());
                found.rows.push(org.identities[identity as usize].row);
            }
            GateOrigin::Row(row) => {
                found
                    .how
                    .push(self.relation(row, found.inputs.first().copied()));
                found.rows.push(row);
            }
            GateOrigin::Recovery(gate) => {
                let rows = org.rows_of(org.gates[gate as usize]);
                for &slot in &told.slots {
                    let index = rows[slot as usize];
                    let recovery = &org.recoveries[index as usize];
                    found.how.push(recovery.method.word().into());
                    found.process = recovery.process.map(|process| process.0);
                    found.rows.push(RowRef {
                        table: Table::Recoveries,
                        index,
                    });
                }
            }
            GateOrigin::Shared | GateOrigin::AnyOf => {}
        }
    }

    /// In one word what a row says.
    fn relation(&self, row: RowRef, input: Option<Term>) -> Cow<'a, str> {
        let org = self.view.org;
        let at = row.index as usize;
        match row.table {
            Table::Mailboxes => {
                let Some(Term::Asset(input)) = input else {
                    return "".into();
                };
                let mailbox = &org.mailboxes[at];
                let word = if mailbox.owner == Some(input) {
                    "owner"
                } else if self.view.org.list(mailbox.delegates).contains(&input) {
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

    /// An input; a helper stands for what satisfies it in this proof.
    fn input(&self, mut fact: Fact) -> Term {
        loop {
            if let Some(term) = self.term(fact) {
                return term;
            }
            let graph = &self.view.program.graph;
            let inner = self.by_head.get(&fact).and_then(|step| {
                let slot = *step.slots.first()?;
                graph.inputs(step.gate).get(slot as usize).copied()
            });
            match inner {
                Some(inner) => fact = inner,
                None => return Term::Anybody,
            }
        }
    }

    fn term(&self, fact: Fact) -> Option<Term> {
        let identity = |at: u32| self.view.org.identities[at as usize].asset;
        match self.view.program.atlas.meaning(fact) {
            Meaning::Asset(asset) => Some(Term::Asset(asset)),
            Meaning::Password(at) => Some(Term::Password(identity(at))),
            Meaning::Mfa(at) => Some(Term::Mfa(identity(at))),
            Meaning::Helper => None,
        }
    }
}

impl Chain<'_> {
    /// The chain in one line: `a -> b (how, file:line) -> c (...)`; a step that does not start from
    /// the one before begins anew after a `;`.
    #[must_use]
    pub fn text(&self, view: &View<'_>, with_rows: bool) -> String {
        let mut text = String::new();
        let mut last: Option<Term> = None;
        for (at, step) in self.steps.iter().enumerate() {
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
            // Writing to a string cannot fail.
            if step.of > 1 {
                let _ = write!(text, ", {} of {}", step.need, step.of);
            }
            if let Some(process) = step.process {
                let _ = write!(text, " by {}", view.org.processes[process as usize].id);
            }
            let rows = step.rows.iter().filter(|_| with_rows);
            for meta in rows.filter_map(|&row| view.org.meta(row)) {
                let (file, line) = keys::place(view.org, view.sources, meta);
                let _ = match line {
                    Some(line) => write!(text, ", {file}:{line}"),
                    None => write!(text, ", {file}"),
                };
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
