//! Reads the discovered files and standard input one after the other, in a fixed order.

use super::{
    Input,
    discovery::{DiscoveredFiles, describe_io_error},
    objects,
    read_bytes::read_bytes,
};
use kubevet_document::{self as document, Limits};
use kubevet_model::{Problem, ProblemCode};
use std::{path::PathBuf, sync::Arc};

/// Reads everything that `patterns` name: files, folders, globs, `-` for standard input. `progress`
/// is called with the number of files read and their total.
#[must_use]
pub fn read(
    patterns: &[PathBuf],
    limits: &Limits,
    progress: &mut dyn FnMut(usize, usize),
) -> Input {
    let discovered = DiscoveredFiles::discover(patterns);
    let files = discovered.files;
    let mut input = Input {
        problems: discovered.problems,
        skipped: discovered.skipped,
        ..Input::default()
    };
    for (index, path) in files.iter().enumerate() {
        progress(index, files.len());
        let name: Arc<str> = path.to_string_lossy().into();
        match read_bytes(path, limits.bytes) {
            Ok(bytes) => {
                let parsed = document::read(&name, &bytes, limits);
                input.files += 1;
                input.problems.extend(parsed.problems);
                objects::partition(parsed.documents, &mut input);
            }
            Err(error) => {
                let message = format!("cannot be read: {}", describe_io_error(&error));
                input.problems.push(Problem::in_file(
                    ProblemCode::InputUnreadable,
                    &*name,
                    message,
                ));
            }
        }
    }
    input
}
