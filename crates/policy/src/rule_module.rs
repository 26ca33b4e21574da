//! The Rego module of a control: its package, and the params that it reads.

use super::{
    control_id, did_you_mean::did_you_mean, map_reader::abbreviate, module_source::ModuleSource,
    rego_text,
};
use kubevet_model::{Control, Position, Problem, ProblemCode};
use std::{collections::BTreeSet, sync::Arc};

/// Loads the module of a rule, whose package must be that of the control.
pub(super) fn load_rule(
    id: &str,
    file: &Arc<str>,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<ModuleSource> {
    let expected = control_id::package_of(id);
    let (position, found) = match rego_text::package(text) {
        None => (
            Position::START,
            "the file does not begin with a package".to_owned(),
        ),
        Some(package) if package.value == expected => {
            return Some(ModuleSource {
                file: Arc::clone(file),
                text: text.into(),
            });
        }
        Some(package) => (
            package.position,
            format!("the package is {:?}", abbreviate(&package.value)),
        ),
    };
    problems.push(Problem::at(
        ProblemCode::PolicyPackage,
        file.as_ref(),
        position,
        format!("{found}: write `package {expected}`"),
    ));
    None
}

/// Reports params that a rule reads and its control does not list: the engine would not pass them.
pub(super) fn unlisted_params(rule: &ModuleSource, control: &Control) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for read in rego_text::params_read(&rule.text) {
        if control.params.contains(&read.value) || !seen.insert(read.value.clone()) {
            continue;
        }
        let hint = did_you_mean(&read.value, control.params.iter().map(String::as_str));
        let message = format!(
            "the rule reads the param {:?}, which \"params\" of {} does not list{hint}",
            read.value, control.id
        );
        problems.push(Problem::at(
            ProblemCode::PolicyParam,
            rule.file.as_ref(),
            read.position,
            message,
        ));
    }
    problems
}
