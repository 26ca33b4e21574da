//! Golden files: a folder of rules, each beside the file that a compiler makes of it.
//!
//! The first line of a rule says what it shows; further comments can hold options.

use crate::{build_output::repository_root, snapshot};
use std::fs;

/// Compares what `compile` makes of each `NAME.rego` of a folder with `NAME.EXTENSION` beside it,
/// which `UPDATE=1` rewrites. `compile` is given the name of the file and its content. The folder
/// is relative to the root of the repository and holds at least `min_rules`.
#[track_caller]
pub fn assert_golden_files(
    folder: &str,
    extension: &str,
    min_rules: usize,
    compile: impl Fn(&str, &str) -> String,
) {
    let folder = repository_root().join(folder);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rego").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= min_rules, "only {} rules", names.len());
    let mut differences = Vec::new();
    for name in names {
        let file = format!("{name}.rego");
        let rego = fs::read_to_string(folder.join(&file)).unwrap();
        assert!(
            rego.starts_with("# "),
            "{file}: the first line says nothing"
        );
        let golden = folder.join(format!("{name}.{extension}"));
        let difference = snapshot::difference(&golden, &compile(&file, &rego));
        differences.extend(difference.map(|difference| format!("{name}.{extension} {difference}")));
    }
    assert!(
        differences.is_empty(),
        "UPDATE=1 cargo test rewrites what differs\n{}",
        differences.join("\n")
    );
}

/// The value of an option in the comments of a rule: of `kind` in `# kind: apps/Deployment`.
pub fn option<'r>(rego: &'r str, name: &str) -> Option<&'r str> {
    let prefix = format!("# {name}: ");
    rego.lines().find_map(|line| line.strip_prefix(&prefix))
}
