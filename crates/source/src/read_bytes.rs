//! The bytes of a file or of standard input, within a limit.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// Reads a file, but never all of an endless one. It reads one byte more than the limit, so that
/// the parser sees that the file is too large.
pub(super) fn read_bytes(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let max_bytes = limit as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(max_bytes).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(max_bytes).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
