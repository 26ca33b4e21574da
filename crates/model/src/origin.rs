//! The source of an object: where a reader finds the text that it was read from.
//!
//! A report prints an origin and never asks how the object was read. A new source of objects (a
//! rendered chart, a cluster, an image layer) is a variant here.

use super::Position;
use std::{fmt, sync::Arc};

/// The file name that stands for standard input.
const STDIN: &str = "-";

/// The source of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A document of a file.
    File {
        /// The path as the user gave it.
        path: Arc<str>,
        /// The beginning of the document.
        position: Position,
    },
    /// A document of standard input.
    Stdin {
        /// The beginning of the document.
        position: Position,
    },
    /// An object that an API server has stored.
    Cluster {
        /// `metadata.uid`.
        uid: Arc<str>,
        /// `metadata.resourceVersion`.
        resource_version: Arc<str>,
    },
}

impl Origin {
    /// The origin of a document by the file name that readers use, where `-` is standard input.
    #[must_use]
    pub fn of_document(file: &Arc<str>, position: Position) -> Self {
        if &**file == STDIN {
            Self::Stdin { position }
        } else {
            Self::File {
                path: Arc::clone(file),
                position,
            }
        }
    }

    /// The file name to print, `-` for standard input, and the beginning of the document; `None` for
    /// an object that was read from no file.
    #[must_use]
    pub fn source(&self) -> Option<(&str, Position)> {
        match self {
            Self::File { path, position } => Some((path, *position)),
            Self::Stdin { position } => Some((STDIN, *position)),
            Self::Cluster { .. } => None,
        }
    }
}

impl fmt::Display for Origin {
    /// `deploy/cart.yaml:3:1`; `cluster` for an object of one.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source() {
            Some((file, position)) => write!(out, "{file}:{position}"),
            None => out.write_str("cluster"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dash_is_standard_input() {
        let at = |file: &str| Origin::of_document(&file.into(), Position { line: 3, column: 1 });
        assert_eq!(at("a.yaml").to_string(), "a.yaml:3:1");
        assert!(matches!(at("-"), Origin::Stdin { .. }));
        assert_eq!(at("-").to_string(), "-:3:1");
    }
}
