//! A directory of outputs: every file is written beside its place and moved there at the end, so
//! that a file appears whole or not at all, readable by its owner alone.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use tempfile::NamedTempFile;

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
        let path = self.directory.join(name);
        let attempt = || {
            let file = NamedTempFile::new_in(&self.directory)?;
            handed_over(file, write)
        };
        let (result, file) = attempt().map_err(|source| OutputsError { path, source })?;
        self.pending.push((name.to_owned(), file));
        Ok(result)
    }

    /// Puts every file in its place, removes what an earlier scan left, and says what was written.
    ///
    /// # Errors
    /// When a file cannot be put in its place.
    pub fn commit(self) -> Result<Vec<PathBuf>, OutputsError> {
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
        self.place_all()
    }

    /// Puts every file in its place and leaves everything else alone.
    ///
    /// # Errors
    /// When a file cannot be put in its place.
    pub fn place_all(self) -> Result<Vec<PathBuf>, OutputsError> {
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

/// Lets a thread of its own write what `write` makes: copying hundreds of megabytes to the system takes
/// about as long as making them.
fn handed_over<T>(
    file: NamedTempFile,
    write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<(T, NamedTempFile)> {
    /// Bytes that are handed over at a time, and how often that is done before the maker waits.
    const PIECE: usize = 1 << 18;
    const WAITING: usize = 16;
    thread::scope(|scope| {
        let (pieces, taken) = mpsc::sync_channel::<Vec<u8>>(WAITING);
        let (give_back, empty) = mpsc::channel();
        let writer = thread::Builder::new().spawn_scoped(scope, move || {
            let mut file = file;
            for mut piece in taken {
                file.write_all(&piece)?;
                piece.clear();
                // The maker may have finished; then nobody wants it.
                let _ = give_back.send(piece);
            }
            io::Result::Ok(file)
        })?;
        let mut out = BufWriter::with_capacity(PIECE, HandOver { pieces, empty });
        let result = write(&mut out).and_then(|result| {
            out.flush()?;
            Ok(result)
        });
        // The thread ends when nobody can hand it anything any more.
        drop(out.into_parts().0);
        let written = writer
            .join()
            .map_err(|_| io::Error::other("the thread that writes has died"))?;
        // What the thread says is the cause of what the maker ran into.
        let file = written?;
        Ok((result?, file))
    })
}

/// Hands pieces over to the thread that writes, in buffers that come back from it: memory that is
/// new to the process costs more than what is written into it.
struct HandOver {
    pieces: mpsc::SyncSender<Vec<u8>>,
    empty: mpsc::Receiver<Vec<u8>>,
}

impl Write for HandOver {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        let mut buffer = self.empty.try_recv().unwrap_or_default();
        buffer.extend_from_slice(piece);
        self.pieces.send(buffer).map_err(gone)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
