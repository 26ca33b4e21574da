//! Reads `frameworks/*.yaml`: lists of controls that a publisher demands together.

use super::{
    did_you_mean::did_you_mean,
    library::Library,
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate},
    read_dir,
};
use kubevet_document::Node;
use kubevet_model::{ControlId, Framework, FrameworkMember, Position, Problem};
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// The keys of a framework file.
pub(super) const FRAMEWORK_KEYS: &[FieldSpec] = &[
    FieldSpec::required("name"),
    FieldSpec::optional("version"),
    FieldSpec::required("description"),
    FieldSpec::optional("kubescapeControls"),
    FieldSpec::required("controls"),
];
/// The keys of one entry of `controls`.
pub(super) const MEMBER_KEYS: &[FieldSpec] = &[
    FieldSpec::required("id"),
    FieldSpec::optional("section"),
    FieldSpec::optional("level"),
    FieldSpec::optional("reason"),
];

/// Reads a framework. Entries that name no control are left out and reported. `known` has every
/// control that it may list, those with errors included, so that one error is reported once.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    known: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Option<(Framework, Position)> {
    let mut reader = MapReader::new(file, problems);
    let document = reader.document(text, "framework")?;
    let root = document.root();
    if !reader.keys(root, "a framework", FRAMEWORK_KEYS) {
        return None;
    }
    let name = reader
        .string(root, "name")
        .filter(|name| check_name(&mut reader, name));
    let version = reader.string_or_empty(root, "version");
    let description = reader.string(root, "description");
    let kubescape_controls = read_count(&mut reader, root, "kubescapeControls");
    let members = read_members(&mut reader, root.get("controls")?, known)?;
    let name = name?;
    let framework = Framework {
        name: name.value,
        version,
        description: description?.value,
        kubescape_controls,
        members,
    };
    Some((framework, name.position))
}

/// Reads the framework in a file (`scan framework FILE.yaml`). Its controls are those of a library.
///
/// # Errors
/// All problems of the file.
pub fn load_framework(path: &Path, library: &Library) -> Result<Framework, Vec<Problem>> {
    let text = read_dir::read_text(path).map_err(|problem| vec![problem])?;
    let controls = library.metadata();
    let known = controls
        .iter()
        .map(|control| control.id.to_string())
        .collect();
    let mut problems = Vec::new();
    let file: Arc<str> = path.display().to_string().into();
    let framework = read(&file, &text, &known, &mut problems);
    match framework {
        Some((framework, _)) if problems.is_empty() => Ok(framework),
        _ => Err(problems),
    }
}

/// Reads a number of controls; `None` if it is missing or wrong.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and in bounds"
)]
fn read_count(reader: &mut MapReader<'_>, node: Node<'_>, key: &str) -> Option<usize> {
    let number = reader.number(node, key)?;
    if (1.0..=10_000.0).contains(&number.value) && number.value.fract() == 0.0 {
        return Some(number.value as usize);
    }
    let message = format!("{key:?} must be a whole number from 1 to 10000");
    reader.error(number.position, message);
    None
}

/// Checks that a name can be typed on the command line without quotes.
fn check_name(reader: &mut MapReader<'_>, name: &Spanned<String>) -> bool {
    let is_valid = name.value.len() <= 60
        && name
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_valid {
        let message = format!(
            "{:?} is not a valid name for a framework: write letters, digits, -, _ and . only",
            abbreviate(&name.value)
        );
        reader.error(name.position, message);
    }
    is_valid
}

fn read_members(
    reader: &mut MapReader<'_>,
    node: Node<'_>,
    known: &BTreeSet<String>,
) -> Option<Vec<FrameworkMember>> {
    let entries = reader.elements(node, "\"controls\"")?;
    if entries.is_empty() {
        reader.error(
            node.position(),
            "\"controls\" is empty, so the framework would be met by anything: list its controls",
        );
    }
    let mut seen = BTreeSet::new();
    let mut members = Vec::new();
    for entry in entries {
        if !reader.keys(entry, "an entry of \"controls\"", MEMBER_KEYS) {
            continue;
        }
        let [section, level, reason] =
            ["section", "level", "reason"].map(|key| reader.string_or_empty(entry, key));
        let Some(id) = reader.string(entry, "id") else {
            continue;
        };
        if !known.contains(&id.value) {
            let hint = did_you_mean(&id.value, known.iter().map(String::as_str));
            reader.error(
                id.position,
                format!("there is no control {:?}{hint}", abbreviate(&id.value)),
            );
        } else if !seen.insert(id.value.clone()) {
            reader.error(
                id.position,
                format!("the framework lists {} twice: keep one", id.value),
            );
        } else {
            members.push(FrameworkMember {
                control: ControlId::from(id.value.as_str()),
                section,
                level,
                reason,
            });
        }
    }
    Some(members)
}
