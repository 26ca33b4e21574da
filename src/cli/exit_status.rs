//! The exit status of the commands. Each command explains its own in `--help`.

use std::process::ExitCode;

/// The exit status of a command. The greater status wins where a command has several results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ExitStatus {
    /// 0: the work is done, and its result is good.
    Success,
    /// 1: the work is done, and its result is bad: a finding, a denial, a difference.
    Negative,
    /// 2: the work, or a part of it, could not be done.
    Failure,
}

impl ExitStatus {
    /// Returns `Negative` if the result is bad.
    pub(super) fn negative_if(is_negative: bool) -> Self {
        if is_negative {
            Self::Negative
        } else {
            Self::Success
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Success => Self::from(0),
            ExitStatus::Negative => Self::from(1),
            ExitStatus::Failure => Self::from(2),
        }
    }
}
