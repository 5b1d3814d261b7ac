//! What deserves a look beyond the tiers, as data: a code, a sentence, the rows.

use super::demands::Ways;
use super::single::Single;
use super::{Change, Scan};
use crate::compile::{GateOrigin, Program};
use crate::diag::Code;
use crate::model::{
    AssetId, Kind, MailboxKind, Organisation, RecoveryGate, RowRef, SignIn, Source, Table, Target,
};
use crate::rules::Fact;
use crate::solve::Answer;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of finding.
    pub code: Code,
    /// One sentence; names are as shown, not escaped for any output.
    pub message: String,
    /// The rows it rests on.
    pub rows: Vec<RowRef>,
}

/// `singles` are the gates that [`super::single::single_holders`] found, `ways` those of the processes.
pub(super) fn findings(
    org: &Organisation,
    program: &Program,
    scan: &Scan,
    singles: Vec<Single>,
    ways: &Ways,
) -> Vec<Finding> {
    let finder = Finder { org };
    let mut findings = finder.critical_footholds(program, scan);
    findings.extend(finder.single_holders(singles));
    findings.extend(finder.baseline_losses(scan));
    findings.extend(finder.open_enrolments());
    findings.extend(finder.undeclared_names());
    findings.extend(finder.claims(ways));
    findings.extend(finder.raised_tiers(scan));
    findings
}

struct Finder<'a> {
    org: &'a Organisation,
}

