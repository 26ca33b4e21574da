//! Paths of layers: from the bytes of a header to one spelling, within the root.
//!
//! A path is cleaned by its text alone, as runtimes do: leading slashes, `.` and `..` go, and nothing is
//! above the root. So `../../etc/passwd` is `etc/passwd`. What is left must name something: a file that
//! is called `..` has no place, and runtimes refuse it.

use super::{error::ImageError, limits::ImageLimits};

/// What removes a file of a lower layer, and what hides all of a folder.
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Other names that begin like this belong to file systems of hosts, and mean nothing.
const WHITEOUT_META: &str = ".wh..wh.";

/// What the path of an entry means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryPath {
    /// The root itself.
    Root,
    /// Something in the layer.
    Entry(String),
    /// A removal of what lower layers have at a path.
    Whiteout(String),
    /// A folder of which lower layers show nothing. The root is empty.
    Opaque(String),
    /// Nothing.
    Ignored,
}

/// Reads the name of an entry.
pub(super) fn read_entry_path(
    place: &str,
    name: &[u8],
    limits: &ImageLimits,
) -> Result<EntryPath, ImageError> {
    let path = clean_path(place, name, limits)?;
    if path.is_empty() {
        return Ok(EntryPath::Root);
    }
    let (folder, base) = split_path(&path);
    if base == OPAQUE {
        return Ok(EntryPath::Opaque(folder.to_owned()));
    }
    if base.starts_with(WHITEOUT_META) {
        return Ok(EntryPath::Ignored);
    }
    let Some(removed) = base.strip_prefix(WHITEOUT) else {
        return Ok(EntryPath::Entry(path));
    };
    if matches!(removed, "" | "." | "..") {
        return Err(bad_path(place, name, "removes no file"));
    }
    Ok(EntryPath::Whiteout(join_path(folder, removed)))
}

/// Cleans a path; the root is empty. Bytes that are no UTF-8 are written as `\xff`.
pub(super) fn clean_path(
    place: &str,
    name: &[u8],
    limits: &ImageLimits,
) -> Result<String, ImageError> {
    if name.len() > limits.path_bytes {
        let limit = limits.path_bytes as u64;
        return Err(ImageError::limit(place, limit, "bytes in a path"));
    }
    let text = readable(name);
    let names = clean_names(&text);
    if names.len() > limits.path_depth {
        let limit = limits.path_depth as u64;
        return Err(ImageError::limit(place, limit, "names in a path"));
    }
    Ok(names.join("/"))
}

fn clean_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            _ => names.push(name),
        }
    }
    names
}

/// The folder and the last name of a path.
pub(super) fn split_path(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A path in a folder; the root is empty.
pub(super) fn join_path(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return name.to_owned();
    }
    format!("{folder}/{name}")
}

/// The error of a path that cannot be one of a file.
pub(super) fn bad_path(place: &str, name: &[u8], reason: &str) -> ImageError {
    ImageError::BadPath {
        place: place.to_owned(),
        path: readable(name).chars().take(200).collect(),
        reason: reason.to_owned(),
    }
}

/// Bytes as text; different bytes stay different.
pub(super) fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: EntryPath) {
        let limits = ImageLimits::default();
        let path = read_entry_path("layer", name.as_bytes(), &limits);
        assert_eq!(path, Ok(expected), "{name}");
    }

    #[track_caller]
    fn check_error(name: &str, expected: &str) {
        let limits = ImageLimits::default();
        let error = read_entry_path("layer", name.as_bytes(), &limits).unwrap_err();
        assert_eq!(error.code(), expected, "{name}");
    }

    fn entry(path: &str) -> EntryPath {
        EntryPath::Entry(path.to_owned())
    }

    #[test]
    fn path_has_one_spelling_within_the_root() {
        check("etc/passwd", entry("etc/passwd"));
        check("./etc//passwd", entry("etc/passwd"));
        check("/etc/passwd/", entry("etc/passwd"));
        check("../../../etc/passwd", entry("etc/passwd"));
        check("a/../../../tmp/x", entry("tmp/x"));
        check("a/./b/../c", entry("a/c"));
        check("a\\b", entry("a\\b"));
        check("...", entry("..."));
        for root in ["", ".", "./", "/", "..", "a/.."] {
            check(root, EntryPath::Root);
        }
    }

    #[test]
    fn whiteouts_are_recognized() {
        check("a/.wh.b", EntryPath::Whiteout("a/b".to_owned()));
        check(".wh.b", EntryPath::Whiteout("b".to_owned()));
        check("a/.wh..wh..opq", EntryPath::Opaque("a".to_owned()));
        check(".wh..wh..opq", EntryPath::Opaque(String::new()));
        check("a/.wh..wh.plnk", EntryPath::Ignored);
        check(".wh.x/b", entry(".wh.x/b"));
        check_error("x/.wh.", "bad-path");
        check_error("x/.wh..", "bad-path");
        check_error("x/.wh...", "bad-path");
    }

    #[test]
    fn long_and_deep_paths_are_refused() {
        check_error(&"x".repeat(4097), "limit");
        check_error(&"x/".repeat(257), "limit");
    }

    #[test]
    fn bytes_that_are_no_text_stay_apart() {
        assert_eq!(readable(b"a\xff\xfeb"), "a\\xff\\xfeb");
        assert_eq!(readable("ü".as_bytes()), "ü");
    }
}
