//! Rows of `recoveries`: what they start from, what they are for, and whether that goes together.

use std::num::NonZeroU32;

use super::gates::GateName;
use super::names::{At, Names, Several};
use super::read::Row;
use super::waves::{Looked, Said};
use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::RawTable;
use crate::ingest::schema::{Col, column};
use crate::model::{
    AssetId, Kind, Method, OwnAsset, Recovery, Restored, RowRef, Source, Table, Target, fold,
};

enum NamedSource {
    Nobody,
    Own(OwnAsset),
    Asset(At),
}

#[derive(Clone, Copy)]
enum NamedTarget {
    Everyone,
    Asset(At, Kind),
}

/// What a row of `recoveries` says.
struct ReadRecovery {
    /// The place of its gate's name among those of the part; nothing for a gate of its own.
    gate: Option<u32>,
    /// Where `need` stands.
    need_origin: Origin,
    /// Nothing in a bad row: then its gate is lost.
    rest: Option<Rest>,
}

struct Rest {
    source: NamedSource,
    target: NamedTarget,
    method: Method,
    restores: Option<Restored>,
    except: Several,
    need: Option<u32>,
    /// Its place among those of the part.
    process: Option<usize>,
}

impl<'t> Builder<'t> {
    pub(super) fn recoveries(&mut self, tables: &[(Context, &RawTable<'t>)]) {
        self.each(tables, read_recovery, |builder, _, said, looked| {
            builder.recovery(said, looked);
        });
    }

    fn recovery(&mut self, mut said: Said<ReadRecovery>, looked: &Looked<'t>) {
        let meta = self.meta(&mut said);
        let ReadRecovery {
            gate,
            need_origin,
            rest,
        } = said.row;
        let name = gate.map(|gate| looked.gates.get(gate));
        let Some(rest) = rest else {
            // Without this row its gate would need less, or more, than the organisation's does.
            self.gates.break_one(name);
            return;
        };
        let at = RowRef {
            table: Table::Recoveries,
            index: self.org.recoveries.len() as u32,
        };
        let source = match rest.source {
            NamedSource::Nobody => Source::Nobody,
            NamedSource::Own(own) => Source::Own(own),
            NamedSource::Asset(name) => Source::Asset(self.resolve(looked, name, at, meta)),
        };
        let (target, default) = match rest.target {
            NamedTarget::Everyone => (Target::Everyone, Restored::Password),
            NamedTarget::Asset(name, kind) => {
                let default = if matches!(kind, Kind::Identity | Kind::Group) {
                    Restored::Password
                } else {
                    Restored::Asset
                };
                (Target::Asset(self.resolve(looked, name, at, meta)), default)
            }
        };
        let except = rest.except.each();
        let mut except: Vec<AssetId> = except
            .map(|name| self.resolve(looked, name, at, meta))
            .collect();
        except.sort_unstable();
        except.dedup();
        let except = self.org.keep_list(&except);
        let process = rest.process.map(|process| {
            let resolve = |name: &str, origin| self.resolve_process(name, origin, at, meta);
            looked.processes.resolve(process, resolve)
        });
        // Rows of a gate mostly follow each other, and write its name alike.
        let before = self.org.recoveries.last().map(|before| before.gate);
        let gate = name.map_or("", GateName::shown);
        let gate = match before {
            Some(before) if self.org.texts.get(before) == gate => before,
            _ => self.org.texts.keep(gate),
        };
        self.gates.add(name, need_origin);
        self.org.recoveries.push(Recovery {
            source,
            target,
            method: rest.method,
            restores: rest.restores.unwrap_or(default),
            except,
            gate,
            need: rest.need.and_then(NonZeroU32::new),
            process,
            meta,
        });
    }
}

fn read_recovery<'t>(
    context: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<ReadRecovery> {
    row.required(column!(Recoveries, "target"));
    row.required(column!(Recoveries, "method"));
    let names = &mut looked.names;
    let method = row.word::<Method>(column!(Recoveries, "method"));
    let source = read_source(row, names, method);
    let target = read_target(row, names, method);
    let restores = row.word::<Restored>(column!(Recoveries, "restores"));
    let except = row.named_all(
        names,
        column!(Recoveries, "except"),
        Kind::Identity,
        &[Kind::Identity, Kind::Group],
    );
    let need = row.number::<u32>(column!(Recoveries, "need"), 1, u32::MAX);
    if let (Some(source), Some(target)) = (&source, target) {
        check(row, source, target, restores, !except.is_empty());
    }
    let process = row.cell(column!(Recoveries, "process"));
    let rest = match (method, source, target) {
        (Some(method), Some(source), Some(target)) if !row.is_bad() => Some(Rest {
            source,
            target,
            method,
            restores,
            except,
            need,
            process: process.map(|cell| looked.processes.add(cell.text(), cell.origin)),
        }),
        _ => None,
    };
    let gate = row.text(column!(Recoveries, "gate"));
    let is_imported = row.raw.provenance.is_some();
    let gate = looked.gates.add(context, is_imported, gate);
    Some(ReadRecovery {
        gate,
        need_origin: row.origin(column!(Recoveries, "need")),
        rest,
    })
}

fn read_source<'t>(
    row: &mut Row<'_, 't>,
    names: &mut Names<'t>,
    method: Option<Method>,
) -> Option<NamedSource> {
    let Some(cell) = row.cell(column!(Recoveries, "source")) else {
        let may_be_nobody = matches!(
            method,
            None | Some(
                Method::SecurityQuestions
                    | Method::HelpDesk
                    | Method::Carrier
                    | Method::ManagerApproval
            )
        );
        if may_be_nobody {
            return Some(NamedSource::Nobody);
        }
        row.say(
            Diagnostic::new(Code::MissingValue, "`source` is empty")
                .at(row.raw.origin, "expected what this recovery starts from")
                .help("only security_questions, help_desk, carrier and manager_approval may start from nobody in particular"),
        );
        return None;
    };
    let own = [
        OwnAsset::Mailbox,
        OwnAsset::Phone,
        OwnAsset::Device,
        OwnAsset::Owner,
    ];
    let text = cell.text();
    let text = fold(&text);
    if let Some(own) = own.into_iter().find(|own| own.word() == text) {
        return Some(NamedSource::Own(own));
    }
    let default = match method {
        Some(Method::EmailLink) => Kind::Mailbox,
        Some(Method::SmsCode | Method::VoiceCall) => Kind::Phone,
        Some(Method::Authenticator | Method::SecurityKey | Method::RecoveryCode) => Kind::Device,
        Some(Method::StoredSecret) => Kind::Vault,
        _ => Kind::Identity,
    };
    row.named(names, column!(Recoveries, "source"), default, &Kind::ALL)
        .map(NamedSource::Asset)
}

fn read_target<'t>(
    row: &mut Row<'_, 't>,
    names: &mut Names<'t>,
    method: Option<Method>,
) -> Option<NamedTarget> {
    let cell = row.cell(column!(Recoveries, "target"))?;
    if cell.text() == "*" {
        return Some(NamedTarget::Everyone);
    }
    let default = if method == Some(Method::Carrier) {
        Kind::Phone
    } else {
        Kind::Identity
    };
    let name = row.named(names, column!(Recoveries, "target"), default, &Kind::ALL)?;
    Some(NamedTarget::Asset(name, names.get(name).kind))
}

