//! What rules become, and what is refused.

use super::Lowering;
use crate::{ast, complexity::RuleTable};
use kubevet_ir::Program;
use kubevet_policy as policy;

/// Each control of the library, as text or as refusal.
fn lower_library() -> Vec<(String, Result<String, String>)> {
    let library = policy::embedded().0;
    let shared: Vec<_> = library
        .modules
        .iter()
        .map(|it| ast::parse(it).unwrap())
        .collect();
    let parsed: Vec<_> = library
        .controls
        .iter()
        .map(|it| ast::parse(&it.rule).unwrap())
        .collect();
    let rules = RuleTable::new(shared.iter().chain(&parsed));
    let lowering = Lowering {
        rules: &rules,
        params: &library.params,
        own_library: true,
    };
    let mut program = Program::default();
    let mut out = Vec::new();
    for (source, module) in library.controls.iter().zip(&parsed) {
        let lowered = lowering.lower(&mut program, &source.control, module);
        let shown = lowered
            .map(|it| {
                it.clauses
                    .iter()
                    .map(|deny| program.clause_to_string(deny))
                    .collect::<Vec<_>>()
                    .join("\n")
            })
            .map_err(|problem| problem.to_string());
        out.push((source.control.id.to_string(), shown));
    }
    out
}

#[test]
fn every_control_of_ours_compiles() {
    let refused: Vec<_> = lower_library()
        .into_iter()
        .filter_map(|(_, it)| it.err())
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}
