//! Rows that relate assets: bindings, holdings, memberships, grants, signals, resets, coverage.

use super::read::Row;
use super::{Builder, Context, holder_kind};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::RawRow;
use crate::model::{
    Access, Binding, Coverage, Factor, Grant, Holding, Kind, Membership, Proofing, Reset, Restored,
    RowRef, Signal, SignalKind, Table, Word,
};

impl Builder {
    pub(super) fn binding(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        row.required("identity");
        row.required("factor");
        let identity = row.reference("identity", Kind::Identity, &[Kind::Identity]);
        let factor = row.word::<Factor>("factor");
        let default = factor.map_or(Kind::Device, holder_kind);
        let holders = [
            Kind::Identity,
            Kind::Mailbox,
            Kind::Phone,
            Kind::Device,
            Kind::Vault,
        ];
        let holder = row.reference("holder", default, &holders);
        let (true, Some(identity), Some(factor)) = (self.keep(row), identity, factor) else {
            return;
        };
        let at = RowRef {
            table: Table::MfaBindings,
            index: self.org.bindings.len() as u32,
        };
        let meta = self.meta(raw);
        let identity = self.resolve(&identity, at, &meta);
        let holder = holder.map(|holder| self.resolve(&holder, at, &meta));
        self.org.bindings.push(Binding {
            identity,
            factor,
            holder,
            meta,
        });
    }

    pub(super) fn holding(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        row.required("holder");
        row.required("asset");
        let holder = row.reference("holder", Kind::Identity, &Kind::ALL);
        let assets = [Kind::Vault, Kind::Phone, Kind::Device, Kind::Mailbox];
        let asset = row.reference("asset", Kind::Vault, &assets);
        let (true, Some(holder), Some(asset)) = (self.keep(row), holder, asset) else {
            return;
        };
        let at = RowRef {
            table: Table::Holdings,
            index: self.org.holdings.len() as u32,
        };
        let meta = self.meta(raw);
        let holder = self.resolve(&holder, at, &meta);
        let asset = self.resolve(&asset, at, &meta);
        self.org.holdings.push(Holding {
            holder,
            asset,
            meta,
        });
    }

    pub(super) fn membership(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        row.required("member");
        row.required("group");
        let member = row.reference("member", Kind::Identity, &[Kind::Identity, Kind::Group]);
        let group = row.reference("group", Kind::Group, &[Kind::Group]);
        let access = row.word::<Access>("access").unwrap_or(Access::Standing);
        let (true, Some(member), Some(group)) = (self.keep(row), member, group) else {
            return;
        };
        let at = RowRef {
            table: Table::Memberships,
            index: self.org.memberships.len() as u32,
        };
        let meta = self.meta(raw);
        let member_id = self.resolve(&member, at, &meta);
        let group = self.resolve(&group, at, &meta);
        self.declared_groups.insert(group);
        if member.kind == Kind::Group {
            self.declared_groups.insert(member_id);
        }
        self.org.memberships.push(Membership {
            member: member_id,
            group,
            access,
            meta,
        });
    }

    pub(super) fn grant(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        row.required("principal");
        row.required("system");
        let principals = [Kind::Identity, Kind::Group, Kind::System];
        let principal = row.reference("principal", Kind::Identity, &principals);
        let system = row.reference("system", Kind::System, &[Kind::System]);
        let access = row.word::<Access>("access").unwrap_or(Access::Standing);
        let role = row.text("role");
        let (true, Some(principal), Some(system)) = (self.keep(row), principal, system) else {
            return;
        };
        let at = RowRef {
            table: Table::Grants,
            index: self.org.grants.len() as u32,
        };
        let meta = self.meta(raw);
        let principal = self.resolve(&principal, at, &meta);
        let system = self.resolve(&system, at, &meta);
        self.org.grants.push(Grant {
            principal,
            system,
            role,
            access,
            meta,
        });
    }

    pub(super) fn signal(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        row.required("identity");
        row.required("signal");
        let identity = row.reference("identity", Kind::Identity, &[Kind::Identity]);
        let signal = row.word::<SignalKind>("signal");
        let seen = row.time("seen");
        let (true, Some(name), Some(signal)) = (self.keep(row), identity, signal) else {
            return;
        };
        let identity = self.org.assets.find(Kind::Identity, &name.key);
        if identity.is_none() {
            self.unknown_identity("signal", &name.shown, name.origin);
        }
        let meta = self.meta(raw);
        self.org.signals.push(Signal {
            identity,
            signal,
            seen,
            meta,
        });
    }

    pub(super) fn reset(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        for column in ["id", "time", "identity", "process"] {
            row.required(column);
        }
        let time = row.time("time");
        let identity = row.reference("identity", Kind::Identity, &[Kind::Identity]);
        row.reference("agent", Kind::Identity, &[Kind::Identity]);
        row.references("approvers", Kind::Identity, &[Kind::Identity]);
        row.word::<Proofing>("proofing");
        let restored = row.word::<Restored>("restored");
        if restored == Some(Restored::Membership) {
            row.say(
                Diagnostic::new(Code::BadValue, "`membership` is no value of `restored`")
                    .at(row.origin("restored"), "expected password, mfa, account"),
            );
        }
        row.boolean("sessions_revoked");
        row.time("requested");
        let id = row.text("id");
        let key = crate::model::fold(&id);
        if let Some(&(source, first)) = self.reset_ids.get(&key)
            && source == context.source
        {
            row.say(
                Diagnostic::new(
                    Code::DuplicateId,
                    format!("`{id}` is declared twice in `resets`"),
                )
                .at(row.origin("id"), "declared again here")
                .related(first, "first declared here"),
            );
        }
        let origin = row.origin("id");
        let (true, Some(time), Some(name)) = (self.keep(row), time, identity) else {
            return;
        };
        self.reset_ids.insert(key, (context.source, origin));
        let identity = self.org.assets.find(Kind::Identity, &name.key);
        if identity.is_none() {
            self.unknown_identity("reset", &name.shown, name.origin);
        }
        let meta = self.meta(raw);
        self.org.resets.push(Reset {
            id,
            identity,
            time,
            meta,
        });
    }

    fn unknown_identity(&mut self, what: &str, shown: &str, origin: Origin) {
        self.diagnostics.push(
            Diagnostic::new(
                Code::UnknownIdentity,
                format!("a {what} of `{shown}`, whom nothing else names"),
            )
            .at(origin, "no identity has this name"),
        );
    }

    pub(super) fn coverage(&mut self, context: Context, raw: &RawRow) {
        let mut row = Row::new(context, raw);
        for column in ["source", "aspect", "state"] {
            row.required(column);
        }
        let known = row.word::<State>("state");
        let [source, scope, aspect, detail] =
            ["source", "scope", "aspect", "detail"].map(|column| row.text(column));
        let (true, Some(state)) = (self.keep(row), known) else {
            return;
        };
        self.org.coverage.push(Coverage {
            source,
            scope,
            aspect,
            known: state == State::Known,
            detail,
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Unknown,
}

impl Word for State {
    const WORDS: &'static [(&'static str, Self)] =
        &[("known", Self::Known), ("unknown", Self::Unknown)];
}
