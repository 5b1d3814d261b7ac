//! Rows to an organisation: ids are declared and merged first, then every row's references are
//! resolved in the order tables, rows, columns, so that a name is shown as it was first seen.

mod changes;
mod declare;
mod gates;
mod identities;
mod merge;
mod names;
mod read;
mod recoveries;
mod relations;
mod resets;
mod things;
mod waves;

use rustc_hash::{FxHashMap, FxHashSet};

use super::raw::{RawTable, SourceId};
use crate::diag::{Code, Diagnostic, FileId, Origin, Severity, closest};
use crate::model::{
    AssetId, AssetList, Factor, Identity, IdentityKind, Kind, Mailbox, MailboxKind, Organisation,
    Process, ProcessId, RowMeta, RowRef, SignIn, System, Table, Text, fold,
};
use names::{At, Reference};
use waves::{Looked, Said};

pub(super) struct Assembled {
    pub organisation: Organisation,
    pub diagnostics: Vec<Diagnostic>,
    pub rows_left_out: u64,
    /// One per table that was given.
    pub gone_through: Vec<GoneThrough>,
}

/// What going through the rows of a table showed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GoneThrough {
    /// Rows that could be read.
    pub rows: u64,
    /// Whether the file breaks off.
    pub is_cut: bool,
}

