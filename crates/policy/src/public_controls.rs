//! Reads `public_controls.yaml`: the controls of the public library, and the state of each that is not
//! here.

use super::{
    control_id::{ID_FORM, is_id},
    map_reader::{FieldSpec, MapReader, abbreviate},
};
use kubevet_document::Node;
use kubevet_model::{ControlId, Problem, PublicControl, PublicControlState};
use std::{collections::BTreeSet, sync::Arc};

/// The keys of an entry.
const KEYS: &[FieldSpec] = &[
    FieldSpec::required("id"),
    FieldSpec::required("name"),
    FieldSpec::required("state"),
    FieldSpec::required("reason"),
];

/// Reads the list. Wrong entries are left out and reported.
pub(super) fn read(file: &Arc<str>, text: &str, problems: &mut Vec<Problem>) -> Vec<PublicControl> {
    let mut reader = MapReader::new(file, problems);
    let document = reader.document(text, "list of public controls");
    let entries = document
        .as_ref()
        .and_then(|document| reader.elements(document.root(), "the list of public controls"));
    let mut seen = BTreeSet::new();
    let mut controls = Vec::new();
    for entry in entries.unwrap_or_default() {
        let Some(control) = read_entry(&mut reader, entry) else {
            continue;
        };
        if seen.insert(control.id.clone()) {
            controls.push(control);
        } else {
            let message = format!("the list has {} twice: keep one", control.id);
            reader.error(entry.position(), message);
        }
    }
    controls.sort_by(|a, b| a.id.cmp(&b.id));
    controls
}

fn read_entry(reader: &mut MapReader<'_>, entry: Node<'_>) -> Option<PublicControl> {
    if !reader.keys(entry, "a public control", KEYS) {
        return None;
    }
    let id = reader.string(entry, "id");
    let name = reader.string(entry, "name");
    let states: Vec<(&str, PublicControlState)> = PublicControlState::ALL
        .iter()
        .map(|state| (state.name(), *state))
        .collect();
    let state = reader.read_enum(entry, "state", &states);
    let reason = reader.string(entry, "reason");
    let id = id?;
    if !is_id(&id.value) {
        let message = format!(
            "{:?} is not a valid id: write {ID_FORM}",
            abbreviate(&id.value)
        );
        reader.error(id.position, message);
        return None;
    }
    Some(PublicControl {
        id: ControlId::from(id.value.as_str()),
        name: name?.value,
        state: state?,
        reason: reason?.value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_controls_are_read_in_the_order_of_ids() {
        let text = "- {id: C-0002, name: b, state: node-facts, reason: r}\n\
                    - {id: C-0001, name: a, state: planned, reason: r}\n\
                    - {id: C-0002, name: c, state: joins, reason: r}\n\
                    - {id: c2, name: c, state: joins, reason: r}\n\
                    - {id: C-0003, name: c, state: join}\n";
        let mut problems = Vec::new();
        let controls = read(&"p.yaml".into(), text, &mut problems);
        let ids: Vec<&str> = controls.iter().map(|control| control.id.as_str()).collect();
        assert_eq!(ids, ["C-0001", "C-0002"]);
        assert_eq!(controls[1].state, PublicControlState::NodeFacts);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "p.yaml:3:3: the list has C-0002 twice: keep one",
                "p.yaml:4:8: \"c2\" is not a valid id: write capital letters and digits, a dash, digits, as in C-9001 \
                 or ACME-12",
                "p.yaml:5:3: a public control lacks the key \"reason\"",
                "p.yaml:5:32: \"state\" has no value \"join\": write one of planned, joins, node-facts, cloud-facts, \
                 images, manual, obsolete, did you mean \"joins\"?",
            ]
        );
    }
}
