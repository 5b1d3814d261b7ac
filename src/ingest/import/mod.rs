//! Importers: directory exports in, tables out. A new one is one file here and one line in
//! [`IMPORTERS`].
//!
//! A file is recognised by what it holds, never by its name alone. All files of one importer in one
//! input are one export; importers run in their order, so that those which only refer to accounts
//! (mailboxes, vaults) find them by the keys that directories share.

mod azurehound;
mod bitwarden;
mod directory;
mod entra;
mod exchange;
mod google;
mod hybrid;
mod keycloak;
mod keys;
mod logs;
mod map;
mod okta;
mod onepassword;
mod opengraph;
mod record;
pub mod settings;
mod shape;
mod sharphound;
mod table;
mod vaults;

use std::path::PathBuf;

use super::files;
use super::json::Text;
use super::raw::{RawTable, SourceId};
use crate::diag::{Code, Diagnostic, FileId, Origin, Sources};
use crate::model::Input;
use keys::Keys;
pub(super) use map::Maps;
use record::Record;
use settings::Settings;
pub(super) use shape::{Form, Shape};
use table::Maker;

/// Every importer, in the order in which they are asked and run: directories first.
pub const IMPORTERS: &[&dyn Importer] = &[
    &entra::Entra,
    &azurehound::AzureHound,
    &okta::Okta,
    &google::Google,
    &keycloak::Keycloak,
    &sharphound::SharpHound,
    &directory::ActiveDirectory,
    &opengraph::OpenGraph,
    &exchange::Exchange,
    &bitwarden::Bitwarden,
    &onepassword::OnePassword,
    &logs::EntraLog,
    &logs::OktaLog,
    &logs::WindowsLog,
    &logs::ServiceNowLog,
];

/// A file of an export.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// What it is called in messages and after `--from KIND/`.
    pub name: &'static str,
    /// The command or the place that gives it.
    pub obtain: &'static str,
    /// What comes of it.
    pub yields: &'static str,
}

/// Turns one kind of export into tables.
pub trait Importer: Sync {
    /// The word for it on the command line.
    fn name(&self) -> &'static str;
    /// What it reads, in a few words.
    fn about(&self) -> &'static str;
    /// The files that belong to it.
    fn documents(&self) -> &'static [Document];
    /// Which of its documents a file is.
    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str>;
    /// The dated data files that it goes by, with their names; a setting may replace some.
    fn data(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    /// Whether a large file is gone through on the disk, by its beginning and its end.
    fn goes_through(&self, _head: &str, _tail: &str) -> bool {
        false
    }
    /// Makes tables of all files of one export.
    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>);
}

/// What a file shows of itself: its name and its first records.
pub struct Head<'s, 'a> {
    /// The name below the input, in lower case.
    pub name: String,
    shape: &'s Shape<'a>,
}

impl<'s, 'a> Head<'s, 'a> {
    fn new(name: &str, shape: &'s Shape<'a>) -> Self {
        Self {
            name: name.to_lowercase(),
            shape,
        }
    }

    fn form(&self) -> Form {
        self.shape.form
    }

    /// The object around the records, or a header without rows.
    fn top(&self) -> Option<&Record<'a>> {
        self.shape.top.as_ref()
    }

    fn first(&self) -> Option<&Record<'a>> {
        self.shape.records.first().or(self.shape.top.as_ref())
    }

    /// Whether it is a list without an item.
    fn is_empty(&self) -> bool {
        self.shape.records.is_empty() && self.shape.form == Form::Json
    }

    /// Whether the first record has all of these fields.
    fn has(&self, keys: &[&str]) -> bool {
        let first = self.first();
        first.is_some_and(|first| keys.iter().all(|key| first.has(key)))
    }

    /// Whether one of the first records has a field.
    fn some(&self, key: &str) -> bool {
        self.shape.records.iter().any(|record| record.has(key))
    }

    /// Whether the object around the records has a field.
    fn top_has(&self, key: &str) -> bool {
        self.top().is_some_and(|top| top.has(key))
    }

    /// The end of `@odata.context`, in lower case: `users`, `users('...')/authentication/methods`.
    fn context(&self) -> String {
        let context = self.shape.context.to_lowercase();
        context
            .rsplit_once("$metadata#")
            .map_or_else(String::new, |(_, of)| of.to_owned())
    }
}

/// One file of an export.
pub struct ExportFile<'a> {
    /// Which document of its importer.
    pub document: &'static str,
    /// Its name below the input.
    pub name: String,
    text: Text<'a>,
    form: Form,
    /// Where it lies, when it is too large to keep.
    large: Option<PathBuf>,
}

