//! Loads a library from the files of a policy folder, wherever they come from.

use super::{
    builtin::BuiltinControl,
    control::{self, ControlFile},
    control_id,
    folder_layout::{ControlFolder, Layout},
    framework,
    library::{ControlSource, Library},
    module_source::ModuleSource,
    param_schema,
    params::ParamSchema,
    public_controls,
    read_dir::PolicyFile,
    rego_metadata, rego_text,
    rule_module::{load_rule, unlisted_params},
    rule_use::RuleUse,
    shared_rule::{SharedRule, instantiate},
};
use kubevet_model::{ControlId, Framework, Position, Problem, ProblemCode};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Loads what files hold, as an addition to `base`: frameworks may list its controls, and controls
/// may read its params. Problems are in the order of files and positions.
pub(super) fn load(files: &[PolicyFile], base: &Library, problems: &mut Vec<Problem>) -> Library {
    let layout = Layout::of(files, problems);
    let mut library = Library::default();
    if let Some((file, text)) = layout.params.and_then(text_of) {
        library.params = param_schema::read(file, text, &base.params, problems);
    }
    // If params.yaml is broken, every param would be unknown: the one error is reported once.
    let known = layout.params.is_none() || library.params.iter().next().is_some();
    let mut schema = base.params.clone();
    schema.extend(library.params.clone());
    library.rules = load_rules(&layout, base, problems);
    let scope = ControlScope {
        schema: known.then_some(&schema),
        rules: [&base.rules, &library.rules],
    };
    (library.controls, library.builtins) = load_controls(&layout, scope, problems);
    library.modules = layout
        .modules
        .iter()
        .filter_map(|file| load_module(file, problems))
        .collect();
    if let Some((file, text)) = layout.public_controls.and_then(text_of) {
        library.public_controls = public_controls::read(file, text, problems);
    }
    library.broken = broken_ids(&layout, &library);
    library.frameworks = load_frameworks(&layout, &library, base, problems);
    library.fill_in_frameworks();
    library
}

fn text_of(file: &PolicyFile) -> Option<(&Arc<str>, &str)> {
    file.text.as_deref().map(|text| (&file.display_path, text))
}

/// What controls may refer to.
#[derive(Clone, Copy)]
struct ControlScope<'s> {
    /// The known params; `None` if params.yaml could not be read.
    schema: Option<&'s ParamSchema>,
    rules: [&'s Vec<SharedRule>; 2],
}

/// Loads the rules that controls share. The name of a rule that exists is taken.
fn load_rules(layout: &Layout<'_>, base: &Library, problems: &mut Vec<Problem>) -> Vec<SharedRule> {
    let mut rules: Vec<SharedRule> = Vec::new();
    for file in &layout.rules {
        let Some(text) = &file.text else { continue };
        let Some(rule) = SharedRule::read(&file.display_path, text, problems) else {
            continue;
        };
        let taken = base.rules.iter().find(|other| other.name == rule.name);
        match taken {
            None => rules.push(rule),
            Some(other) => problems.push(Problem::in_file(
                ProblemCode::PolicyDuplicate,
                file.display_path.as_ref(),
                format!(
                    "the shared rule {} is already that of {}: choose another name",
                    rule.name, other.module.file
                ),
            )),
        }
    }
    rules
}

/// The ids of the folders whose control did not load.
fn broken_ids(layout: &Layout<'_>, loaded: &Library) -> Vec<ControlId> {
    let ids = layout.ids().filter(|id| loaded.find(id).is_none());
    ids.map(ControlId::from).collect()
}

fn load_controls(
    layout: &Layout<'_>,
    scope: ControlScope<'_>,
    problems: &mut Vec<Problem>,
) -> (Vec<ControlSource>, Vec<BuiltinControl>) {
    let mut controls: Vec<ControlSource> = Vec::new();
    let mut builtins: Vec<BuiltinControl> = Vec::new();
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    for (name, folder) in &layout.controls {
        let Some(id) = control_id::id_of_folder(name) else {
            let message = format!(
                "the folder's name has no id: name it like C-9001-no-terminal ({})",
                control_id::ID_FORM
            );
            problems.push(Problem::in_file(
                ProblemCode::PolicyControlId,
                &folder.display_path,
                message,
            ));
            continue;
        };
        if let Some(other) =
            packages.insert(control_id::package_of(id), folder.display_path.clone())
        {
            problems.push(Problem::in_file(
                ProblemCode::PolicyDuplicate,
                &folder.display_path,
                duplicate_id(id, &other),
            ));
            continue;
        }
        match load_control(id, folder, scope, problems) {
            Some(LoadedControl::WithRule(source)) => controls.push(source),
            Some(LoadedControl::Builtin(builtin)) => builtins.push(builtin),
            None => {}
        }
    }
    for (file, text) in layout.single_files.iter().filter_map(|file| text_of(file)) {
        let Some(source) = rego_metadata::read(file, text, scope.schema, problems) else {
            continue;
        };
        let id = source.control.id.as_str();
        match packages.insert(control_id::package_of(id), file.to_string()) {
            None => controls.push(source),
            Some(other) => problems.push(Problem::at(
                ProblemCode::PolicyDuplicate,
                file.as_ref(),
                source.position,
                duplicate_id(id, &other),
            )),
        }
    }
    controls.sort_by(|a, b| a.control.id.cmp(&b.control.id));
    builtins.sort_by(|a, b| a.control.id.cmp(&b.control.id));
    (controls, builtins)
}

