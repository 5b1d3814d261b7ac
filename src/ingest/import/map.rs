//! `--map FILE`: the columns of any list, as columns of a table.
//!
//! ```toml
//! [[file]]
//! match = "hr-*.csv"            # the name of the file, `*` for anything
//! table = "identities"
//! columns = { id = "Login", owner = "Manager", department = "Dept" }
//! constants = { kind = "external" }
//! values = { enabled = { Active = "true", Left = "false" } }
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::record::Record;
use super::shape::{self, Form};
use super::table::{From, Maker};
use crate::diag::{Code, Diagnostic, FileId, Origin, Sources};
use crate::ingest::json::Text;
use crate::ingest::schema;
use crate::model::{Table, Word};

/// All maps of a run.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Maps(Vec<Map>);

/// How files of one name become rows of one table.
#[derive(Debug)]
struct Map {
    pattern: String,
    table: Table,
    /// Columns of the table by those of the file.
    columns: BTreeMap<String, String>,
    constants: BTreeMap<String, String>,
    values: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    file: Vec<toml::Spanned<WrittenMap>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMap {
    r#match: String,
    table: String,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
}

impl Maps {
    /// Reads map files; what is wrong with them is said with its place.
    pub fn load(paths: &[PathBuf], sources: &mut Sources) -> (Self, Vec<Diagnostic>) {
        let mut maps = Self::default();
        let mut said = Vec::new();
        for path in paths {
            let shown = path.display().to_string();
            let text = match std::fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) => {
                    let message = format!("cannot read `{shown}`: {error}");
                    said.push(Diagnostic::new(Code::UnreadableFile, message));
                    continue;
                }
            };
            let file = sources.add(shown.clone(), shown, text.clone());
            maps.read(&text, file, &mut said);
        }
        (maps, said)
    }

    fn read(&mut self, text: &str, file: FileId, said: &mut Vec<Diagnostic>) {
        let at = |span: std::ops::Range<usize>| Origin {
            file,
            start: span.start as u32,
            len: span.len() as u32,
        };
        let written: Written = match toml::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let message = format!("this map is not as it should be: {}", error.message());
                said.push(
                    Diagnostic::new(Code::BadSyntax, message)
                        .at(at(span), "here")
                        .help("expected [[file]] with match, table and columns"),
                );
                return;
            }
        };
        if written.file.is_empty() {
            let message = "this map has no [[file]]";
            said.push(Diagnostic::new(Code::BadSyntax, message).in_file(file));
        }
        for spanned in written.file {
            let origin = at(spanned.span());
            let written = spanned.into_inner();
            let Some(table) = Table::parse(&written.table) else {
                let words = Table::WORDS.iter().map(|(word, _)| *word);
                let hint = crate::diag::closest(&written.table, words.clone());
                let help = match hint {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => format!("tables are {}", words.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("`{}` is no table", written.table);
                said.push(
                    Diagnostic::new(Code::BadValue, message)
                        .at(origin, "in this map")
                        .help(help),
                );
                continue;
            };
            let named = written
                .columns
                .keys()
                .chain(written.constants.keys())
                .chain(written.values.keys());
            let mut is_good = true;
            for column in named {
                if schema::find(table, column).is_none() {
                    let names = schema::columns(table).iter().map(|column| column.name);
                    let names: Vec<_> = names.collect();
                    let message = format!("`{}` has no column `{column}`", table.word());
                    let help = format!("its columns are {}", names.join(", "));
                    said.push(
                        Diagnostic::new(Code::BadValue, message)
                            .at(origin, "in this map")
                            .help(help),
                    );
                    is_good = false;
                }
            }
            for column in schema::columns(table)
                .iter()
                .filter(|column| column.required)
            {
                let is_given = [&written.columns, &written.constants].iter().any(|given| {
                    given
                        .keys()
                        .any(|name| name.eq_ignore_ascii_case(column.name))
                });
                if !is_given {
                    let message = format!(
                        "this map says nothing of `{}`, which `{}` needs",
                        column.name,
                        table.word()
                    );
                    said.push(
                        Diagnostic::new(Code::MissingColumn, message).at(origin, column.about),
                    );
                    is_good = false;
                }
            }
            if is_good {
                self.0.push(Map {
                    pattern: written.r#match.to_lowercase(),
                    table,
                    columns: written.columns,
                    constants: written.constants,
                    values: written.values,
                });
            }
        }
    }

    /// The first map for a file of this name.
    pub fn of(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        let last = name.rsplit(['/', '\\']).next().unwrap_or(&name);
        self.0
            .iter()
            .position(|map| matches(&map.pattern, last) || matches(&map.pattern, &name))
    }

    /// Makes rows of a file; how many there are.
    pub fn import(&self, at: usize, form: Form, text: Text<'_>, maker: &mut Maker<'_>) {
        let Some(map) = self.0.get(at) else {
            return;
        };
        let shape = match shape::read(form, text, false) {
            Ok(shape) => shape,
            Err(error) => return maker.say(*error),
        };
        let first = shape.records.first().or(shape.top.as_ref());
        for column in map.columns.values() {
            if first.is_some_and(|first| !first.has(column)) && form == Form::Csv {
                let message = format!("the file has no column `{column}`, which its map names");
                maker.say(Diagnostic::new(Code::MissingColumn, message).in_file(text.file));
                return;
            }
        }
        for record in &shape.records {
            maker.object(text.file);
            map.row(record, maker);
        }
    }

    /// What a map makes.
    pub fn table(&self, at: usize) -> &'static str {
        self.0.get(at).map_or("", |map| map.table.word())
    }
}

