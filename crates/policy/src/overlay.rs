//! What a user adds to a library (`--policies FILE|DIR`): controls, shared modules, frameworks and
//! params.
//!
//! Nothing of it replaces a part of the library: an id, package or name that is taken is reported
//! with both places. Only the folder that an author is editing ([`load_edited`]) replaces the
//! controls that it is a copy of.

use super::{
    control_id::package_of,
    folder_layout::{Layout, normalize},
    library::Library,
    load_library::load,
    loader::{embedded, load_folder, sort},
    module_source::ModuleSource,
    read_dir::{self, PolicyFile},
    rego_text,
};
use kubevet_model::{Control, ControlId, Position, Problem, ProblemCode};
use std::{collections::BTreeSet, path::Path, sync::Arc};

impl Library {
    /// Adds the files of a folder, or a `.rego` file that describes its control. What is valid is
    /// added; all problems are returned.
    #[must_use]
    pub fn add_overlay(&mut self, path: &Path) -> Vec<Problem> {
        let mut problems = Vec::new();
        let files = read(path, &mut problems);
        if let Some(problem) = copy_of_library(path, &files, self) {
            return vec![problem];
        }
        let added = load(&files, self, &mut problems);
        problems.extend(empty(path, &added).filter(|_| problems.is_empty()));
        problems.extend(self.add(added));
        sort(&mut problems);
        problems
    }

    /// Adds what was loaded over this library. A control or module whose package is taken is left
    /// out and reported.
    pub(super) fn add(&mut self, added: Self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for module in added.modules {
            match self.module_of_package(&module_package(&module)) {
                Some(taken) => problems.push(taken_package(&module, taken)),
                None => self.modules.push(module),
            }
        }
        for source in added.controls {
            match self.taken_id(&source.control, &source.file, source.position) {
                Some(problem) => problems.push(problem),
                None => self.controls.push(source),
            }
        }
        for builtin in added.builtins {
            match self.taken_id(&builtin.control, &builtin.file, builtin.position) {
                Some(problem) => problems.push(problem),
                None => self.builtins.push(builtin),
            }
        }
        self.controls
            .sort_by(|a, b| a.control.id.cmp(&b.control.id));
        self.builtins
            .sort_by(|a, b| a.control.id.cmp(&b.control.id));
        self.rules.extend(added.rules);
        self.frameworks.extend(added.frameworks);
        self.params.extend(added.params);
        self.broken.extend(added.broken);
        self.fill_in_frameworks();
        problems
    }

    fn module_of_package(&self, package: &str) -> Option<&ModuleSource> {
        let mut modules = self.modules.iter();
        modules.find(|module| module_package(module) == package)
    }

    /// The control whose rule has a package, or would have it, and the file with its metadata.
    pub(super) fn control_of_package(&self, package: &str) -> Option<(&Arc<Control>, &Arc<str>)> {
        let with_rules = self.controls.iter();
        let with_rules = with_rules.map(|source| (&source.control, &source.file));
        let builtins = self.builtins.iter();
        let builtins = builtins.map(|builtin| (&builtin.control, &builtin.file));
        with_rules
            .chain(builtins)
            .find(|(control, _)| package_of(control.id.as_str()) == package)
    }

    /// The problem of a control whose id, or package, is that of a control of this library.
    fn taken_id(&self, control: &Control, file: &str, position: Position) -> Option<Problem> {
        let package = package_of(control.id.as_str());
        let taken = self.control_of_package(&package)?;
        let (other, other_file) = taken;
        let is_built_in = embedded().0.control_of_package(&package) == Some(taken);
        let message = format!(
            "{} is already the id of {}: {}; choose another, or replace the whole library with --policies-only",
            other.id,
            place(other_file, is_built_in),
            other.name,
        );
        Some(Problem::at(
            ProblemCode::PolicyDuplicate,
            file,
            position,
            message,
        ))
    }
}

/// A library with a folder or file that its author is editing.
#[derive(Debug)]
pub struct EditedLibrary {
    /// The library.
    pub library: Library,
    /// The ids of the controls that the folder or file holds.
    pub ids: Vec<ControlId>,
    /// All problems of the folder or file.
    pub problems: Vec<Problem>,
}