impl<'a> ExportFile<'a> {
    /// Reads the file. What looks damaged is said, and what the export leaves out.
    fn read(&self, importer: &dyn Importer, maker: &mut Maker<'_>) -> Shape<'a> {
        let mut shape = shape::read(self.form, self.text, false).unwrap_or_else(|error| {
            maker.say(*error);
            Shape::new(self.form)
        });
        if let Some(broken) = shape.broken.take() {
            let obtain = obtain(importer, self.document);
            maker.say(broken.help(format!(
                "if the file was cut off, export it again: {obtain}"
            )));
        }
        if shape.strangers > 0 {
            maker.leave_out_several("values where a record should be", shape.strangers);
        }
        for _ in &shape.records {
            maker.object(self.text.file);
        }
        maker.page(self.document, shape.has_next, self.text.file);
        self.look_for_damage(importer, &shape, maker);
        shape
    }

    fn look_for_damage(&self, importer: &dyn Importer, shape: &Shape<'a>, maker: &mut Maker<'_>) {
        let mut said: Vec<(String, &str)> = Vec::new();
        for record in &shape.records {
            for (key, text) in record.texts() {
                let what = if shape::is_lossy(&text) {
                    "holds the name of a type instead of values"
                } else if record.is_row() && shape::is_eaten(&text) {
                    "holds numbers that a spreadsheet has rounded"
                } else if record.is_row() && text.contains('?') && is_join_key(key) {
                    "holds `?` where letters were lost"
                } else {
                    continue;
                };
                if said.iter().any(|(known, why)| known == key && *why == what) {
                    continue;
                }
                said.push((key.to_owned(), what));
                let message = format!("column `{key}` {what}: `{}`", text.trim());
                maker.say(
                    Diagnostic::new(Code::DamagedExport, message)
                        .at(record.origin, "the first such value")
                        .help(format!(
                            "export it again: {}",
                            obtain(importer, self.document)
                        )),
                );
            }
        }
    }

    /// The whole file as a place.
    fn origin(&self) -> Origin {
        Origin {
            file: self.text.file,
            start: 0,
            len: 0,
        }
    }
}

/// Names that accounts are joined by.
fn is_join_key(key: &str) -> bool {
    let key = key.to_lowercase();
    ["principal", "mail", "login", "identity", "user", "address"]
        .iter()
        .any(|part| key.contains(part))
}

fn obtain(importer: &dyn Importer, document: &str) -> &'static str {
    let found = importer
        .documents()
        .iter()
        .find(|known| known.name == document);
    found.map_or("see `linchpin sources`", |found| found.obtain)
}

/// The importer with this word.
#[must_use]
pub fn by_name(name: &str) -> Option<usize> {
    IMPORTERS
        .iter()
        .position(|importer| importer.name().eq_ignore_ascii_case(name))
}

/// The importer that claims a file, as a position in [`IMPORTERS`], and as which document.
pub(super) fn recognise(
    name: &str,
    form: Form,
    text: Text<'_>,
    only: Option<usize>,
) -> Option<(usize, &'static str)> {
    let shape = shape::read(form, text, true).ok()?;
    let head = Head::new(name, &shape);
    let mut importers = IMPORTERS.iter().enumerate();
    importers.find_map(|(at, importer)| {
        let document = importer.claims(&head)?;
        only.is_none_or(|only| only == at).then_some((at, document))
    })
}

/// Whether a CSV text that begins like this is a file of an export.
pub(super) fn is_export_csv(name: &str, head: &str) -> bool {
    recognise(name, Form::Csv, Text::new(FileId(0), head), None).is_some()
}

/// Whether a large file is gone through on the disk.
pub(super) fn goes_through(head: &str, tail: &str) -> bool {
    IMPORTERS
        .iter()
        .any(|importer| importer.goes_through(head, tail))
}

/// The importer of a large file.
pub(super) fn recognise_large(found: &files::Found) -> Option<(usize, &'static str)> {
    let at = found.importer.or_else(|| by_name("sharphound"))?;
    let document = IMPORTERS.get(at)?.documents().first()?;
    Some((at, document.name))
}

/// Files of exports, collected until all files are known.
#[derive(Default)]
pub(super) struct Exports<'a> {
    list: Vec<Export<'a>>,
    mapped: Vec<Mapped<'a>>,
}

/// A list that the user has said the meaning of.
struct Mapped<'a> {
    map: usize,
    form: Form,
    text: Text<'a>,
    source: SourceId,
    input: Input,
}

