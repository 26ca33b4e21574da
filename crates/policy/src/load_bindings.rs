//! Loads bindings from files and folders: every valid binding, and every error of the others.

use super::{
    Library, Remark,
    binding::{
        API_VERSION, Binding, KIND, OBJECT_KEYS, ON_OWNED, ON_UNEVALUATED, ON_UPDATE, SPEC_KEYS,
    },
    binding_check::read_and_check,
    exclude_subjects, label_selectors,
    map_reader::FieldSpec,
    match_resources,
    read_dir::{io_reason, read_text, unreadable},
};
use kubevet_document::{self as document, Limits};
use kubevet_model::{Action, Position, Problem, ProblemCode, Severity};
use std::{collections::BTreeMap, fs, path::Path, path::PathBuf, sync::Arc};

/// The maximum number of files in a folder.
const MAX_FILES: usize = 1_000;
/// The advice for a file without bindings.
const EXAMPLE: &str = "write `apiVersion: kubevet.io/v1alpha1`, `kind: ControlBinding`, a name, and what it covers in `spec`";

type Found = Vec<(Binding, Arc<str>, Position)>;

/// Everything that files of bindings hold.
#[derive(Debug, Clone, Default)]
pub struct LoadedBindings {
    /// The valid bindings.
    pub bindings: Vec<Binding>,
    /// The errors of the others.
    pub problems: Vec<Problem>,
    /// What is remarkable about the valid ones, by position.
    pub remarks: Vec<Remark>,
}

/// Reads the bindings of a file (YAML or JSON, one document or many, lists included). An object of
/// another kind is a problem; a binding with an error is left out.
#[must_use]
pub fn read_bindings(file: &Arc<str>, bytes: &[u8], library: &Library) -> LoadedBindings {
    let mut loader = Loader::new(library);
    loader.read_file(file, bytes);
    loader.finish()
}

/// Reads the bindings of a file, or of the `*.yaml`, `*.yml` and `*.json` files of a folder, without
/// its subfolders. A path without bindings is a problem: whoever names one means to enforce
/// something.
#[must_use]
pub fn load_bindings(path: &Path, library: &Library) -> LoadedBindings {
    let mut loader = Loader::new(library);
    let files = if path.is_file() {
        vec![path.to_owned()]
    } else {
        binding_files(path, &mut loader.problems)
    };
    for path in files {
        let file: Arc<str> = path.display().to_string().into();
        match read_text(&path) {
            Ok(text) => loader.read_file(&file, text.as_bytes()),
            Err(problem) => loader.problems.push(problem),
        }
    }
    if loader.found.is_empty() && loader.problems.is_empty() {
        let message = format!("no binding is in this folder: put a .yaml file there and {EXAMPLE}");
        loader.problems.push(Problem::in_file(
            ProblemCode::PolicyEmpty,
            path.display().to_string(),
            message,
        ));
    }
    loader.finish()
}

/// The files in order. Hidden ones, which a mounted ConfigMap has, are left out.
fn binding_files(dir: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(unreadable(dir, io_reason(&error)));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) if is_binding_file(&entry.path()) => found.push(entry.path()),
            Ok(_) => {}
            Err(error) => problems.push(unreadable(dir, io_reason(&error))),
        }
        if found.len() > MAX_FILES {
            let message =
                format!("has more than {MAX_FILES} files: this is hardly a folder of bindings");
            problems.push(unreadable(dir, message));
            break;
        }
    }
    found.sort();
    found
}

fn is_binding_file(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    !hidden && matches!(extension.as_str(), "yaml" | "yml" | "json") && !path.is_dir()
}

/// Reads files one after the other.
struct Loader<'l> {
    library: &'l Library,
    found: Found,
    problems: Vec<Problem>,
    remarks: Vec<Remark>,
}

