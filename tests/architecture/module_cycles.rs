//! Modules of a crate form no cycle: a reader can start at the leaves. The check follows `use`
//! lines of program code; a name that a parent module re-exports counts as one of its own module.

use crate::{
    CRATES,
    source_files::{files_below, read, root},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Modules that may use one another, by crate: their recursion is that of a grammar.
const RECURSIONS: &[(&str, &[&str])] = &[];

/// The modules of one crate by path, such as `eval/memo`, each with its program code. The crate's
/// root is the empty path.
type Modules = BTreeMap<String, String>;

#[test]
fn modules_of_a_crate_form_no_cycle() {
    let mut errors = Vec::new();
    for (name, _) in CRATES {
        let modules = modules_of(&root().join("crates").join(name).join("src"));
        let allowed: &[&str] = RECURSIONS
            .iter()
            .find(|(crate_name, _)| crate_name == name)
            .map_or(&[], |(_, modules)| modules);
        for cycle in cycles(&modules) {
            if !cycle
                .iter()
                .all(|module| allowed.contains(&module.as_str()))
            {
                errors.push(format!("{name}: {}", cycle.join(", ")));
            }
        }
    }
    assert!(errors.is_empty(), "module cycles:\n{}", errors.join("\n"));
}

#[test]
fn use_tree_is_expanded_to_one_path_a_name() {
    assert_eq!(
        expand("super::{a::{B, c::D}, e::{self, F as G}, H}"),
        [
            "super::a::B",
            "super::a::c::D",
            "super::e",
            "super::e::F",
            "super::H"
        ]
    );
}

#[test]
fn modules_that_use_each_other_are_a_cycle() {
    let module = |path: &str, code: &str| (path.to_owned(), code.to_owned());
    let modules: Modules = [
        module("", "mod a;\nmod b;\nmod c;\npub use b::Shown;\n"),
        module("a", "use super::Shown;\n"),
        module("b", "use crate::a::Name;\n"),
        module("c", "use super::a::Name;\n"),
    ]
    .into();
    assert_eq!(cycles(&modules), [["a", "b"]]);
}

fn modules_of(src: &Path) -> Modules {
    let mut modules = Modules::new();
    for file in files_below(src) {
        let relative = file.strip_prefix(src).unwrap().with_extension("");
        let mut path: Vec<_> = relative
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if path.iter().any(|part| part.ends_with("tests")) {
            continue;
        }
        if path
            .last()
            .is_some_and(|last| matches!(last.as_str(), "mod" | "lib"))
        {
            path.pop();
        }
        let source = read(&file);
        let end = source.find("#[cfg(test)]\nmod tests {");
        let code = source.get(..end.unwrap_or(source.len())).unwrap();
        modules.insert(path.join("/"), code.to_owned());
    }
    modules
}

/// The strongly connected components of more than one module, sorted.
fn cycles(modules: &Modules) -> Vec<Vec<String>> {
    let uses: BTreeMap<&str, BTreeSet<String>> = modules
        .keys()
        .map(|module| (module.as_str(), used_modules(modules, module)))
        .collect();
    let reached: BTreeMap<&str, BTreeSet<String>> = uses
        .keys()
        .map(|module| (*module, reachable(&uses, module)))
        .collect();
    let mut cycles: Vec<Vec<String>> = Vec::new();
    for module in modules.keys() {
        // Two modules are in one component if each reaches the other.
        let component: Vec<String> = reached[module.as_str()]
            .iter()
            .filter(|other| reached[other.as_str()].contains(module))
            .cloned()
            .collect();
        if component.len() > 1 && !cycles.contains(&component) {
            cycles.push(component);
        }
    }
    cycles
}

fn reachable(uses: &BTreeMap<&str, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![from];
    while let Some(module) = pending.pop() {
        for used in &uses[module] {
            if found.insert(used.clone()) {
                pending.push(used);
            }
        }
    }
    found
}

/// The modules that a module imports from. A module and its own parts are one.
fn used_modules(modules: &Modules, module: &str) -> BTreeSet<String> {
    let is_parent = modules
        .keys()
        .any(|other| other.starts_with(&format!("{module}/")));
    use_trees(&modules[module], "use ")
        .iter()
        .flat_map(|tree| expand(tree))
        .filter_map(|path| resolve(modules, module, &path))
        .filter(|used| {
            let is_own_part = is_parent && used.starts_with(&format!("{module}/"));
            let is_own_parent = module.starts_with(&format!("{used}/")) || used.is_empty();
            used != module && !is_own_part && !is_own_parent
        })
        .collect()
}

/// The module that declares what a path names; `None` for other crates.
fn resolve(modules: &Modules, module: &str, path: &str) -> Option<String> {
    let mut names: Vec<&str> = path.split("::").collect();
    let mut at: Vec<&str> = match *names.first()? {
        "crate" => Vec::new(),
        "super" => {
            let mut parent: Vec<&str> = module.split('/').collect();
            parent.pop();
            parent
        }
        _ => return None,
    };
    names.remove(0);
    while let Some(name) = names.first() {
        let deeper = at
            .iter()
            .chain([name])
            .copied()
            .collect::<Vec<_>>()
            .join("/");
        if !modules.contains_key(&deeper) {
            break;
        }
        at.push(name);
        names.remove(0);
    }
    let declared = at.join("/");
    // A re-exported name belongs to the module below that declares it.
    let re_exported = use_trees(modules.get(&declared)?, "pub use ")
        .iter()
        .chain(&use_trees(modules.get(&declared)?, "pub(crate) use "))
        .chain(&use_trees(modules.get(&declared)?, "pub(super) use "))
        .flat_map(|tree| expand(tree))
        .find(|path| path.rsplit("::").next() == names.first().copied())
        .and_then(|path| {
            let child = path.split("::").next()?.to_owned();
            let below = at
                .iter()
                .copied()
                .chain([child.as_str()])
                .collect::<Vec<_>>()
                .join("/");
            modules.contains_key(&below).then_some(below)
        });
    Some(re_exported.unwrap_or(declared))
}

/// The trees of the `use` items that begin a line with `keyword`, without keyword and semicolon.
fn use_trees(code: &str, keyword: &str) -> Vec<String> {
    let mut trees = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(keyword) {
        let begins_line = rest[..start].is_empty() || rest[..start].ends_with('\n');
        rest = &rest[start + keyword.len()..];
        let Some(end) = rest.find(';').filter(|_| begins_line) else {
            continue;
        };
        trees.push(rest[..end].split_whitespace().collect::<Vec<_>>().join(" "));
        rest = &rest[end..];
    }
    trees
}

/// The paths of a use tree; renames and `self` are resolved.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree
        .split_once('{')
        .and_then(|(prefix, group)| Some((prefix, group.strip_suffix('}')?)))
    else {
        return vec![tree.split(" as ").next().unwrap_or(tree).to_owned()];
    };
    let mut depth = 0;
    let items = group.split(|char| {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        char == ',' && depth == 0
    });
    items
        .filter(|item| !item.trim().is_empty())
        .flat_map(expand)
        .map(|path| match path.as_str() {
            "self" => prefix.trim_end_matches("::").to_owned(),
            _ => format!("{prefix}{path}"),
        })
        .collect()
}
