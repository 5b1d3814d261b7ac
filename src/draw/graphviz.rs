//! Graphviz's own layout, only when asked for: its result depends on its version and fonts.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long `dot` may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why Graphviz drew nothing.
#[derive(Debug, thiserror::Error)]
pub enum GraphvizError {
    /// It is not installed.
    #[error(
        "--layout graphviz needs Graphviz's `dot`, which is not on the PATH; install Graphviz (graphviz.org) or leave the option out"
    )]
    Missing,
    /// It did not finish in time.
    #[error("Graphviz's `dot` took longer than {} seconds; draw fewer nodes with --max-nodes or leave --layout graphviz out", PATIENCE.as_secs())]
    TooSlow,
    /// It failed.
    #[error("Graphviz's `dot` failed: {0}")]
    Failed(String),
    /// It could not be talked to.
    #[error("cannot run Graphviz's `dot`: {0}")]
    Io(#[from] io::Error),
}

/// Lays DOT text out with `dot -Tsvg`.
///
/// # Errors
/// When `dot` is not there, fails, or takes too long.
pub fn svg(dot: &str) -> Result<String, GraphvizError> {
    let spawned = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GraphvizError::Missing,
        _ => error.into(),
    })?;
    let read = |stream: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            match stream {
                Some(mut stream) => stream.read_to_end(&mut bytes).map(|_| bytes),
                None => Ok(bytes),
            }
        })
    };
    let out = read(child.stdout.take().map(|stream| Box::new(stream) as _));
    let err = read(child.stderr.take().map(|stream| Box::new(stream) as _));
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(dot.as_bytes())?;
    }
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(GraphvizError::TooSlow);
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let join = |thread: std::thread::JoinHandle<io::Result<Vec<u8>>>| {
        let bytes = thread.join().unwrap_or_else(|_| Ok(Vec::new()))?;
        Ok::<_, GraphvizError>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (out, err) = (join(out)?, join(err)?);
    if status.success() {
        Ok(out)
    } else {
        Err(GraphvizError::Failed(err.trim().to_owned()))
    }
}