impl Map {
    fn row(&self, record: &Record<'_>, maker: &mut Maker<'_>) {
        let mut cells: Vec<(&str, String)> = Vec::new();
        for column in schema::columns(self.table) {
            let of = |given: &BTreeMap<String, String>| {
                let found = given
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(column.name));
                found.map(|(_, value)| value.clone())
            };
            let mut text = match of(&self.columns) {
                Some(theirs) if column.multi => record.list(&theirs).join(";"),
                Some(theirs) => record.text(&theirs),
                None => String::new(),
            };
            let values = self
                .values
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(column.name));
            if let Some((_, values)) = values {
                let found = values
                    .iter()
                    .find(|(theirs, _)| theirs.eq_ignore_ascii_case(&text));
                if let Some((_, ours)) = found {
                    text.clone_from(ours);
                }
            }
            if text.is_empty() {
                text = of(&self.constants).unwrap_or_default();
            }
            cells.push((column.name, text));
        }
        let cells: Vec<(&str, &str)> = cells.iter().map(|(name, text)| (*name, &**text)).collect();
        let from = From {
            origin: record.origin,
            object: "",
        };
        maker.row(self.table, from, &cells);
    }
}

/// Whether a name is of a pattern, where `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, is) in [
            ("hr.csv", "hr.csv", true),
            ("hr-*.csv", "hr-2026.csv", true),
            ("hr-*.csv", "hr-2026.csv.bak", false),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab", true),
            ("a*ba", "aba", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_map_is_said_with_its_place() {
        let check = |text: &str| {
            let mut maps = Maps::default();
            let mut said = Vec::new();
            maps.read(text, FileId(0), &mut said);
            said.into_iter()
                .map(|one| one.message)
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert!(check("[[file]]\nmatch = 1\n").contains("not as it should be"));
        assert!(check("[[file]]\nmatch = \"x\"\ntable = \"identites\"\n").contains("no table"));
        assert!(check("[[file]]\nmatch = \"x\"\ntable = \"identities\"\n").contains("`id`"));
        let unknown = "[[file]]\nmatch = \"x\"\ntable = \"identities\"\ncolumns = { id = \"a\", idd = \"b\" }\n";
        assert!(check(unknown).contains("no column `idd`"));
        assert!(check("").contains("no [[file]]"));
        assert_eq!(
            check("[[file]]\nmatch = \"x\"\ntable = \"identities\"\ncolumns = { id = \"a\" }\n"),
            ""
        );
    }
}
