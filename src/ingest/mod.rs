//! Bytes to an organisation. Files are found and decoded, recognised by table name or by content,
//! read into rows, and put together; what is wrong with them is collected, never thrown.

mod assemble;
pub mod changes;
mod csv;
mod files;
mod header;
pub mod import;
mod json;
mod made;
pub mod policy;
mod raw;
mod recognise;
pub mod schema;
pub mod waivers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, FileId, Severity, Sources};
use crate::model::{Input, Organisation, Table, Word, sha256};
use encoding_rs::Encoding;
pub use made::Made;
pub use raw::{Cell, KeptRow, RawCell, RawRow, RawTable, Rows, SourceId, Value};
use rayon::prelude::*;
use recognise::{Recognised, may_be_export, not_of, recognise};

/// How to read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The encoding of files without a byte order mark; UTF-8 when none is given.
    pub encoding: Option<&'static Encoding>,
    /// Leave bad rows out instead of refusing everything.
    pub keep_going: bool,
    /// Further inputs, with the kind of export that each is.
    pub from: Vec<import::settings::From>,
    /// What the exports do not say.
    pub settings: import::settings::Settings,
    /// Files that say which columns of other lists are which columns of tables.
    pub maps: Vec<PathBuf>,
    /// Leave the SHA-256 of tables empty for now: see [`Ingested::undigested`].
    pub digest_later: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Ingested {
    /// The organisation; meaningless when there are errors and `keep_going` is off.
    pub organisation: Organisation,
    /// The texts, so that rows can be traced.
    pub sources: Sources,
    /// Everything there is to say, errors first per stage, in the order of the inputs.
    pub diagnostics: Vec<Diagnostic>,
    /// Rows left out because something was wrong with them.
    pub rows_left_out: u64,
    /// Files of which a part, or everything, could not be read: nobody knows how many rows that is.
    pub files_cut: u64,
    /// Inputs whose SHA-256 is still to be found.
    pub undigested: Undigested,
}

/// Inputs whose SHA-256 is still to be found, by their places, with their files.
#[derive(Debug, Default)]
pub struct Undigested(Vec<(usize, FileId)>);

impl Undigested {
    /// The SHA-256 of each, beside the place of the input.
    #[must_use]
    pub fn digest(&self, sources: &Sources) -> Vec<(usize, String)> {
        let digest = |&(input, file): &(usize, FileId)| {
            let text = &sources.file(file).text;
            (input, sha256(text.as_bytes()))
        };
        self.0.par_iter().with_max_len(1).map(digest).collect()
    }
}

impl Ingested {
    /// Whether anything was wrong with the inputs.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Reads the inputs in the order given.
#[must_use]
pub fn read(inputs: &[impl AsRef<Path>], options: Options) -> Ingested {
    read_watched(inputs, options, &|_, _| {})
}

/// The same; `watch` is called with the bytes of tables that were gone through since the last call,
/// and with how many there are.
#[must_use]
pub fn read_watched(
    inputs: &[impl AsRef<Path>],
    options: Options,
    watch: &(dyn Fn(u64, u64) + Sync),
) -> Ingested {
    let mut sources = Sources::default();
    let files = read_files(inputs, &options, &mut sources);
    let mut tables = read_tables(files, &sources, &options);
    let assembled = assemble::assemble(&tables.tables, watch);
    let read = put_together(&mut tables, assembled, options.keep_going);
    drop(tables);
    Ingested { sources, ..read }
}

/// What tables and their rows have shown, without the texts.
fn put_together(
    tables: &mut Tables<'_>,
    assembled: assemble::Assembled,
    keep_going: bool,
) -> Ingested {
    let has_identities = tables
        .tables
        .iter()
        .any(|table| table.table == Table::Identities);
    tables.count(&assembled.gone_through);
    let (left_out, files_cut) = (tables.rows_left_out, tables.files_cut);
    let inputs = std::mem::take(&mut tables.inputs);
    let mut diagnostics = std::mem::take(&mut tables.diagnostics);
    // A list of mailboxes or vaults names its accounts without declaring them.
    let is_export = |input: &Input| {
        input
            .holds
            .split(", ")
            .all(|held| Table::parse(held).is_none())
    };
    if !has_identities && !inputs.iter().any(is_export) {
        diagnostics.push(
            Diagnostic::new(Code::MissingTable, "the inputs hold no table `identities`")
                .help("name a directory with identities.csv, or a file of that name; `linchpin templates` writes empty tables"),
        );
    }
    diagnostics.extend(assembled.diagnostics);
    let mut organisation = assembled.organisation;
    organisation.inputs = inputs;
    organisation.partial = keep_going && diagnostics.iter().any(|d| d.severity == Severity::Error);
    Ingested {
        organisation,
        sources: Sources::default(),
        diagnostics,
        rows_left_out: assembled.rows_left_out + left_out,
        files_cut,
        undigested: Undigested(std::mem::take(&mut tables.undigested)),
    }
}

/// Rows of all inputs before they are understood.
#[derive(Default)]
pub struct Tables<'t> {
    /// The tables in the order of the inputs.
    pub tables: Vec<RawTable<'t>>,
    /// The files that took part.
    pub inputs: Vec<Input>,
    /// What there is to say about them.
    pub diagnostics: Vec<Diagnostic>,
    /// Rows left out because they could not be read.
    pub rows_left_out: u64,
    /// Files of which a part, or everything, could not be read.
    pub files_cut: u64,
    /// Which of the inputs each table is of; imported ones are counted already.
    input_of: Vec<usize>,
    /// Inputs whose SHA-256 is still to be found, with their files.
    undigested: Vec<(usize, FileId)>,
}

