//! Importers: directory exports in, tables out. A new one is one file here and one line in
//! [`IMPORTERS`].

mod sharphound;
mod table;

use super::json::{Members, Text};
use super::raw::{RawTable, SourceId};
use crate::diag::{Diagnostic, Sources};
use crate::model::Input;
use table::Maker;

/// Every importer, in the order in which they are asked.
pub const IMPORTERS: &[&dyn Importer] = &[&sharphound::SharpHound];

/// Turns one kind of export into tables.
pub trait Importer: Sync {
    /// The word for it on the command line.
    fn name(&self) -> &'static str;
    /// What it reads, in a few words.
    fn about(&self) -> &'static str;
    /// Whether a JSON object is a file of this export: the names of its members and the text of each.
    fn claims(&self, members: &[(&str, &str)]) -> bool;
    /// Makes tables of all files of one export.
    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>);
}

/// One file of an export.
pub struct ExportFile<'a> {
    text: Text<'a>,
    name: String,
    members: Vec<(String, &'a serde_json::value::RawValue)>,
}

/// The importer that claims this object, as a position in [`IMPORTERS`].
pub(super) fn recognise(members: &Members<'_>) -> Option<usize> {
    let members: Vec<_> = members
        .0
        .iter()
        .map(|(key, value)| (&**key, value.get()))
        .collect();
    IMPORTERS
        .iter()
        .position(|importer| importer.claims(&members))
}

/// Files of exports, collected until all files are known.
#[derive(Default)]
pub(super) struct Exports<'a> {
    list: Vec<Export<'a>>,
}

struct Export<'a> {
    importer: usize,
    source: SourceId,
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
        importer: usize,
        source: SourceId,
        text: Text<'a>,
        members: Members<'a>,
        sha256: &str,
    ) {
        let known = self
            .list
            .iter()
            .position(|export| (export.importer, export.source) == (importer, source));
        let at = known.unwrap_or_else(|| {
            self.list.push(Export {
                importer,
                source,
                files: Vec::new(),
                inputs: Vec::new(),
            });
            self.list.len() - 1
        });
        let members = members
            .0
            .into_iter()
            .map(|(key, value)| (key.into_owned(), value))
            .collect();
        let export = &mut self.list[at];
        export.files.push(ExportFile {
            text,
            name: String::new(),
            members,
        });
        export.inputs.push(Input {
            name: String::new(),
            holds: IMPORTERS[importer].name().to_owned(),
            rows: 0,
            sha256: sha256.to_owned(),
        });
    }

    pub(super) fn import(self, sources: &Sources) -> Vec<Imported> {
        self.list
            .into_iter()
            .map(|mut export| {
                for (file, input) in export.files.iter_mut().zip(&mut export.inputs) {
                    file.name = sources.file(file.text.file).name.clone();
                    input.name.clone_from(&file.name);
                }
                let mut maker = Maker::new(sources, export.source);
                IMPORTERS[export.importer].import(&export.files, &mut maker);
                let (tables, diagnostics, objects) = maker.finish();
                for (file, input) in export.files.iter().zip(&mut export.inputs) {
                    input.rows = objects.get(&file.text.file).copied().unwrap_or_default();
                }
                Imported {
                    tables,
                    inputs: export.inputs,
                    diagnostics,
                }
            })
            .collect()
    }
}
