//! Masks credentials in excerpts: a report ends in the log of a build, which more people can read
//! than the file itself.

use kubevet_document::Document;
use kubevet_model::{Control, ControlId, FieldPath, LocatedFinding};
use std::{collections::BTreeSet, sync::Arc};

/// The replacement for a credential.
const MASK: &str = "********";

/// The maximum number of lines of one value that are masked.
const MAX_VALUE_LINES: u32 = 1000;

/// A value to mask: from a column of its first line to the end of its last line.
struct RedactedSpan {
    first_line: u32,
    /// The column of the value in its first line, from 1.
    column: u32,
    last_line: u32,
}

/// Masks the values that findings of sensitive controls point at, in the excerpts of all findings of the
/// object.
pub(super) fn redact_credentials(
    document: &Document,
    controls: &[Arc<Control>],
    findings: &mut [LocatedFinding],
) {
    let sensitive_controls: BTreeSet<&ControlId> = controls
        .iter()
        .filter(|control| control.sensitive)
        .map(|control| &control.id)
        .collect();
    let spans: Vec<RedactedSpan> = findings
        .iter()
        .filter(|located| sensitive_controls.contains(&located.finding.rule))
        .filter_map(|located| located.finding.paths().first())
        .filter_map(|path| RedactedSpan::of_value(document, path))
        .collect();
    if spans.is_empty() {
        return;
    }
    for located in findings {
        for line in &mut located.excerpt {
            for span in &spans {
                span.mask(line.number, &mut line.text);
            }
        }
    }
}

impl RedactedSpan {
    /// Returns the span of the value at a path; `None` if the document has no value there.
    fn of_value(document: &Document, path: &FieldPath) -> Option<Self> {
        let resolved = document.resolve(path);
        let (key, value) = (resolved.position, resolved.value?.position());
        // A value of several lines goes on as long as the lines are indented deeper than its key.
        let below = document.lines(
            value.line.saturating_add(1),
            value.line.saturating_add(MAX_VALUE_LINES),
        );
        let is_inside =
            |line: &str| line.trim().is_empty() || indentation(line) >= key.column as usize;
        let last_line = below
            .iter()
            .take_while(|line| is_inside(&line.text))
            .last()
            .map_or(value.line, |line| line.number);
        Some(Self {
            first_line: value.line,
            column: value.column,
            last_line,
        })
    }

    /// Masks the part of a line that is in the span.
    fn mask(&self, number: u32, line: &mut String) {
        let kept = if number == self.first_line {
            self.column.saturating_sub(1) as usize
        } else if number > self.first_line && number <= self.last_line {
            indentation(line)
        } else {
            return;
        };
        if line.chars().count() > kept {
            *line = line.chars().take(kept).chain(MASK.chars()).collect();
        }
    }
}

/// Returns the number of white space characters at the beginning of a line.
fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};

    /// Checks the whole source after the value at `path` is masked.
    #[track_caller]
    fn check(source: &str, path: &str, expected: &str) {
        let parsed = document::read(&"x.yaml".into(), source.as_bytes(), &Limits::default());
        let document = &parsed.documents[0];
        let span = RedactedSpan::of_value(document, &path.parse().unwrap()).unwrap();
        let mut lines = document.lines(1, 100);
        for line in &mut lines {
            span.mask(line.number, &mut line.text);
        }
        let shown: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(shown.join("\n"), expected);
    }

    #[test]
    fn credential_is_masked_and_its_neighbours_are_not() {
        check(
            "data:\n  pwd: hunter2\n  user: me",
            "data[pwd]",
            "data:\n  pwd: ********\n  user: me",
        );
        check("- a: 1\n  b: x", "[0].b", "- a: 1\n  b: ********");
        check(
            "data:\n  key: |\n    one\n    two\n  user: me",
            "data[key]",
            "data:\n  key: |\n    ********\n    ********\n  user: me",
        );
        check(
            "{\"data\": {\"pwd\": \"x\", \"user\": \"me\"}}",
            "data[pwd]",
            "{\"data\": {\"pwd\": ********",
        );
        check(
            "data:\n  pwd:\n    hunter2\nx: 1",
            "data[pwd]",
            "data:\n  pwd:\n    ********\nx: 1",
        );
    }
}
