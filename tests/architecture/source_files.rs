//! The source files of the workspace: no file is dead, each opens with what it is, and no import
//! reaches past its folder.

use crate::CRATES;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn imports_name_the_module_they_come_from() {
    for file in all_files() {
        let source = read(&file);
        for pattern in ["use super::super", "use crate::*", "pub(in "] {
            assert!(
                !source.contains(pattern),
                "{}: `{pattern}`: name the module instead",
                file.display()
            );
        }
    }
}

/// A file that no `mod` line names is dead.
#[test]
fn every_file_has_a_mod_line() {
    let mut errors = Vec::new();
    for file in all_files() {
        let name = stem(&file);
        let folder = file.parent().unwrap();
        if matches!(name.as_str(), "lib" | "main") {
            continue;
        }
        let (name, folder) = if name == "mod" {
            (stem(folder), folder.parent().unwrap())
        } else {
            (name, folder)
        };
        let parents = [
            folder.join("mod.rs"),
            folder.join("lib.rs"),
            folder.join("main.rs"),
            folder.with_extension("rs"),
        ];
        let parents: String = parents
            .iter()
            .filter_map(|parent| fs::read_to_string(parent).ok())
            .collect();
        if !parents.contains(&format!("mod {name};")) {
            errors.push(file.display().to_string());
        }
    }
    assert_eq!(errors, [] as [&str; 0], "files without a `mod` line");
}

/// Every crate forbids unsafe code, but one that denies it and allows it in one file.
#[test]
fn unsafe_code_is_in_the_file_that_maps_the_database() {
    let with_unsafe: Vec<String> = all_files()
        .iter()
        .filter(|file| read(file).contains("allow(unsafe_code"))
        .map(|file| file.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    assert_eq!(with_unsafe, ["crates/vulnerability/src/file/mapping.rs"]);
}

#[test]
fn every_file_opens_with_a_module_doc() {
    let silent: Vec<String> = all_files()
        .iter()
        .filter(|file| !read(file).starts_with("//!"))
        .map(|file| file.display().to_string())
        .collect();
    assert_eq!(silent, [] as [&str; 0], "files without a module doc");
}

/// A reader who opens a file by its name finds one of a crate.
#[test]
fn file_names_are_unique_within_a_crate() {
    let mut errors = Vec::new();
    for folder in source_folders() {
        let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for file in files_below(&folder) {
            by_name.entry(stem(&file)).or_default().push(file);
        }
        for (name, files) in by_name {
            if files.len() > 1 && !matches!(name.as_str(), "mod" | "tests" | "error") {
                errors.push(format!("{name}: {files:?}"));
            }
        }
    }
    assert_eq!(errors, [] as [&str; 0]);
}

/// The program code of a crate: without comment lines and without tests.
pub(crate) fn program_code(crate_name: &str) -> String {
    let is_test = |file: &&PathBuf| {
        stem(file).ends_with("tests") || file.iter().any(|folder| folder == "tests")
    };
    let mut code = String::new();
    let folder = root().join("crates").join(crate_name).join("src");
    for file in files_below(&folder).iter().filter(|file| !is_test(file)) {
        let source = read(file);
        // A module of tests is the last item of its file; a `mod tests;` line is skipped alone.
        let program = source
            .find("#[cfg(test)]\nmod tests {")
            .or_else(|| source.find("#[cfg(test)]\n#[allow("))
            .and_then(|end| source.get(..end))
            .unwrap_or(&source);
        for line in program.lines() {
            if !line.trim_start().starts_with("//") {
                code.push_str(line);
                code.push('\n');
            }
        }
    }
    code
}

/// All source files of the program and of every crate.
pub(crate) fn all_files() -> Vec<PathBuf> {
    source_folders()
        .iter()
        .flat_map(|folder| files_below(folder))
        .collect()
}

/// The folder `src` of the program and of every crate.
fn source_folders() -> Vec<PathBuf> {
    let crates = CRATES
        .iter()
        .map(|(name, _)| root().join("crates").join(name).join("src"));
    [root().join("src"), root().join("xtask/src")]
        .into_iter()
        .chain(crates)
        .collect()
}

/// The Rust files below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// The name of a file or folder, without its extension.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
