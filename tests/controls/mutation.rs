//! Mutation testing of the rules: each comparison, negation and predicate of a rule or of a shared
//! module is negated alone, and the test data must notice. Of a shared rule, the test data of any
//! control that uses it may.

use super::{library, testdata};
use kubevet_conformance::check_testdata;
use kubevet_engine::Engine;
use kubevet_policy::{ControlSource, Library, ModuleSource, TestObject};
use std::{
    collections::{BTreeMap, BTreeSet},
    slice, thread,
};

/// The modules of `lib/` that the oracle tests compare with their native definitions. The others
/// are inlined into rules, and their mutants must be noticed.
const INTRINSIC_MODULES: [&str; 6] = [
    "collections",
    "credentials",
    "fields",
    "host_paths",
    "kinds",
    "workload",
];

#[test]
fn rule_with_one_comparison_negated_is_caught() {
    let library = library();
    let own = |source: &&ControlSource| source.shared_rule.is_none();
    let sources: Vec<&ControlSource> = library.controls.iter().filter(own).collect();
    let (left, right) = sources.split_at(sources.len() / 2);
    let survivors = thread::scope(|scope| {
        let other = scope.spawn(|| rule_survivors(&library, right));
        let mut all = rule_survivors(&library, left);
        all.extend(other.join().unwrap());
        all
    });
    assert!(
        survivors.is_empty(),
        "no test object notices:\n{}",
        survivors.join("\n")
    );
}

#[test]
fn shared_rule_with_one_comparison_negated_is_caught() {
    let library = library();
    let mut users: BTreeMap<&str, Vec<&ControlSource>> = BTreeMap::new();
    for source in &library.controls {
        if let Some(name) = &source.shared_rule {
            users.entry(name).or_default().push(source);
        }
    }
    assert_eq!(
        users.len(),
        library.rules.len(),
        "a shared rule has no user"
    );
    let mut survivors = Vec::new();
    for (name, users) in users {
        // The arguments of a control are on the lines of the rule, so a mutant is known by its place
        // in the list of each user.
        let mut open: Option<BTreeMap<usize, usize>> = None;
        for user in users {
            let objects = testdata(user);
            let mutants = mutants(&user.rule.text);
            let open = open.get_or_insert_with(|| {
                let lines = mutants.iter().map(|(line, _)| *line);
                lines.enumerate().collect()
            });
            for (place, (_, rule)) in mutants.into_iter().enumerate() {
                if !open.contains_key(&place) {
                    continue;
                }
                let mut mutant = library.clone();
                mutant
                    .controls
                    .retain(|control| control.control.id == user.control.id);
                mutant.controls[0].rule = replaced(&user.rule, rule);
                if is_noticed(&mutant, user, &objects) {
                    open.remove(&place);
                }
            }
        }
        let lines = open.into_iter().flatten().map(|(_, line)| line);
        survivors.extend(lines.map(|line| format!("rules/{name}.rego:{line}")));
    }
    assert!(
        survivors.is_empty(),
        "no test object notices:\n{}",
        survivors.join("\n")
    );
}

#[test]
fn shared_module_with_one_comparison_negated_is_caught() {
    let library = library();
    let mut checked = 0;
    for (index, module) in library.modules.iter().enumerate() {
        let Some(name) = module_name(module) else {
            continue;
        };
        let importers: Vec<&ControlSource> = library
            .controls
            .iter()
            .filter(|source| imports(&library, &source.rule.text, name))
            .collect();
        assert!(!importers.is_empty(), "{name}: no rule imports it");
        checked += 1;
        let is_noticed_with = |source: String| {
            let mut mutant = library.clone();
            mutant.modules[index] = replaced(module, source);
            importers
                .iter()
                .any(|importer| is_noticed(&mutant, importer, &testdata(importer)))
        };
        // The control: a changed module as such is no fault.
        assert!(!is_noticed_with(format!("{}\n# A comment.\n", module.text)));
        for (line, mutant) in mutants(&module.text) {
            let noticed = is_noticed_with(mutant);
            assert!(noticed, "no test object notices: {}:{line}", module.file);
        }
    }
    assert!(checked > 0, "no module is inlined");
}

