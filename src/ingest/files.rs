//! From paths to texts: directories in the order of their names, zips read in place with bounds,
//! encodings as Windows tools write them.
//!
//! Tables lie in the folder that is named; exports may also lie in folders below it, as tools that
//! write a folder per object leave them. A collection too large to keep stays on the disk: whoever
//! imports it goes through it there.

mod decode;
mod names;

use std::cmp::Reverse;
use std::fs;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::import::Maps;
use crate::diag::{Code, Diagnostic, FileId, Sources};
use crate::model::{hexadecimal, sha256};
use decode::{Undecodable, decode, is_text};
use names::{extension, is_table, is_zip, reads};
pub(super) use names::{is_output, is_own_graph};

/// Bytes that one file may have after unpacking: offsets are 32 bits.
const MAX_FILE: u64 = u32::MAX as u64;
/// Bytes that all members of one zip may have together.
const MAX_ZIP: u64 = 16 << 30;
/// Members that one zip may have.
const MAX_MEMBERS: usize = 100_000;
/// How much larger than the archive its members may be: deflate reaches 1032, JSON about 50.
const MAX_RATIO: u64 = 250;

/// Folders below the one that is named.
const MAX_DEPTH: usize = 10;
/// Bytes from which on a collection is gone through on the disk.
const LARGE: u64 = 64 << 20;
/// Bytes of the beginning and of the end of a file that say what it is.
const PEEKED: usize = 64 << 10;

/// What to read, and as which importer's export, if that was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub path: &'a Path,
    pub importer: Option<usize>,
}

/// A file that was found, with its text in [`Sources`].
pub(super) struct Found {
    pub file: FileId,
    /// Which of the inputs it belongs to.
    pub input: u32,
    /// Whether the user named this very file.
    pub named: bool,
    /// Whether the input is this one file: such files of one kind of export belong together.
    pub single: bool,
    /// The SHA-256 of its bytes; of one whose text is its bytes, nobody has asked for it yet.
    pub sha256: Option<String>,
    /// The folder of a directory that it lies in, when it is one below the named one: no table.
    pub folder: Option<String>,
    /// The importer that the user named.
    pub importer: Option<usize>,
    /// Where it lies, when it is too large to keep and its text is empty.
    pub large: Option<PathBuf>,
}

/// What was found, and what could not be read.
#[derive(Default)]
pub(super) struct Files {
    pub found: Vec<Found>,
    pub diagnostics: Vec<Diagnostic>,
    /// Files that are no text format at all, by path; never opened.
    pub ignored: Vec<(String, bool)>,
    /// Folders below the named ones.
    pub folders: Vec<String>,
}

/// Reads every input in order.
pub(super) fn collect(
    inputs: &[Wanted<'_>],
    encoding: Option<&'static Encoding>,
    maps: &Maps,
    sources: &mut Sources,
) -> Files {
    let mut files = Files::default();
    for (number, input) in inputs.iter().enumerate() {
        let prefix = if inputs.len() > 1 {
            format!("{}/", last_name(input.path))
        } else {
            String::new()
        };
        let mut reader = Reader {
            files: &mut files,
            sources,
            encoding,
            input: number as u32,
            importer: input.importer,
            maps,
            single: false,
            prefix,
        };
        reader.input(input.path);
    }
    files
}

/// The last component of a path, for names that are the same on every machine.
fn last_name(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.or_else(|| {
        fs::canonicalize(path)
            .ok()?
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
    })
    .unwrap_or_else(|| "input".to_owned())
}

struct Reader<'a> {
    files: &'a mut Files,
    sources: &'a mut Sources,
    encoding: Option<&'static Encoding>,
    input: u32,
    importer: Option<usize>,
    maps: &'a Maps,
    /// Whether the input is one file.
    single: bool,
    prefix: String,
}

/// A file of a directory.
struct Entry {
    path: PathBuf,
    /// Below the directory, with `/` on every system.
    name: String,
    /// The folder it lies in.
    folder: Option<String>,
}

