//! Rows to an organisation: ids are declared and merged first, then every row's references are
//! resolved in the order tables, rows, columns, so that a name is shown as it was first seen.

mod declare;
mod gates;
mod identities;
mod read;
mod recoveries;
mod relations;
mod things;

use rustc_hash::{FxHashMap, FxHashSet};

use super::raw::{RawRow, RawTable, SourceId};
use crate::diag::{Code, Diagnostic, FileId, Origin, Severity, closest};
use crate::model::{
    AssetId, Factor, Identity, IdentityKind, Kind, Mailbox, MailboxKind, Organisation, Process,
    ProcessId, Provenance, RowMeta, RowRef, SignIn, System, Table, fold,
};
use read::{Reference, Row};

pub(super) struct Assembled {
    pub organisation: Organisation,
    pub diagnostics: Vec<Diagnostic>,
    pub rows_left_out: u64,
}

pub(super) fn assemble(tables: &[RawTable]) -> Assembled {
    let mut builder = Builder::default();
    builder.declare_all(tables);
    builder.read_rows(tables);
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
}

impl Context {
    fn of(raw: &RawTable) -> Self {
        Self {
            table: raw.table,
            file: raw.file,
            source: raw.source,
            lacks: raw.lacks,
        }
    }
}

#[derive(Default)]
struct Builder {
    org: Organisation,
    processes: FxHashMap<String, ProcessId>,
    diagnostics: Vec<Diagnostic>,
    rows_left_out: u64,
    /// Positions in the organisation's lists, by asset.
    mailbox_of: FxHashMap<AssetId, u32>,
    system_of: FxHashMap<AssetId, u32>,
    declared_groups: FxHashSet<AssetId>,
    /// Names that no table declares, with the first row that uses them and its place.
    undeclared: Vec<(Undeclared, Origin)>,
    /// Owners by name, resolved once every name is known.
    pending_owners: Vec<identities::PendingOwner>,
    /// Gates that lost a row: the rest of the gate would mean something else.
    broken_gates: FxHashSet<gates::GateName>,
    gate_rows: Vec<gates::GateRow>,
    /// References of declared identities (mailboxes, phones) and mailboxes (owner, delegates,
    /// forwards), resolved once all ids are declared.
    identity_references: Vec<(Vec<Reference>, Vec<Reference>)>,
    mailbox_references: Vec<(Option<Reference>, Vec<Reference>, Vec<Reference>)>,
    reset_ids: FxHashMap<String, (SourceId, Origin)>,
}

enum Undeclared {
    Asset(AssetId),
    Process(ProcessId),
}

impl Builder {
    /// Reads the rows of all tables in the order of the tables, not of the files.
    fn read_rows(&mut self, tables: &[RawTable]) {
        self.identity_references();
        self.mailbox_references();
        let rows = |table: Table| {
            tables
                .iter()
                .filter(move |raw| raw.table == table)
                .flat_map(|raw| {
                    let context = Context::of(raw);
                    raw.rows.iter().map(move |row| (context, row))
                })
        };
        for (context, row) in rows(Table::MfaBindings) {
            self.binding(context, row);
        }
        for (context, row) in rows(Table::Holdings) {
            self.holding(context, row);
        }
        for (context, row) in rows(Table::Recoveries) {
            self.recovery(context, row);
        }
        self.make_gates();
        for (context, row) in rows(Table::Memberships) {
            self.membership(context, row);
        }
        for (context, row) in rows(Table::Grants) {
            self.grant(context, row);
        }
        self.resolve_owners();
        for (context, row) in rows(Table::Signals) {
            self.signal(context, row);
        }
        for (context, row) in rows(Table::Resets) {
            self.reset(context, row);
        }
        for (context, row) in rows(Table::Coverage) {
            self.coverage(context, row);
        }
        self.org.coverage.sort();
        self.org.coverage.dedup();
    }

    /// A row that holds an error is left out whole.
    fn keep(&mut self, row: Row<'_>) -> bool {
        let bad = row.is_bad();
        self.diagnostics.extend(row.into_diagnostics());
        self.rows_left_out += u64::from(bad);
        !bad
    }

    fn meta(&self, row: &RawRow) -> RowMeta {
        RowMeta {
            origin: row.origin,
            provenance: provenance(row),
        }
    }

