//! Credentials that a control found are not repeated in excerpts: a report ends in the log of a build, where more people
//! read than in the file.

use kubevet_document::Document;
use kubevet_model::{Control, ControlId, FieldPath, LocatedFinding};
use std::{collections::BTreeSet, sync::Arc};

/// The category of controls whose findings point at something secret.
const CATEGORY: &str = "Secrets";
/// What stands where a secret stood.
const MASK: &str = "********";

/// The most lines of one value that are looked for.
const VALUE_LINES: u32 = 1000;

/// A value that is not shown: from a column of its first line to the end of its last.
struct Secret {
    line: u32,
    column: u32,
    last: u32,
}

/// Masks the values that findings of secrets point at first, in the excerpts of all findings of the object.
pub(super) fn hide_secrets(
    document: &Document,
    controls: &[Arc<Control>],
    findings: &mut [LocatedFinding],
) {
    let about_secrets: BTreeSet<&ControlId> = controls
        .iter()
        .filter(|it| it.category.starts_with(CATEGORY))
        .map(|it| &it.id)
        .collect();
    let secrets: Vec<Secret> = findings
        .iter()
        .filter(|it| about_secrets.contains(&it.finding.control))
        .filter_map(|it| it.finding.paths.first())
        .filter_map(|path| secret(document, path))
        .collect();
    if secrets.is_empty() {
        return;
    }
    for finding in findings {
        for line in &mut finding.excerpt {
            for secret in &secrets {
                secret.hide(line.number, &mut line.text);
            }
        }
    }
}

fn secret(document: &Document, path: &FieldPath) -> Option<Secret> {
    let place = document.locate(path);
    if place.found < path.segments().len() {
        return None;
    }
    let value = path
        .segments()
        .iter()
        .try_fold(document.root(), |node, step| {
            node.get(step.text())
                .or_else(|| step.text().parse().ok().and_then(|it| node.at(it)))
        })?;
    let (key, value) = (place.position, value.position());
    // A value of several lines goes on as long as the lines are indented deeper than its key.
    let below = document.lines(
        value.line.saturating_add(1),
        value.line.saturating_add(VALUE_LINES),
    );
    let inside = |text: &str| text.trim().is_empty() || indent(text) >= key.column as usize;
    let last = below
        .iter()
        .take_while(|it| inside(&it.text))
        .last()
        .map_or(value.line, |it| it.number);
    Some(Secret {
        line: value.line,
        column: value.column,
        last,
    })
}

impl Secret {
    fn hide(&self, number: u32, text: &mut String) {
        let keep = if number == self.line {
            self.column.saturating_sub(1) as usize
        } else if number > self.line && number <= self.last {
            indent(text)
        } else {
            return;
        };
        if text.chars().count() > keep {
            *text = text.chars().take(keep).chain(MASK.chars()).collect();
        }
    }
}

fn indent(text: &str) -> usize {
    text.chars().take_while(|it| it.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};

    /// The whole text as an excerpt, after hiding the value at `path`.
    fn check(text: &str, path: &str, expected: &str) {
        let reading = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
        let document = &reading.documents[0];
        let secret = secret(document, &path.parse().unwrap()).unwrap();
        let mut lines = document.lines(1, 100);
        lines
            .iter_mut()
            .for_each(|it| secret.hide(it.number, &mut it.text));
        let shown: Vec<&str> = lines.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(shown.join("\n"), expected);
    }

    #[test]
    fn a_secret_is_hidden_and_its_neighbours_are_not() {
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
