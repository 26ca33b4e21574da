//! The control library against its own test data and the public library's cases; and the proof that the test data
//! notices: every rule with one comparison turned around must be caught.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use kubevet::{
    conformance::{CaseStatus, check_cases, check_testdata},
    engine::{Engine, Explanation},
    model::{Kind, KindSelector, Scope},
    policy::{self, ControlSource, Expected, Library, ModuleSource, TestObject},
    schema::{Schema, SchemaStep},
    workload::{WORKLOADS, pod_spec_path},
};
use std::{
    collections::BTreeSet,
    env,
    io::Write as _,
    path::{Path, PathBuf},
};

fn library() -> Library {
    let (library, problems) = policy::load_folder(&root().join("policies"));
    assert!(problems.is_empty(), "{problems:#?}");
    library
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn testdata(source: &ControlSource) -> Vec<TestObject> {
    let folder = Path::new(&*source.file).parent().unwrap().to_owned();
    let (objects, problems) = policy::read_testdata(&folder);
    assert!(problems.is_empty(), "{problems:#?}");
    objects
}

/// Kubernetes' own kinds that a control looks at.
fn kinds(source: &ControlSource) -> Vec<Kind> {
    let of = |kind_selector: &KindSelector| match kind_selector {
        KindSelector::Workloads => WORKLOADS
            .iter()
            .map(|workload| Kind::new(workload.group, workload.name))
            .collect(),
        KindSelector::Kind(kind) => vec![kind.clone()],
    };
    let all = source.control.kinds.iter().flat_map(of);
    all.filter(|entry| Schema::embedded().kind(entry).is_some())
        .collect()
}

/// Whether objects of a kind can have what a rule reads, such as `podSpec.containers[].image`.
fn has(kind: &Kind, read: &str) -> bool {
    let root = Schema::embedded().kind(kind).unwrap().root;
    let mut steps: Vec<SchemaStep<'_>> = Vec::new();
    for (at, word) in read.split('.').enumerate() {
        let (name, elements) = word.split_at(word.find(['[', '{']).unwrap_or(word.len()));
        match (at, name, pod_spec_path(kind)) {
            (0, "podSpec", Some(path)) => {
                steps.extend(path.iter().map(|path| SchemaStep::Field(path)))
            }
            (0, "podMetadata", Some([template @ .., _])) => {
                steps.extend(
                    template
                        .iter()
                        .map(|template| SchemaStep::Field(template))
                        .chain([SchemaStep::Field("metadata")]),
                );
            }
            _ => steps.push(SchemaStep::Field(name)),
        }
        steps.extend(elements.matches(['[', '{']).map(|_| SchemaStep::Any));
    }
    Schema::embedded().walk(root, &steps).is_some()
}

/// The API server checks no field names within variables, and a misspelt one is never there: nothing would be found. What
/// stands in the pod must be there in every kind, what stands elsewhere in one of the kinds.
#[test]
fn every_field_read_by_a_control_exists() {
    let library = library();
    let (engine, _) = Engine::compile(&library);
    let (mut unknown, mut checked) = (Vec::new(), 0);
    for source in &library.controls {
        let id = &source.control.id;
        let Some(Explanation::Compiled { reads, .. }) = engine.explain(id) else {
            panic!("{id} is not compiled")
        };
        let kinds = kinds(source);
        for read in reads
            .iter()
            .filter(|read| !read.starts_with("params.") && !kinds.is_empty())
        {
            let mut with_pods = kinds.iter().filter(|kind| pod_spec_path(kind).is_some());
            let exists = match read.starts_with("pod") {
                true => with_pods.all(|kind| has(kind, read)),
                false => kinds.iter().any(|kind| has(kind, read)),
            };
            checked += 1;
            if !exists {
                unknown.push(format!("{id}: {read}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(checked > 100, "only {checked} fields");
    assert!(!has(
        &Kind::new("apps", "Deployment"),
        "podSpec.containers[].securityContext.privileges"
    ));
    assert!(!has(&Kind::new("", "Pod"), "podSpec.template"));
}

#[test]
fn every_control_agrees_with_its_test_data() {
    let library = library();
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:#?}");
    for source in &library.controls {
        let id = &source.control.id;
        let objects = testdata(source);
        for expected in [Expected::Pass, Expected::Fail] {
            // A rule about requests finds every one of its kind: there is nothing that must pass.
            if expected == Expected::Pass && source.control.scope == [Scope::Admission] {
                continue;
            }
            let count = objects
                .iter()
                .filter(|object| object.expected == expected)
                .count();
            assert!(
                count >= 2,
                "{id} has {count} test objects that must {expected:?}: write two at least"
            );
        }
        let mismatches = check_testdata(&engine, &library, id, &objects);
        assert!(mismatches.is_empty(), "{id}: {mismatches:#?}");
    }
}

/// Objects that `kubevet policy verify` found and made small, with what OPA says of them.
#[test]
fn regression_objects_agree_with_opa() {
    let library = library();
    let (engine, _) = Engine::compile(&library);
    for folder in std::fs::read_dir(root().join("tests/regressions"))
        .into_iter()
        .flatten()
    {
        let folder = folder.unwrap().path();
        let id = folder.file_name().unwrap().to_string_lossy().into_owned();
        let source = library
            .control(&id)
            .unwrap_or_else(|| panic!("tests/regressions/{id} is no control"));
        let (objects, problems) = policy::read_testdata(&folder);
        assert!(
            problems.is_empty() && !objects.is_empty(),
            "{id}: {problems:#?}"
        );
        let mismatches = check_testdata(&engine, &library, &source.control.id, &objects);
        assert!(mismatches.is_empty(), "{id}: {mismatches:#?}");
    }
}

#[test]
fn every_control_complies_with_the_profile() {
    assert_eq!(kubevet::rego::lint(&library()), Vec::new());
}

#[test]
fn embedded_library_equals_the_folder() {
    let (embedded, problems) = policy::embedded();
    assert!(problems.is_empty(), "{problems:#?}");
    let ids = |library: &Library| {
        library
            .controls
            .iter()
            .map(|control| control.control.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&embedded), ids(&library()));
    assert_eq!(embedded.frameworks, library().frameworks);
}

#[test]
fn every_difference_from_public_cases_is_explained() {
    let shared =
        env::var_os("KUBEVET_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = shared.join("facts/cases");
    if !folder.is_dir() {
        let _ = writeln!(
            std::io::stderr(),
            "not run: public cases: no folder {}",
            folder.display()
        );
        assert!(
            env::var_os("CI").is_none(),
            "not run: public cases: no folder {}",
            folder.display()
        );
        return;
    }
    let library = library();
    let (engine, _) = Engine::compile(&library);
    let (differences, problems) = policy::read_differences(&root().join("tests/differences.yaml"));
    assert!(problems.is_empty(), "{problems:#?}");
    let mut files = Vec::new();
    for path in std::fs::read_dir(folder).unwrap() {
        let (file, problems) = policy::read_cases(&path.unwrap().path());
        assert!(problems.is_empty(), "{problems:#?}");
        files.extend(file);
    }
    let results = check_cases(&engine, &library, &files, &differences);
    let unexplained: Vec<_> = results
        .iter()
        .filter(|result| result.status == CaseStatus::Unexplained)
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(results.len() >= 90, "only {} cases were run", results.len());
    for difference in &differences {
        let used = results
            .iter()
            .any(|result| result.case == difference.case && result.rule == difference.rule);
        assert!(used, "no such case: {difference:?}");
    }
}

/// The sabotage: each comparison, negation and predicate of each rule, turned around alone.
#[test]
fn rule_with_one_comparison_negated_is_caught() {
    let library = library();
    let sources: Vec<&ControlSource> = library.controls.iter().collect();
    let (left, right) = sources.split_at(sources.len() / 2);
    let survivors = std::thread::scope(|scope| {
        let other = scope.spawn(|| survivors(&library, right));
        let mut all = survivors(&library, left);
        all.extend(other.join().unwrap());
        all
    });
    assert!(
        survivors.is_empty(),
        "no test object notices:\n{}",
        survivors.join("\n")
    );
}

fn survivors(library: &Library, sources: &[&ControlSource]) -> Vec<String> {
    let mut survivors = Vec::new();
    for source in sources {
        let objects = testdata(source);
        for (line, text) in mutants(&source.rule.text) {
            let mut mutant = library.clone();
            mutant
                .controls
                .retain(|control| control.control.id == source.control.id);
            mutant.controls[0].rule = ModuleSource {
                file: source.rule.file.clone(),
                text: text.into(),
            };
            let (engine, problems) = Engine::compile(&mutant);
            let noticed = objects.iter().any(|object| {
                !check_testdata(
                    &engine,
                    &mutant,
                    &source.control.id,
                    std::slice::from_ref(object),
                )
                .is_empty()
            });
            if problems.is_empty() && !noticed {
                survivors.push(format!("{}:{line}", source.rule.file));
            }
        }
    }
    survivors
}

/// The text with one operator turned around, for each operator, and the line where.
fn mutants(rule: &str) -> Vec<(usize, String)> {
    const TURNED: [(&str, &str); 8] = [
        (" == ", " != "),
        (" != ", " == "),
        (" <= ", " > "),
        (" >= ", " < "),
        (" < ", " >= "),
        (" > ", " <= "),
        ("\tnot ", "\t"),
        (" if not ", " if "),
    ];
    const PREDICATES: [&str; 6] = [
        "startswith(",
        "endswith(",
        "contains(",
        "regex.match(",
        "is_string(",
        "strings.",
    ];
    let mut found = Vec::new();
    let mut at = 0;
    for (number, line) in rule.split_inclusive('\n').enumerate() {
        let code = !line.trim_start().starts_with('#');
        for (operator, turned) in TURNED.iter().filter(|_| code) {
            for (place, _) in line.match_indices(operator) {
                let (before, after) = (&rule[..at + place], &rule[at + place + operator.len()..]);
                found.push((number + 1, format!("{before}{turned}{after}")));
            }
        }
        let statement = line.trim_start();
        let indent = line.len() - statement.len();
        if code
            && indent > 0
            && PREDICATES
                .iter()
                .any(|predicate| statement.starts_with(predicate))
        {
            found.push((
                number + 1,
                format!("{}not {}", &rule[..at + indent], &rule[at + indent..]),
            ));
        }
        at += line.len();
    }
    let distinct: BTreeSet<&String> = found.iter().map(|(_, text)| text).collect();
    assert_eq!(distinct.len(), found.len());
    found
}
