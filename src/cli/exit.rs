//! Exit statuses.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done (0).
    Done,
    /// A condition asked for with `--fail-on` holds (1).
    Condition,
    /// Bad usage or bad input; nothing was written (2).
    Bad,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Condition => Self::from(1),
            Exit::Bad => Self::from(2),
        }
    }
}