impl Reader<'_> {
    fn input(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.directory(path),
            Ok(_) => {
                let name = last_name(path);
                // The one name is enough; a prefix would repeat it.
                self.prefix.clear();
                let entry = Entry {
                    path: path.to_owned(),
                    name,
                    folder: None,
                };
                self.single = !is_zip(&entry.name);
                self.files(&[entry], true);
            }
            Err(error) => self.unreadable(&path.display().to_string(), &error),
        }
    }

    fn directory(&mut self, root: &Path) {
        // Hidden files and folders are nobody's export.
        let is_hidden = |entry: &walkdir::DirEntry| {
            entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.')
        };
        let walk = WalkDir::new(root)
            .min_depth(1)
            .max_depth(MAX_DEPTH)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| !is_hidden(entry));
        let mut files = Vec::new();
        for entry in walk {
            match entry {
                Ok(entry) => {
                    let path = entry.path();
                    let below = path.strip_prefix(root).unwrap_or(path);
                    let parts = below.iter().map(|part| part.to_string_lossy());
                    let name = parts.collect::<Vec<_>>().join("/");
                    let folder = name.split_once('/').map(|(folder, _)| folder);
                    let shown = |folder: &str| format!("{}/", root.join(folder).display());
                    match fs::metadata(path) {
                        Ok(meta) if meta.is_file() => files.push(Entry {
                            folder: folder.map(shown),
                            path: path.to_owned(),
                            name,
                        }),
                        Ok(_) if entry.depth() == 1 => self.files.folders.push(shown(&name)),
                        Ok(_) => {}
                        // A link that leads nowhere is nobody's export.
                        Err(_) if entry.path_is_symlink() && !is_table(&name) => {
                            self.files.ignored.push((path.display().to_string(), false));
                        }
                        Err(error) => self.unreadable(&path.display().to_string(), &error),
                    }
                }
                Err(error) => {
                    let path = error.path().unwrap_or(root).display().to_string();
                    self.error(format!("cannot read `{path}`: {error}"));
                }
            }
        }
        self.files(&files, false);
    }

    /// Files side by side, then each in its turn.
    fn files(&mut self, files: &[Entry], named: bool) {
        let (encoding, maps) = (self.encoding, self.maps);
        let named = named || self.importer.is_some();
        // Whoever is done takes the next largest, so that nobody waits long for the last one.
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by_cached_key(|&at| {
            Reverse(fs::metadata(&files[at].path).map_or(0, |meta| meta.len()))
        });
        let order = order.into_iter().map(|at| (at, &files[at]));
        let mut loaded: Vec<_> = order
            .par_bridge()
            .map(|(at, entry)| {
                let is_wanted = reads(&entry.name)
                    && (named
                        || maps.of(&entry.name).is_some()
                        || may_hold_something(entry, encoding))
                    && (entry.folder.is_none() || !is_output(&entry.name));
                let loaded = is_wanted.then(|| load(&entry.path, &entry.name, encoding));
                (at, loaded)
            })
            .collect();
        loaded.sort_unstable_by_key(|(at, _)| *at);
        for (entry, (_, loaded)) in files.iter().zip(loaded) {
            let shown = entry.path.display().to_string();
            let folder = entry.folder.as_ref();
            match loaded {
                None if folder.is_some() => {}
                None => self.files.ignored.push((shown, named)),
                Some(Err(error)) => self.unreadable(&shown, &error),
                Some(Ok(Loaded::Zip(bytes))) => self.zip(&shown, &entry.name, named, bytes),
                Some(Ok(Loaded::Text(text))) => {
                    self.text(shown, &entry.name, named, text, folder);
                }
                Some(Ok(Loaded::Large(sha256))) => {
                    let name = format!("{}{}", self.prefix, entry.name);
                    let file = self.sources.add_large(shown, name);
                    self.found(file, named, Some(sha256), folder, Some(entry.path.clone()));
                }
            }
        }
    }

    /// Members are read one by one up to their bounds and never written anywhere, so a path in the
    /// archive cannot lead out of it.
    fn zip(&mut self, shown: &str, name: &str, named: bool, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        // What begins as a zip and does not end as one was cut off.
        let is_cut = bytes.starts_with(b"PK\x03\x04");
        let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => archive,
            // Somebody else's file in the folder, with a name that says more than it is.
            Err(_) if !named && !is_cut => {
                return self.files.ignored.push((shown.to_owned(), false));
            }
            Err(error) => {
                return self.error(format!("`{shown}` is not a zip that can be read: {error}"));
            }
        };
        if archive.len() > MAX_MEMBERS {
            return self.error(format!(
                "`{shown}` has {} members, more than {MAX_MEMBERS}",
                archive.len()
            ));
        }
        let mut names = Vec::new();
        for at in 0..archive.len() {
            match archive
                .by_index_raw(at)
                .map(|member| member.name().map(|name| name.into_owned()))
            {
                Ok(Ok(name)) => names.push((name, at)),
                Ok(Err(error)) | Err(error) => {
                    return self.error(format!("`{shown}` is not a zip that can be read: {error}"));
                }
            }
        }
        names.sort_unstable();
        let allowed = MAX_ZIP.min(size.saturating_mul(MAX_RATIO).max(1 << 20));
        let mut left = allowed;
        for (member, at) in names {
            let path = format!("{shown}/{member}");
            let last = member.rsplit(['/', '\\']).next().unwrap_or(&member);
            // What macOS and editors leave beside the files, as in a folder.
            let is_hidden = last.starts_with('.') || member.starts_with("__MACOSX/");
            if member.ends_with('/') || is_hidden || !reads(&member) || is_zip(&member) {
                if !member.ends_with('/') && !is_hidden {
                    self.files.ignored.push((path, false));
                }
                continue;
            }
            let mut bytes = Vec::new();
            let read = archive
                .by_index(at)
                .map_err(|error| error.to_string())
                .and_then(|file| {
                    file.take(left.min(MAX_FILE) + 1)
                        .read_to_end(&mut bytes)
                        .map_err(|error| error.to_string())
                });
            match read {
                Err(error) => self.error(format!("cannot read `{path}`: {error}")),
                Ok(read) if read as u64 > left.min(MAX_FILE) => {
                    return self.error(format!(
                        "`{shown}` unpacks to more than {allowed} bytes at `{member}`; this looks like a zip bomb"
                    ));
                }
                Ok(read) => {
                    left -= read as u64;
                    let inside = format!("{name}/{member}");
                    let text = Decoded::new(bytes, self.encoding);
                    self.text(path, &inside, false, text, None);
                }
            }
        }
    }

    fn text(
        &mut self,
        path: String,
        name: &str,
        named: bool,
        decoded: Decoded,
        folder: Option<&String>,
    ) {
        let Decoded { text, bad, sha256 } = decoded;
        let name = format!("{}{name}", self.prefix);
        if bad.is_some() && !named && !is_table(&name) {
            // Nobody's table, and no export is written in anything but Unicode.
            self.files.ignored.push((path, false));
            return;
        }
        let file = self.sources.add(path, name, text);
        if let Some((at, what)) = bad {
            self.files.diagnostics.push(
                Diagnostic::new(Code::NotText, what)
                    .at(crate::diag::Origin { file, start: at, len: 1 }, "not text from here on")
                    .help("if the file was written on Windows, try `--encoding windows-1252` (or the code page it was written in)"),
            );
            return;
        }
        self.found(file, named, sha256, folder, None);
    }

    fn found(
        &mut self,
        file: FileId,
        named: bool,
        sha256: Option<String>,
        folder: Option<&String>,
        large: Option<PathBuf>,
    ) {
        self.files.found.push(Found {
            file,
            input: self.input,
            named,
            single: self.single,
            sha256,
            folder: folder.cloned(),
            importer: self.importer,
            large,
        });
    }

    fn unreadable(&mut self, path: &str, error: &std::io::Error) {
        self.error(format!("cannot read `{path}`: {error}"));
    }

    fn error(&mut self, message: String) {
        self.files
            .diagnostics
            .push(Diagnostic::new(Code::UnreadableFile, message));
    }
}

