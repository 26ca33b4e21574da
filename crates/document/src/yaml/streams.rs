//! Splits a YAML stream into documents before anything is parsed, so that an invalid document loses
//! no other.
//!
//! A line that begins with `---` or `...` and then a space or nothing ends a document at any
//! position, since YAML allows it in no scalar. kubectl's reader splits at the same `---` lines. It
//! accepts no directives before them and drops the text after a `...`; both are read here.

use std::ops::Range;

/// Returns the byte ranges of the documents, markers and directives included. Some may hold only
/// comments.
pub(super) fn documents(text: &str, start: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = start;
    let mut at = start;
    // The state of the current document: whether it has directives, and any other content.
    let (mut directives, mut content) = (false, false);
    for line in lines(text.get(start..).unwrap_or_default()) {
        let end = at + line.len();
        if is_marker(line, "---") {
            if content || !directives {
                found.push(begin..at);
                begin = at;
            }
            (directives, content) = (false, true);
        } else if is_marker(line, "...") {
            found.push(begin..at);
            begin = end;
            (directives, content) = (false, false);
        } else if line.starts_with('%') && !content {
            directives = true;
        } else if !content && !is_empty(line) {
            content = true;
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
