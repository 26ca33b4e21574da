//! A hash over files and folders, by which a change is noticed.
//!
//! It bounds the files, the depth and the bytes that it reads. A file beyond the bounds is not
//! noticed.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// The interval at which files are polled for changes.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The maximum number of files and folders that are visited.
const MAX_FILES: usize = 20_000;
/// The maximum depth of folders that are visited.
const MAX_DEPTH: usize = 8;
/// The maximum number of bytes that are read from all files together.
const MAX_BYTES: u64 = 128 << 20;

/// Notices files that have changed and do not change any more: one that is half written may be valid
/// and have less in it than the whole file.
#[derive(Debug, Clone)]
pub(super) struct FileChanges {
    /// The fingerprint of the files' metadata before they were last read.
    known: u64,
    /// The fingerprint of the contents of changed files at the last poll. They are settled once it
    /// is the same at two polls.
    pending: Option<u64>,
}

impl FileChanges {
    /// Begins with the fingerprint of the files' metadata before they were read.
    pub(super) fn since(fingerprint: u64) -> Self {
        Self {
            known: fingerprint,
            pending: None,
        }
    }

    /// Looks at the files. True if they are to be read again. It may take as long as reading them.
    pub(super) fn poll<'p, I: Iterator<Item = &'p Path>>(&mut self, paths: impl Fn() -> I) -> bool {
        let metadata = of_metadata(paths());
        let contents = (metadata != self.known).then(|| of_contents(paths()));
        let is_settled = contents.is_some() && contents == self.pending;
        self.pending = contents;
        if is_settled {
            self.accept(metadata);
        }
        is_settled
    }

    /// Records that the files are read again, whether they changed or not.
    pub(super) fn accept(&mut self, fingerprint: u64) {
        self.known = fingerprint;
        self.pending = None;
    }
}

/// Hashes names, sizes and times.
pub(super) fn of_metadata<'p>(paths: impl Iterator<Item = &'p Path>) -> u64 {
    hash(paths, 0)
}

/// Hashes names, sizes, times and contents.
pub(super) fn of_contents<'p>(paths: impl Iterator<Item = &'p Path>) -> u64 {
    hash(paths, MAX_BYTES)
}

fn hash<'p>(paths: impl Iterator<Item = &'p Path>, max_bytes: u64) -> u64 {
    let mut visitor = Visitor {
        hasher: DefaultHasher::new(),
        remaining_files: MAX_FILES,
        remaining_bytes: max_bytes,
    };
    for path in paths {
        visitor.visit(path, MAX_DEPTH);
    }
    visitor.hasher.finish()
}

/// The hash so far, and the budget that is left.
struct Visitor {
    hasher: DefaultHasher,
    remaining_files: usize,
    remaining_bytes: u64,
}

impl Visitor {
    /// Hashes a path and everything below it. It follows links, since a mounted ConfigMap changes
    /// by one.
    fn visit(&mut self, path: &Path, depth: usize) {
        if self.remaining_files == 0 {
            return;
        }
        self.remaining_files -= 1;
        path.hash(&mut self.hasher);
        let Ok(metadata) = fs::metadata(path) else {
            return;
        };
        metadata.len().hash(&mut self.hasher);
        metadata.modified().ok().hash(&mut self.hasher);
        fs::canonicalize(path).ok().hash(&mut self.hasher);
        if metadata.is_file() {
            self.read(path);
        } else if metadata.is_dir() && depth > 0 {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let mut children: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            children.sort();
            for child in &children {
                self.visit(child, depth - 1);
            }
        }
    }

    fn read(&mut self, path: &Path) {
        if self.remaining_bytes == 0 {
            return;
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(path);
        let read = file.and_then(|file| file.take(self.remaining_bytes).read_to_end(&mut bytes));
        let count = read.map_or(0, |count| count as u64);
        self.remaining_bytes -= count.min(self.remaining_bytes);
        bytes.hash(&mut self.hasher);
    }
}
