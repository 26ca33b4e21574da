//! Loads a library: from the binary, or from a folder.

use super::{folder_layout::normalize, library::Library, load_library::load, read_dir};
use kubevet_model::{Problem, ProblemCode};
use std::{path::Path, sync::OnceLock};

/// The files of `policies/` without test data, as written by build.rs: path and source text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/policies.rs"));

/// The library of the program. It is loaded once, at the first call; a clone copies pointers. A
/// test holds that it has no problems.
#[must_use]
pub fn embedded() -> (Library, Vec<Problem>) {
    static LIBRARY: OnceLock<(Library, Vec<Problem>)> = OnceLock::new();
    LIBRARY.get_or_init(read_embedded).clone()
}

/// The texts of the shared modules of the embedded library, `lib/**.rego`.
pub fn embedded_modules() -> impl Iterator<Item = &'static str> {
    let modules = EMBEDDED.iter().filter(|(path, _)| path.starts_with("lib/"));
    modules.map(|(_, text)| *text)
}

pub(super) fn read_embedded() -> (Library, Vec<Problem>) {
    of_table("policies", EMBEDDED)
}

/// Loads the library of a policy folder (`--policies-only DIR`), and its problems. Whatever is valid is
/// loaded.
#[must_use]
pub fn load_folder(dir: &Path) -> (Library, Vec<Problem>) {
    let mut problems = Vec::new();
    let files = normalize(read_dir::of_folder(dir, &mut problems), dir);
    let readable = problems.is_empty();
    let library = load(&files, &Library::default(), &mut problems);
    if readable && problems.is_empty() && library.controls.is_empty() {
        let message =
            "no control is in this folder: it should hold controls/C-9001-name/control.yaml";
        problems.push(Problem::in_file(
            ProblemCode::PolicyEmpty,
            dir.display().to_string(),
            message,
        ));
    }
    sort(&mut problems);
    (library, problems)
}

/// Loads a library from files in memory.
pub(super) fn of_table(root: &str, table: &[(&str, &str)]) -> (Library, Vec<Problem>) {
    let mut problems = Vec::new();
    let files = read_dir::of_table(root, table);
    let library = load(&files, &Library::default(), &mut problems);
    sort(&mut problems);
    (library, problems)
}

/// Sorts problems by file and position, and removes duplicates.
pub(super) fn sort(problems: &mut Vec<Problem>) {
    problems.sort();
    problems.dedup();
}
