//! The cause of a violation: what several controls may report, and one change of the object repairs.
//!
//! It stands beside the library because a control may declare its cause. Scans and the gate group
//! violations by it, so that each defect is reported once.

use kubevet_document::{Document, Limits, Node, read_json};
use kubevet_model::{Control, FieldPath, FixAction, Segment, Violation};
use std::collections::BTreeSet;

/// Returns the key of the cause: violations of one object with one key are one defect. `None` if a
/// violation shares its cause with none.
///
/// The cause is the first of these that a violation has:
/// 1. its fixes: the fields that they change, and to what. The value does not matter for a field
///    that is absent, because whatever is set there is the first value;
/// 2. the absence of the field at its first path;
/// 3. the `cause` of its control, at its paths.
///
/// An element that a list lacks is no absent field: a list without two elements, such as two flags
/// of a program, lacks both at the same index.
///
/// `path_key` writes a path: whoever compares the keys of two versions of an object must write a
/// list element by what identifies it.
pub fn shared_cause(
    document: &Document,
    control: Option<&Control>,
    violation: &Violation,
    path_key: impl Fn(&FieldPath) -> String,
) -> Option<Vec<String>> {
    let is_absent = |path: &FieldPath| {
        let is_element = matches!(path.segments().last(), Some(Segment::Index(_)));
        !is_element && document.resolve(path).value.is_none_or(Node::is_null)
    };
    let mut changes = BTreeSet::new();
    for fix in &violation.fixes {
        match &fix.action {
            FixAction::Remove => {
                changes.insert(format!("{}-", path_key(&fix.path)));
            }
            FixAction::Set(json) => {
                for (path, value) in leaves(&fix.path, json) {
                    let key = path_key(&path);
                    changes.insert(if is_absent(&path) {
                        key
                    } else {
                        format!("{key}={value}")
                    });
                }
            }
        }
    }
    if !changes.is_empty() {
        return Some(changes.into_iter().collect());
    }
    if let Some(path) = violation.paths.first().filter(|path| is_absent(path)) {
        return Some(vec![path_key(path)]);
    }
    let cause = control?.cause.as_ref()?;
    let paths = violation.paths.iter().map(path_key);
    Some(std::iter::once(cause.clone()).chain(paths).collect())
}

/// Splits a value to set into its fields, so that two fixes that set one field in different forms
/// are equal: `{"a": {"b": 1}}` sets the field `a.b` to 1.
fn leaves(path: &FieldPath, json: &str) -> Vec<(FieldPath, String)> {
    let whole = vec![(path.clone(), json.to_owned())];
    if !json.trim_start().starts_with('{') {
        return whole;
    }
    let parsed = read_json(&"".into(), json.as_bytes(), &Limits::default());
    let Some(value) = parsed.documents.first() else {
        return whole;
    };
    let mut leaves = Vec::new();
    let mut pending = vec![(path.clone(), value.root())];
    while let Some((path, node)) = pending.pop() {
        if node.is_map() && node.child_count() > 0 {
            pending.extend(
                node.entries()
                    .map(|entry| (path.key(entry.key), entry.value)),
            );
        } else {
            let mut json = String::new();
            node.write_canonical_json(&mut json);
            leaves.push((path, json));
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::Fix;

    const POD: &str = "\
{\"spec\": {\"image\": \"a:latest\", \"cpu\": 0, \"none\": null, \"privileged\": true,
 \"volumes\": [{\"hostPath\": {\"path\": \"/\"}}]}}";

    /// A path to change and the value to set, or no value to remove it.
    type Edit<'a> = (&'a str, Option<&'a str>);

    fn cause(cause: Option<&str>, path: &str, fixes: &[Edit<'_>]) -> Option<Vec<String>> {
        let parsed = read_json(&"".into(), POD.as_bytes(), &Limits::default());
        let fix = |(path, json): &Edit<'_>| Fix {
            path: path.parse().unwrap(),
            action: json.map_or(FixAction::Remove, |json| FixAction::Set(json.to_owned())),
        };
        let violation = Violation {
            control: "C-1".into(),
            paths: vec![path.parse().unwrap()],
            message: String::new(),
            fixes: fixes.iter().map(fix).collect(),
        };
        let mut control = Control::clone(&crate::embedded().0.controls[0].control);
        control.cause = cause.map(str::to_owned);
        shared_cause(
            &parsed.documents[0],
            Some(&control),
            &violation,
            ToString::to_string,
        )
    }

    #[track_caller]
    fn check(declared: Option<&str>, path: &str, fixes: &[Edit<'_>], expected: &[&str]) {
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let found = cause(declared, path, fixes).unwrap_or_default();
        assert_eq!(found, expected, "{path} {fixes:?}");
    }

    #[test]
    fn fixes_are_compared_field_by_field() {
        let expected = &["spec.seccomp.type"];
        check(
            None,
            "spec.seccomp",
            &[("spec.seccomp", Some("{\"type\":\"A\"}"))],
            expected,
        );
        check(
            None,
            "spec",
            &[("spec.seccomp.type", Some("\"A\""))],
            expected,
        );
        check(None, "spec.seccomp.type", &[], expected);
        check(
            None,
            "spec",
            &[("spec.volumes[0]", None)],
            &["spec.volumes[0]-"],
        );
    }

    #[test]
    fn value_of_a_fix_matters_where_the_field_has_one() {
        check(
            None,
            "spec",
            &[("spec.privileged", Some("false"))],
            &["spec.privileged=false"],
        );
        check(None, "spec", &[("spec.none", Some("1"))], &["spec.none"]);
    }

    #[test]
    fn elements_that_a_list_lacks_are_not_one_field() {
        let (path, audit) = ("spec.command[3]", "\"--audit-log-path=/a\"");
        check(
            None,
            path,
            &[(path, Some(audit))],
            &["spec.command[3]=\"--audit-log-path=/a\""],
        );
        check(Some("tls"), path, &[], &["tls", path]);
        assert_eq!(cause(None, path, &[]), None);
    }

    #[test]
    fn declared_cause_joins_controls_at_a_value() {
        check(
            Some("resources"),
            "spec.cpu",
            &[],
            &["resources", "spec.cpu"],
        );
        check(Some("resources"), "spec.memory", &[], &["spec.memory"]);
    }

    #[test]
    fn value_without_fix_and_declared_cause_is_shared_with_none() {
        assert_eq!(cause(None, "spec.image", &[]), None);
    }
}