pub(super) fn assemble(tables: &[RawTable<'_>], watch: &(dyn Fn(u64, u64) + Sync)) -> Assembled {
    assemble_all(&tables.iter().collect::<Vec<_>>(), watch)
}

/// The same for tables from several places.
pub(super) fn assemble_all(
    tables: &[&RawTable<'_>],
    watch: &(dyn Fn(u64, u64) + Sync),
) -> Assembled {
    let bytes = tables.iter().map(|table| table.bytes()).sum();
    let mut builder = Builder {
        watch: Some(watch),
        bytes,
        gone_through: vec![GoneThrough::default(); tables.len()],
        ..Builder::default()
    };
    let tables = ByTable::new(tables);
    builder.reserve(&tables);
    builder.declare_all(&tables);
    builder.read_rows(&tables);
    builder.finish()
}

/// What a row stands in.
#[derive(Clone, Copy)]
struct Context {
    table: Table,
    file: FileId,
    source: SourceId,
    /// See [`RawTable::lacks`].
    lacks: u32,
    /// Which of the tables that were given.
    at: u32,
    /// Whether its rows are changes of others.
    is_change: bool,
}

/// The tables that were given, by what they hold.
struct ByTable<'a, 't>(Vec<(Context, &'a RawTable<'t>)>);

impl<'a, 't> ByTable<'a, 't> {
    fn new(tables: &[&'a RawTable<'t>]) -> Self {
        let context = |(at, &raw): (usize, &&'a RawTable<'t>)| {
            let context = Context {
                table: raw.table,
                file: raw.file,
                source: raw.source,
                lacks: raw.lacks,
                at: at as u32,
                is_change: raw.is_change,
            };
            (context, raw)
        };
        Self(tables.iter().enumerate().map(context).collect())
    }

    /// Those of one table, file by file.
    fn of(&self, table: Table) -> Vec<(Context, &'a RawTable<'t>)> {
        let of_table = self.0.iter().filter(|(_, raw)| raw.table == table);
        of_table.copied().collect()
    }
}

#[derive(Default)]
struct Builder<'t> {
    /// Is told of bytes gone through, of so many.
    watch: Option<&'t (dyn Fn(u64, u64) + Sync)>,
    bytes: u64,
    org: Organisation,
    processes: FxHashMap<String, ProcessId>,
    diagnostics: Vec<Diagnostic>,
    rows_left_out: u64,
    gone_through: Vec<GoneThrough>,
    declared_groups: FxHashSet<AssetId>,
    /// Names that no table declares, with the first row that uses them and its place.
    undeclared: Vec<(Undeclared, Origin)>,
    /// Owners that no name was known for when all ids were declared.
    pending_owners: Vec<identities::PendingOwner<'t>>,
    gates: gates::Gates<'t>,
    /// References of declared identities (mailboxes) and mailboxes (owner, delegates, forwards) to what
    /// rows to come may declare, resolved once all ids are declared.
    identity_references: Vec<(u32, Reference<'t>)>,
    mailbox_references: Vec<(u32, things::Reader, Reference<'t>)>,
    /// Room for what a cell lists, so that it need not be asked for row by row.
    found: Vec<AssetId>,
    /// Texts that many rows share.
    shared_texts: FxHashMap<Box<str>, Text>,
    reset_ids: FxHashMap<String, (SourceId, Origin, u32)>,
    /// Accounts by their display names, nothing where several have one; made when first asked for.
    shown: Option<FxHashMap<Box<str>, Option<AssetId>>>,
    /// Rows of change sets, in their order.
    changes: Vec<changes::ChangeRow>,
}

enum Undeclared {
    Asset(AssetId),
    Process(ProcessId),
}

impl<'t> Builder<'t> {
    /// Makes room for the rows, so that long lists are not moved while they grow.
    fn reserve(&mut self, tables: &ByTable<'_, 't>) {
        let count = |table: Table| {
            let of_table = tables.of(table).into_iter();
            of_table.map(|(_, raw)| raw.expected_rows()).sum::<usize>()
        };
        let [
            identities,
            mailboxes,
            bindings,
            holdings,
            recoveries,
            memberships,
            grants,
        ] = [
            Table::Identities,
            Table::Mailboxes,
            Table::MfaBindings,
            Table::Holdings,
            Table::Recoveries,
            Table::Memberships,
            Table::Grants,
        ]
        .map(count);
        // A factor has a holder of its own, as a rule, and a holding a thing; other rows mostly name what
        // is known, but for a few: a list that is one too short is moved.
        let names = identities + mailboxes + bindings + holdings;
        self.org.assets.reserve(names + names / 32);
        self.org.identities.reserve_exact(identities);
        self.identity_references.reserve_exact(identities);
        self.pending_owners.reserve_exact(identities);
        self.mailbox_references.reserve_exact(mailboxes);
        self.org.mailboxes.reserve_exact(mailboxes);
        self.org.bindings.reserve_exact(bindings);
        self.org.holdings.reserve_exact(holdings);
        self.org.recoveries.reserve_exact(recoveries);
        self.gates.reserve(recoveries);
        self.org.memberships.reserve_exact(memberships);
        self.org.grants.reserve_exact(grants);
    }

    /// Reads the rows of all tables in the order of the tables, not of the files.
    fn read_rows(&mut self, tables: &ByTable<'_, 't>) {
        self.identity_references();
        self.mailbox_references();
        self.bindings(&tables.of(Table::MfaBindings));
        self.change(Table::MfaBindings);
        self.holdings(&tables.of(Table::Holdings));
        self.change(Table::Holdings);
        let recoveries = tables.of(Table::Recoveries);
        for (context, raw) in &recoveries {
            self.note_lost(*context, &raw.lost);
        }
        self.recoveries(&recoveries);
        self.change(Table::Recoveries);
        self.make_gates();
        self.memberships(&tables.of(Table::Memberships));
        self.change(Table::Memberships);
        self.grants(&tables.of(Table::Grants));
        self.change(Table::Grants);
        self.resolve_owners();
        self.signals(&tables.of(Table::Signals));
        self.change(Table::Signals);
        self.resets(&tables.of(Table::Resets));
        self.change(Table::Resets);
        self.coverage(&tables.of(Table::Coverage));
        self.change(Table::Coverage);
        self.org.coverage.sort();
        self.org.coverage.dedup();
    }

    /// Where a row is.
    fn meta<R>(&mut self, said: &mut Said<R>) -> RowMeta {
        let provenance = said.provenance.take();
        RowMeta {
            origin: said.origin,
            provenance: provenance.and_then(|found| self.org.keep_provenance(*found)),
        }
    }

    /// Keeps a text that other rows may have too.
    fn intern(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return Text::default();
        }
        if let Some(&known) = self.shared_texts.get(text) {
            return known;
        }
        let kept = self.org.texts.keep(text);
        self.shared_texts.insert(text.into(), kept);
        kept
    }

    /// The asset of a reference; a name that is not there yet is created by `row`.
    fn resolve(&mut self, looked: &Looked<'t>, at: At, row: RowRef, meta: RowMeta) -> AssetId {
        match looked.found.get(at.index()) {
            Some(&Some(known)) => known,
            _ => self.find_or_create(looked.names.get(at), row, meta),
        }
    }

    fn find_or_create(&mut self, reference: &Reference<'t>, row: RowRef, meta: RowMeta) -> AssetId {
        if let Some(known) = self.org.assets.find_hashed(reference.wanted()) {
            return known;
        }
        let asset = self
            .org
            .assets
            .insert_hashed(reference.wanted(), reference.shown());
        match reference.kind {
            Kind::Identity => {
                self.org.identities.push(created_identity(asset, row, meta));
            }
            Kind::Mailbox => {
                self.org.mailboxes.push(Mailbox {
                    asset,
                    owner: None,
                    kind: MailboxKind::Personal,
                    delegates: AssetList::default(),
                    forwards_to: AssetList::default(),
                    row,
                    meta,
                    declared: false,
                });
            }
            Kind::System => {
                self.org.systems.push(System {
                    asset,
                    name: Box::default(),
                    criticality: 2,
                    owner: None,
                    row,
                    meta,
                    declared: false,
                });
            }
            Kind::Group => {}
            Kind::Phone | Kind::Device | Kind::Vault => return asset,
        }
        self.undeclared
            .push((Undeclared::Asset(asset), reference.origin));
        asset
    }

    fn resolve_process(
        &mut self,
        name: &str,
        origin: Origin,
        row: RowRef,
        meta: RowMeta,
    ) -> ProcessId {
        let key = fold(name);
        if let Some(&known) = self.processes.get(&*key) {
            return known;
        }
        let id = ProcessId(self.org.processes.len() as u32);
        self.org.processes.push(Process {
            id: name.trim().into(),
            key: (&*key).into(),
            name: Box::default(),
            operator: Box::default(),
            owners: [const { None }; 6],
            proofing: None,
            approvals: None,
            hold_hours: None,
            revokes_sessions: None,
            logged: None,
            escalation: Box::default(),
            row,
            meta,
            declared: false,
        });
        self.processes.insert(key.into_owned(), id);
        self.undeclared.push((Undeclared::Process(id), origin));
        id
    }

    fn finish(mut self) -> Assembled {
        self.org.identity_of = vec![None; self.org.assets.len()];
        for (at, identity) in self.org.identities.iter().enumerate() {
            self.org.identity_of[identity.asset.index()] = Some(at as u32);
        }
        self.default_sign_in();
        self.warn_undeclared();
        // Errors first, then in the order of the files, whatever pass found them.
        self.diagnostics
            .sort_by_key(|diagnostic| (diagnostic.severity != Severity::Error, diagnostic.origin));
        Assembled {
            organisation: self.org,
            diagnostics: self.diagnostics,
            rows_left_out: self.rows_left_out,
            gone_through: self.gone_through,
        }
    }

    /// Without a stated way to sign in, whoever has a factor needs it.
    fn default_sign_in(&mut self) {
        for binding in &self.org.bindings {
            if let Some(at) = self.org.identity_of[binding.identity.index()] {
                self.org.identities[at as usize].has_binding = true;
            }
        }
        for identity in &mut self.org.identities {
            if !identity.sign_in_stated && identity.has_binding {
                identity.sign_in = SignIn::PasswordAndMfa;
            }
            if identity.enabled
                && identity.sign_in == SignIn::PasswordAndMfa
                && !identity.has_binding
            {
                let shown = self.org.assets.get(identity.asset).shown;
                let message = format!(
                    "`{shown}` signs in with a factor that is not enrolled: whoever signs in first enrols it"
                );
                self.diagnostics.push(
                    Diagnostic::new(Code::OpenEnrolment, message)
                        .at(identity.meta.origin, "no row in `mfa_bindings`")
                        .help("enrol the factor, or state `sign_in = password` if there is none"),
                );
            }
        }
    }

    fn warn_undeclared(&mut self) {
        let undeclared = std::mem::take(&mut self.undeclared);
        // Names are compared one by one, so many of them in a large organisation go without.
        const COMPARED: usize = 1_000_000;
        let compares = undeclared.len().saturating_mul(self.org.assets.len()) <= COMPARED;
        for (what, origin) in undeclared {
            let (kind, shown, consequence, table) = match what {
                Undeclared::Process(id) => (
                    "process",
                    &*self.org.processes[id.0 as usize].id,
                    "nothing is known about it",
                    Table::Processes,
                ),
                Undeclared::Asset(asset) => {
                    let found = self.org.assets.get(asset);
                    let (consequence, table) = match found.kind {
                        Kind::Identity => (
                            "it is taken as an enabled external identity",
                            Table::Identities,
                        ),
                        Kind::Mailbox => (
                            "it is taken as somebody's personal mailbox",
                            Table::Mailboxes,
                        ),
                        Kind::System => {
                            ("it is taken as a system of criticality 2", Table::Systems)
                        }
                        _ if self.declared_groups.contains(&asset) => continue,
                        _ => ("it has no members", Table::Memberships),
                    };
                    (found.kind.word(), found.shown, consequence, table)
                }
            };
            let message = format!("{kind} `{shown}` is declared nowhere; {consequence}");
            let mut diagnostic = Diagnostic::new(Code::UndeclaredName, message).at(
                origin,
                format!("no row of `{}` names it", crate::model::Word::word(table)),
            );
            if let Undeclared::Asset(asset) = what
                && compares
                && let Some(close) = self.did_you_mean(asset)
            {
                diagnostic = diagnostic.help(format!("did you mean `{close}`?"));
            }
            self.diagnostics.push(diagnostic);
        }
    }

    /// A declared name of the same kind that is nearly the same.
    fn did_you_mean(&self, asset: AssetId) -> Option<String> {
        let found = self.org.assets.get(asset);
        let org = &self.org;
        let declared: FxHashSet<AssetId> = match found.kind {
            Kind::Identity => {
                let declared = org.identities.iter().filter(|row| row.declared);
                declared.map(|row| row.asset).collect()
            }
            Kind::Mailbox => {
                let declared = org.mailboxes.iter().filter(|row| row.declared);
                declared.map(|row| row.asset).collect()
            }
            Kind::System => {
                let declared = org.systems.iter().filter(|row| row.declared);
                declared.map(|row| row.asset).collect()
            }
            _ => self.declared_groups.clone(),
        };
        let others = org.assets.iter().filter(|(id, other)| {
            other.kind == found.kind && *id != asset && declared.contains(id)
        });
        // Only slips of the pen: a third of a long address is another person.
        let close = closest(found.key, others.map(|(_, other)| other.key))?;
        let slips = strsim::damerau_levenshtein(found.key, close);
        let id = self
            .org
            .assets
            .find(found.kind, close)
            .filter(|_| slips <= 2)?;
        Some(self.org.assets.get(id).shown.to_string())
    }
}

fn created_identity(asset: AssetId, row: RowRef, meta: RowMeta) -> Identity {
    Identity {
        asset,
        kind: IdentityKind::External,
        name: Text::default(),
        enabled: true,
        sign_in: SignIn::Password,
        sign_in_stated: false,
        has_binding: false,
        owner: None,
        department: Text::default(),
        tier: None,
        recovery_mailboxes: AssetList::default(),
        recovery_phones: AssetList::default(),
        row,
        meta,
        declared: false,
    }
}

/// What holds a factor when its row names it without a kind.
fn holder_kind(factor: Factor) -> Kind {
    match factor {
        Factor::Sms | Factor::Voice => Kind::Phone,
        Factor::EmailOtp => Kind::Mailbox,
        _ => Kind::Device,
    }
}
