//! Files and standard input, read one after the other in a fixed order.

use super::{objects, paths::Paths, paths::reason};
use kubevet_document::{self as document, Document, Limits};
use kubevet_model::{Problem, Skipped};
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What was read.
#[derive(Debug, Default)]
pub struct Input {
    /// The objects by file, then place; lists are unfolded.
    pub objects: Vec<Document>,
    /// What could not be found, read or parsed.
    pub problems: Vec<Problem>,
    /// What was read and is no object.
    pub skipped: Vec<Skipped>,
    /// How many files were read.
    pub files: usize,
}

/// Reads everything under `words`: files, folders, globs, `-`. `seen` hears the count of files read and their total.
#[must_use]
pub fn read(words: &[PathBuf], limits: &Limits, seen: &mut dyn FnMut(usize, usize)) -> Input {
    let Paths {
        files,
        problems,
        skipped,
        ..
    } = Paths::find(words);
    let mut input = Input {
        problems,
        skipped,
        ..Input::default()
    };
    for (place, path) in files.iter().enumerate() {
        seen(place, files.len());
        let name: Arc<str> = path.to_string_lossy().into();
        match read_bytes(path, limits.bytes) {
            Ok(bytes) => {
                let reading = document::read(&name, &bytes, limits);
                input.files += 1;
                input.problems.extend(reading.problems);
                objects::sort(
                    reading.documents,
                    &mut input.objects,
                    &mut input.problems,
                    &mut input.skipped,
                );
            }
            Err(error) => {
                input.problems.push(Problem::in_file(
                    &*name,
                    format!("cannot be read: {}", reason(&error)),
                ));
            }
        }
    }
    input
}

/// One byte more than allowed, so that the reader sees that it is too much; never all of an endless file.
fn read_bytes(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let most = limit as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