fn check(
    row: &mut Row<'_, '_>,
    source: &NamedSource,
    target: NamedTarget,
    restores: Option<Restored>,
    except: bool,
) {
    let kind = match target {
        NamedTarget::Everyone => None,
        NamedTarget::Asset(_, kind) => Some(kind),
    };
    let is_account = matches!(kind, None | Some(Kind::Identity | Kind::Group));
    let is_many = matches!(kind, None | Some(Kind::Group));
    let membership = restores == Some(Restored::Membership);
    let mut say = |column: Col, message: &str, expected: &str| {
        let origin = row.origin(column);
        row.say(Diagnostic::new(Code::BadTarget, message).at(origin, expected));
    };
    if membership && kind != Some(Kind::Group) {
        say(
            column!(Recoveries, "restores"),
            "`membership` can only be restored for a group",
            "expected a `group:` as target",
        );
    } else if restores.is_some() && !is_account {
        say(
            column!(Recoveries, "restores"),
            "a recovery of this target yields the asset itself",
            "expected no value in `restores`",
        );
    }
    if matches!(source, NamedSource::Own(_)) && (!is_account || membership) {
        say(
            column!(Recoveries, "source"),
            "`own:` means the target's own, and this target has none",
            "expected an identity, a group or `*` as target, and not `membership`",
        );
    }
    if except && (!is_many || membership) {
        say(
            column!(Recoveries, "except"),
            "`except` takes somebody out of a group or `*`",
            "expected a group or `*` as target, and not `membership`",
        );
    }
}