    /// The asset of a reference; a name that is not there yet is created by `row`.
    fn resolve(&mut self, reference: &Reference, row: RowRef, meta: &RowMeta) -> AssetId {
        if let Some(known) = self.org.assets.find(reference.kind, &reference.key) {
            return known;
        }
        let asset = self
            .org
            .assets
            .insert(reference.kind, reference.key.clone(), &reference.shown);
        match reference.kind {
            Kind::Identity => {
                self.org
                    .identities
                    .push(created_identity(asset, row, meta.clone()));
            }
            Kind::Mailbox => {
                self.mailbox_of
                    .insert(asset, self.org.mailboxes.len() as u32);
                self.org.mailboxes.push(Mailbox {
                    asset,
                    owner: None,
                    kind: MailboxKind::Personal,
                    delegates: Vec::new(),
                    forwards_to: Vec::new(),
                    row,
                    meta: meta.clone(),
                    declared: false,
                });
            }
            Kind::System => {
                self.system_of.insert(asset, self.org.systems.len() as u32);
                self.org.systems.push(System {
                    asset,
                    name: Box::default(),
                    criticality: 2,
                    owner: None,
                    row,
                    meta: meta.clone(),
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
        meta: &RowMeta,
    ) -> ProcessId {
        let key = fold(name);
        if let Some(&known) = self.processes.get(&key) {
            return known;
        }
        let id = ProcessId(self.org.processes.len() as u32);
        self.org.processes.push(Process {
            id: name.trim().into(),
            key: key.as_str().into(),
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
            meta: meta.clone(),
            declared: false,
        });
        self.processes.insert(key, id);
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
                let shown = &self.org.assets.get(identity.asset).shown;
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
        for (what, origin) in std::mem::take(&mut self.undeclared) {
            let (kind, shown, consequence, table) = match what {
                Undeclared::Process(id) => (
                    "process",
                    &self.org.processes[id.0 as usize].id,
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
                    (found.kind.word(), &found.shown, consequence, table)
                }
            };
            let message = format!("{kind} `{shown}` is declared nowhere; {consequence}");
            let mut diagnostic = Diagnostic::new(Code::UndeclaredName, message).at(
                origin,
                format!("no row of `{}` names it", crate::model::Word::word(table)),
            );
            if let Undeclared::Asset(asset) = what
                && let Some(close) = self.did_you_mean(asset)
            {
                diagnostic = diagnostic.help(format!("did you mean `{close}`?"));
            }
            self.diagnostics.push(diagnostic);
        }
    }

    /// A declared name of the same kind that is nearly the same. Names are compared one by one, so
    /// large organisations go without.
    fn did_you_mean(&self, asset: AssetId) -> Option<String> {
        const COMPARED: usize = 20_000;
        if self.org.assets.len() > COMPARED || self.undeclared.len() > 200 {
            return None;
        }
        let found = self.org.assets.get(asset);
        let declared = self.org.assets.iter().filter(|(id, other)| {
            other.kind == found.kind
                && *id != asset
                && match other.kind {
                    Kind::Identity => self
                        .org
                        .identity(*id)
                        .is_some_and(|identity| identity.declared),
                    Kind::Mailbox => self
                        .mailbox_of
                        .get(id)
                        .is_some_and(|&at| self.org.mailboxes[at as usize].declared),
                    Kind::System => self
                        .system_of
                        .get(id)
                        .is_some_and(|&at| self.org.systems[at as usize].declared),
                    _ => self.declared_groups.contains(id),
                }
        });
        // Only slips of the pen: a third of a long address is another person.
        let close = closest(&found.key, declared.map(|(_, other)| &*other.key))?;
        let slips = strsim::damerau_levenshtein(&found.key, close);
        let id = self
            .org
            .assets
            .find(found.kind, close)
            .filter(|_| slips <= 2)?;
        Some(self.org.assets.get(id).shown.to_string())
    }
}

fn provenance(row: &RawRow) -> Option<Box<Provenance>> {
    row.provenance.clone()
}

fn created_identity(asset: AssetId, row: RowRef, meta: RowMeta) -> Identity {
    Identity {
        asset,
        kind: IdentityKind::External,
        name: Box::default(),
        enabled: true,
        sign_in: SignIn::Password,
        sign_in_stated: false,
        has_binding: false,
        owner: None,
        department: Box::default(),
        tier: None,
        aliases: Vec::new(),
        recovery_mailboxes: Vec::new(),
        recovery_phones: Vec::new(),
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