/// Files that were found and decoded.
pub struct Files {
    files: files::Files,
    maps: import::Maps,
}

/// Finds and decodes the files of the inputs.
pub fn read_files(inputs: &[impl AsRef<Path>], options: &Options, sources: &mut Sources) -> Files {
    let inputs = inputs.iter().map(|path| files::Wanted {
        path: path.as_ref(),
        importer: None,
    });
    let from = options.from.iter().map(|from| files::Wanted {
        path: &from.path,
        importer: Some(from.importer),
    });
    let wanted: Vec<_> = inputs.chain(from).collect();
    let (maps, said) = import::Maps::load(&options.maps, sources);
    let mut files = files::collect(&wanted, options.encoding, &maps, sources);
    files.diagnostics.splice(0..0, said);
    Files { files, maps }
}

/// Recognises files and goes through their rows.
#[must_use]
pub fn read_tables<'t>(
    Files { mut files, maps }: Files,
    sources: &'t Sources,
    options: &Options,
) -> Tables<'t> {
    let cut = files
        .diagnostics
        .iter()
        .filter(|said| said.severity == Severity::Error);
    let mut tables = Tables {
        files_cut: cut.count() as u64,
        diagnostics: files.diagnostics,
        ..Tables::default()
    };
    let mut left = Vec::new();
    for (path, named) in files.ignored {
        tables.unclaimed(&path, named, &mut left);
    }
    let mut exports = import::Exports::default();
    // Folders of which something was read, and how many files of each were not.
    let mut claimed: BTreeSet<&str> = BTreeSet::new();
    let mut below: BTreeMap<String, u64> = BTreeMap::new();
    let recognised: Vec<_> = files
        .found
        .par_iter_mut()
        .with_max_len(1)
        .map(|found| {
            let file = sources.file(found.file);
            let text = json::Text::new(found.file, &file.text);
            let recognised = match recognise(&file.name, text, found, &maps) {
                Recognised::Csv(table) => Read::Csv(table, csv::read(table, found.file, text.text)),
                other => Read::Other(other),
            };
            let is_later = options.digest_later && matches!(recognised, Read::Csv(..));
            if found.sha256.is_none() && !is_later {
                found.sha256 = Some(sha256(file.text.as_bytes()));
            }
            (text, recognised)
        })
        .collect();
    for (found, (text, recognised)) in files.found.iter().zip(recognised) {
        let name = &sources.file(found.file).name;
        let source = import::tables_of(found.input);
        let before = tables.tables.len();
        let recognised = match recognised {
            Read::Csv(table, read) => {
                let rows = read.body.map_or(Rows::Kept(Vec::new()), Rows::Csv);
                let raw = RawTable {
                    table,
                    file: found.file,
                    source,
                    rows,
                    lacks: read.lacks,
                    is_change: false,
                    lost: raw::Lost::default(),
                };
                tables.add(raw, read.diagnostics);
                None
            }
            Read::Other(other) => Some(other),
        };
        match recognised {
            None | Some(Recognised::Csv(_)) => {}
            Some(Recognised::Json(table)) => {
                tables.add_json(table, found.file, source, json::read(table, text));
            }
            Some(Recognised::Tables(members)) => {
                let (read, diagnostics) = json::read_tables(text, members);
                tables.diagnostics.extend(diagnostics);
                for (table, read) in read {
                    tables.add_json(table, found.file, source, read);
                }
            }
            Some(Recognised::Mapped(map, form)) => {
                claimed.extend(found.folder.as_deref());
                exports.add_mapped(map, form, text, name, found);
                continue;
            }
            Some(Recognised::Export(document, form)) => {
                claimed.extend(found.folder.as_deref());
                exports.add(document, form, text, name, found);
                continue;
            }
            Some(Recognised::Broken(diagnostic)) if found.named || may_be_export(text.text) => {
                tables.diagnostics.push(*diagnostic);
                tables.files_cut += 1;
                continue;
            }
            Some(Recognised::Refusal) => {
                let message = format!("`{name}` is an error that an API answered, not an export");
                tables.diagnostics.push(
                    Diagnostic::new(Code::ShortExport, message)
                        .in_file(found.file)
                        .help("grant the permission it asks for and export again"),
                );
                continue;
            }
            Some(Recognised::OwnOutput) => continue,
            Some(Recognised::Nothing | Recognised::Broken(_)) => {
                if let Some(folder) = &found.folder {
                    *below.entry(folder.clone()).or_default() += 1;
                    continue;
                }
                let path = &sources.file(found.file).path;
                if let Some(importer) = found.importer {
                    tables.diagnostics.push(not_of(importer, path));
                } else {
                    tables.unclaimed(path, found.named, &mut left);
                }
                continue;
            }
        }
        let read = &tables.tables[before..];
        let holds: Vec<_> = read.iter().map(|table| table.table.word()).collect();
        let rows = read.iter().map(RawTable::kept).sum();
        let at = tables.inputs.len();
        tables.input_of.resize(tables.tables.len(), at);
        if found.sha256.is_none() {
            tables.undigested.push((at, found.file));
        }
        tables.inputs.push(Input {
            name: name.clone(),
            holds: holds.join(", "),
            rows,
            sha256: found.sha256.clone().unwrap_or_default(),
        });
    }
    for folder in &files.folders {
        match below.get(folder) {
            _ if !claimed.contains(&**folder) => {
                left.push(format!(
                    "`{folder}` (tables are read from a folder that is named itself)"
                ));
            }
            Some(files) => left.push(format!("{files} files of `{folder}`")),
            None => {}
        }
    }
    if !left.is_empty() {
        const NAMED: usize = 20;
        let more = match left.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        left.truncate(NAMED);
        let message = format!("not read, no reader claims it: {}{more}", left.join(", "));
        tables
            .diagnostics
            .push(Diagnostic::new(Code::UnclaimedFile, message));
    }
    for imported in exports.import(sources, &options.settings, &maps, &tables.tables) {
        tables.tables.extend(imported.tables);
        tables.inputs.extend(imported.inputs);
        tables.diagnostics.extend(imported.diagnostics);
    }
    tables
}

