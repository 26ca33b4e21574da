//! A user's own controls (`--custom-rules FILE|DIR`).
//!
//! A folder is one control, a folder of controls, or a policy folder (`controls/` and `lib/`); all
//! are brought into the last form and loaded as the library is. A file is one Rego module that
//! describes itself (`rego_metadata`).

use super::{
    library::{ControlSource, ModuleSource},
    load_library::{LoadMode, load},
    loader,
    read_dir::{self, PolicyFile},
    rego_metadata,
};
use kubevet_model::{Problem, ProblemCode};
use std::{fs, path::Path, sync::Arc};

/// Loads the controls and modules of a file or folder, for [`super::Library::add_custom`], and
/// their problems.
#[must_use]
pub fn load_custom(path: &Path) -> (Vec<ControlSource>, Vec<ModuleSource>, Vec<Problem>) {
    let mut problems = Vec::new();
    let display_path = path.display().to_string();
    let (controls, modules) = if path.is_dir() {
        let files = read_dir::of_folder(path, &mut problems);
        let name = fs::canonicalize(path).ok();
        let name = name
            .as_deref()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        load_files(files, name, &mut problems)
    } else if path
        .extension()
        .is_some_and(|extension| extension == "rego")
    {
        (
            load_file(path, &mut problems).into_iter().collect(),
            Vec::new(),
        )
    } else {
        let what = if path.exists() {
            "is neither a folder nor a .rego file"
        } else {
            "does not exist"
        };
        problems.push(Problem::in_file(
            ProblemCode::PolicyUnreadable,
            &display_path,
            format!("{what}: give a control's folder, a folder of them, or a .rego file"),
        ));
        (Vec::new(), Vec::new())
    };
    if controls.is_empty() && problems.is_empty() {
        problems.push(Problem::in_file(
            ProblemCode::PolicyEmpty,
            &display_path,
            "no control is in this folder: it should hold C-9001-name/control.yaml",
        ));
    }
    loader::sort(&mut problems);
    (controls, modules, problems)
}

fn load_file(path: &Path, problems: &mut Vec<Problem>) -> Option<ControlSource> {
    let display_path: Arc<str> = path.display().to_string().into();
    match read_dir::read_text(path) {
        Ok(text) => rego_metadata::read(&display_path, &text, problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Loads the controls of a folder's files. `name` is the name of the folder itself, which contains
/// the id if the folder is one control.
pub(super) fn load_files(
    files: Vec<PolicyFile>,
    name: &str,
    problems: &mut Vec<Problem>,
) -> (Vec<ControlSource>, Vec<ModuleSource>) {
    let is_control = files
        .iter()
        .any(|file| file.path == "control.yaml" || file.path == "rule.rego");
    let is_policy_folder = files
        .iter()
        .any(|file| file.path.starts_with("controls/") || file.path.starts_with("lib/"));
    let (single, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| {
        !is_control && !is_policy_folder && !file.path.contains('/') && file.path.ends_with(".rego")
    });
    for file in &mut files {
        if is_control {
            file.path = format!("controls/{name}/{}", file.path);
        } else if !is_policy_folder && file.path.contains('/') {
            file.path = format!("controls/{}", file.path);
        }
    }
    let library = load(&files, LoadMode::Custom, problems);
    let mut controls = library.controls;
    for file in &single {
        let found = file
            .text
            .as_deref()
            .and_then(|text| rego_metadata::read(&file.display_path, text, problems));
        let Some(found) = found else { continue };
        match controls
            .iter()
            .find(|other| other.control.id == found.control.id)
        {
            None => controls.push(found),
            Some(other) => {
                let message = format!(
                    "the id {} is already that of {}: choose another",
                    found.control.id, other.file
                );
                problems.push(Problem::at(
                    ProblemCode::PolicyDuplicate,
                    found.file.as_ref(),
                    found.position,
                    message,
                ));
            }
        }
    }
    (controls, library.modules)
}