/// A file in memory, or what is known of one that stays on the disk.
enum Loaded {
    Zip(Vec<u8>),
    Text(Decoded),
    Large(String),
}

/// Bytes as text.
struct Decoded {
    text: String,
    /// Where it stops being text, and why.
    bad: Option<(u32, String)>,
    /// Nothing when the text is the bytes.
    sha256: Option<String>,
}

impl Decoded {
    fn new(bytes: Vec<u8>, encoding: Option<&'static Encoding>) -> Self {
        let sha256 = (!is_text(&bytes, encoding)).then(|| sha256(&bytes));
        let (text, bad) = match decode(bytes, encoding) {
            Ok(text) => (text, None),
            Err(Undecodable { text, at, what }) => (text, Some((at, what))),
        };
        Self { text, bad, sha256 }
    }
}

fn load(path: &Path, name: &str, encoding: Option<&'static Encoding>) -> std::io::Result<Loaded> {
    if is_zip(name) {
        return fs::read(path).map(Loaded::Zip);
    }
    let size = fs::metadata(path)?.len();
    if size > LARGE && extension(name) == "json" {
        let [head, tail] = ends(path, size)?;
        if super::import::goes_through(&head, &tail) {
            let mut digest = Sha256::new();
            let mut file = fs::File::open(path)?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    read => digest.update(&buffer[..read]),
                }
            }
            return Ok(Loaded::Large(hexadecimal(&digest.finalize())));
        }
    }
    if size > MAX_FILE {
        let message = "the file is larger than 4 GiB; split it";
        return Err(std::io::Error::other(message));
    }
    Ok(Loaded::Text(Decoded::new(fs::read(path)?, encoding)))
}

