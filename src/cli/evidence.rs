//! `--evidence`: what a run has read, applied and written, kept beside it and put into a record at its
//! end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Failure;
use crate::model::{Input, hexadecimal};
use crate::write::evidence::{Named, Record};

/// The words that say where evidence goes.
const OPTION: &str = "--evidence";
/// The words that give the key of pseudonyms: whoever has it can undo them.
pub(super) const KEY: &str = "--redact-key";
/// What stands in a record instead of the key.
pub(super) const KEPT: &str = "(not on record)";

/// What a run has done so far.
#[derive(Default)]
pub(super) struct Notes {
    pub inputs: Vec<Named>,
    pub rules: Vec<Named>,
    pub assumptions: Vec<String>,
    pub time: Option<String>,
    pub written: Vec<PathBuf>,
    printed: Sha256,
}

impl Notes {
    pub(super) fn printed(&mut self, text: &str) {
        self.printed.update(text.as_bytes());
    }

    pub(super) fn read(&mut self, inputs: &[Input]) {
        self.inputs.extend(inputs.iter().map(|input| Named {
            name: input.name.clone(),
            sha256: input.sha256.clone(),
        }));
    }

    /// The record of the run, yet without its place in a chain.
    pub(super) fn record(self, arguments: Vec<String>, status: u8) -> Result<Record, Failure> {
        let mut results = Vec::new();
        for path in &self.written {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let sha256 = sha256_of(path).map_err(|error| {
                Failure::Usage(format!("cannot read `{}` again: {error}", path.display()))
            })?;
            results.push(Named { name, sha256 });
        }
        // A summary names the folder that the files went to; without files it is the result.
        if results.is_empty() {
            results.push(Named {
                name: "standard output".to_owned(),
                sha256: hexadecimal(&self.printed.finalize()),
            });
        }
        Ok(Record {
            linchpin: env!("CARGO_PKG_VERSION").to_owned(),
            arguments,
            time: self.time,
            inputs: self.inputs,
            rules: self.rules,
            assumptions: self.assumptions,
            results,
            status,
            ..Record::default()
        })
    }
}

/// A file that was read beside the inputs.
pub(super) fn named(what: &str, path: &Path) -> Named {
    Named {
        name: format!("{what} {}", path.display()),
        // Whether it can be read is told where it is read.
        sha256: sha256_of(path).unwrap_or_default(),
    }
}

/// What `sha256sum` prints of a file.
fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            read => hash.update(&part[..read]),
        }
    }
}

fn no_text(argument: &OsString) -> Failure {
    Failure::Usage(format!(
        "--evidence: the argument {argument:?} is no text, so the run could not be repeated"
    ))
}

/// The arguments as they were typed, without the program, without where evidence goes, and without the
/// key of pseudonyms.
///
/// # Errors
/// When one of them is no text: the record could not be run again.
pub(super) fn typed(arguments: &[OsString]) -> Result<Vec<String>, Failure> {
    let mut typed = Vec::new();
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let text = argument.to_str().ok_or_else(|| no_text(argument))?;
        if text == "--" {
            // What follows is no option.
            typed.push(text.to_owned());
            for argument in rest.by_ref() {
                let text = argument.to_str().ok_or_else(|| no_text(argument))?;
                typed.push(text.to_owned());
            }
        } else if text == OPTION {
            rest.next();
        } else if text == KEY || text.starts_with(&format!("{KEY}=")) {
            if text == KEY {
                rest.next();
            }
            typed.push(format!("{KEY}={KEPT}"));
        } else if !text.starts_with(&format!("{OPTION}=")) {
            typed.push(text.to_owned());
        }
    }
    Ok(typed)
}
