//! The examples of the profile in `policies/README.md`: each bad one is refused with the number of
//! its rule, and each good one compiles.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use kubevet_ir::Program;
use kubevet_policy::{self as policy, ModuleSource};
use kubevet_rego::{ast, complexity::RuleTable, lower::Lowering};
use std::sync::Arc;

const README: &str = include_str!("../../../policies/README.md");
const FINDING: &str = r#"{"message": "found", "paths": ["spec"], "fixes": []}"#;

/// One example: the number of its profile rule, whether it is good, and its code.
struct Example {
    rule: String,
    is_good: bool,
    code: String,
}

fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for section in README.split("### Profile rule ").skip(1) {
        let (rule, section) = section.split_once(':').unwrap();
        for block in section.split("```rego\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            let (kind, code) = block.split_once('\n').unwrap();
            examples.push(Example {
                rule: rule.to_owned(),
                is_good: kind == "# good",
                code: code.to_owned(),
            });
            assert!(["# good", "# bad"].contains(&kind), "rule {rule}: {kind}");
        }
        // The last section ends where the next chapter begins.
        if section.contains("\n## ") {
            break;
        }
    }
    examples
}

/// A module of an example, which is the statements of a body, or rules.
fn module(code: &str) -> String {
    let imports: String = ["collections", "strings", "workload"]
        .iter()
        .filter(|name| code.contains(&format!("{name}.")))
        .map(|name| format!("import data.lib.{name}\n"))
        .collect();
    let rules = if code.contains("deny contains") {
        code.replace("contains finding if", &format!("contains {FINDING} if"))
    } else {
        format!("deny contains {FINDING} if {{\n{code}}}\n")
    };
    format!("package controls.c9001\nimport rego.v1\n{imports}\n{rules}")
}

fn refusals(code: &str) -> Vec<String> {
    let library = policy::embedded().0;
    let source = ModuleSource {
        file: "example.rego".into(),
        text: module(code).into(),
    };
    let parsed = ast::parse(&source).unwrap_or_else(|problem| panic!("{problem}\n{code}"));
    let shared: Vec<ast::Module> = library
        .modules
        .iter()
        .map(|module| ast::parse(module).unwrap())
        .collect();
    let rules = RuleTable::new(shared.iter().chain([&parsed]));
    let lowering = Lowering {
        rules: &rules,
        params: &library.params,
        own_library: true,
    };
    let control = Arc::clone(&library.controls[0].control);
    match lowering.lower(&mut Program::default(), &control, &parsed) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn bad_example_is_refused_with_its_number_and_good_one_compiles() {
    let examples = examples();
    assert_eq!(examples.len(), 16, "a bad and a good example for each rule");
    for example in examples {
        let found = refusals(&example.code);
        let number = format!("(profile rule {})", example.rule);
        let is_right = if example.is_good {
            found.is_empty()
        } else {
            !found.is_empty() && found.iter().all(|refusal| refusal.ends_with(&number))
        };
        assert!(
            is_right,
            "rule {}: {found:#?}\n{}",
            example.rule, example.code
        );
    }
}
