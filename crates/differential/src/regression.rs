//! A disagreement as a test object to keep: in the form of a control's own test data, with the findings
//! of the trusted subject in its head.

use super::{
    subject::{SubjectAnswer, SubjectFinding},
    test_case::TestCase,
};
use kubevet_document::{YamlStyle, to_yaml};
use kubevet_model::ControlId;
use kubevet_policy::Params;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// A file to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegressionFile {
    /// The path below `tests/regressions`, such as `C-0057/testdata/fail/1f3a9c.yaml`.
    pub path: String,
    /// The content.
    pub content: String,
}

/// Returns the file for an object; `None` if the answer of the trusted subject has no findings to
/// write down, such as an error.
pub(super) fn regression_file(
    control: &ControlId,
    object: &Value,
    case: &TestCase,
    defaults: &Params,
    expected: &SubjectAnswer,
) -> Option<RegressionFile> {
    let SubjectAnswer::Findings(findings) = expected else {
        return None;
    };
    let mut content = String::new();
    write_findings(findings, &mut content);
    write_params(&case.params, defaults, &mut content);
    content.push_str(&to_yaml(object, &YamlStyle::BLOCK));
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let folder = if findings.is_empty() { "pass" } else { "fail" };
    Some(RegressionFile {
        path: format!(
            "{control}/testdata/{folder}/{:08x}.yaml",
            hasher.finish() & 0xffff_ffff
        ),
        content,
    })
}

/// Writes the distinct paths and fixes of the findings, sorted.
fn write_findings(findings: &[SubjectFinding], out: &mut String) {
    let paths: BTreeSet<_> = findings.iter().flat_map(|finding| &finding.paths).collect();
    for path in paths {
        let _ = writeln!(out, "# expect: {path}");
    }
    let fixes: BTreeSet<_> = findings.iter().flat_map(|finding| &finding.fixes).collect();
    for (path, value) in fixes {
        let _ = match value {
            Some(value) => writeln!(out, "# fix: {path} = {value}"),
            None => writeln!(out, "# fix: {path} remove"),
        };
    }
}

/// Writes the params that differ from their defaults.
fn write_params(params: &Params, defaults: &Params, out: &mut String) {
    for (name, value) in params
        .iter()
        .filter(|(name, value)| defaults.get(name) != Some(value))
    {
        let _ = writeln!(out, "# param: {name} = {}", value.to_json());
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]

    use kubevet_document::{self as document, Limits, YamlStyle, to_yaml};
    use serde_json::{Value, json};

    fn check(value: &Value) {
        let yaml = to_yaml(value, &YamlStyle::BLOCK);
        let parsed = document::read_yaml(&"x.yaml".into(), yaml.as_bytes(), &Limits::default());
        assert!(parsed.problems.is_empty(), "{yaml}\n{:?}", parsed.problems);
        let mut json = String::new();
        parsed.documents[0].root().write_json(&mut json);
        assert_eq!(
            serde_json::from_str::<Value>(&json).unwrap(),
            *value,
            "{yaml}"
        );
    }

    #[test]
    fn yaml_of_object_is_read_back_as_same_tree() {
        check(
            &json!({"kind": "Pod", "a": {"b": [1, "1", "yes", null, true, -1.5, ""]}, "c": {}, "d": []}),
        );
        check(
            &json!({"l": [{"n": "x", "m": {"k": 1}}, [], [[1], {"q": "a: b"}], {}], "a b": "é\n\u{85}\u{7f}#"}),
        );
        check(&json!({"": "~", "1e3": "0x1", "-": "- a", "a:": "@x", "null": "a #b"}));
    }
}
