//! Files named on the command line, as bytes, within a bound: somebody may have named the wrong one.

use anyhow::{Context as _, bail};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The bytes of a file.
///
/// # Errors
/// It cannot be read, or is over `limit` bytes.
pub(super) fn file(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let shown = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    within(&shown, file, limit)
}

/// As [`file`], where `-` is standard input.
pub(super) fn file_or_stdin(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        within("-", io::stdin().lock(), limit)
    } else {
        file(path, limit)
    }
}

fn within(shown: &str, from: impl Read, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > limit {
        bail!("{shown}: over {} MiB", limit >> 20);
    }
    Ok(bytes)
}
