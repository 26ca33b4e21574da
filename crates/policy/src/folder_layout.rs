//! The role of each file of a policy folder. A file without a role is a problem: its author
//! believes that it is a control.

use super::{control_id::id_of_folder, read_dir::PolicyFile, unused_files::UnusedFiles};
use kubevet_model::Problem;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The files of a policy folder by their roles.
#[derive(Debug, Default)]
pub(super) struct Layout<'f> {
    pub(super) params: Option<&'f PolicyFile>,
    pub(super) public_controls: Option<&'f PolicyFile>,
    pub(super) modules: Vec<&'f PolicyFile>,
    pub(super) rules: Vec<&'f PolicyFile>,
    pub(super) frameworks: Vec<&'f PolicyFile>,
    /// The controls, by the name of the folder.
    pub(super) controls: BTreeMap<&'f str, ControlFolder<'f>>,
    /// The controls that are one `.rego` file each.
    pub(super) single_files: Vec<&'f PolicyFile>,
}

/// The files of one control.
#[derive(Debug, Default)]
pub(super) struct ControlFolder<'f> {
    /// The path of the folder to show.
    pub(super) display_path: String,
    pub(super) control: Option<&'f PolicyFile>,
    pub(super) rule: Option<&'f PolicyFile>,
}

/// Returns the files of a folder under the paths that they have in a policy folder. The folder may
/// also be one control, or a folder of controls.
pub(super) fn normalize(mut files: Vec<PolicyFile>, folder: &Path) -> Vec<PolicyFile> {
    const CONTROL_FILES: [&str; 2] = ["control.yaml", "rule.rego"];
    if files
        .iter()
        .any(|file| CONTROL_FILES.contains(&file.path.as_str()))
    {
        let real = fs::canonicalize(folder).ok();
        let name = real.as_deref().and_then(Path::file_name);
        let name = name.and_then(|name| name.to_str()).unwrap_or_default();
        for file in &mut files {
            file.path = format!("controls/{name}/{}", file.path);
        }
        return files;
    }
    let of_control = |file: &PolicyFile| match file.steps().as_slice() {
        [folder, name] if CONTROL_FILES.contains(name) => Some((*folder).to_owned()),
        [folder, _, ..] => id_of_folder(folder).map(|_| (*folder).to_owned()),
        _ => None,
    };
    let controls: BTreeSet<String> = files.iter().filter_map(of_control).collect();
    for file in &mut files {
        let folder = file.path.split_once('/').map(|(folder, _)| folder);
        if folder.is_some_and(|folder| controls.contains(folder)) {
            file.path = format!("controls/{}", file.path);
        }
    }
    files
}

impl<'f> Layout<'f> {
    /// Sorts the files by role, and reports those without one.
    pub(super) fn of(files: &'f [PolicyFile], problems: &mut Vec<Problem>) -> Self {
        let mut layout = Self::default();
        let mut unused = UnusedFiles::default();
        for file in files {
            match file.steps().as_slice() {
                ["params.yaml"] => layout.params = Some(file),
                ["public_controls.yaml"] => layout.public_controls = Some(file),
                [name] if has_extension(name, "rego") => layout.single_files.push(file),
                ["lib", name] | ["lib", "reference", name] if has_extension(name, "rego") => {
                    layout.modules.push(file);
                }
                ["rules", name] if has_extension(name, "rego") => layout.rules.push(file),
                ["frameworks", name] if has_extension(name, "yaml") => layout.frameworks.push(file),
                ["lib", "testdata", ..] | ["cases", ..] => {}
                ["controls", folder, rest @ ..] if !rest.is_empty() => {
                    if !layout.control(file, folder, rest) {
                        unused.add(file);
                        continue;
                    }
                }
                // Any folder may have a description: it does not make the folder a policy folder.
                [.., name] if has_extension(name, "md") => continue,
                _ => {
                    unused.add(file);
                    continue;
                }
            }
            unused.keep_folders_of(file);
        }
        problems.extend(unused.problems());
        layout
    }

    /// The ids in the names of the controls' folders.
    pub(super) fn ids(&self) -> impl Iterator<Item = &'f str> {
        self.controls.keys().filter_map(|name| id_of_folder(name))
    }

    /// Adds a file of a control. Returns false if nothing reads it.
    fn control(&mut self, file: &'f PolicyFile, name: &'f str, rest: &[&str]) -> bool {
        let folder = self.controls.entry(name).or_default();
        if folder.display_path.is_empty() {
            let inside: usize = rest.iter().map(|step| step.len() + 1).sum();
            folder.display_path = file
                .display_path
                .get(..file.display_path.len().saturating_sub(inside))
                .unwrap_or(name)
                .to_owned();
        }
        match rest {
            ["control.yaml"] => folder.control = Some(file),
            ["rule.rego"] => folder.rule = Some(file),
            ["testdata", "pass" | "fail", name] if has_extension(name, "yaml") => {}
            [.., name] if has_extension(name, "md") => {}
            _ => return false,
        }
        true
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.strip_suffix(extension)
        .is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
}