/// Loads the folder or file that an author is editing: over `base`, where its controls replace those
/// of the same id; alone, if it holds modules of the built-in library and so is a library by itself.
#[must_use]
pub fn load_edited(path: &Path, base: &Library) -> EditedLibrary {
    let mut problems = Vec::new();
    let files = read(path, &mut problems);
    if !shared_packages(&files, &embedded().0).is_empty() {
        let (mut library, problems) = load_folder(path);
        library.set_workloads(base.workloads.clone());
        return EditedLibrary {
            ids: ids(&library),
            library,
            problems,
        };
    }
    let added = load(&files, base, &mut problems);
    let ids = ids(&added);
    let mut library = base.clone();
    let is_kept = |control: &Control| {
        let package = package_of(control.id.as_str());
        added.control_of_package(&package).is_none()
    };
    library.controls.retain(|source| is_kept(&source.control));
    library.builtins.retain(|builtin| is_kept(&builtin.control));
    problems.extend(empty(path, &added).filter(|_| problems.is_empty()));
    problems.extend(library.add(added));
    library.set_workloads(base.workloads.clone());
    sort(&mut problems);
    EditedLibrary {
        library,
        ids,
        problems,
    }
}

/// Returns the files of a folder or file that a library is read from: the path of each in a policy
/// folder, and its text. Test data is left out.
#[must_use]
pub fn policy_files(path: &Path) -> (Vec<(String, Arc<str>)>, Vec<Problem>) {
    let mut problems = Vec::new();
    let files = read(path, &mut problems);
    let texts = files
        .into_iter()
        .filter_map(|file| Some((file.path, file.text?)));
    (texts.collect(), problems)
}

/// Reads a folder, or one `.rego` file, as the files of a policy folder.
fn read(path: &Path, problems: &mut Vec<Problem>) -> Vec<PolicyFile> {
    if path.is_dir() {
        return normalize(read_dir::of_folder(path, problems), path);
    }
    if path
        .extension()
        .is_some_and(|extension| extension == "rego")
    {
        return read_dir::of_file(path, problems).into_iter().collect();
    }
    let fault = if path.exists() {
        "is neither a folder nor a .rego file"
    } else {
        "does not exist"
    };
    problems.push(Problem::in_file(
        ProblemCode::PolicyUnreadable,
        path.display().to_string(),
        format!("{fault}: give a control's folder, a folder of them, or a .rego file"),
    ));
    Vec::new()
}

/// The problem of a folder that brings nothing.
fn empty(path: &Path, added: &Library) -> Option<Problem> {
    (*added == Library::default()).then(|| {
        Problem::in_file(
            ProblemCode::PolicyEmpty,
            path.display().to_string(),
            "no control is in this folder: it should hold C-9001-name/control.yaml",
        )
    })
}

/// The problem of a folder that has both controls and shared modules of the library: it is a copy,
/// and would collide in every file.
fn copy_of_library(path: &Path, files: &[PolicyFile], library: &Library) -> Option<Problem> {
    let packages = shared_packages(files, library);
    let layout = Layout::of(files, &mut Vec::new());
    let controls = layout
        .ids()
        .filter(|id| library.control_of_package(&package_of(id)).is_some());
    let controls: Vec<&str> = controls.collect();
    let (package, id) = (packages.first()?, controls.first()?);
    let message = format!(
        "the folder is a library of its own: {} of its controls ({id} …) and {} of its modules (lib.{package} …) are in \
         the library that it would be added to; give it as --policies-only, or remove what is not yours",
        controls.len(),
        packages.len()
    );
    Some(Problem::in_file(
        ProblemCode::PolicyDuplicate,
        path.display().to_string(),
        message,
    ))
}

/// The packages `lib.*` that both the files and a library define, without `lib.`.
fn shared_packages(files: &[PolicyFile], library: &Library) -> BTreeSet<String> {
    let layout = Layout::of(files, &mut Vec::new());
    let texts = layout
        .modules
        .iter()
        .filter_map(|file| file.text.as_deref());
    let packages = texts.filter_map(rego_text::package);
    let shared = packages.filter(|package| library.module_of_package(&package.value).is_some());
    shared
        .filter_map(|package| package.value.strip_prefix("lib.").map(str::to_owned))
        .collect()
}

fn ids(library: &Library) -> Vec<ControlId> {
    let controls = library.metadata();
    controls.iter().map(|control| control.id.clone()).collect()
}

fn module_package(module: &ModuleSource) -> String {
    rego_text::package(&module.text).map_or_else(String::new, |package| package.value)
}

fn taken_package(module: &ModuleSource, taken: &ModuleSource) -> Problem {
    let message = format!(
        "the package {} is already that of {}: choose another name",
        module_package(module),
        place(&taken.file, embedded().0.modules.contains(taken))
    );
    Problem::at(
        ProblemCode::PolicyDuplicate,
        module.file.as_ref(),
        rego_text::package(&module.text).map_or(Position::START, |package| package.position),
        message,
    )
}

/// The place of a file for messages: files of the program and of a folder may have the same path.
fn place(file: &str, is_built_in: bool) -> String {
    if is_built_in {
        format!("{file} in the built-in library")
    } else {
        file.to_owned()
    }
}
