//! Whether a policy has anything to say of an object: its match condition. The API server works out the validation, its
//! message and the audit annotations one by one, each with variables of its own, whether they are needed or not. A match
//! condition comes before all of them, so that a clean object is asked once.

use super::{closed::closed, excuse::MAY_BE_EXCUSED, write::Draft, write::Role};
use kubevet_cel::Sheet;

/// Over so many pairs of containers and volumes the question is left to the validation, where each control may cost as
/// much as here all of them together. A Pod of 100 containers and 10 volumes costs four tenths of the limit.
const PAIRS: usize = 2_000;

/// The condition, true where the policy may have something to say.
pub(super) fn condition(draft: &Draft<'_>) -> String {
    let sheet = draft.sheet;
    match draft.role {
        Role::Deciding => something_is_found(sheet),
        Role::Excused => format!("({MAY_BE_EXCUSED}) &&\n({})", something_is_found(sheet)),
        Role::Unjudged => {
            let bounds = sheet.controls.iter().filter_map(|it| it.unjudged.as_ref());
            closed(
                &any(bounds.map(|it| it.condition.as_str())),
                &sheet.variables,
            )
        }
    }
}

/// A condition without variables: one of a sheet's controls finds something, or there is too much to go through to say.
#[must_use]
pub fn something_is_found(sheet: &Sheet) -> String {
    let found = format!("!(\n{}\n)", sheet.clean);
    let found = match large(sheet) {
        Some(large) => format!("{large} ||\n{found}"),
        None => found,
    };
    closed(&found, &sheet.variables)
}

/// That there is much to go through; `None` where no list of a workload is gone through.
fn large(sheet: &Sheet) -> Option<String> {
    let has = |name: &str| sheet.variables.iter().any(|it| it.name == name);
    let containers = ["containers", "resourceContainers", "probeContainers"]
        .into_iter()
        .find(|it| has(it))?;
    let volumes = if has("volumes") {
        " * (1 + variables.volumes.size())"
    } else {
        ""
    };
    Some(format!("variables.{containers}.size(){volumes} > {PAIRS}"))
}

fn any<'t>(conditions: impl Iterator<Item = &'t str>) -> String {
    conditions
        .map(|it| format!("({it})"))
        .collect::<Vec<_>>()
        .join("\n|| ")
}
