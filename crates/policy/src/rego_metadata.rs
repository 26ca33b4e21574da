//! A control in one Rego file: the fields of control.yaml are in OPA's `# METADATA` comment.
//!
//! ```rego
//! # METADATA
//! # title: Terminal in a container
//! # description: Why it matters
//! # custom:
//! #   id: C-9001
//! #   severity: medium
//! #   kinds: [workloads]
//! #   remediation: What to do
//! package controls.c9001
//! ```

use super::{
    control::{ControlAndPosition, RawControl},
    library::ControlSource,
    map_reader::{FieldSpec, MapReader},
    metadata_block::{ANNOTATION_KEYS, block},
    params::ParamSchema,
    rule_module::{load_rule, unlisted_params},
};
use kubevet_document::Document;
use kubevet_model::{Position, Problem, ProblemCode};
use std::sync::Arc;

/// The keys of `custom`, with the meaning that they have in control.yaml.
pub(super) const CUSTOM_KEYS: &[FieldSpec] = &[
    FieldSpec::required("id"),
    FieldSpec::required("severity"),
    FieldSpec::optional("score"),
    FieldSpec::optional("category"),
    FieldSpec::optional("sensitive"),
    FieldSpec::optional("cause"),
    FieldSpec::optional("check"),
    FieldSpec::optional("remediation"),
    FieldSpec::optional("example"),
    FieldSpec::optional("references"),
    FieldSpec::optional("tags"),
    FieldSpec::required("kinds"),
    FieldSpec::optional("scope"),
    FieldSpec::optional("params"),
    FieldSpec::optional("requiresAnyParam"),
];

/// Reads a Rego file and its annotations as one control. `schema` is that of `control::read`.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    schema: Option<&ParamSchema>,
    problems: &mut Vec<Problem>,
) -> Option<ControlSource> {
    let Some(block) = block(text) else {
        let message = "the file does not describe its control: begin it with a comment `# METADATA` that has title and \
                       custom: {id, severity, kinds}";
        problems.push(Problem::at(
            ProblemCode::PolicyIncomplete,
            file.as_ref(),
            Position::START,
            message,
        ));
        return None;
    };
    let before = problems.len();
    let mut reader = MapReader::new(file, problems);
    let document = reader.document(&block, "METADATA block")?;
    let (control, position) = read_block(&mut reader, &document, schema)?;
    let rule = load_rule(control.id.as_str(), file, text, problems)?;
    if problems.len() > before {
        return None;
    }
    problems.extend(unlisted_params(&rule, &control));
    Some(ControlSource {
        control: Arc::new(control),
        rule,
        shared_rule: None,
        file: Arc::clone(file),
        position,
    })
}

fn read_block(
    reader: &mut MapReader<'_>,
    document: &Document,
    schema: Option<&ParamSchema>,
) -> Option<ControlAndPosition> {
    let root = document.root();
    if !reader.keys(root, "METADATA", ANNOTATION_KEYS) {
        return None;
    }
    let custom = root.get("custom")?;
    if !reader.keys(custom, "\"custom\"", CUSTOM_KEYS) {
        return None;
    }
    let mut raw = RawControl::read(reader, custom);
    raw.name = reader.string(root, "title");
    raw.risk = reader.string(root, "description");
    raw.validate(reader, schema)
}