/// The beginning and the end of a file, as far as they are text.
fn ends(path: &Path, size: u64) -> std::io::Result<[String; 2]> {
    let mut file = fs::File::open(path)?;
    let mut part = |from: u64| -> std::io::Result<String> {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.by_ref().take(PEEKED as u64).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok([part(0)?, part(size.saturating_sub(PEEKED as u64))?])
}

/// Whether a file that nobody named is worth reading: a table of the folder itself, JSON and LDIF by
/// their content, CSV when its header is that of an export.
fn may_hold_something(entry: &Entry, encoding: Option<&'static Encoding>) -> bool {
    if extension(&entry.name) != "csv" {
        return true;
    }
    if entry.folder.is_none() && (is_table(&entry.name) || is_output(&entry.name)) {
        return true;
    }
    let Ok(meta) = fs::metadata(&entry.path) else {
        return true;
    };
    // What cannot be opened cannot be known: it is reported when it is read.
    ends(&entry.path, meta.len().min(PEEKED as u64)).map_or(true, |[head, _]| {
        let bytes = head.into_bytes();
        let is_utf16 = bytes.contains(&0);
        let head = if is_utf16 {
            let mut bytes = Vec::new();
            let file = fs::File::open(&entry.path);
            let read = file.and_then(|file| file.take(PEEKED as u64).read_to_end(&mut bytes));
            bytes.truncate(read.unwrap_or_default() & !1);
            match decode(bytes, encoding) {
                Ok(text) => text,
                Err(bad) => bad.text,
            }
        } else {
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let whole_lines = head.rfind('\n').map_or(&*head, |end| &head[..=end]);
        super::import::is_export_csv(&entry.name, whole_lines.trim_start_matches('\u{feff}'))
    })
}