/// A control as its folder has it.
enum LoadedControl {
    WithRule(ControlSource),
    Builtin(BuiltinControl),
}

fn duplicate_id(id: &str, other: &str) -> String {
    format!("the id {id} is already that of {other}: choose another")
}

fn load_control(
    id: &str,
    folder: &ControlFolder<'_>,
    scope: ControlScope<'_>,
    problems: &mut Vec<Problem>,
) -> Option<LoadedControl> {
    let metadata = folder.control.and_then(text_of);
    let read = metadata.and_then(|(file, text)| control::read(file, text, scope.schema, problems));
    let builtin = read.as_ref().and_then(|read| read.builtin);
    let names_rule = metadata.is_some_and(|(_, text)| {
        let mut lines = text.lines();
        lines.any(|line| line.starts_with("rule:"))
    });
    // Of a control.yaml with an error only the text is known.
    let uses_rule = read
        .as_ref()
        .map_or(names_rule, |read| read.rule_use.is_some());
    let lacks_rule = folder.rule.is_none() && builtin.is_none() && !uses_rule;
    let lacking = [
        (folder.control.is_none(), "control.yaml"),
        (lacks_rule, "rule.rego"),
    ];
    for (_, name) in lacking.iter().filter(|(lacks, _)| *lacks) {
        problems.push(Problem::in_file(
            ProblemCode::PolicyIncomplete,
            &folder.display_path,
            format!("the control lacks {name}: write it"),
        ));
    }
    let rule = folder
        .rule
        .and_then(text_of)
        .and_then(|(file, text)| load_rule(id, file, text, problems));
    let (
        (file, _),
        ControlFile {
            control,
            position,
            rule_use,
            ..
        },
    ) = (metadata?, read?);
    if control.id.as_str() != id {
        let message = format!(
            "the id is {}, but the folder's name says {id}: make them the same",
            control.id
        );
        problems.push(Problem::at(
            ProblemCode::PolicyControlId,
            file.as_ref(),
            position,
            message,
        ));
        return None;
    }
    if let Some(rule_use) = &rule_use
        && (builtin.is_some() || folder.rule.is_some())
    {
        let other = if builtin.is_some() {
            "\"builtin\""
        } else {
            "rule.rego"
        };
        let message = format!("a control with \"rule\" has no {other}: remove one of the two");
        problems.push(Problem::at(
            ProblemCode::PolicyInvalidField,
            file.as_ref(),
            rule_use.position(),
            message,
        ));
        return None;
    }
    let Some(check) = builtin else {
        let rule = match &rule_use {
            Some(rule_use) => {
                let rules = scope.rules.into_iter().flatten();
                instantiate(&control.id, file, rule_use, rules, problems)?
            }
            None => rule?,
        };
        problems.extend(unlisted_params(&rule, &control));
        return Some(LoadedControl::WithRule(ControlSource {
            control: Arc::new(control),
            rule,
            shared_rule: rule_use.map(RuleUse::into_name),
            file: Arc::clone(file),
            position,
        }));
    };
    if rule.is_some() {
        let message = "a control with \"builtin\" has no rule.rego: remove one of the two";
        problems.push(Problem::at(
            ProblemCode::PolicyInvalidField,
            file.as_ref(),
            position,
            message,
        ));
        return None;
    }
    Some(LoadedControl::Builtin(BuiltinControl {
        control: Arc::new(control),
        check,
        file: Arc::clone(file),
        position,
    }))
}

fn load_module(file: &PolicyFile, problems: &mut Vec<Problem>) -> Option<ModuleSource> {
    let (display_path, text) = text_of(file)?;
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let package = rego_text::package(text);
    let right = package
        .as_ref()
        .is_some_and(|package| package.value.strip_prefix("lib.").is_some_and(word));
    if !right {
        let position = package.map_or(Position::START, |package| package.position);
        let message = "a module of lib/ begins with `package lib.` and one word: write it so";
        problems.push(Problem::at(
            ProblemCode::PolicyPackage,
            display_path.as_ref(),
            position,
            message,
        ));
        return None;
    }
    Some(ModuleSource {
        file: Arc::clone(display_path),
        text: text.into(),
    })
}

fn load_frameworks(
    layout: &Layout<'_>,
    loaded: &Library,
    base: &Library,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<Framework>> {
    let controls = [loaded.metadata(), base.metadata()].concat();
    let public = [&loaded.public_controls, &base.public_controls];
    let public = public.into_iter().flatten().map(|control| &control.id);
    let ids = controls.iter().map(|control| &control.id).chain(public);
    let ids = ids.map(ControlId::as_str);
    let known: BTreeSet<String> = layout.ids().chain(ids).map(str::to_owned).collect();
    let mut frameworks: Vec<Arc<Framework>> = Vec::new();
    for (file, text) in layout.frameworks.iter().filter_map(|file| text_of(file)) {
        let Some((framework, position)) = framework::read(file, text, &known, problems) else {
            continue;
        };
        let mut others = frameworks.iter().chain(&base.frameworks);
        if others.any(|other| other.name.eq_ignore_ascii_case(&framework.name)) {
            let message = format!(
                "another framework is named {}: choose another name",
                framework.name
            );
            problems.push(Problem::at(
                ProblemCode::PolicyDuplicate,
                file.as_ref(),
                position,
                message,
            ));
        } else {
            frameworks.push(Arc::new(framework));
        }
    }
    frameworks
}
