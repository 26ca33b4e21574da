//! What the controls of the library read behind the paths of their findings.

use crate::Engine;
use kubevet_ir::{Clause, Program, elements, path_patterns, path_reads};
use kubevet_model::{FieldPattern, PatternRoot, PatternStep};
use kubevet_policy as policy;

/// The elements of a body's loops that none of its paths names.
fn unnamed_elements(program: &Program, deny: &Clause) -> Vec<FieldPattern> {
    let paths: Vec<FieldPattern> = deny
        .paths
        .iter()
        .flat_map(|it| path_patterns(program, *it))
        .collect();
    let is_named = |element: &FieldPattern| {
        paths
            .iter()
            .any(|it| it.root == element.root && it.steps.starts_with(&element.steps))
    };
    deny.binders
        .iter()
        .flat_map(|it| elements(program, *it))
        .filter(|it| !is_named(it))
        .collect()
}

#[test]
fn paths_of_every_control_name_every_element_that_decides() {
    let (engine, problems) = Engine::compile(&policy::embedded().0);
    assert_eq!(problems, []);
    for control in &engine.compiled_library().controls {
        for deny in &control.clauses {
            let unnamed: Vec<String> = unnamed_elements(&engine.compiled_library().program, deny)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(
                unnamed,
                [] as [&str; 0],
                "{} at {:?}",
                control.control.id,
                deny.position
            );
        }
    }
}

/// The printer of CEL takes the pattern of one list of containers for all.
#[test]
fn lists_of_containers_are_read_alike() {
    let (engine, _) = Engine::compile(&policy::embedded().0);
    for control in &engine.compiled_library().controls {
        let reads = path_reads(&engine.compiled_library().program, control);
        for read in &reads {
            let first = |list: &str| {
                let mut path = read.path.clone();
                if let Some(step) = path.steps.first_mut() {
                    *step = PatternStep::Field(list.to_owned());
                }
                path
            };
            let is_containers = |it: &PatternStep| matches!(it, PatternStep::Field(name) if name == "initContainers" || name == "ephemeralContainers");
            if read.path.root == PatternRoot::PodSpec
                && read.path.steps.first().is_some_and(is_containers)
            {
                let same = reads
                    .iter()
                    .find(|it| it.path == first("containers"))
                    .map(|it| &it.fields);
                assert_eq!(
                    same,
                    Some(&read.fields),
                    "{} {}",
                    control.control.id,
                    read.path
                );
            }
        }
    }
}
