//! The controls of a binding: `controls`, `frameworks`, `minSeverity` and `excludeControls` become
//! one set.
//!
//! An unknown name and an empty set are errors: a binding without controls would never find
//! anything.

use super::{
    Library,
    map_reader::{MapReader, Spanned, abbreviate},
};
use kubevet_document::Node;
use kubevet_model::{Control, ControlId, Scope, Severity};
use std::collections::BTreeSet;

/// The name for every control of objects. Controls of connections (K-0001, K-0002) must be named
/// one by one: a binding that names everything and denies must not forbid `kubectl exec` by
/// accident.
const ALL: &str = "*";

/// Reads the set from `spec`.
pub(super) fn read(
    reader: &mut MapReader<'_>,
    spec: Node<'_>,
    library: &Library,
) -> BTreeSet<ControlId> {
    let controls = reader.strings(spec, "controls").unwrap_or_default();
    let frameworks = reader.strings(spec, "frameworks").unwrap_or_default();
    let excluded = reader.strings(spec, "excludeControls").unwrap_or_default();
    let min_severity = read_severity(reader, spec);
    if controls.is_empty() && frameworks.is_empty() {
        let message =
            "the binding names no control: write \"controls\" (\"*\" is all) or \"frameworks\"";
        reader.error(spec.position(), message);
        return BTreeSet::new();
    }
    let mut has_unknown_name = false;
    let mut named: BTreeSet<&ControlId> = BTreeSet::new();
    for id in &controls {
        if id.value == ALL {
            named.extend(
                library
                    .controls
                    .iter()
                    .map(|source| &source.control)
                    .filter(|control| evaluates_objects(control))
                    .map(|control| &control.id),
            );
        } else {
            let control = named_control(reader, id, library);
            has_unknown_name |= control.is_none();
            named.extend(control.map(|control| &control.id));
        }
    }
    for name in &frameworks {
        match members(reader, name, library) {
            Some(members) => named.extend(members),
            None => has_unknown_name = true,
        }
    }
    let excluded: BTreeSet<&ControlId> = excluded
        .iter()
        .filter_map(|id| known_control(reader, id, library))
        .map(|control| &control.id)
        .collect();
    let is_severe_enough = |id: &ControlId| {
        let control = library.control(id.as_str());
        min_severity.is_none_or(|min_severity| {
            control.is_some_and(|source| source.control.severity >= min_severity)
        })
    };
    let selected: BTreeSet<ControlId> = named
        .into_iter()
        .filter(|id| !excluded.contains(id) && is_severe_enough(id))
        .cloned()
        .collect();
    // An empty set is no second error where a name is wrong already.
    if selected.is_empty() && !has_unknown_name {
        let message = "no control is left after \"minSeverity\" and \"excludeControls\", so the binding would do nothing";
        reader.error(
            spec.position(),
            format!("{message}: name more, or leave out fewer"),
        );
    }
    selected
}

fn read_severity(reader: &mut MapReader<'_>, spec: Node<'_>) -> Option<Severity> {
    let severities: Vec<(&str, Severity)> = Severity::ALL
        .iter()
        .map(|severity| (severity.name(), *severity))
        .collect();
    reader.read_enum(spec, "minSeverity", &severities)
}

/// True if the control is evaluated for objects of a cluster.
fn evaluates_objects(control: &Control) -> bool {
    control.scope.contains(&Scope::Cluster)
}

/// True if the webhook can evaluate the control: for an object of a cluster, or for a request.
fn is_for_webhook(control: &Control) -> bool {
    control
        .scope
        .iter()
        .any(|scope| matches!(scope, Scope::Cluster | Scope::Admission))
}

fn named_control<'l>(
    reader: &mut MapReader<'_>,
    id: &Spanned<String>,
    library: &'l Library,
) -> Option<&'l Control> {
    let control = known_control(reader, id, library)?;
    if !is_for_webhook(control) {
        reader.error(
            id.position,
            format!("{} applies only to files: remove it", control.id),
        );
        return None;
    }
    Some(control)
}

fn known_control<'l>(
    reader: &mut MapReader<'_>,
    id: &Spanned<String>,
    library: &'l Library,
) -> Option<&'l Control> {
    let found = library.find(&id.value).map(AsRef::as_ref);
    if found.is_none() {
        let hint = library.suggest_control(&id.value);
        reader.error(
            id.position,
            format!("there is no control {:?}{hint}", abbreviate(&id.value)),
        );
    }
    found
}

/// The controls of a framework that the webhook can evaluate. A control that does not load is an
/// error: nobody would notice that it is missing. One that is not written yet is not.
fn members<'l>(
    reader: &mut MapReader<'_>,
    name: &Spanned<String>,
    library: &'l Library,
) -> Option<Vec<&'l ControlId>> {
    let Some(framework) = library.framework(&name.value) else {
        let hint = library.suggest_framework(&name.value);
        reader.error(
            name.position,
            format!("there is no framework {:?}{hint}", abbreviate(&name.value)),
        );
        return None;
    };
    let mut found = Vec::new();
    let mut is_complete = true;
    for id in framework.controls() {
        match library.find(id.as_str()) {
            Some(control) if is_for_webhook(control) => found.push(&control.id),
            Some(_) => {}
            None if !library.broken.contains(id) => {}
            None => {
                let message = format!(
                    "the framework {} lists {id}, which does not load: fix the library, or name the framework's other \
                     controls in \"controls\"",
                    framework.name
                );
                reader.error(name.position, message);
                is_complete = false;
            }
        }
    }
    is_complete.then_some(found)
}