struct Export<'a> {
    importer: usize,
    source: SourceId,
    /// Whether its files were named one by one.
    single: bool,
    files: Vec<ExportFile<'a>>,
    inputs: Vec<Input>,
}

/// What an export became.
pub(super) struct Imported {
    pub tables: Vec<RawTable<'static>>,
    pub inputs: Vec<Input>,
    pub diagnostics: Vec<Diagnostic>,
}

impl<'a> Exports<'a> {
    pub(super) fn add(
        &mut self,
        (importer, document): (usize, &'static str),
        form: Form,
        text: Text<'a>,
        name: &str,
        found: &files::Found,
    ) {
        let source = source_of(found.input, importer);
        // Files that were named one by one are the parts of one export.
        let known = self.list.iter().position(|export| {
            export.source == source
                || (found.single && export.single && export.importer == importer)
        });
        let at = known.unwrap_or_else(|| {
            self.list.push(Export {
                importer,
                source,
                single: found.single,
                files: Vec::new(),
                inputs: Vec::new(),
            });
            self.list.len() - 1
        });
        let export = &mut self.list[at];
        export.files.push(ExportFile {
            document,
            name: name.to_owned(),
            text,
            form,
            large: found.large.clone(),
        });
        export.inputs.push(Input {
            name: name.to_owned(),
            holds: IMPORTERS[importer].name().to_owned(),
            rows: 0,
            sha256: found.sha256.clone().unwrap_or_default(),
        });
    }

    /// Adds a list that is read by a map.
    pub(super) fn add_mapped(
        &mut self,
        map: usize,
        form: Form,
        text: Text<'a>,
        name: &str,
        found: &files::Found,
    ) {
        self.mapped.push(Mapped {
            map,
            form,
            text,
            source: source_of(found.input, IMPORTERS.len() + 1),
            input: Input {
                name: name.to_owned(),
                holds: MAP.to_owned(),
                rows: 0,
                sha256: found.sha256.clone().unwrap_or_default(),
            },
        });
    }

    pub(super) fn import(
        mut self,
        sources: &Sources,
        settings: &Settings,
        maps: &Maps,
        written: &[RawTable<'_>],
    ) -> Vec<Imported> {
        self.list
            .sort_by_key(|export| (export.importer, export.source));
        let mut keys = Keys::default();
        let mut all = Vec::new();
        for mut export in self.list {
            let mut maker = Maker::new(sources, settings, &mut keys, export.source);
            let importer = IMPORTERS[export.importer];
            // Logs come after the directories.
            if importer.name().ends_with("-log") {
                let tables = all.iter().flat_map(|one: &Imported| &one.tables);
                maker.people = logs::People::of(written.iter().chain(tables));
            }
            importer.import(&export.files, &mut maker);
            let (tables, diagnostics, objects) = maker.finish(Some(importer));
            for (file, input) in export.files.iter().zip(&mut export.inputs) {
                input.rows = objects.get(&file.text.file).copied().unwrap_or_default();
            }
            all.push(Imported {
                tables,
                inputs: export.inputs,
                diagnostics,
            });
        }
        for mut mapped in self.mapped {
            let mut maker = Maker::new(sources, settings, &mut keys, mapped.source);
            maps.import(mapped.map, mapped.form, mapped.text, &mut maker);
            let (tables, diagnostics, objects) = maker.finish(None);
            let file = mapped.text.file;
            mapped.input.rows = objects.get(&file).copied().unwrap_or_default();
            mapped.input.holds = format!("{MAP}: {}", maps.table(mapped.map));
            all.push(Imported {
                tables,
                inputs: vec![mapped.input],
                diagnostics,
            });
        }
        let mut maker = Maker::new(sources, settings, &mut keys, source_of(0, IMPORTERS.len()));
        hybrid::join(&mut maker);
        let (tables, diagnostics, _) = maker.finish(None);
        all.push(Imported {
            tables,
            inputs: Vec::new(),
            diagnostics,
        });
        all
    }
}

/// The word for lists that are read by `--map`.
pub const MAP: &str = "map";

/// Sources that one input can have: its tables, an export of each kind, what joins exports, and lists
/// that are read by maps.
const SOURCES: u32 = IMPORTERS.len() as u32 + 3;

/// The tables of an input are one source, and every importer's of it another.
fn source_of(input: u32, importer: usize) -> SourceId {
    SourceId(input * SOURCES + 1 + importer as u32)
}

/// The source of the tables of an input.
pub(super) fn tables_of(input: u32) -> SourceId {
    SourceId(input * SOURCES)
}