impl<'t> Tables<'t> {
    /// Goes through the rows of CSV files for what is wrong with them, when nobody puts them
    /// together.
    pub fn check(&mut self) {
        let mut gone_through = Vec::new();
        for raw in &self.tables {
            let found = match raw.rows {
                Rows::Csv(_) => raw.for_each(|_| {}),
                Rows::Kept(_) | Rows::Made(_) => raw::Found::default(),
            };
            self.rows_left_out += found.diagnostics.len() as u64;
            self.diagnostics.extend(found.diagnostics);
            gone_through.push(assemble::GoneThrough {
                rows: found.rows,
                is_cut: found.lost.rest,
            });
        }
        self.count(&gone_through);
    }

    /// Adds what going through CSV files showed; other rows are counted when they are read.
    fn count(&mut self, gone_through: &[assemble::GoneThrough]) {
        let tables = self.tables.iter().zip(gone_through);
        for (at, (_, found)) in tables
            .enumerate()
            .filter(|(_, (raw, _))| matches!(raw.rows, Rows::Csv(_)))
        {
            self.files_cut += u64::from(found.is_cut);
            if let Some(input) = self
                .input_of
                .get(at)
                .and_then(|&at| self.inputs.get_mut(at))
            {
                input.rows += found.rows;
            }
        }
    }

    fn add(&mut self, raw: RawTable<'t>, diagnostics: Vec<Diagnostic>) {
        let bad_rows = diagnostics.iter().filter(|diagnostic| {
            diagnostic.severity == Severity::Error
                && !matches!(diagnostic.code, Code::MissingColumn)
        });
        self.rows_left_out += bad_rows.count() as u64;
        self.files_cut += u64::from(raw.lost.rest);
        self.diagnostics.extend(diagnostics);
        self.tables.push(raw);
    }

    fn add_json(&mut self, table: Table, file: FileId, source: SourceId, read: json::Read<'t>) {
        let raw = RawTable {
            table,
            file,
            source,
            rows: Rows::Kept(read.rows),
            lacks: 0,
            is_change: false,
            lost: read.lost,
        };
        self.add(raw, read.diagnostics);
    }

    /// A file that nobody reads: an error when it was given by name, else it is named in a note.
    fn unclaimed(&mut self, path: &str, named: bool, left: &mut Vec<String>) {
        if !named {
            left.push(format!("`{path}`"));
            return;
        }
        let importers: Vec<_> = import::IMPORTERS
            .iter()
            .map(|importer| importer.about())
            .collect();
        let tables: Vec<_> = Table::WORDS.iter().map(|(word, _)| *word).collect();
        let message = format!("`{path}` is nothing that Linchpin reads");
        self.diagnostics.push(Diagnostic::new(Code::UnclaimedInput, message).help(format!(
            "tables are named after what they hold ({}), as .csv, .json or .jsonl; exports are recognised by content ({})",
            tables.join(", "),
            importers.join(", "),
        )));
    }
}

/// A file, as far as it is read side by side with others.
enum Read<'a> {
    Csv(Table, csv::Read<'a>),
    Other(Recognised<'a>),
}
