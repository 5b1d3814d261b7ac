//! A directory of outputs: every file is written beside its place and moved there at the end, so
//! that a file appears whole or not at all, readable by its owner alone.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::unfinished;

/// Everything that a scan may write; what an earlier run left of it is removed or replaced.
const OWN: [&str; 21] = [
    "accountability.csv",
    "accountability.partial.csv",
    "tiers.csv",
    "tiers.json",
    "footholds.csv",
    "unlocks.csv",
    "graph.dot",
    "graph.svg",
    "tiers.partial.csv",
    "tiers.partial.json",
    "footholds.partial.csv",
    "unlocks.partial.csv",
    "graph.partial.dot",
    "graph.partial.svg",
    "graph.graphml",
    "graph.partial.graphml",
    "findings.sarif",
    "findings.partial.sarif",
    "linchpin.opengraph.json",
    "linchpin.opengraph.partial.json",
    "report.html",
];

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}", path.display())]
pub struct OutputsError {
    /// What was being written.
    pub path: PathBuf,
    /// What went wrong.
    pub source: io::Error,
}

/// Outputs on their way into a directory. Dropped without [`Outputs::commit`], nothing appears.
#[derive(Debug)]
pub struct Outputs {
    directory: PathBuf,
    pending: Vec<(String, NamedTempFile)>,
}

impl Outputs {
    /// Makes the directory if need be.
    ///
    /// # Errors
    /// When the directory cannot be made or is not one.
    pub fn new(directory: &Path) -> Result<Self, OutputsError> {
        let error = |source| OutputsError {
            path: directory.to_owned(),
            source,
        };
        make_directory(directory).map_err(error)?;
        Ok(Self {
            directory: directory.to_owned(),
            pending: Vec::new(),
        })
    }

    /// Writes one file.
    ///
    /// # Errors
    /// When it cannot be written; nothing has appeared then.
    pub fn file<T>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> Result<T, OutputsError> {
        self.files([name], |[out]| write(out))
    }

    /// Writes several files side by side.
    ///
    /// # Errors
    /// When one of them cannot be written; nothing has appeared then.
    pub fn files<T, const N: usize>(
        &mut self,
        names: [&str; N],
        write: impl FnOnce([&mut (dyn Write + Send); N]) -> io::Result<T>,
    ) -> Result<T, OutputsError> {
        let error = |at: usize, source| OutputsError {
            path: self.directory.join(names[at]),
            source,
        };
        let mut out = Vec::with_capacity(N);
        for at in 0..N {
            let file = unfinished::begin(|| NamedTempFile::new_in(&self.directory));
            let target = Target {
                file: file.map_err(|source| error(at, source))?,
                has_failed: false,
            };
            out.push(BufWriter::with_capacity(PIECE, target));
        }
        let each: Vec<&mut (dyn Write + Send)> = out
            .iter_mut()
            .map(|out| out as &mut (dyn Write + Send))
            .collect();
        let each = each.try_into();
        let each = each.map_err(|_| error(0, io::Error::other("not every file is there")))?;
        let result = write(each).and_then(|result| {
            out.iter_mut().try_for_each(BufWriter::flush)?;
            Ok(result)
        });
        let failed = out.iter().position(|out| out.get_ref().has_failed);
        let result = result.map_err(|source| error(failed.unwrap_or(0), source))?;
        let files = out.into_iter().map(|out| out.into_parts().0.file);
        let names = names.into_iter().map(str::to_owned);
        self.pending.extend(names.zip(files));
        Ok(result)
    }

    /// Puts every file in its place, removes what an earlier scan left, and says what was written.
    ///
    /// # Errors
    /// When a file cannot be put in its place.
    pub fn commit(self) -> Result<Vec<PathBuf>, OutputsError> {
        self.settle(|outputs| {
            outputs.remove_stale()?;
            outputs.persist()
        })
    }

    /// Puts every file in its place and leaves everything else alone.
    ///
    /// # Errors
    /// When a file cannot be put in its place.
    pub fn place_all(self) -> Result<Vec<PathBuf>, OutputsError> {
        self.settle(Self::persist)
    }

    fn settle<T>(self, place: impl FnOnce(Self) -> T) -> T {
        let files = self.pending.iter();
        let files: Vec<PathBuf> = files.map(|(_, file)| file.path().to_owned()).collect();
        unfinished::settle(&files, || place(self))
    }

    /// Removes what an earlier scan left and this one does not write.
    fn remove_stale(&self) -> Result<(), OutputsError> {
        for own in OWN
            .iter()
            .filter(|own| !self.pending.iter().any(|(name, _)| name == *own))
        {
            let path = self.directory.join(own);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(OutputsError { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn persist(self) -> Result<Vec<PathBuf>, OutputsError> {
        // Better before the first one is there than after.
        for (name, _) in &self.pending {
            let path = self.directory.join(name);
            if path.is_dir() {
                let source = io::Error::from(io::ErrorKind::IsADirectory);
                return Err(OutputsError { path, source });
            }
        }
        let mut written = Vec::with_capacity(self.pending.len());
        for (name, file) in self.pending {
            let path = self.directory.join(name);
            file.persist(&path).map_err(|error| OutputsError {
                path: path.clone(),
                source: error.error,
            })?;
            written.push(path);
        }
        Ok(written)
    }
}

/// Bytes that are gathered before they go to the system; longer pieces go there as they are.
const PIECE: usize = 1 << 15;

/// A file that remembers whether it was the one that could not be written.
struct Target {
    file: NamedTempFile,
    has_failed: bool,
}

impl Write for Target {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.file.write(piece);
        let interrupted = io::ErrorKind::Interrupted;
        let is_error = |error: &io::Error| error.kind() != interrupted;
        self.has_failed |= written.as_ref().is_err_and(is_error);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Elsewhere a new directory takes its rights from the one it is in, as people there expect.
#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).create(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_cannot_be_written_is_known() {
        let file = NamedTempFile::new().unwrap();
        let path = file.into_temp_path();
        // Open for reading alone.
        let reading = fs::File::open(&path).unwrap();
        let mut target = Target {
            file: NamedTempFile::from_parts(reading, path),
            has_failed: false,
        };
        assert!(target.flush().is_ok() && !target.has_failed);
        assert!(target.write(b"text").is_err() && target.has_failed);
    }

    #[test]
    fn nothing_is_there_before_all_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut outputs = Outputs::new(directory.path()).unwrap();
        let long = vec![b'x'; 3 * PIECE];
        let write = |out: &mut dyn Write, text: &[u8]| out.write_all(text);
        outputs
            .files(["one", "two"], |[one, two]| {
                write(one, b"begin ")?;
                write(two, b"other")?;
                write(one, &long)?;
                write(one, b" end")
            })
            .unwrap();
        let failed = outputs.file("three", |_| io::Result::<()>::Err(io::Error::other("no")));
        let told = failed.unwrap_err().to_string();
        assert!(told.contains("three") && told.contains("no"), "{told}");
        let are_there = |name: &str| directory.path().join(name).exists();
        assert!(!are_there("one") && !are_there("three"));
        assert_eq!(outputs.commit().unwrap().len(), 2);
        let one = fs::read(directory.path().join("one")).unwrap();
        assert_eq!(one, [b"begin ", &*long, b" end"].concat());
        assert_eq!(fs::read(directory.path().join("two")).unwrap(), b"other");
        assert!(!are_there("three"));
    }
}
