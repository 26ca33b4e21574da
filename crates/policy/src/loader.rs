//! Where a library comes from: the binary, or a folder.

use super::{
    library::{Library, Origin, load},
    read_dir,
};
use kubevet_model::{Problem, ProblemCode};
use std::{path::Path, sync::OnceLock};

/// Every file of `policies/` but test data, written by build.rs: path and text.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/policies.rs"));

/// The library that is part of the program. Read once, when first asked for; a clone is cheap. The problems are empty
/// in every build whose tests passed.
#[must_use]
pub fn embedded() -> (Library, Vec<Problem>) {
    static LIBRARY: OnceLock<(Library, Vec<Problem>)> = OnceLock::new();
    LIBRARY.get_or_init(read_embedded).clone()
}

pub(super) fn read_embedded() -> (Library, Vec<Problem>) {
    of_table("policies", EMBEDDED)
}

/// The library of a policy folder (`--policies DIR`), and everything that is wrong with it. What is right is loaded,
/// whatever else is wrong.
#[must_use]
pub fn load_folder(dir: &Path) -> (Library, Vec<Problem>) {
    let mut problems = Vec::new();
    let files = read_dir::of_folder(dir, &mut problems);
    let readable = problems.is_empty();
    let library = load(&files, Origin::Library, &mut problems);
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

/// The library of files that are in memory.
pub(super) fn of_table(root: &str, table: &[(&str, &str)]) -> (Library, Vec<Problem>) {
    let mut problems = Vec::new();
    let library = load(
        &read_dir::of_table(root, table),
        Origin::Library,
        &mut problems,
    );
    sort(&mut problems);
    (library, problems)
}

/// By file, then place; none twice.
pub(super) fn sort(problems: &mut Vec<Problem>) {
    problems.sort();
    problems.dedup();
}
