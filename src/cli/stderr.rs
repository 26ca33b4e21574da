//! Messages on standard error: errors, problems, notes.
//!
//! A message that cannot be written is dropped: a process whose standard error is closed has no
//! other place for it.

use super::exit_status::ExitStatus;
use kubevet_engine::Engine;
use kubevet_model::{Problem, escape_hidden};
use kubevet_policy::Remark;
use std::io::{self, Write as _};

/// The maximum number of characters of a line.
const MAX_LINE_CHARS: usize = 16_000;

/// Prints a line, with hidden characters escaped.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(io::stderr(), "{}", escape_hidden(line, MAX_LINE_CHARS));
}

/// Returns the line that reports an error with its causes.
pub(super) fn error_line(error: &anyhow::Error) -> String {
    format!("error: {error:#}")
}

/// Prints an error with its causes.
pub(super) fn print_error(error: &anyhow::Error) {
    print_line(&error_line(error));
}

/// Prints problems. Returns `Failure` if there are any.
pub(super) fn print_problems(problems: &[Problem]) -> ExitStatus {
    for problem in problems {
        print_line(&format!("error: {problem}"));
    }
    if problems.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    }
}

/// Prints what is remarkable about bindings.
pub(super) fn print_remarks(remarks: &[Remark]) {
    for Remark { problem, level } in remarks {
        print_line(&format!("{}: {problem}", level.name()));
    }
}

/// Prints the rules that are not compiled. They are evaluated by the interpreter, which is slower,
/// and are not exported.
pub(super) fn print_interpreted(engine: &Engine) {
    for (control, reason) in engine.interpreted() {
        print_line(&format!(
            "note: {control} is interpreted, not compiled: {reason}"
        ));
    }
}
