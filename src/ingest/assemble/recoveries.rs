//! Rows of `recoveries`: what they start from, what they are for, and whether that goes together.

use super::gates::{GateName, GateRow};
use super::read::{Reference, Row};
use super::{Builder, Context};
use crate::diag::{Code, Diagnostic};
use crate::ingest::raw::RawRow;
use crate::ingest::schema::{Col, column};
use crate::model::{
    Kind, Method, OwnAsset, Recovery, Restored, RowRef, Source, Table, Target, fold,
};

enum NamedSource<'t> {
    Nobody,
    Own(OwnAsset),
    Asset(Reference<'t>),
}

enum NamedTarget<'t> {
    Everyone,
    Asset(Reference<'t>),
}

impl<'t> Builder<'t> {
    pub(super) fn recovery(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        row.required(column!(Recoveries, "target"));
        row.required(column!(Recoveries, "method"));
        let method = row.word::<Method>(column!(Recoveries, "method"));
        let source = read_source(&mut row, method);
        let target = read_target(&mut row, method);
        let restores = row.word::<Restored>(column!(Recoveries, "restores"));
        let except = row.references(
            column!(Recoveries, "except"),
            Kind::Identity,
            &[Kind::Identity, Kind::Group],
        );
        let need = row.number::<u32>(column!(Recoveries, "need"), 1, u32::MAX);
        let gate = row.text(column!(Recoveries, "gate"));
        if let (Some(source), Some(target)) = (&source, &target) {
            check(&mut row, source, target, restores, !except.is_empty());
        }
        let gate_name = GateName::of(context, raw, &gate);
        let gate_origin = row.origin(column!(Recoveries, "need"));
        let process = row
            .cell(column!(Recoveries, "process"))
            .map(|cell| (cell.text(), cell.origin));
        let good = self.keep(row);
        let (true, Some(method), Some(source), Some(target)) = (good, method, source, target)
        else {
            // Without this row its gate would need less, or more, than the organisation's does.
            self.broken_gates.extend(gate_name);
            return;
        };
        let at = RowRef {
            table: Table::Recoveries,
            index: self.org.recoveries.len() as u32,
        };
        let meta = Self::meta(raw);
        let source = match source {
            NamedSource::Nobody => Source::Nobody,
            NamedSource::Own(own) => Source::Own(own),
            NamedSource::Asset(name) => Source::Asset(self.resolve(&name, at, &meta)),
        };
        let (target, default) = match target {
            NamedTarget::Everyone => (Target::Everyone, Restored::Password),
            NamedTarget::Asset(name) => {
                let accounts = matches!(name.kind, Kind::Identity | Kind::Group);
                let default = if accounts {
                    Restored::Password
                } else {
                    Restored::Asset
                };
                (Target::Asset(self.resolve(&name, at, &meta)), default)
            }
        };
        let mut except = self.resolve_all(&except, at, &meta);
        except.sort_unstable();
        let process = process.map(|(name, origin)| self.resolve_process(&name, origin, at, &meta));
        self.gate_rows.push(GateRow {
            name: gate_name,
            need: gate_origin,
        });
        let gate = self.org.texts.keep(&gate);
        self.org.recoveries.push(Recovery {
            source,
            target,
            method,
            restores: restores.unwrap_or(default),
            except,
            gate,
            need,
            process,
            meta,
        });
    }
}

fn read_source<'t>(row: &mut Row<'_, 't>, method: Option<Method>) -> Option<NamedSource<'t>> {
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
    row.reference(column!(Recoveries, "source"), default, &Kind::ALL)
        .map(NamedSource::Asset)
}

fn read_target<'t>(row: &mut Row<'_, 't>, method: Option<Method>) -> Option<NamedTarget<'t>> {
    let cell = row.cell(column!(Recoveries, "target"))?;
    if cell.text() == "*" {
        return Some(NamedTarget::Everyone);
    }
    let default = if method == Some(Method::Carrier) {
        Kind::Phone
    } else {
        Kind::Identity
    };
    row.reference(column!(Recoveries, "target"), default, &Kind::ALL)
        .map(NamedTarget::Asset)
}

fn check(
    row: &mut Row<'_, '_>,
    source: &NamedSource<'_>,
    target: &NamedTarget<'_>,
    restores: Option<Restored>,
    except: bool,
) {
    let kind = match target {
        NamedTarget::Everyone => None,
        NamedTarget::Asset(name) => Some(name.kind),
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
