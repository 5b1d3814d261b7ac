//! What deserves a look beyond the tiers, as data: a code, a sentence, the rows.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::{Change, Scan};
use crate::compile::{Members, Options};
use crate::diag::Code;
use crate::model::{
    AssetId, Kind, MailboxKind, Organisation, RecoveryGate, RowRef, SignIn, Source, Table,
};
use crate::rules::Fact;

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

pub(super) fn findings(org: &Organisation, options: &Options, scan: &Scan) -> Vec<Finding> {
    let finder = Finder { org };
    let mut findings = finder.critical_footholds(scan);
    findings.extend(finder.single_holders(options));
    findings.extend(finder.baseline_losses(scan));
    findings.extend(finder.open_enrolments());
    findings.extend(finder.undeclared_names());
    findings.extend(finder.claims());
    findings.extend(finder.raised_tiers(scan));
    findings
}

struct Finder<'a> {
    org: &'a Organisation,
}

impl Finder<'_> {
    fn shown(&self, asset: AssetId) -> &str {
        &self.org.assets.get(asset).shown
    }

    /// An asset by its fact: facts of assets have their numbers.
    fn system(&self, fact: Fact) -> &str {
        self.shown(AssetId(fact.0))
    }

    fn critical_footholds(&self, scan: &Scan) -> Vec<Finding> {
        let personal: BTreeMap<AssetId, RowRef> = self
            .org
            .mailboxes
            .iter()
            .filter(|mailbox| mailbox.kind == MailboxKind::Personal)
            .map(|mailbox| (mailbox.asset, mailbox.row))
            .collect();
        let critical = scan.footholds.iter().filter_map(|foothold| {
            let worst = foothold.answer.unlocks.first()?;
            (scan.criticality[worst.system.index()] == 0).then_some((foothold, worst))
        });
        critical
            .map(|(foothold, worst)| {
                let asset = self.org.assets.get(foothold.asset);
                let row = personal.get(&foothold.asset);
                let kind = if row.is_some() {
                    "personal mailbox"
                } else {
                    asset.kind.word()
                };
                let count = match foothold.answer.unlocks.len() {
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
                    rows: row.copied().into_iter().collect(),
                }
            })
            .collect()
    }

    /// A gate that one asset, or one person in two groups, can satisfy alone although it asks for
    /// two or more.
    fn single_holders(&self, options: &Options) -> Vec<Finding> {
        let members = Members::new(self.org, options.standing_only);
        let mut known: BTreeMap<(Vec<Source>, u32), Option<String>> = BTreeMap::new();
        let mut findings = Vec::new();
        for gate in self.org.gates.iter().filter(|gate| gate.need >= 2) {
            let sources: Vec<Source> = gate
                .rows
                .iter()
                .map(|&row| self.org.recoveries[row as usize].source)
                .collect();
            let holder = known
                .entry((sources, gate.need))
                .or_insert_with_key(|(sources, need)| self.single_holder(sources, *need, &members));
            if let Some(holder) = holder {
                findings.push(Finding {
                    code: Code::GateSingleHolder,
                    message: format!(
                        "{holder} alone satisfies the {} of {} rows of {}",
                        gate.need,
                        gate.rows.len(),
                        self.gate_name(gate)
                    ),
                    rows: gate
                        .rows
                        .iter()
                        .map(|&index| RowRef {
                            table: Table::Recoveries,
                            index,
                        })
                        .collect(),
                });
            }
        }
        findings
    }

    fn single_holder(&self, sources: &[Source], need: u32, members: &Members) -> Option<String> {
        let mut own: BTreeMap<&str, u32> = BTreeMap::new();
        let mut holders: BTreeMap<AssetId, u32> = BTreeMap::new();
        for source in sources {
            match source {
                Source::Nobody => {}
                Source::Own(asset) => *own.entry(asset.word()).or_default() += 1,
                Source::Asset(asset) => {
                    *holders.entry(*asset).or_default() += 1;
                    if self.org.assets.get(*asset).kind == Kind::Group {
                        for member in members.of(*asset) {
                            *holders.entry(member).or_default() += 1;
                        }
                    }
                }
            }
        }
        if let Some((word, _)) = own.iter().find(|(_, count)| **count >= need) {
            return Some(format!("one asset (`{word}`)"));
        }
        let enabled = |asset: AssetId| {
            self.org
                .identity(asset)
                .is_none_or(|identity| identity.enabled)
        };
        let mut alone: Vec<AssetId> = holders
            .iter()
            .filter(|(asset, count)| **count >= need && enabled(**asset))
            .map(|(asset, _)| *asset)
            .collect();
        alone.sort_by_key(|asset| {
            (
                self.org.assets.get(*asset).kind,
                &self.org.assets.get(*asset).key,
            )
        });
        let first = self.org.assets.get(*alone.first()?);
        let more = match alone.len() {
            1 => String::new(),
            count => format!(" (and each of {} more)", count - 1),
        };
        Some(format!("{} `{}`{more}", first.kind.word(), first.shown))
    }

    fn gate_name(&self, gate: &RecoveryGate) -> String {
        let name = gate
            .rows
            .first()
            .map(|&row| &*self.org.recoveries[row as usize].gate)
            .unwrap_or_default();
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
            message: format!("`{}` signs in with a factor that is not enrolled: whoever has the password enrols it", self.shown(identity.asset)),
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
        let declared: FxHashSet<AssetId> = org
            .memberships
            .iter()
            .flat_map(|membership| [membership.group, membership.member])
            .collect();
        let groups = org
            .assets
            .iter()
            .filter(|(id, asset)| asset.kind == Kind::Group && !declared.contains(id));
        findings.extend(groups.map(|(_, asset)| Finding {
            code: Code::UndeclaredName,
            message: format!(
                "group `{}` is declared nowhere: nobody is in it by the tables",
                asset.shown
            ),
            rows: Vec::new(),
        }));
        findings
    }

    /// Approvals and hold times are what a process says of itself; only a gate keeps them.
    fn claims(&self) -> Vec<Finding> {
        let org = self.org;
        let mut weakest: BTreeMap<u32, u32> = BTreeMap::new();
        for gate in &org.gates {
            let process = gate
                .rows
                .first()
                .and_then(|&row| org.recoveries[row as usize].process);
            if let Some(process) = process {
                let need = weakest.entry(process.0).or_insert(gate.need);
                *need = (*need).min(gate.need);
            }
        }
        let mut findings = Vec::new();
        for (at, process) in org.processes.iter().enumerate() {
            let Some(&need) = weakest.get(&(at as u32)) else {
                continue;
            };
            let mut claims = Vec::new();
            if let Some(approvals) = process
                .approvals
                .filter(|&approvals| approvals > 0 && need <= approvals)
            {
                claims.push(format!(
                    "{approvals} approvals, while a gate of it needs only {need} in all"
                ));
            }
            if let Some(hours) = process.hold_hours.filter(|&hours| hours > 0) {
                claims.push(format!("a hold of {hours} hours, which no gate keeps"));
            }
            if !claims.is_empty() {
                findings.push(Finding {
                    code: Code::ClaimWithoutGate,
                    message: format!("process `{}` claims {}", process.id, claims.join(" and ")),
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
