//! Rows of `resets`: what was done, by whom, on whose word.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::names::{At, Several};
use super::read::Row;
use super::waves::Looked;
use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::RawTable;
use crate::ingest::schema::column;
use crate::model::{AssetId, Kind, Owner, Proofing, Reset, Restored, fold};

/// What a row of `resets` says.
struct ReadReset<'t> {
    id: Cow<'t, str>,
    origin: Origin,
    /// Nothing in a bad row, of which the id counts nevertheless.
    rest: Option<Rest<'t>>,
}

struct Rest<'t> {
    time: i64,
    identity: At,
    process: Cow<'t, str>,
    agent: Option<At>,
    approvers: Several,
    evidence: Vec<Box<str>>,
    proofing: Option<Proofing>,
    restored: Option<Restored>,
    sessions_revoked: Option<bool>,
    requested: Option<i64>,
}

impl<'t> Builder<'t> {
    pub(super) fn resets(&mut self, tables: &[(Context, &RawTable<'t>)]) {
        self.each(tables, read_reset, |builder, context, mut said, looked| {
            let meta = builder.meta(&mut said);
            let ReadReset { id, origin, rest } = said.row;
            let key = fold(&id).into_owned();
            if let Some(&(source, first, _)) = builder.reset_ids.get(&key)
                && source == context.source
            {
                builder.diagnostics.push(
                    Diagnostic::new(
                        Code::DuplicateId,
                        format!("`{id}` is declared twice in `resets`"),
                    )
                    .at(origin, "declared again here")
                    .related(first, "first declared here"),
                );
                builder.rows_left_out += u64::from(!said.is_bad);
                return;
            }
            let Some(rest) = rest else {
                return;
            };
            let is_imported = meta.provenance.is_some();
            let name = looked.names.get(rest.identity).shown();
            let found = looked.found.get(rest.identity.index()).copied().flatten();
            let by_name = match found {
                None => builder.only_shown(is_imported, name),
                Some(_) => None,
            };
            let identity = found.or(by_name);
            let identity =
                identity.or_else(|| builder.known_identity("reset", looked, rest.identity));
            if let Some(&(_, _, at)) = builder.reset_ids.get(&key)
                && let Some(known) = builder.org.resets.get(at as usize)
                && known.time == rest.time
                && is_one(builder, known, identity, name)
            {
                // Exports overlap.
                return;
            }
            let at = builder.org.resets.len() as u32;
            builder.reset_ids.insert(key, (context.source, origin, at));
            let who = |builder: &mut Self, at: At| {
                // Whoever acts need not be an account that the tables know.
                let name = looked.names.get(at).shown();
                let found = looked.found.get(at.index()).copied().flatten();
                let found = found.or_else(|| builder.only_shown(is_imported, name));
                found.map_or_else(
                    || Owner::Text(builder.org.texts.keep(name)),
                    Owner::Identity,
                )
            };
            let agent = rest.agent.map(|at| who(builder, at));
            let approvers = rest.approvers.each().map(|at| who(builder, at));
            let approvers: Vec<Owner> = approvers.collect();
            let shown = match by_name {
                None => name,
                Some(account) => builder.org.assets.get(account).shown,
            };
            let name = builder.org.texts.keep(shown);
            let process_name = builder.org.texts.keep(&rest.process);
            let process = builder.processes.get(&*fold(&rest.process)).copied();
            builder.org.resets.push(Reset {
                id: (&*id).into(),
                identity,
                name,
                time: rest.time,
                process,
                process_name,
                agent,
                approvers: approvers.into(),
                evidence: rest.evidence.into(),
                proofing: rest.proofing,
                restored: rest.restored,
                sessions_revoked: rest.sessions_revoked,
                requested: rest.requested,
                meta,
            });
        });
    }

    /// The only account with this display name, for rows that came of tickets: those know people by it.
    fn only_shown(&mut self, is_imported: bool, name: &str) -> Option<AssetId> {
        if !is_imported {
            return None;
        }
        let org = &self.org;
        let shown = self.shown.get_or_insert_with(|| {
            let mut shown: FxHashMap<Box<str>, Option<AssetId>> = FxHashMap::default();
            for identity in &org.identities {
                let name = org.text(identity.name).trim();
                if !name.is_empty() {
                    let known = shown.entry(fold(name).into());
                    known
                        .and_modify(|known| *known = None)
                        .or_insert(Some(identity.asset));
                }
            }
            shown
        });
        shown.get(&*fold(name.trim())).copied().flatten()
    }
}

/// Whether a reset that is known is of this account, or of this name where no account has it.
fn is_one(builder: &Builder<'_>, known: &Reset, identity: Option<AssetId>, shown: &str) -> bool {
    match (known.identity, identity) {
        (None, None) => fold(builder.org.text(known.name)) == fold(shown),
        (one, two) => one == two,
    }
}

fn read_reset<'t>(
    _: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<ReadReset<'t>> {
    for column in [
        column!(Resets, "id"),
        column!(Resets, "time"),
        column!(Resets, "identity"),
        column!(Resets, "process"),
    ] {
        row.required(column);
    }
    let time = row.time(column!(Resets, "time"));
    // Not shared with the row before: every row is told by itself of a name that nobody has.
    let identity = row
        .reference(
            column!(Resets, "identity"),
            Kind::Identity,
            &[Kind::Identity],
        )
        .map(|name| looked.names.push(name));
    let agent = row
        .reference(column!(Resets, "agent"), Kind::Identity, &[Kind::Identity])
        .map(|name| looked.names.push(name));
    let approvers = row.named_all(
        &mut looked.names,
        column!(Resets, "approvers"),
        Kind::Identity,
        &[Kind::Identity],
    );
    let evidence = row.cell(column!(Resets, "evidence")).map(|cell| {
        let items = cell.items().filter(|item| !item.is_empty());
        items
            .map(|item| Box::from(&*item))
            .collect::<Vec<Box<str>>>()
    });
    let proofing = row.word::<Proofing>(column!(Resets, "proofing"));
    let restored = row.word::<Restored>(column!(Resets, "restored"));
    if restored == Some(Restored::Membership) {
        row.say(
            Diagnostic::new(Code::BadValue, "`membership` is no value of `restored`").at(
                row.origin(column!(Resets, "restored")),
                "expected password, mfa, account",
            ),
        );
    }
    let sessions_revoked = row.boolean(column!(Resets, "sessions_revoked"));
    let requested = row.time(column!(Resets, "requested"));
    let process = row.text(column!(Resets, "process"));
    let both = time.zip(identity).filter(|_| !row.is_bad());
    Some(ReadReset {
        id: row.text(column!(Resets, "id")),
        origin: row.origin(column!(Resets, "id")),
        rest: both.map(|(time, identity)| Rest {
            time,
            identity,
            process,
            agent,
            approvers,
            evidence: evidence.unwrap_or_default(),
            proofing,
            restored,
            sessions_revoked,
            requested,
        }),
    })
}
