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
        let mut files = Vec::with_capacity(N);
        for at in 0..N {
            let file = NamedTempFile::new_in(&self.directory);
            files.push(file.map_err(|source| error(at, source))?);
        }
        let (result, files) =
            handed_over(files, write).map_err(|(at, source)| error(at, source))?;
        let names = names.into_iter().map(str::to_owned);
        self.pending.extend(names.zip(files));
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
/// about as long as making them. An error comes with the place of the file among `files`, the first one
/// where nobody knows which it was.
fn handed_over<T, const N: usize>(
    files: Vec<NamedTempFile>,
    write: impl FnOnce([&mut (dyn Write + Send); N]) -> io::Result<T>,
) -> Result<(T, Vec<NamedTempFile>), (usize, io::Error)> {
    /// Bytes that are handed over at a time, and how often that is done before the maker waits.
    const PIECE: usize = 1 << 18;
    const WAITING: usize = 16;
    let anywhere = |error| (0, error);
    thread::scope(|scope| {
        let (pieces, taken) = mpsc::sync_channel::<(usize, Vec<u8>)>(WAITING);
        let (give_back, empty): (Vec<_>, Vec<_>) = (0..N).map(|_| mpsc::channel()).unzip();
        let writer = thread::Builder::new().spawn_scoped(scope, move || {
            let mut files = files;
            for (at, mut piece) in taken {
                files[at].write_all(&piece).map_err(|error| (at, error))?;
                piece.clear();
                // The maker may have finished; then nobody wants it.
                let _ = give_back[at].send(piece);
            }
            Ok(files)
        });
        let writer = writer.map_err(anywhere)?;
        let mut empty = empty.into_iter();
        let mut out: [_; N] = std::array::from_fn(|file| {
            let hand_over = HandOver {
                file,
                pieces: pieces.clone(),
                empty: empty.next(),
            };
            BufWriter::with_capacity(PIECE, hand_over)
        });
        drop(pieces);
        let result = write(out.each_mut().map(|out| out as &mut (dyn Write + Send)));
        let result = result.and_then(|result| {
            out.iter_mut().try_for_each(BufWriter::flush)?;
            Ok(result)
        });
        // The thread ends when nobody can hand it anything any more.
        for out in out {
            drop(out.into_parts().0);
        }
        let written = writer
            .join()
            .map_err(|_| anywhere(io::Error::other("the thread that writes has died")))?;
        // What the thread says is the cause of what the maker ran into.
        let files = written?;
        Ok((result.map_err(anywhere)?, files))
    })
}

/// Hands pieces over to the thread that writes, in buffers that come back from it: memory that is
/// new to the process costs more than what is written into it.
struct HandOver {
    file: usize,
    pieces: mpsc::SyncSender<(usize, Vec<u8>)>,
    empty: Option<mpsc::Receiver<Vec<u8>>>,
}

impl Write for HandOver {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        let given_back = self.empty.as_ref().and_then(|empty| empty.try_recv().ok());
        let mut buffer = given_back.unwrap_or_default();
        buffer.extend_from_slice(piece);
        self.pieces.send((self.file, buffer)).map_err(gone)?;
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