impl Finder<'_> {
    fn shown(&self, asset: AssetId) -> &str {
        self.org.assets.get(asset).shown
    }

    /// An asset by its fact: facts of assets have their numbers.
    fn system(&self, fact: Fact) -> &str {
        self.shown(AssetId(fact.0))
    }

    fn critical_footholds(&self, program: &Program, scan: &Scan) -> Vec<Finding> {
        let mut is_personal = vec![false; self.org.assets.len()];
        for mailbox in &self.org.mailboxes {
            is_personal[mailbox.asset.index()] = mailbox.kind == MailboxKind::Personal;
        }
        let critical = scan.footholds.iter().filter_map(|foothold| {
            let worst = foothold.answer.unlocks().first()?;
            (scan.criticality[worst.system.index()] == 0).then_some((foothold, worst))
        });
        critical
            .map(|(foothold, worst)| {
                let asset = self.org.assets.get(foothold.asset);
                let kind = if is_personal[foothold.asset.index()] {
                    "personal mailbox"
                } else {
                    asset.kind.word()
                };
                let count = match foothold.answer.unlocks().len() {
                    1 => String::new(),
                    more => format!(" and {} more", more - 1),
                };
                Finding {
                    code: Code::FootholdCritical,
                    message: format!(
                        "whoever controls the {kind} `{}` unlocks `{}`{count}",
                        asset.shown,
                        self.system(worst.system)
                    ),
                    rows: self.rows_of(program, &foothold.answer),
                }
            })
            .collect()
    }

    /// A gate that one asset, or one person in two groups, can satisfy alone although it asks for
    /// two or more.
    fn single_holders(&self, singles: Vec<Single>) -> Vec<Finding> {
        singles
            .into_iter()
            .map(|single| {
                let gate = self.org.gates[single.gate as usize];
                Finding {
                    code: Code::GateSingleHolder,
                    message: format!(
                        "{} alone satisfies {} of {} rows of {}{}",
                        self.holder(&single),
                        gate.need,
                        gate.count,
                        self.gate_name(gate),
                        self.restored(&single)
                    ),
                    rows: self.recovery_rows(gate),
                }
            })
            .collect()
    }

    /// Who satisfies a gate alone.
    fn holder(&self, single: &Single) -> String {
        let asset = self.org.assets.get(single.holder);
        let more = match single.more {
            0 => String::new(),
            more => format!(" (and each of {more} more)"),
        };
        format!("{} `{}`{more}", asset.kind.word(), asset.shown)
    }

    /// For whom.
    fn restored(&self, single: &Single) -> String {
        let Some(of) = single.of else {
            return String::new();
        };
        let more = match single.of_more {
            0 => String::new(),
            more => format!("; somebody does for each of {more} more"),
        };
        format!(", for `{}`{more}", self.shown(of))
    }

    /// The rows that the chain to the worst system rests on, in its order.
    fn rows_of(&self, program: &Program, answer: &Answer) -> Vec<RowRef> {
        let mut rows = Vec::new();
        let Some(proof) = answer.proof() else {
            return rows;
        };
        for step in &proof.steps {
            match program.atlas.origin(step.gate) {
                GateOrigin::SignIn(at) => rows.push(self.org.identities[at as usize].row),
                GateOrigin::Row(row) => rows.push(row),
                GateOrigin::Recovery(at) => {
                    let of = self.recovery_rows(self.org.gates[at as usize]);
                    let slots = proof.slots(step).iter();
                    rows.extend(slots.filter_map(|&slot| of.get(slot as usize)));
                }
                GateOrigin::Shared | GateOrigin::AnyOf => {}
            }
        }
        rows
    }

    fn recovery_rows(&self, gate: RecoveryGate) -> Vec<RowRef> {
        let rows = self.org.rows_of(gate).iter();
        rows.map(|&index| RowRef {
            table: Table::Recoveries,
            index,
        })
        .collect()
    }

    fn gate_name(&self, gate: RecoveryGate) -> String {
        let first = self.org.recoveries_of(gate).next();
        let name = first.map_or("", |recovery| self.org.text(recovery.gate));
        if name.is_empty() {
            "a gate without a name".to_owned()
        } else {
            format!("gate `{name}`")
        }
    }

    fn baseline_losses(&self, scan: &Scan) -> Vec<Finding> {
        let systems = scan.baseline.systems.iter();
        systems
            .map(|unlocked| Finding {
                code: Code::BaselineLoss,
                message: format!(
                    "the assumptions alone give `{}`: no identity is to blame for it",
                    self.system(unlocked.system)
                ),
                rows: Vec::new(),
            })
            .collect()
    }

    fn open_enrolments(&self) -> Vec<Finding> {
        let open = self.org.identities.iter().filter(|identity| {
            identity.enabled && identity.sign_in == SignIn::PasswordAndMfa && !identity.has_binding
        });
        open.map(|identity| Finding {
            code: Code::OpenEnrolment,
            message: format!("`{}` signs in with a factor that is not enrolled: whoever signs in first enrols it", self.shown(identity.asset)),
            rows: vec![identity.row],
        })
        .collect()
    }

    fn undeclared_names(&self) -> Vec<Finding> {
        let org = self.org;
        let identities = org
            .identities
            .iter()
            .filter(|found| !found.declared)
            .map(|found| ("identity", self.shown(found.asset), found.row));
        let mailboxes = org
            .mailboxes
            .iter()
            .filter(|found| !found.declared)
            .map(|found| ("mailbox", self.shown(found.asset), found.row));
        let systems = org
            .systems
            .iter()
            .filter(|found| !found.declared)
            .map(|found| ("system", self.shown(found.asset), found.row));
        let processes = org
            .processes
            .iter()
            .filter(|found| !found.declared)
            .map(|found| ("process", &*found.id, found.row));
        let mut findings: Vec<Finding> = identities
            .chain(mailboxes)
            .chain(systems)
            .chain(processes)
            .map(|(kind, shown, row)| Finding {
                code: Code::UndeclaredName,
                message: format!("{kind} `{shown}` is declared nowhere"),
                rows: vec![row],
            })
            .collect();
        let mut is_declared = vec![false; org.assets.len()];
        for membership in &org.memberships {
            is_declared[membership.group.index()] = true;
            is_declared[membership.member.index()] = true;
        }
        let groups = org
            .assets
            .kinds()
            .filter(|(id, kind)| *kind == Kind::Group && !is_declared[id.index()]);
        findings.extend(groups.map(|(id, _)| Finding {
            code: Code::UndeclaredName,
            message: format!(
                "group `{}` is declared nowhere: nobody is in it by the tables",
                self.shown(id)
            ),
            rows: self.first_use(id).into_iter().collect(),
        }));
        findings
    }

    /// The first row that names a group which no membership does.
    fn first_use(&self, group: AssetId) -> Option<RowRef> {
        let org = self.org;
        let of = |table: Table, at: Option<usize>| {
            at.map(|at| RowRef {
                table,
                index: at as u32,
            })
        };
        let in_mailboxes = org
            .mailboxes
            .iter()
            .position(|row| row.owner == Some(group) || org.list(row.delegates).contains(&group));
        let in_holdings = org.holdings.iter().position(|row| row.holder == group);
        let in_recoveries = org.recoveries.iter().position(|row| {
            row.source == Source::Asset(group)
                || row.target == Target::Asset(group)
                || org.list(row.except).contains(&group)
        });
        let in_grants = org.grants.iter().position(|row| row.principal == group);
        of(Table::Mailboxes, in_mailboxes)
            .or_else(|| of(Table::Holdings, in_holdings))
            .or_else(|| of(Table::Recoveries, in_recoveries))
            .or_else(|| of(Table::Grants, in_grants))
    }

    /// Approvals and hold times are what a process says of itself; only a gate keeps them.
    fn claims(&self, ways: &Ways) -> Vec<Finding> {
        let org = self.org;
        let mut findings = Vec::new();
        for (at, process) in org.processes.iter().enumerate() {
            let Some(kept) = ways.approvals(at as u32) else {
                continue;
            };
            let mut claims = Vec::new();
            if let Some(approvals) = process.approvals.filter(|&approvals| kept < approvals) {
                let plural = if approvals == 1 { "" } else { "s" };
                let kept = match kept {
                    0 => "none".to_owned(),
                    kept => kept.to_string(),
                };
                claims.push(format!(
                    "{approvals} approval{plural}, but a gate of it asks for {kept}"
                ));
            }
            if let Some(hours) = process.hold_hours.filter(|&hours| hours > 0) {
                claims.push(format!("a hold of {hours} hours, which no gate keeps"));
            }
            if !claims.is_empty() {
                findings.push(Finding {
                    code: Code::ClaimWithoutGate,
                    message: format!(
                        "process `{}` claims {}",
                        process.id,
                        claims.join("; it claims ")
                    ),
                    rows: vec![process.row],
                });
            }
        }
        findings
    }

    /// One finding for all: the rows are in `tiers.csv`.
    fn raised_tiers(&self, scan: &Scan) -> Vec<Finding> {
        let raised = scan
            .identities
            .iter()
            .filter(|result| result.change == Some(Change::Raise));
        let rows: Vec<RowRef> = raised
            .map(|result| self.org.identities[result.identity as usize].row)
            .collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let count = rows.len();
        let message = if count == 1 {
            "1 identity needs a stricter tier than it has".to_owned()
        } else {
            format!("{count} identities need a stricter tier than they have")
        };
        vec![Finding {
            code: Code::TierRaised,
            message,
            rows,
        }]
    }
}
