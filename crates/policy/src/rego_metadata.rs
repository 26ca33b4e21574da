//! A control that is one Rego file: OPA's `# METADATA` comment says what control.yaml would.
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
    control::Written,
    custom_rules,
    library::{ControlSource, load_rule, unlisted_params},
    map_reader::{Key, Sheet},
};
use kubevet_document::Document;
use kubevet_model::{Position, Problem, ProblemCode};
use std::sync::Arc;

/// The keys of OPA's annotations; all but the first three are for other tools.
pub(super) const ANNOTATION_KEYS: &[Key] = &[
    Key::required("title"),
    Key::optional("description"),
    Key::required("custom"),
    Key::optional("scope"),
    Key::optional("entrypoint"),
    Key::optional("authors"),
    Key::optional("organizations"),
    Key::optional("related_resources"),
    Key::optional("schemas"),
];
/// The keys of `custom`, which mean what they mean in control.yaml.
pub(super) const CUSTOM_KEYS: &[Key] = &[
    Key::required("id"),
    Key::required("severity"),
    Key::optional("score"),
    Key::optional("category"),
    Key::optional("remediation"),
    Key::required("kinds"),
    Key::optional("scope"),
    Key::optional("params"),
    Key::optional("requiresAnyParam"),
];

/// Reads a Rego file and its annotations as one control.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
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
    let mut sheet = Sheet::new(file, problems);
    let document = sheet.document(&block, "METADATA block")?;
    let (control, position) = read_block(&mut sheet, &document)?;
    let rule = load_rule(control.id.as_str(), file, text, problems)?;
    if problems.len() > before {
        return None;
    }
    problems.extend(unlisted_params(&rule, &control));
    Some(ControlSource {
        control: Arc::new(control),
        rule,
        file: Arc::clone(file),
        position,
    })
}

fn read_block(sheet: &mut Sheet<'_>, document: &Document) -> Option<super::control::Placed> {
    let root = document.root();
    if !sheet.keys(root, "METADATA", ANNOTATION_KEYS) {
        return None;
    }
    let custom = root.get("custom")?;
    if !sheet.keys(custom, "\"custom\"", CUSTOM_KEYS) {
        return None;
    }
    let mut written = Written::read(sheet, custom);
    written.name = sheet.text(root, "title");
    written.description = sheet.text(root, "description");
    written.validate(sheet, &custom_rules::RULES)
}

/// The first METADATA block as YAML in which every character keeps its line and column: what comes before is blank
/// lines, and each `#` is a blank. `None` where there is none.
fn block(text: &str) -> Option<String> {
    let mut yaml = String::new();
    let mut inside = false;
    for line in text.lines() {
        let comment = line.strip_prefix('#');
        match comment {
            Some(rest) if inside => {
                yaml.push(' ');
                yaml.push_str(rest);
            }
            Some(rest) if rest.trim() == "METADATA" => inside = true,
            None if inside => break,
            _ => {}
        }
        yaml.push('\n');
    }
    inside.then_some(yaml)
}
