//! The fields that the embedded controls read behind the paths of their findings.

use crate::Engine;
use kubevet_ir::{Clause, Program, elements, path_patterns, path_reads};
use kubevet_model::{FieldPattern, PatternRoot, PatternStep};
use kubevet_policy as policy;

/// Returns the elements of a clause's loops that none of its paths names.
fn unnamed_elements(program: &Program, clause: &Clause) -> Vec<FieldPattern> {
    let paths: Vec<FieldPattern> = clause
        .paths
        .iter()
        .flat_map(|path| path_patterns(program, *path))
        .collect();
    let is_named = |element: &FieldPattern| {
        paths
            .iter()
            .any(|path| path.root == element.root && path.steps.starts_with(&element.steps))
    };
    clause
        .binders
        .iter()
        .flat_map(|binder| elements(program, *binder))
        .filter(|element| !is_named(element))
        .collect()
}

#[test]
fn paths_of_every_control_name_every_element_that_decides() {
    let (engine, problems) = Engine::compile(&policy::embedded().0);
    assert_eq!(problems, []);
    let library = engine.compiled_library();
    for compiled in &library.controls {
        for clause in &compiled.clauses {
            let unnamed: Vec<String> = unnamed_elements(&library.program, clause)
                .iter()
                .map(ToString::to_string)
                .collect();
            let (id, position) = (&compiled.control.id, clause.position);
            assert_eq!(unnamed, [] as [&str; 0], "{id} at {position}");
        }
    }
}

/// The emitter of CEL uses the pattern of one container list for all of them.
#[test]
fn container_lists_are_read_alike() {
    let (engine, _) = Engine::compile(&policy::embedded().0);
    let library = engine.compiled_library();
    for compiled in &library.controls {
        let reads = path_reads(&library.program, compiled);
        for read in &reads {
            let Some(PatternStep::Field(list)) = read.path.steps.first() else {
                continue;
            };
            let is_other_list = matches!(list.as_str(), "initContainers" | "ephemeralContainers");
            if read.path.root != PatternRoot::PodSpec || !is_other_list {
                continue;
            }
            let mut path_of_main_list = read.path.clone();
            if let Some(step) = path_of_main_list.steps.first_mut() {
                *step = PatternStep::Field("containers".to_owned());
            }
            let fields_of_main_list = reads
                .iter()
                .find(|other| other.path == path_of_main_list)
                .map(|other| &other.fields);
            let (id, path) = (&compiled.control.id, &read.path);
            assert_eq!(fields_of_main_list, Some(&read.fields), "{id} {path}");
        }
    }
}
