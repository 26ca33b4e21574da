//! Splits a YAML stream into documents before anything is parsed, so that an invalid document loses
//! no other.
//!
//! A line that begins with `---` or `...` and then a space or nothing ends a document at any
//! position, since YAML allows it in no scalar. kubectl's reader splits at `---` with any white space
//! or a comment after it, even `---#`. It accepts no directives before such a line and drops the text
//! after a `...`; both are read here. Each document may begin with a byte order mark, which files
//! joined to one have in the middle.

use std::ops::Range;

/// The byte order mark.
const MARK: char = '\u{feff}';

/// Returns the byte ranges of the documents, markers and directives included, byte order marks not.
/// Some may hold only comments.
pub(super) fn documents(text: &str, start: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = start;
    let mut at = start;
    // The state of the current document: whether it has directives, any other content, and
    // anything that is part of a value.
    let (mut directives, mut content, mut value) = (false, false, false);
    for whole_line in lines(text.get(start..).unwrap_or_default()) {
        let end = at + whole_line.len();
        let line = whole_line.trim_start_matches(MARK);
        let line_start = end - line.len();
        if line_start > at && !directives && !value {
            begin = line_start;
        }
        if is_marker(line, "---") {
            if content || !directives {
                found.push(begin..at);
                begin = line_start;
            }
            value = directives || !is_separator(line);
            (directives, content) = (false, true);
        } else if is_separator(line) || is_marker(line, "...") {
            found.push(begin..at);
            begin = end;
            (directives, content, value) = (false, false, false);
        } else if line.starts_with('%') && !content {
            directives = true;
        } else if !is_empty(line) {
            (content, value) = (true, true);
        }
        at = end;
    }
    found.push(begin..at);
    found.retain(|range| !range.is_empty());
    found
}

/// The lines with their line breaks; a `\r` alone is one too.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
        .flat_map(|line| line.split_inclusive('\r'))
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// True if kubectl's reader splits at a line: nothing follows `---`, or a comment.
fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(is_empty)
}

/// True if a line is empty or has only a comment.
fn is_empty(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::documents;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = documents(text, 0)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn stream_is_split_at_markers() {
        check("", &[]);
        check("a: 1\n", &["a: 1\n"]);
        check(
            "a: 1\n---\nb: 2\n---\n",
            &["a: 1\n", "---\nb: 2\n", "---\n"],
        );
        check("---\na: 1\n--- \nb: 2", &["---\na: 1\n", "--- \nb: 2"]);
        check("--- a\n--- # c\r\nb", &["--- a\n", "--- # c\r\nb"]);
        check("a\r---\rb", &["a\r", "---\rb"]);
        check("a\n...\nb\n", &["a\n", "b\n"]);
        check(
            "a\n...\n%YAML 1.2\n---\nb\n",
            &["a\n", "%YAML 1.2\n---\nb\n"],
        );
        check(
            "# c\n\n%YAML 1.1\n# d\n---\nb\n---\nc",
            &["# c\n\n%YAML 1.1\n# d\n---\nb\n", "---\nc"],
        );
        check("# c\n---\na", &["# c\n", "---\na"]);
    }

    #[test]
    fn stream_is_split_where_kubectl_splits_it() {
        for separator in [
            "---#",
            "---#x",
            "---\u{a0}",
            "---\u{3000}# x",
            "---\u{b}",
            "--- \u{a0}",
        ] {
            let text = format!("a: 1\n{separator}\nb: 2\n");
            let found: Vec<_> = documents(&text, 0)
                .into_iter()
                .map(|range| text[range].trim_start_matches("--- \u{a0}\n").to_owned())
                .collect();
            assert_eq!(found, ["a: 1\n", "b: 2\n"], "{separator:?}");
        }
        check("---#x\n---#y\na", &["a"]);
        check("a\n---#x\n%YAML 1.2\n---\nb", &["a\n", "%YAML 1.2\n---\nb"]);
    }

    #[test]
    fn byte_order_mark_before_a_document_is_dropped() {
        check("\u{feff}a\n", &["a\n"]);
        check("\u{feff}\u{feff}a\n", &["a\n"]);
        check("a\n---\n\u{feff}b\n", &["a\n", "b\n"]);
        check("a\n---\n\n# c\n\u{feff}# d\nb\n", &["a\n", "# d\nb\n"]);
        check("a\n\u{feff}---\nb\n", &["a\n", "---\nb\n"]);
        check("a\n---\n\u{feff}---\nb\n", &["a\n", "---\nb\n"]);
        check(
            "a\n...\n\u{feff}%YAML 1.2\n---\nb\n",
            &["a\n", "%YAML 1.2\n---\nb\n"],
        );
        check("a:\n\u{feff}b\n", &["a:\n\u{feff}b\n"]);
        check("--- a\n\u{feff}b\n", &["--- a\n\u{feff}b\n"]);
    }

    #[test]
    fn line_that_resembles_a_marker_does_not_split() {
        for text in [
            "a: |\n  ---\n  b",
            "---a",
            "----",
            " ---\na",
            "a: ---\n",
            "....",
            "a\n%b\n",
        ] {
            check(text, &[text]);
        }
    }
}
