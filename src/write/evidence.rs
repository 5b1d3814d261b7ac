//! Evidence: a file of records, one for each run, chained by their hashes.
//!
//! A record is a line of JSON. Its hash is the SHA-256 of the line as it is without the hash, and the next
//! record names it; so nothing can be changed, taken out of the middle or put in another order without
//! every later hash being another one. What was cut off at the end, or a file that was chained anew from
//! some line on, shows only to whoever kept the hash of the last record: the head.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::sha256;

/// What the first record names as the one before.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number, from 1.
    pub number: u64,
    /// The hash of the record before.
    pub previous: String,
    /// The version of the program.
    pub linchpin: String,
    /// The arguments as they were typed, without those that say where evidence goes.
    pub arguments: Vec<String>,
    /// What time it was, by the inputs or by `--now`; never by the machine.
    pub time: Option<String>,
    /// What was read.
    pub inputs: Vec<Named>,
    /// The tier policy and accepted risks that were applied.
    pub rules: Vec<Named>,
    /// What was assumed.
    pub assumptions: Vec<String>,
    /// What came out: files by their names, or `standard output` where none was written.
    pub results: Vec<Named>,
    /// The exit status.
    pub status: u8,
    /// The hash of all this.
    pub hash: String,
}

/// Something with its SHA-256.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl Record {
    /// The hash of everything else.
    #[must_use]
    pub fn own_hash(&self) -> String {
        let bare = Self {
            hash: String::new(),
            ..self.clone()
        };
        // Texts and numbers always serialize.
        sha256(serde_json::to_string(&bare).unwrap_or_default().as_bytes())
    }
}

/// Where and why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// Reads a chain and holds every record against the one before.
///
/// # Errors
/// The first place at which it does not hold.
pub fn check(text: &str) -> Result<Vec<Record>, Broken> {
    let mut records: Vec<Record> = Vec::new();
    let broken = |line: usize, what: String| Broken { line, what };
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let number = at + 1;
        if !line.ends_with('\n') {
            let what = "the record is cut off: it does not end its line".to_owned();
            return Err(broken(number, what));
        }
        let record: Record = serde_json::from_str(line)
            .map_err(|error| broken(number, format!("this is no record: {error}")))?;
        // The very bytes count, not only what they mean.
        if serde_json::to_string(&record).ok().as_deref() != line.strip_suffix('\n') {
            let what = "the record is not written as Linchpin writes it".to_owned();
            return Err(broken(number, what));
        }
        if record.hash != record.own_hash() {
            let what = "the record was changed: its hash is another one".to_owned();
            return Err(broken(number, what));
        }
        let previous = records.last().map_or(START, |last| &last.hash);
        if record.number != number as u64 {
            let what = format!(
                "record {} stands where record {number} should",
                record.number
            );
            return Err(broken(number, what));
        }
        if record.previous != previous {
            let what = "the record does not follow the one before it".to_owned();
            return Err(broken(number, what));
        }
        records.push(record);
    }
    Ok(records)
}

/// Why a record was not added.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file cannot be read or written.
    #[error("cannot write evidence to `{path}`: {source}")]
    Io {
        /// The file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The chain does not hold.
    #[error("`{path}` is broken at line {line}: {what}; nothing is added to it")]
    Broken {
        /// The file.
        path: String,
        /// The line.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}

/// Adds a record to the end of a file, which is made if it is not there, and gives the record with its
/// number and hashes. Two runs at once wait for each other.
///
/// # Errors
/// When the file cannot be written, or what is in it does not hold.
pub fn append(path: &Path, mut record: Record) -> Result<Record, EvidenceError> {
    let shown = path.display().to_string();
    let io = |source| EvidenceError::Io {
        path: shown.clone(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(io)?;
    file.lock().map_err(io)?;
    let last = read(&mut file, &shown)?;
    let (number, previous) = last.map_or((0, START.to_owned()), |last| (last.number, last.hash));
    record.number = number + 1;
    record.previous = previous;
    record.hash = record.own_hash();
    let line = serde_json::to_string(&record).map_err(|error| io(error.into()))?;
    file.write_all(format!("{line}\n").as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(record)
}

/// Looks whether records can be added to a file, before a run that may take long.
///
/// # Errors
/// As [`append`].
pub fn look(path: &Path) -> Result<(), EvidenceError> {
    let io = |source| EvidenceError::Io {
        path: path.display().to_string(),
        source,
    };
    match OpenOptions::new().read(true).append(true).open(path) {
        Ok(mut file) => read(&mut file, &path.display().to_string()).map(drop),
        // The file itself is not made, and so never taken away from another run that has just made it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            tempfile::tempfile_in(folder).map(drop).map_err(io)
        }
        Err(error) => Err(io(error)),
    }
}

fn read(file: &mut File, path: &str) -> Result<Option<Record>, EvidenceError> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|source| EvidenceError::Io {
            path: path.to_owned(),
            source,
        })?;
    let records = check(&String::from_utf8_lossy(&bytes)).map_err(|Broken { line, what }| {
        EvidenceError::Broken {
            path: path.to_owned(),
            line,
            what,
        }
    })?;
    Ok(records.into_iter().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<String> {
        let mut records: Vec<Record> = Vec::new();
        for number in 1..=3 {
            let mut record = Record {
                number,
                previous: records
                    .last()
                    .map_or(START.to_owned(), |last| last.hash.clone()),
                arguments: vec!["scan".to_owned(), format!("input-{number}")],
                ..Record::default()
            };
            record.hash = record.own_hash();
            records.push(record);
        }
        let lines = records.iter();
        lines
            .map(|record| serde_json::to_string(record).unwrap_or_default() + "\n")
            .collect()
    }

    fn place(text: &str) -> (usize, String) {
        let broken = check(text).err().unwrap_or(Broken {
            line: 0,
            what: String::new(),
        });
        (broken.line, broken.what)
    }

    #[test]
    fn what_was_done_to_a_chain_is_found_with_its_place() {
        let lines = chain();
        assert_eq!(check(&lines.concat()).map(|records| records.len()), Ok(3));
        let changed = lines.concat().replace("input-2", "input-9");
        assert_eq!(
            place(&changed),
            (
                2,
                "the record was changed: its hash is another one".to_owned()
            )
        );
        let cut = &lines.concat()[..lines.concat().len() - 10];
        assert_eq!(place(cut).0, 3);
        let turned = [&*lines[0], &*lines[2], &*lines[1]].concat();
        assert_eq!(place(&turned).0, 2);
        let gone = [&*lines[0], &*lines[2]].concat();
        assert_eq!(
            place(&gone),
            (2, "record 3 stands where record 2 should".to_owned())
        );
        let headless = lines[1..].concat();
        assert_eq!(place(&headless).0, 1);
        let spaced = lines.concat().replace("\"number\":2", "\"number\": 2");
        assert_eq!(place(&spaced).0, 2);
        // With its own hash mended, the next one gives it away.
        let mut record: Record = serde_json::from_str(&lines[1]).unwrap_or_default();
        record.status = 1;
        record.hash = record.own_hash();
        let mended = serde_json::to_string(&record).unwrap_or_default() + "\n";
        let mended = [&*lines[0], &mended, &*lines[2]].concat();
        assert_eq!(
            place(&mended),
            (3, "the record does not follow the one before it".to_owned())
        );
    }
}
