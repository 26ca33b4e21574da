//! Fixes as YAML to paste: all fixes of an object merged into blocks, one block per list element.
//!
//! Values come from rules and, through them, from objects; `edit_tree` quotes them where a reader
//! could take them for anything but a string.

use super::edit_tree::EditTree;
use crate::{
    json,
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{FieldPath, FixAction, LocatedFinding, Segment};
use serde_json::Value;
use std::{borrow::Cow, io};

/// The maximum number of lines of one block. Only hostile input has more.
const MAX_BLOCK_LINES: usize = 40;
/// The maximum number of path segments drawn as nested keys. Only hostile input has more.
const MAX_PATH_SEGMENTS: usize = 64;
/// The column at which a block begins.
const BLOCK_INDENT: usize = 12;

/// Writes the fixes of findings.
pub(super) fn write(group: &[&LocatedFinding], writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let (blocks, removals) = merge_fixes(group);
    let mut label = "fix";
    for block in &blocks {
        block.write(label, writer)?;
        label = "";
    }
    for path in removals {
        let line = format!(
            "  {}{} {}",
            writer.padded(TextStyle::Faint, label, BLOCK_INDENT - 2),
            writer.styled(TextStyle::Edit, "remove"),
            writer.styled(TextStyle::Plain, &path)
        );
        writer.line(&line)?;
        label = "";
    }
    Ok(())
}

/// Merges the values to set into blocks, and collects the paths to remove.
fn merge_fixes(group: &[&LocatedFinding]) -> (Vec<Block>, Vec<String>) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut removals: Vec<String> = Vec::new();
    for located in group {
        for fix in located.finding.fixes() {
            match &fix.action {
                FixAction::Set(json) => {
                    for (path, value) in flatten(&fix.path, json::fix_value(json)) {
                        add(&mut blocks, &path, value, located.container.as_deref());
                    }
                }
                FixAction::Remove => {
                    let path = fix.path.to_string();
                    if !removals.contains(&path) {
                        removals.push(path);
                    }
                }
            }
        }
    }
    (blocks, removals)
}

/// Edits within one list element, or within the object itself.
struct Block {
    /// The path of the list element; empty for the object itself.
    anchor: FieldPath,
    /// The name of the container that the element is in, if any.
    container: Option<String>,
    tree: EditTree,
}

/// Splits a map to set into its leaves, so that two fixes that set the same field in different
/// forms are merged.
fn flatten(path: &FieldPath, value: Value) -> Vec<(FieldPath, Value)> {
    let mut leaves = Vec::new();
    // A stack instead of recursion: fields are pushed in reverse so that they pop in order.
    let mut pending = vec![(path.clone(), value)];
    while let Some((path, value)) = pending.pop() {
        match value {
            Value::Object(fields)
                if !fields.is_empty() && fields.keys().all(|key| is_one_segment(key)) =>
            {
                let fields = fields.into_iter().rev();
                pending.extend(fields.map(|(key, value)| (path.key(&key), value)));
            }
            value => leaves.push((path, value)),
        }
    }
    leaves
}

/// True if a path can hold the key as one segment: in brackets, these would end it.
fn is_one_segment(key: &str) -> bool {
    !key.contains("].") && !key.contains("][")
}

/// Adds a fix to the first block with the same anchor that has no other value at its path, or to a
/// new block.
fn add(blocks: &mut Vec<Block>, path: &FieldPath, value: Value, container: Option<&str>) {
    if path.segments().nth(MAX_PATH_SEGMENTS).is_some() {
        blocks.push(Block {
            anchor: FieldPath::default(),
            container: None,
            tree: EditTree::leaf(path.to_string(), value),
        });
        return;
    }
    let segments: Vec<Segment<'_>> = path.segments().collect();
    let anchor_length = anchor_length(&segments);
    let anchor = path.prefix(anchor_length);
    let keys = segments.get(anchor_length..).unwrap_or_default();
    let keys: Vec<Cow<'_, str>> = keys.iter().map(|segment| segment.key()).collect();
    let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    let is_element = ends_in_index(&segments);
    for block in blocks.iter_mut().filter(|block| block.anchor == anchor) {
        if block.tree.insert(&keys, is_element, &value) {
            return;
        }
    }
    let mut tree = EditTree::default();
    tree.insert(&keys, is_element, &value);
    blocks.push(Block {
        anchor,
        container: container.filter(|_| anchor_length > 0).map(str::to_owned),
        tree,
    });
}

