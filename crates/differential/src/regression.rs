//! A disagreement as a test object: the form of a control's own test data, with what the trusted voice found in its head.

use super::{
    subject::{Answer, Question},
    yaml,
};
use kubevet_model::ControlId;
use kubevet_policy::{ParamValue, Params};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// A file to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    /// `C-0057/testdata/fail/1f3a9c.yaml`: below `tests/regressions`.
    pub path: String,
    /// The file.
    pub text: String,
}

/// The file for an object; `None` where the trusted voice has no findings to tell, such as an error.
pub(super) fn regression(
    control: &ControlId,
    object: &Value,
    question: &Question,
    defaults: &Params,
    right: &Answer,
) -> Option<Regression> {
    let Answer::Findings(found) = right else {
        return None;
    };
    let mut text = String::new();
    for path in found
        .iter()
        .flat_map(|it| &it.paths)
        .collect::<BTreeSet<_>>()
    {
        let _ = writeln!(text, "# expect: {path}");
    }
    for (path, value) in found
        .iter()
        .flat_map(|it| &it.fixes)
        .collect::<BTreeSet<_>>()
    {
        let _ = match value {
            Some(value) => writeln!(text, "# fix: {path} = {value}"),
            None => writeln!(text, "# fix: {path} remove"),
        };
    }
    for (name, value) in question
        .params
        .iter()
        .filter(|(name, it)| defaults.get(name) != Some(it))
    {
        let value = match value {
            ParamValue::List(items) => json!(items),
            ParamValue::String(text) => json!(text),
        };
        let _ = writeln!(text, "# param: {name} = {value}");
    }
    text.push_str(&yaml::write(object));
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let folder = if found.is_empty() { "pass" } else { "fail" };
    Some(Regression {
        path: format!(
            "{control}/testdata/{folder}/{:08x}.yaml",
            hasher.finish() & 0xffff_ffff
        ),
        text,
    })
}
