//! Comparison of output with a file in the repository; `UPDATE=1` rewrites the file instead.

use crate::build_output::repository_root;
use std::{env, fs, path::Path};

/// Compares `actual` with the file at `path`, relative to the root of the repository. With
/// `UPDATE=1` the file is rewritten.
#[track_caller]
pub fn assert_matches_file(path: &str, actual: &str) {
    let difference = difference(&repository_root().join(path), actual);
    assert!(
        difference.is_none(),
        "{path} differs; UPDATE=1 cargo test rewrites it\n{}",
        difference.unwrap_or_default()
    );
}

/// How `actual` differs from a file; `None` where it does not, or the file was rewritten.
pub(crate) fn difference(file: &Path, actual: &str) -> Option<String> {
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(file, actual).unwrap();
        return None;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    (expected != actual).then(|| diff(&expected, actual))
}

/// The differing lines, between the common prefix and the common suffix of both strings.
fn diff(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let lines = |lines: &[&str], sign: char| -> String {
        lines[head..lines.len() - tail]
            .iter()
            .map(|line| format!("{sign} {line}\n"))
            .collect()
    };
    format!(
        "at line {}:\n{}{}",
        head + 1,
        lines(&old, '-'),
        lines(&new, '+')
    )
}