impl<'l> Loader<'l> {
    fn new(library: &'l Library) -> Self {
        Self {
            library,
            found: Found::new(),
            problems: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn read_file(&mut self, file: &Arc<str>, bytes: &[u8]) {
        let limits = Limits {
            bytes: 8 << 20,
            depth: 64,
            nodes: 500_000,
            expansion: 10_000,
        };
        let reading = document::read(file, bytes, &limits);
        if reading.documents.is_empty() && reading.problems.is_empty() {
            self.problems.push(Problem::in_file(
                ProblemCode::PolicyEmpty,
                file.as_ref(),
                format!("the file holds no binding: {EXAMPLE}"),
            ));
        }
        self.problems.extend(reading.problems);
        let expanded = document::expand_lists(reading.documents);
        self.problems.extend(expanded.problems);
        for document in expanded.documents {
            match read_and_check(&document, self.library) {
                Ok((binding, position, check)) => {
                    self.found.push((binding, Arc::clone(file), position));
                    self.remarks.extend(check.remarks);
                }
                Err(errors) => self.problems.extend(errors),
            }
        }
    }

    fn finish(mut self) -> LoadedBindings {
        let bindings = distinct(self.found, &mut self.problems);
        self.remarks.sort();
        LoadedBindings {
            bindings,
            problems: sorted(self.problems),
            remarks: self.remarks,
        }
    }
}

/// The first binding of each name. Every other one is a problem.
fn distinct(found: Found, problems: &mut Vec<Problem>) -> Vec<Binding> {
    let mut places: BTreeMap<String, (Arc<str>, Position)> = BTreeMap::new();
    let mut bindings = Vec::new();
    for (binding, file, position) in found {
        if let Some((other, line)) = places.get(&binding.name) {
            let message = format!(
                "another binding is named {:?} ({other}:{}): this one is ignored; choose another name",
                binding.name, line.line
            );
            problems.push(Problem::at(
                ProblemCode::PolicyDuplicate,
                file.as_ref(),
                position,
                message,
            ));
        } else {
            places.insert(binding.name.clone(), (file, position));
            bindings.push(binding);
        }
    }
    bindings
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    problems
}

/// The keys of one map of a binding, for a schema that must agree with this reader (that of the
/// CRD).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingKeys {
    /// The path of the map, such as `spec.matchResources.resourceRules[]`; empty for the object
    /// itself.
    pub at: &'static str,
    /// All keys.
    pub keys: Vec<&'static str>,
    /// The required keys.
    pub required: Vec<&'static str>,
}

/// The maps of a binding and their keys. `metadata` and `spec.params` hold keys of any name and are
/// left out.
#[must_use]
pub fn binding_keys() -> Vec<BindingKeys> {
    let table = |at, keys: &[FieldSpec]| BindingKeys {
        at,
        keys: keys.iter().map(|spec| spec.name).collect(),
        required: keys
            .iter()
            .filter(|spec| spec.required)
            .map(|spec| spec.name)
            .collect(),
    };
    vec![
        table("", OBJECT_KEYS),
        table("spec", SPEC_KEYS),
        table("spec.excludeSubjects[]", exclude_subjects::SUBJECT_KEYS),
        table("spec.matchResources", match_resources::MATCH_KEYS),
        table(
            "spec.matchResources.resourceRules[]",
            match_resources::RULE_KEYS,
        ),
        table(
            "spec.matchResources.excludeResourceRules[]",
            match_resources::RULE_KEYS,
        ),
        table(
            "spec.matchResources.namespaceSelector",
            label_selectors::SELECTOR_KEYS,
        ),
        table(
            "spec.matchResources.namespaceSelector.matchExpressions[]",
            label_selectors::REQUIREMENT_KEYS,
        ),
        table(
            "spec.matchResources.objectSelector",
            label_selectors::SELECTOR_KEYS,
        ),
        table(
            "spec.matchResources.objectSelector.matchExpressions[]",
            label_selectors::REQUIREMENT_KEYS,
        ),
    ]
}

/// The keys of a binding whose values are names of a fixed set, and those names.
#[must_use]
pub fn binding_enums() -> Vec<(&'static str, Vec<&'static str>)> {
    fn names<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
        words.iter().map(|(name, _)| *name).collect()
    }
    let operations = match_resources::operation_names();
    vec![
        ("apiVersion", vec![API_VERSION]),
        ("kind", vec![KIND]),
        (
            "spec.minSeverity",
            Severity::ALL.iter().map(|value| value.name()).collect(),
        ),
        (
            "spec.validationActions[]",
            Action::ALL.iter().map(|value| value.name()).collect(),
        ),
        (
            "spec.excludeSubjects[].kind",
            names(exclude_subjects::SUBJECT_KINDS),
        ),
        ("spec.onUpdate", names(ON_UPDATE)),
        ("spec.onOwned", names(ON_OWNED)),
        ("spec.onUnevaluated", names(ON_UNEVALUATED)),
        (
            "spec.matchResources.resourceRules[].operations[]",
            operations.clone(),
        ),
        (
            "spec.matchResources.excludeResourceRules[].operations[]",
            operations,
        ),
        (
            "spec.matchResources.resourceRules[].scope",
            names(match_resources::SCOPES),
        ),
        (
            "spec.matchResources.excludeResourceRules[].scope",
            names(match_resources::SCOPES),
        ),
        (
            "spec.matchResources.namespaceSelector.matchExpressions[].operator",
            label_selectors::operator_names(),
        ),
        (
            "spec.matchResources.objectSelector.matchExpressions[].operator",
            label_selectors::operator_names(),
        ),
    ]
}

#[cfg(test)]
mod tests;
