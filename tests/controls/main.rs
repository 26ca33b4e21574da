//! The control library against its own test data and the cases of the public library. `mutation`
//! checks that the test data notices faults in the rules.

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

mod mutation;
mod page;

use kubevet_conformance::{CaseStatus, check_cases, check_testdata};
use kubevet_engine::{Engine, Explanation};
use kubevet_k8s::{
    schema::{Schema, SchemaStep},
    workload::{SelectKinds as _, pod_spec_path},
};
use kubevet_model::{Kind, Scope};
use kubevet_policy::{self as policy, ControlSource, Expected, Library, TestObject};
use kubevet_testkit::build_output::shared_data;
use std::path::{Path, PathBuf};

fn library() -> Library {
    let (library, problems) = policy::load_folder(&root().join("policies"));
    assert!(problems.is_empty(), "{problems:#?}");
    library
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn testdata(source: &ControlSource) -> Vec<TestObject> {
    testdata_beside(&source.file)
}

/// The test objects beside a control.yaml.
fn testdata_beside(file: &str) -> Vec<TestObject> {
    let folder = Path::new(file).parent().unwrap().to_owned();
    let (objects, problems) = policy::read_testdata(&folder);
    assert!(problems.is_empty(), "{problems:#?}");
    objects
}

/// The built-in kinds that a control applies to.
fn kinds(source: &ControlSource) -> Vec<Kind> {
    let mut kinds = source.control.kinds.all_kinds();
    kinds.retain(|kind| Schema::embedded().kind(kind).is_some());
    kinds
}

/// True if objects of a kind can have a field that a rule reads, such as
/// `podSpec.containers[].image`.
fn has(kind: &Kind, read: &str) -> bool {
    let root = Schema::embedded().kind(kind).unwrap().root;
    let mut steps: Vec<SchemaStep<'_>> = Vec::new();
    // A dot within brackets belongs to the key of a map.
    let mut in_brackets = false;
    let segments = read.split(|c| {
        in_brackets = c == '[' || in_brackets && c != ']';
        c == '.' && !in_brackets
    });
    for (at, segment) in segments.enumerate() {
        let (name, elements) = segment.split_at(segment.find(['[', '{']).unwrap_or(segment.len()));
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

/// The API server does not check field names in variables, and a misspelt field is always absent,
/// so the rule would find nothing. A field of the pod spec must exist in every kind, another field
/// in one of the kinds.
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
    let with_rules = library.controls.iter();
    let with_rules = with_rules.map(|source| (&source.control, &source.file));
    let builtins = library.builtins.iter();
    let builtins = builtins.map(|builtin| (&builtin.control, &builtin.file));
    for (control, file) in with_rules.chain(builtins) {
        let id = &control.id;
        let objects = testdata_beside(file);
        for expected in [Expected::Pass, Expected::Fail] {
            // A rule about connections finds every request of its kind, so it has no passing
            // objects.
            if expected == Expected::Pass && control.scope == [Scope::Admission] {
                continue;
            }
            let count = objects
                .iter()
                .filter(|object| object.expected == expected && !object.is_not_applicable)
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

/// Objects that `kubevet policy verify` found and shrank, with OPA's result.
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
            .unwrap_or_else(|| panic!("tests/regressions/{id} is not a control"));
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
    assert_eq!(kubevet_rego::lint(&library()), Vec::new());
}

#[test]
fn embedded_library_equals_the_folder() {
    let (embedded, problems) = policy::embedded();
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(embedded.metadata(), library().metadata());
    assert_eq!(embedded.frameworks, library().frameworks);
}

#[test]
fn every_difference_from_public_cases_is_explained() {
    let Some(folder) = shared_data("public cases", "facts/cases") else {
        return;
    };
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
