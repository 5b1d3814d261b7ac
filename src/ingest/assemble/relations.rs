//! Rows that relate assets: bindings, holdings, memberships, grants, signals, coverage.

use std::borrow::Cow;

use super::names::At;
use super::read::Row;
use super::waves::Looked;
use super::{Builder, Context, holder_kind};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::RawTable;
use crate::ingest::schema::column;
use crate::model::{
    Access, AssetId, Binding, Coverage, Factor, Grant, Holding, Kind, Membership, RowRef, Signal,
    SignalKind, Table, Word,
};

/// Tables of one kind.
type Tables<'a, 't> = [(Context, &'a RawTable<'t>)];

impl<'t> Builder<'t> {
    pub(super) fn bindings(&mut self, tables: &Tables<'_, 't>) {
        self.each(tables, read_binding, |builder, _, mut said, looked| {
            let row = RowRef {
                table: Table::MfaBindings,
                index: builder.org.bindings.len() as u32,
            };
            let meta = builder.meta(&mut said);
            let (identity, factor, holder) = said.row;
            let identity = builder.resolve(looked, identity, row, meta);
            let holder = holder.map(|holder| builder.resolve(looked, holder, row, meta));
            builder.org.bindings.push(Binding {
                identity,
                factor,
                holder,
                meta,
            });
        });
    }

    pub(super) fn holdings(&mut self, tables: &Tables<'_, 't>) {
        self.each(tables, read_holding, |builder, _, mut said, looked| {
            let row = RowRef {
                table: Table::Holdings,
                index: builder.org.holdings.len() as u32,
            };
            let meta = builder.meta(&mut said);
            let [holder, asset] = said.row.map(|at| builder.resolve(looked, at, row, meta));
            builder.org.holdings.push(Holding {
                holder,
                asset,
                meta,
            });
        });
    }

    pub(super) fn memberships(&mut self, tables: &Tables<'_, 't>) {
        self.each(tables, read_membership, |builder, _, mut said, looked| {
            let row = RowRef {
                table: Table::Memberships,
                index: builder.org.memberships.len() as u32,
            };
            let meta = builder.meta(&mut said);
            let (names, access) = said.row;
            let is_group = looked.names.get(names[0]).kind == Kind::Group;
            let [member, group] = names.map(|at| builder.resolve(looked, at, row, meta));
            builder.declared_groups.insert(group);
            if is_group {
                builder.declared_groups.insert(member);
            }
            builder.org.memberships.push(Membership {
                member,
                group,
                access,
                meta,
            });
        });
    }

    pub(super) fn grants(&mut self, tables: &Tables<'_, 't>) {
        self.each(tables, read_grant, |builder, _, mut said, looked| {
            let row = RowRef {
                table: Table::Grants,
                index: builder.org.grants.len() as u32,
            };
            let meta = builder.meta(&mut said);
            let (names, access, role) = said.row;
            let [principal, system] = names.map(|at| builder.resolve(looked, at, row, meta));
            let role = builder.intern(&role);
            builder.org.grants.push(Grant {
                principal,
                system,
                role,
                access,
                meta,
            });
        });
    }

    pub(super) fn signals(&mut self, tables: &Tables<'_, 't>) {
        self.each(tables, read_signal, |builder, _, mut said, looked| {
            let (name, signal, seen) = said.row;
            let meta = builder.meta(&mut said);
            let identity = builder.known_identity("signal", looked, name);
            builder.org.signals.push(Signal {
                identity,
                signal,
                seen,
                meta,
            });
        });
    }

    /// The identity of that name, or a warning.
    pub(super) fn known_identity(
        &mut self,
        what: &str,
        looked: &Looked<'t>,
        at: At,
    ) -> Option<AssetId> {
        // No row between the look-up and here creates a name.
        let found = looked.found.get(at.index()).copied().flatten();
        if found.is_none() {
            let name = looked.names.get(at);
            self.unknown_identity(what, name.shown(), name.origin);
        }
        found
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

    pub(super) fn coverage(&mut self, tables: &Tables<'_, 't>) {
        self.each(tables, read_coverage, |builder, _, said, _| {
            builder.org.coverage.push(said.row);
        });
    }
}

fn read_binding<'t>(
    _: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<(At, Factor, Option<At>)> {
    row.required(column!(MfaBindings, "identity"));
    row.required(column!(MfaBindings, "factor"));
    let names = &mut looked.names;
    let identity = row.named(
        names,
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
    let holder = row.named(names, column!(MfaBindings, "holder"), default, &holders);
    row.good((identity?, factor?, holder))
}

fn read_holding<'t>(_: Context, row: &mut Row<'_, 't>, looked: &mut Looked<'t>) -> Option<[At; 2]> {
    row.required(column!(Holdings, "holder"));
    row.required(column!(Holdings, "asset"));
    let names = &mut looked.names;
    let holder = row.named(
        names,
        column!(Holdings, "holder"),
        Kind::Identity,
        &Kind::ALL,
    );
    let assets = [Kind::Vault, Kind::Phone, Kind::Device, Kind::Mailbox];
    let asset = row.named(names, column!(Holdings, "asset"), Kind::Vault, &assets);
    row.good([holder?, asset?])
}

fn read_membership<'t>(
    _: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<([At; 2], Access)> {
    row.required(column!(Memberships, "member"));
    row.required(column!(Memberships, "group"));
    let names = &mut looked.names;
    let member = row.named(
        names,
        column!(Memberships, "member"),
        Kind::Identity,
        &[Kind::Identity, Kind::Group],
    );
    let group = row.named(
        names,
        column!(Memberships, "group"),
        Kind::Group,
        &[Kind::Group],
    );
    let access = row
        .word::<Access>(column!(Memberships, "access"))
        .unwrap_or(Access::Standing);
    row.good(([member?, group?], access))
}

fn read_grant<'t>(
    _: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<([At; 2], Access, Cow<'t, str>)> {
    row.required(column!(Grants, "principal"));
    row.required(column!(Grants, "system"));
    let names = &mut looked.names;
    let principals = [Kind::Identity, Kind::Group, Kind::System];
    let principal = row.named(
        names,
        column!(Grants, "principal"),
        Kind::Identity,
        &principals,
    );
    let system = row.named(
        names,
        column!(Grants, "system"),
        Kind::System,
        &[Kind::System],
    );
    let access = row
        .word::<Access>(column!(Grants, "access"))
        .unwrap_or(Access::Standing);
    let role = row.text(column!(Grants, "role"));
    row.good(([principal?, system?], access, role))
}

fn read_signal<'t>(
    _: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<(At, SignalKind, Option<i64>)> {
    row.required(column!(Signals, "identity"));
    row.required(column!(Signals, "signal"));
    // Not shared with the row before: every row is told by itself of a name that nobody has.
    let identity = row
        .reference(
            column!(Signals, "identity"),
            Kind::Identity,
            &[Kind::Identity],
        )
        .map(|name| looked.names.push(name));
    let signal = row.word::<SignalKind>(column!(Signals, "signal"));
    let seen = row.time(column!(Signals, "seen"));
    row.good((identity?, signal?, seen))
}

fn read_coverage<'t>(_: Context, row: &mut Row<'_, 't>, _: &mut Looked<'t>) -> Option<Coverage> {
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
    let known = known? == State::Known;
    row.good(Coverage {
        source,
        scope,
        aspect,
        known,
        detail,
    })
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
