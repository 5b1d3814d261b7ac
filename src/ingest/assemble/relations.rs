//! Rows that relate assets: bindings, holdings, memberships, grants, signals, resets, coverage.

use super::read::Row;
use super::{Builder, Context, holder_kind};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::RawRow;
use crate::ingest::schema::column;
use crate::model::{
    Access, Binding, Coverage, Factor, Grant, Holding, Kind, Membership, Proofing, Reset, Restored,
    RowRef, Signal, SignalKind, Table, Word,
};

impl<'t> Builder<'t> {
    pub(super) fn binding(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        row.required(column!(MfaBindings, "identity"));
        row.required(column!(MfaBindings, "factor"));
        let identity = row.reference(
            column!(MfaBindings, "identity"),
            Kind::Identity,
            &[Kind::Identity],
        );
        let factor = row.word::<Factor>(column!(MfaBindings, "factor"));
        let default = factor.map_or(Kind::Device, holder_kind);
        let holders = [
            Kind::Identity,
            Kind::Mailbox,
            Kind::Phone,
            Kind::Device,
            Kind::Vault,
        ];
        let holder = row.reference(column!(MfaBindings, "holder"), default, &holders);
        let (true, Some(identity), Some(factor)) = (self.keep(row), identity, factor) else {
            return;
        };
        let at = RowRef {
            table: Table::MfaBindings,
            index: self.org.bindings.len() as u32,
        };
        let meta = Self::meta(raw);
        let identity = self.resolve(&identity, at, &meta);
        let holder = holder.map(|holder| self.resolve(&holder, at, &meta));
        self.org.bindings.push(Binding {
            identity,
            factor,
            holder,
            meta,
        });
    }

    pub(super) fn holding(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        row.required(column!(Holdings, "holder"));
        row.required(column!(Holdings, "asset"));
        let holder = row.reference(column!(Holdings, "holder"), Kind::Identity, &Kind::ALL);
        let assets = [Kind::Vault, Kind::Phone, Kind::Device, Kind::Mailbox];
        let asset = row.reference(column!(Holdings, "asset"), Kind::Vault, &assets);
        let (true, Some(holder), Some(asset)) = (self.keep(row), holder, asset) else {
            return;
        };
        let at = RowRef {
            table: Table::Holdings,
            index: self.org.holdings.len() as u32,
        };
        let meta = Self::meta(raw);
        let holder = self.resolve(&holder, at, &meta);
        let asset = self.resolve(&asset, at, &meta);
        self.org.holdings.push(Holding {
            holder,
            asset,
            meta,
        });
    }

