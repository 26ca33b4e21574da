//! Reads files that the command line names, up to a limit: the user may have named the wrong file,
//! such as one without an end.

use anyhow::{Context as _, bail};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Reads a file.
///
/// # Errors
/// The file cannot be read, or is larger than `max_bytes`.
pub(super) fn read_file(path: &Path, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    read_bounded(&name, file, max_bytes)
}

/// Reads a file, or standard input if the path is `-`.
///
/// # Errors
/// As [`read_file`].
pub(super) fn read_file_or_stdin(path: &Path, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        read_bounded("-", io::stdin().lock(), max_bytes)
    } else {
        read_file(path, max_bytes)
    }
}

fn read_bounded(name: &str, reader: impl Read, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than the limit tells a file that is too large from one of exactly that size.
    reader
        .take(max_bytes + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {name}"))?;
    if bytes.len() as u64 > max_bytes {
        bail!("{name}: over {} MiB", max_bytes >> 20);
    }
    Ok(bytes)
}
