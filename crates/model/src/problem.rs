//! Something that could not be read or compiled, and its position.

use super::ProblemCode;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A position in a text.
#[derive(Debug, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

/// An error in the user's input. A run with a problem never succeeds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the user named it; `-` is standard input; empty where no file is the cause.
    pub file: String,
    /// The position in the file; `None` where the file as a whole is the cause.
    pub position: Option<Position>,
    /// What is wrong and what to do about it, as one sentence without a full stop.
    pub message: String,
    /// The kind of problem. It is the last field, so that problems sort by file, position and message.
    pub code: ProblemCode,
}

impl Problem {
    /// A problem with a file as a whole.
    pub fn in_file(code: ProblemCode, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            position: None,
            message: message.into(),
            code,
        }
    }

    /// A problem at one position of a file.
    pub fn at(
        code: ProblemCode,
        file: impl Into<String>,
        position: Position,
        message: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            position: Some(position),
            message: message.into(),
            code,
        }
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: message`, without the parts that are unknown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.as_str(), self.position) {
            ("", _) => {}
            (file, None) => write!(out, "{file}: ")?,
            (file, Some(position)) => write!(out, "{file}:{position}: ")?,
        }
        out.write_str(&self.message)
    }
}
