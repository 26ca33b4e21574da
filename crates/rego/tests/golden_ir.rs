//! Golden files of the compiler: `tests/ir/NAME.rego` becomes `tests/ir/NAME.ir`.
//!
//! The first line of a rule says what it shows. `# kinds: GROUP/KIND` gives it another kind than
//! all workloads, `# requires: PARAM` a required param. The `.ir` file holds the clauses, or all
//! refusals with their positions. `UPDATE=1` rewrites the files.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kubevet_ir::Program;
use kubevet_model::{Control, ControlId, Kind, KindSelector, Severity};
use kubevet_policy::{self as policy, ModuleSource};
use kubevet_rego::{ast, complexity::RuleTable, lower::Lowering};
use kubevet_testkit::golden::{assert_golden_files, option};
use std::sync::Arc;

/// A control whose kinds and required params are those of the options in a rule.
fn control(rego: &str) -> Arc<Control> {
    let kinds = match option(rego, "kinds").and_then(|kind| kind.split_once('/')) {
        Some((group, name)) => KindSelector::Kind(Kind::new(group, name)),
        None => KindSelector::Workloads,
    };
    let required = option(rego, "requires").map(str::to_owned);
    Arc::new(Control {
        id: ControlId::from("X-1"),
        name: String::new(),
        kubescape_name: None,
        risk: String::new(),
        check: String::new(),
        remediation: String::new(),
        example: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
        severity: Severity::High,
        score: 8.0,
        kubescape_score: None,
        cause: None,
        category: String::new(),
        kinds: vec![kinds],
        scope: Vec::new(),
        params: Vec::new(),
        requires_any_param: required.into_iter().collect(),
        public_rules: Vec::new(),
        sensitive: false,
    })
}

/// The clauses of a rule, or its refusals, as the golden file holds them.
fn compile(file: &str, rego: &str) -> String {
    let library = policy::embedded().0;
    let source = ModuleSource {
        file: file.into(),
        text: rego.into(),
    };
    let module = match ast::parse(&source) {
        Ok(module) => module,
        Err(problem) => return format!("{problem}\n"),
    };
    let shared: Vec<ast::Module> = library
        .modules
        .iter()
        .map(|module| ast::parse(module).unwrap())
        .collect();
    let rules = RuleTable::new(shared.iter().chain([&module]));
    let lowering = Lowering {
        rules: &rules,
        params: &library.params,
        own_library: true,
    };
    let mut program = Program::default();
    match lowering.lower(&mut program, &control(rego), &module) {
        Ok(compiled) => {
            let clauses = compiled.clauses.iter().map(|clause| {
                let line = clause.position.line;
                format!("line {line}\n{}", program.clause_to_string(clause))
            });
            clauses.collect::<Vec<_>>().join("\n")
        }
        Err(refusals) => refusals
            .iter()
            .map(|refusal| format!("{refusal}\n"))
            .collect(),
    }
}

#[test]
fn rules_compile_to_their_golden_program() {
    assert_golden_files("crates/rego/tests/ir", "ir", 60, compile);
}
