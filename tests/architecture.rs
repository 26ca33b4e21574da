//! The layers of `src/`, held by a test: imports point downwards only, the core neither waits nor reads, every file is
//! part of the program. It reads text and links nothing of the crate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Lowest first. A module may import modules of lower layers, never its neighbours or anything above.
const LAYERS: &[(&str, &[&str])] = &[
    ("nouns", &["model"]),
    ("objects", &["document"]),
    ("types", &["schema"]),
    ("view", &["workload"]),
    ("scope", &["matching"]),
    ("rules", &["policy"]),
    ("engine", &["engine"]),
    ("core", &["exceptions", "vap", "fix"]),
    ("decision", &["decision"]),
    ("scan", &["conformance", "proof", "scan"]),
    ("access", &["cluster", "serve"]),
    ("edge", &["input", "image", "host", "agent", "report", "manifests", "notify"]),
    ("service", &["webhook", "operator", "api", "mcp"]),
    ("shell", &["cli"]),
];
/// Modules that may neither wait nor reach out.
const PURE: &[&str] = &[
    "model",
    "document",
    "schema",
    "workload",
    "matching",
    "policy",
    "engine",
    "exceptions",
    "vap",
    "fix",
    "decision",
    "conformance",
    "proof",
    "scan",
    "report",
    "manifests",
    "input",
];
const IMPURE_WORDS: &[&str] =
    &["tokio::", "async fn", ".await", "kube::", "reqwest::", "hyper::", "std::net", "std::process"];
/// Pure modules that may read files: what a policy folder and a path hold.
const READERS: &[&str] = &["policy", "input"];
/// Crates that one folder alone may know.
const OWNED: &[(&str, &str)] = &[
    ("regorus", "engine"),
    ("granit_parser", "document"),
    ("kube", "cluster"),
    ("rcgen", "serve"),
    ("clap", "cli"),
    ("anyhow", "cli"),
];

#[test]
fn imports_point_downwards() {
    let mut errors = Vec::new();
    for module in modules() {
        for import in imports(&module) {
            let (Some(from), Some(to)) = (layer(&module), layer(&import)) else {
                errors.push(format!("{module} or {import} has no layer: add it to LAYERS"));
                continue;
            };
            if to >= from && module != import {
                errors.push(format!("{module} imports {import}, which is not below it"));
            }
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn the_core_neither_waits_nor_reads() {
    let mut errors = Vec::new();
    for module in modules().iter().filter(|it| PURE.contains(&it.as_str())) {
        let text = code(module);
        errors.extend(IMPURE_WORDS.iter().filter(|it| text.contains(**it)).map(|it| format!("{module} says `{it}`")));
        let reads = ["std::fs", "fs::read", "File::open", "env::var"].iter().any(|it| text.contains(it));
        if reads && !READERS.contains(&module.as_str()) {
            errors.push(format!("{module} reads files or the environment"));
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn crates_that_belong_to_one_folder_stay_there() {
    let mut errors = Vec::new();
    for module in modules() {
        let text = code(&module);
        for (name, owner) in OWNED.iter().filter(|(_, owner)| *owner != module) {
            // `engine` takes the interpreter's errors as they come.
            let known = *name == "anyhow" && module == "engine";
            if text.contains(&format!("{name}::")) && !known {
                errors.push(format!("{module} uses {name}, which is {owner}'s"));
            }
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn nothing_reaches_past_its_own_folder() {
    let text: Vec<String> = modules().iter().map(|it| code(it)).collect();
    for word in ["use super::super", "use crate::*"] {
        assert!(!text.iter().any(|it| it.contains(word)), "`{word}`: name the module instead");
    }
}

/// `lib.rs` lists the modules from the lowest layer to the highest, each once.
#[test]
fn the_list_of_modules_is_in_the_order_of_layers() {
    let text = fs::read_to_string(root().join("lib.rs")).unwrap();
    let listed: Vec<&str> =
        text.lines().filter_map(|it| it.strip_prefix("pub mod ")).map(|it| it.trim_end_matches(';')).collect();
    let order: Vec<&str> =
        LAYERS.iter().flat_map(|(_, it)| it.iter().copied()).filter(|it| listed.contains(it)).collect();
    let mut layers: Vec<_> = listed.iter().map(|it| layer(it)).collect();
    layers.dedup();
    assert!(layers.is_sorted(), "lib.rs is not in the order of layers: {listed:?}, wanted {order:?}");
    assert_eq!(listed.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>(), modules());
}

/// A file that no `mod` line names is dead.
#[test]
fn every_file_is_part_of_the_program() {
    let mut errors = Vec::new();
    for file in files(&root()) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = file.parent().unwrap();
        if matches!(name.as_str(), "lib" | "main") {
            continue;
        }
        let (name, parents) = if name == "mod" {
            let above = folder.parent().unwrap();
            let own = folder.file_name().unwrap().to_string_lossy().into_owned();
            (own, vec![above.join("mod.rs"), above.join("lib.rs")])
        } else {
            let beside = folder.with_extension("rs");
            (name, vec![folder.join("mod.rs"), folder.join("lib.rs"), beside])
        };
        let texts: String = parents.iter().filter_map(|it| fs::read_to_string(it).ok()).collect();
        if !texts.contains(&format!("mod {name};")) {
            errors.push(file.display().to_string());
        }
    }
    assert!(errors.is_empty(), "no `mod` line for:\n{}", errors.join("\n"));
}

/// Each file says in its first lines what it is.
#[test]
fn every_file_opens_with_what_it_is() {
    let silent: Vec<String> = files(&root())
        .into_iter()
        .filter(|it| !fs::read_to_string(it).unwrap().starts_with("//!"))
        .map(|it| it.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no module doc in:\n{}", silent.join("\n"));
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

fn modules() -> BTreeSet<String> {
    fs::read_dir(root())
        .unwrap()
        .map(|it| it.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|it| it != "lib" && it != "main")
        .collect()
}

/// First path segments after `crate::`, groups included.
fn imports(module: &str) -> BTreeSet<String> {
    let text = code(module);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => {
                found.insert(ident(rest));
            }
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if c.is_whitespace() => {}
                        _ if start && depth == 0 => {
                            found.insert(ident(&group[i..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn ident(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The code of a module and its submodules: no comment lines, and nothing of `#[cfg(test)]` at a file's end.
fn code(module: &str) -> String {
    let folder = root().join(module);
    let all = if folder.is_dir() { files(&folder) } else { vec![folder.with_extension("rs")] };
    let mut text = String::new();
    for file in all.iter().filter(|it| it.file_stem().is_some_and(|it| it != "tests")) {
        let source = fs::read_to_string(file).unwrap();
        let program = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        text.extend(program.lines().filter(|it| !it.trim_start().starts_with("//")).flat_map(|it| [it, "\n"]));
    }
    text
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    std::env::var_os("ARCH_ROOT").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), Into::into)
}
