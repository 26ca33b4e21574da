//! The result of reading all files: objects, problems, and what was skipped.

use kubevet_document::Document;
use kubevet_model::{Problem, Skipped};

/// The objects that were read, and everything that was not.
#[derive(Debug, Default)]
pub struct Input {
    /// The objects by file, then position. Lists (`kind: List`) are expanded.
    pub objects: Vec<Document>,
    /// The files and documents that could not be found, read or parsed.
    pub problems: Vec<Problem>,
    /// The documents that were read and are no Kubernetes object.
    pub skipped: Vec<Skipped>,
    /// The number of files that were read.
    pub files: usize,
}
