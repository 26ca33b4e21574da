//! Reads `frameworks/*.yaml`: a list of controls that somebody demands together.

use super::{
    did_you_mean::did_you_mean,
    map_reader::{Key, Sheet, Spanned, shown},
};
use kubevet_document::Node;
use kubevet_model::{ControlId, Framework, FrameworkMember, Position, Problem};
use std::{collections::BTreeSet, sync::Arc};

/// The keys of a framework file.
pub(super) const FRAMEWORK_KEYS: &[Key] = &[
    Key::required("name"),
    Key::optional("version"),
    Key::required("description"),
    Key::required("controls"),
];
/// The keys of one entry of `controls`.
pub(super) const MEMBER_KEYS: &[Key] = &[
    Key::required("id"),
    Key::optional("section"),
    Key::optional("level"),
    Key::optional("reason"),
];

/// Reads a framework. Entries that name no control are left out and complained of; `known` holds every control that
/// the folder has, those with mistakes included, so that one mistake is told once.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    known: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Option<(Framework, Position)> {
    let mut sheet = Sheet::new(file, problems);
    let document = sheet.document(text, "framework")?;
    let root = document.root();
    if !sheet.keys(root, "a framework", FRAMEWORK_KEYS) {
        return None;
    }
    let name = sheet
        .text(root, "name")
        .filter(|it| check_name(&mut sheet, it));
    let version = optional(&mut sheet, root, "version");
    let description = sheet.text(root, "description");
    let members = read_members(&mut sheet, root.get("controls")?, known)?;
    let name = name?;
    let framework = Framework {
        name: name.value,
        version,
        description: description?.value,
        members,
    };
    Some((framework, name.position))
}

/// A name is typed on the command line.
fn check_name(sheet: &mut Sheet<'_>, name: &Spanned<String>) -> bool {
    let right = name.value.len() <= 60
        && name
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !right {
        let message = format!(
            "{:?} is no name for a framework: write letters, digits, -, _ and . only",
            shown(&name.value)
        );
        sheet.complain(name.position, message);
    }
    right
}

fn read_members(
    sheet: &mut Sheet<'_>,
    node: Node<'_>,
    known: &BTreeSet<String>,
) -> Option<Vec<FrameworkMember>> {
    let entries = sheet.elements(node, "\"controls\"")?;
    if entries.is_empty() {
        sheet.complain(
            node.position(),
            "\"controls\" is empty, so the framework would be met by anything: list its controls",
        );
    }
    let mut seen = BTreeSet::new();
    let mut members = Vec::new();
    for entry in entries {
        if !sheet.keys(entry, "an entry of \"controls\"", MEMBER_KEYS) {
            continue;
        }
        let [section, level, reason] =
            ["section", "level", "reason"].map(|key| optional(sheet, entry, key));
        let Some(id) = sheet.text(entry, "id") else {
            continue;
        };
        if !known.contains(&id.value) {
            let hint = did_you_mean(&id.value, known.iter().map(String::as_str));
            sheet.complain(
                id.position,
                format!("there is no control {:?}{hint}", shown(&id.value)),
            );
        } else if !seen.insert(id.value.clone()) {
            sheet.complain(
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

fn optional(sheet: &mut Sheet<'_>, node: Node<'_>, key: &str) -> String {
    sheet
        .maybe_empty(node, key)
        .map(|it| it.value)
        .unwrap_or_default()
}