/// The name of a module that is inlined into rules.
fn module_name(module: &ModuleSource) -> Option<&str> {
    let (folder, file) = module.file.rsplit_once('/')?;
    let name = file.strip_suffix(".rego")?;
    (folder.ends_with("lib") && !INTRINSIC_MODULES.contains(&name)).then_some(name)
}

/// True if a rule or module imports a module, also through others.
fn imports(library: &Library, text: &str, name: &str) -> bool {
    text.lines()
        .filter_map(|line| line.strip_prefix("import data.lib."))
        .any(|imported| {
            imported == name
                || library.modules.iter().any(|module| {
                    module.file.ends_with(&format!("lib/{imported}.rego"))
                        && imports(library, &module.text, name)
                })
        })
}

/// The mutants of rules that no test object notices, as `FILE:LINE`.
fn rule_survivors(library: &Library, sources: &[&ControlSource]) -> Vec<String> {
    let mut survivors = Vec::new();
    for source in sources {
        let objects = testdata(source);
        for (line, rule) in mutants(&source.rule.text) {
            let mut mutant = library.clone();
            mutant
                .controls
                .retain(|control| control.control.id == source.control.id);
            mutant.controls[0].rule = replaced(&source.rule, rule);
            if !is_noticed(&mutant, source, &objects) {
                survivors.push(format!("{}:{line}", source.rule.file));
            }
        }
    }
    survivors
}

fn replaced(module: &ModuleSource, source: String) -> ModuleSource {
    ModuleSource {
        file: module.file.clone(),
        text: source.into(),
    }
}

/// True if the mutant does not compile, or a test object of the control disagrees with it.
fn is_noticed(mutant: &Library, source: &ControlSource, objects: &[TestObject]) -> bool {
    let mut mutant = mutant.clone();
    mutant
        .controls
        .retain(|control| control.control.id == source.control.id);
    let (engine, problems) = Engine::compile(&mutant);
    !problems.is_empty()
        || objects.iter().any(|object| {
            let object = slice::from_ref(object);
            !check_testdata(&engine, &mutant, &source.control.id, object).is_empty()
        })
}

/// Every source with one operator negated, with the number of the changed line.
fn mutants(source: &str) -> Vec<(usize, String)> {
    const NEGATIONS: [(&str, &str); 8] = [
        (" == ", " != "),
        (" != ", " == "),
        (" <= ", " > "),
        (" >= ", " < "),
        (" < ", " >= "),
        (" > ", " <= "),
        ("\tnot ", "\t"),
        (" if not ", " if "),
    ];
    /// Calls that are negated where a statement begins with one.
    const PREDICATES: [&str; 7] = [
        "startswith(",
        "endswith(",
        "contains(",
        "regex.match(",
        "is_string(",
        "is_object(",
        "strings.",
    ];
    let mut mutants = Vec::new();
    let mut line_start = 0;
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let statement = line.trim_start();
        let indent = line.len() - statement.len();
        if !statement.starts_with('#') {
            for (operator, negated) in NEGATIONS {
                for (column, _) in line.match_indices(operator) {
                    let (before, after) = source.split_at(line_start + column);
                    let after = &after[operator.len()..];
                    mutants.push((number + 1, format!("{before}{negated}{after}")));
                }
            }
            let is_predicate = |predicate: &&str| statement.starts_with(*predicate);
            if indent > 0 && PREDICATES.iter().any(is_predicate) {
                let (before, after) = source.split_at(line_start + indent);
                mutants.push((number + 1, format!("{before}not {after}")));
            }
        }
        line_start += line.len();
    }
    let distinct: BTreeSet<&String> = mutants.iter().map(|(_, mutant)| mutant).collect();
    assert_eq!(distinct.len(), mutants.len());
    mutants
}
