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

impl Exit {
    /// As a number.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Condition => 1,
            Self::Bad => 2,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.status().into()
    }
}