    pub(super) fn membership(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        row.required(column!(Memberships, "member"));
        row.required(column!(Memberships, "group"));
        let member = row.reference(
            column!(Memberships, "member"),
            Kind::Identity,
            &[Kind::Identity, Kind::Group],
        );
        let group = row.reference(column!(Memberships, "group"), Kind::Group, &[Kind::Group]);
        let access = row
            .word::<Access>(column!(Memberships, "access"))
            .unwrap_or(Access::Standing);
        let (true, Some(member), Some(group)) = (self.keep(row), member, group) else {
            return;
        };
        let at = RowRef {
            table: Table::Memberships,
            index: self.org.memberships.len() as u32,
        };
        let meta = Self::meta(raw);
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

    pub(super) fn grant(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        row.required(column!(Grants, "principal"));
        row.required(column!(Grants, "system"));
        let principals = [Kind::Identity, Kind::Group, Kind::System];
        let principal = row.reference(column!(Grants, "principal"), Kind::Identity, &principals);
        let system = row.reference(column!(Grants, "system"), Kind::System, &[Kind::System]);
        let access = row
            .word::<Access>(column!(Grants, "access"))
            .unwrap_or(Access::Standing);
        let role = row.text(column!(Grants, "role"));
        let (true, Some(principal), Some(system)) = (self.keep(row), principal, system) else {
            return;
        };
        let at = RowRef {
            table: Table::Grants,
            index: self.org.grants.len() as u32,
        };
        let meta = Self::meta(raw);
        let principal = self.resolve(&principal, at, &meta);
        let system = self.resolve(&system, at, &meta);
        let role = self.intern(&role);
        self.org.grants.push(Grant {
            principal,
            system,
            role,
            access,
            meta,
        });
    }

    pub(super) fn signal(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        row.required(column!(Signals, "identity"));
        row.required(column!(Signals, "signal"));
        let identity = row.reference(
            column!(Signals, "identity"),
            Kind::Identity,
            &[Kind::Identity],
        );
        let signal = row.word::<SignalKind>(column!(Signals, "signal"));
        let seen = row.time(column!(Signals, "seen"));
        let (true, Some(name), Some(signal)) = (self.keep(row), identity, signal) else {
            return;
        };
        let identity = self.org.assets.find(Kind::Identity, &name.key);
        if identity.is_none() {
            self.unknown_identity("signal", &name.shown, name.origin);
        }
        let meta = Self::meta(raw);
        self.org.signals.push(Signal {
            identity,
            signal,
            seen,
            meta,
        });
    }

    pub(super) fn reset(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        for column in [
            column!(Resets, "id"),
            column!(Resets, "time"),
            column!(Resets, "identity"),
            column!(Resets, "process"),
        ] {
            row.required(column);
        }
        let time = row.time(column!(Resets, "time"));
        let identity = row.reference(
            column!(Resets, "identity"),
            Kind::Identity,
            &[Kind::Identity],
        );
        row.reference(column!(Resets, "agent"), Kind::Identity, &[Kind::Identity]);
        row.references(
            column!(Resets, "approvers"),
            Kind::Identity,
            &[Kind::Identity],
        );
        row.word::<Proofing>(column!(Resets, "proofing"));
        let restored = row.word::<Restored>(column!(Resets, "restored"));
        if restored == Some(Restored::Membership) {
            row.say(
                Diagnostic::new(Code::BadValue, "`membership` is no value of `restored`").at(
                    row.origin(column!(Resets, "restored")),
                    "expected password, mfa, account",
                ),
            );
        }
        row.boolean(column!(Resets, "sessions_revoked"));
        row.time(column!(Resets, "requested"));
        let id = row.text(column!(Resets, "id"));
        let key = crate::model::fold(&id).into_owned();
        if let Some(&(source, first)) = self.reset_ids.get(&key)
            && source == context.source
        {
            row.say(
                Diagnostic::new(
                    Code::DuplicateId,
                    format!("`{id}` is declared twice in `resets`"),
                )
                .at(row.origin(column!(Resets, "id")), "declared again here")
                .related(first, "first declared here"),
            );
        }
        let origin = row.origin(column!(Resets, "id"));
        let (true, Some(time), Some(name)) = (self.keep(row), time, identity) else {
            return;
        };
        self.reset_ids.insert(key, (context.source, origin));
        let identity = self.org.assets.find(Kind::Identity, &name.key);
        if identity.is_none() {
            self.unknown_identity("reset", &name.shown, name.origin);
        }
        let meta = Self::meta(raw);
        self.org.resets.push(Reset {
            id: (&*id).into(),
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

    pub(super) fn coverage(&mut self, context: Context, raw: RawRow<'_, 't>) {
        let mut row = Row::new(context, raw);
        for column in [
            column!(Coverage, "source"),
            column!(Coverage, "aspect"),
            column!(Coverage, "state"),
        ] {
            row.required(column);
        }
        let known = row.word::<State>(column!(Coverage, "state"));
        let [source, scope, aspect, detail] = [
            column!(Coverage, "source"),
            column!(Coverage, "scope"),
            column!(Coverage, "aspect"),
            column!(Coverage, "detail"),
        ]
        .map(|column| Box::from(&*row.text(column)));
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