/// Returns the number of segments of the path to the innermost list element that contains the
/// field. An index at the end of the path is the field itself.
fn anchor_length(segments: &[Segment<'_>]) -> usize {
    let ancestors = segments.len().saturating_sub(1);
    (0..ancestors)
        .rev()
        .find(|index| is_list_index(segments, *index))
        .map_or(0, |index| index + 1)
}

fn ends_in_index(segments: &[Segment<'_>]) -> bool {
    let last = segments.len().checked_sub(1);
    last.is_some_and(|last| last > anchor_length(segments) && is_list_index(segments, last))
}

/// True if the segment at `position` is an index into a list.
fn is_list_index(segments: &[Segment<'_>], position: usize) -> bool {
    matches!(segments.get(position), Some(Segment::Index(_)))
}

impl Block {
    fn write(&self, label: &str, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
        let lines = self.tree.yaml_lines();
        let indent = " ".repeat(BLOCK_INDENT);
        let mut start = format!(
            "  {}",
            writer.padded(TextStyle::Faint, label, BLOCK_INDENT - 2)
        );
        if self.anchor != FieldPath::default() {
            let comment = match &self.container {
                Some(name) => format!("# in {} ({name})", self.anchor),
                None => format!("# in {}", self.anchor),
            };
            let comment = writer.styled(TextStyle::Faint, &comment);
            writer.line(&format!("{start}{comment}"))?;
            start.clone_from(&indent);
        }
        for line in lines.iter().take(MAX_BLOCK_LINES) {
            let line = writer.styled(TextStyle::Edit, line);
            writer.line(&format!("{start}{line}"))?;
            start.clone_from(&indent);
        }
        let hidden = lines.len().saturating_sub(MAX_BLOCK_LINES);
        if hidden > 0 {
            let note = format!("# … {hidden} lines more: see --format json");
            let note = writer.styled(TextStyle::Faint, &note);
            writer.line(&format!("{start}{note}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Style, View};
    use kubevet_model::{
        ControlId, Evidence, Finding, Fingerprint, Fix, ObjectId, Origin, Position, Severity,
        SourceLocation,
    };

    #[track_caller]
    fn check(fixes: &[(&str, Option<&str>)], expected: &str) {
        let fix = |(path, json): &(&str, Option<&str>)| Fix {
            path: path.parse().unwrap(),
            action: json.map_or(FixAction::Remove, |json| FixAction::Set(json.to_owned())),
        };
        let located = LocatedFinding {
            finding: Finding {
                subject: ObjectId::default().into(),
                rule: ControlId::from("C-1"),
                severity: Severity::Low,
                message: String::new(),
                evidence: Evidence::Paths {
                    paths: Vec::new(),
                    fixes: fixes.iter().map(fix).collect(),
                },
                origin: Origin::of_document(&"f".into(), Position::START),
                fingerprint: Fingerprint::of([]),
                defect: Fingerprint::of([]),
            },
            source: Some(SourceLocation {
                file: "f".into(),
                position: Position::START,
            }),
            container: Some("app".to_owned()),
            excerpt: Vec::new(),
        };
        let mut out = Vec::new();
        let style = Style {
            view: View::Resource,
            color: false,
            width: Some(80),
            verbose: false,
        };
        write(&[&located], &mut TerminalWriter::new(&style, &mut out)).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out.lines().map(str::trim_end).collect::<Vec<_>>(),
            expected.lines().collect::<Vec<_>>()
        );
    }

    #[test]
    fn fixes_of_one_element_are_merged() {
        check(
            &[
                (
                    "spec.containers[0].securityContext.runAsNonRoot",
                    Some("true"),
                ),
                (
                    "spec.containers[0].securityContext.capabilities.drop[0]",
                    Some("\"ALL\""),
                ),
                (
                    "spec.containers[0].securityContext.runAsNonRoot",
                    Some("true"),
                ),
                ("spec.hostNetwork", Some("false")),
            ],
            "  fix       # in spec.containers[0] (app)
            securityContext:
              runAsNonRoot: true
              capabilities:
                drop:
                  - ALL
            spec:
              hostNetwork: false",
        );
    }

    #[test]
    fn conflicting_values_are_in_separate_blocks() {
        check(
            &[("spec.a", Some("1")), ("spec.a", Some("2"))],
            "  fix       spec:\n              a: 1\n            spec:\n              a: 2",
        );
        check(
            &[("a.b", Some("1")), ("a", Some("2"))],
            "  fix       a:\n              b: 1\n            a: 2",
        );
    }

    #[test]
    fn removal_is_written_once_with_its_path() {
        check(
            &[("spec.caps.add[0]", None), ("spec.caps.add[0]", None)],
            "  fix       remove spec.caps.add[0]",
        );
    }

    #[test]
    fn string_that_yaml_could_misread_is_quoted() {
        check(
            &[("metadata.labels[8080]", Some("\"yes\""))],
            "  fix       metadata:\n              labels:\n                \"8080\": \"yes\"",
        );
        check(
            &[("a", Some("\"x\\u001b[0m: \\u009b\""))],
            "  fix       a: \"x\\u001b[0m: \\u009b\"",
        );
        check(&[("a", Some("\"100m\""))], "  fix       a: \"100m\"");
        check(&[("a", Some("not json"))], "  fix       a: \"not json\"");
        check(&[("a", Some("{}"))], "  fix       a: {}");
    }

    #[test]
    fn nested_value_is_written_as_nested_yaml() {
        check(
            &[(
                "a",
                Some("{\"b\":[{\"c\":1,\"d\":[2,[3]]}],\"e\":{\"f\":null}}"),
            )],
            "  fix       a:
              b:
                - c: 1
                  d:
                    - 2
                    - - 3
              e:
                f: null",
        );
    }

    #[test]
    fn path_of_a_million_segments_is_written_flat() {
        let path = format!("a{}", ".a".repeat(1_000_000));
        let path: FieldPath = path.parse().unwrap();
        let mut blocks = Vec::new();
        add(&mut blocks, &path, Value::from(1), None);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].tree.yaml_lines().len(), 1);
    }
}
