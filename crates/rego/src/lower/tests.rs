//! The built-in controls against the compiler. Single constructs are in `tests/ir`.

use super::Lowering;
use crate::{ast, complexity::RuleTable};
use kubevet_ir::Program;
use kubevet_policy as policy;

#[test]
fn every_builtin_control_compiles() {
    let library = policy::embedded().0;
    let parse = |source| ast::parse(source).unwrap();
    let shared: Vec<_> = library.modules.iter().map(parse).collect();
    let controls: Vec<_> = library
        .controls
        .iter()
        .map(|control| ast::parse(&control.rule).unwrap())
        .collect();
    let rules = RuleTable::new(shared.iter().chain(&controls));
    let lowering = Lowering {
        rules: &rules,
        params: &library.params,
        own_library: true,
    };
    let mut program = Program::default();
    for (source, module) in library.controls.iter().zip(&controls) {
        let refusals = lowering
            .lower(&mut program, &source.control, module)
            .map(|_| ())
            .map_err(|refusals| refusals.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(refusals, Ok(()), "{}", source.control.id);
    }
}
