//! The list of intended differences from the public library: the cases in which a control gives
//! another result, with the reason.
//!
//! Here it is only read; the crate `conformance` compares.

use super::{
    map_reader::{FieldSpec, MapReader},
    read_dir,
};
use kubevet_document::Node;
use kubevet_model::Problem;
use std::{path::Path, sync::Arc};

const DIFFERENCE_KEYS: &[FieldSpec] = &[
    FieldSpec::required("control"),
    FieldSpec::required("rule"),
    FieldSpec::required("case"),
    FieldSpec::required("reason"),
];

/// A case in which a control differs from the public library by intent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The id of the control.
    pub control: String,
    /// The rule of the case.
    pub rule: String,
    /// The name of the case.
    pub case: String,
    /// The reason, for a security engineer.
    pub reason: String,
}

/// Reads a list of differences (YAML).
#[must_use]
pub fn read_differences(path: &Path) -> (Vec<Difference>, Vec<Problem>) {
    let file: Arc<str> = path.display().to_string().into();
    match read_dir::read_text(path) {
        Ok(text) => parse_differences(&file, &text),
        Err(problem) => (Vec::new(), vec![problem]),
    }
}

/// Reads differences from a text, without duplicates.
#[must_use]
pub fn parse_differences(file: &Arc<str>, text: &str) -> (Vec<Difference>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut reader = MapReader::new(file, &mut problems);
    let mut differences: Vec<Difference> = Vec::new();
    let document = reader.document(text, "list of differences");
    let entries = document
        .as_ref()
        .and_then(|document| reader.elements(document.root(), "a list of differences"));
    for entry in entries.unwrap_or_default() {
        let Some(found) = read_difference(&mut reader, entry) else {
            continue;
        };
        let same = |known: &Difference| {
            known.control == found.control && known.rule == found.rule && known.case == found.case
        };
        if differences.iter().any(same) {
            reader.error(
                entry.position(),
                format!(
                    "{} and the case {:?} appear twice: keep one",
                    found.control, found.case
                ),
            );
        } else {
            differences.push(found);
        }
    }
    (differences, problems)
}

fn read_difference(reader: &mut MapReader<'_>, node: Node<'_>) -> Option<Difference> {
    if !reader.keys(node, "a difference", DIFFERENCE_KEYS) {
        return None;
    }
    let [control, rule, case, reason] = ["control", "rule", "case", "reason"]
        .map(|key| reader.string(node, key).map(|text| text.value));
    Some(Difference {
        control: control?,
        rule: rule?,
        case: case?,
        reason: reason?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_is_read() {
        let text = "- {control: C-1, rule: r, case: c, reason: why}\n- {control: C-1, rule: r, case: c, reason: why not}\n- {control: C-1, rule: r}\n";
        let (found, problems) = parse_differences(&"d.yaml".into(), text);
        assert_eq!(found.len(), 1);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "d.yaml:2:3: C-1 and the case \"c\" appear twice: keep one",
                "d.yaml:3:3: a difference lacks the key \"case\"",
                "d.yaml:3:3: a difference lacks the key \"reason\"",
            ]
        );
    }
}
