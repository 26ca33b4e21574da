//! Golden files of the emitter: `tests/cel/NAME.rego` becomes `tests/cel/NAME.cel`.
//!
//! The first line of a rule says what it shows. Options follow in comments: `# kind: GROUP/KIND`
//! for another kind than Pod, `# params: resource` for params that are read from a resource,
//! `# requires: PARAM` for a required param, `# style: readable` for the form that people read. A line `# next control` begins another control of the
//! same pack. The `.cel` file holds what is emitted for each control, or the reason why nothing is,
//! and the condition of the pack if it has several. `UPDATE=1` rewrites the files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use kubevet_cel::{
    CelBundle, CelTarget, ControlCel, Expr, ParamsFrom, PolicyVariable, ReadableControl, emit,
    emit_readable,
};
use kubevet_ir::{CompiledControl, CompiledLibrary, Program};
use kubevet_model::{Control, ControlId, Kind, KindSelector, Severity};
use kubevet_policy::{self as policy, ModuleSource};
use kubevet_rego::{ast, complexity::RuleTable, lower::Lowering};
use kubevet_testkit::golden::{assert_golden_files, option};
use std::{fmt::Write as _, sync::Arc};

/// The line between two controls.
const NEXT_CONTROL: &str = "# next control\n";

/// The kind that the CEL is emitted for.
fn kind(rego: &str) -> Kind {
    let chosen = option(rego, "kind").and_then(|kind| kind.split_once('/'));
    chosen.map_or_else(
        || Kind::new("", "Pod"),
        |(group, name)| Kind::new(group, name),
    )
}

fn control(id: &str, rego: &str, kind: &Kind) -> Arc<Control> {
    let required = option(rego, "requires").map(str::to_owned);
    Arc::new(Control {
        id: ControlId::from(id),
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
        kinds: vec![KindSelector::Kind(kind.clone())],
        scope: Vec::new(),
        params: Vec::new(),
        requires_any_param: required.into_iter().collect(),
        public_rules: Vec::new(),
        sensitive: false,
    })
}

/// The compiled controls of a file: `X-1`, `X-2` and so on.
fn compile(file: &str, rego: &str, kind: &Kind) -> CompiledLibrary {
    let library = policy::embedded().0;
    let parse = |module: &ModuleSource| ast::parse(module).unwrap();
    let shared: Vec<ast::Module> = library.modules.iter().map(parse).collect();
    let mut program = Program::default();
    let mut controls: Vec<CompiledControl> = Vec::new();
    for (index, text) in rego.split(NEXT_CONTROL).enumerate() {
        let module = parse(&ModuleSource {
            file: file.into(),
            text: text.into(),
        });
        let rules = RuleTable::new(shared.iter().chain([&module]));
        let lowering = Lowering {
            rules: &rules,
            params: &library.params,
            own_library: true,
        };
        let control = control(&format!("X-{}", index + 1), rego, kind);
        match lowering.lower(&mut program, &control, &module) {
            Ok(compiled) => controls.push(compiled),
            Err(refusals) => panic!("{file} is not compiled: {refusals:?}"),
        }
    }
    CompiledLibrary {
        program,
        controls,
        not_compiled: Vec::new(),
    }
}

/// A heading and an expression over lines, if it is not the usual value.
fn section(out: &mut String, heading: &str, expression: &Expr, usual: Option<&Expr>) {
    if Some(expression) != usual {
        write!(out, "{heading}:\n{}\n\n", expression.to_lines()).unwrap();
    }
}

fn control_sections(out: &mut String, cel: &ControlCel) {
    section(out, "passes", &cel.passes, None);
    let never = Some(&Expr::Bool(false));
    section(out, "not_applicable", &cel.not_applicable, never);
    section(out, "messages", &cel.messages, None);
    if let Some(keys) = &cel.keys {
        section(out, "finding_keys", &keys.new, None);
    }
}

/// The CEL of a bundle as the golden file holds it.
fn to_golden(bundle: &CelBundle) -> String {
    let mut out = String::new();
    // The variables of `oldObject` repeat those of `object`.
    let of_object = |variable: &&PolicyVariable| !variable.name.starts_with("old");
    for variable in bundle.variables.iter().filter(of_object) {
        let heading = format!("variable {}", variable.name);
        section(&mut out, &heading, &variable.expression, None);
    }
    for cel in &bundle.controls {
        if bundle.controls.len() > 1 {
            write!(out, "{}\n\n", cel.control.id).unwrap();
        }
        control_sections(&mut out, cel);
    }
    if bundle.controls.len() > 1 {
        section(&mut out, "pack", &bundle.passes, None);
        let never = Some(&Expr::Bool(false));
        section(
            &mut out,
            "pack may be skipped",
            &bundle.may_be_skipped,
            never,
        );
    }
    for (_, reason) in &bundle.unsupported {
        write!(out, "unsupported: {reason}\n\n").unwrap();
    }
    format!("{}\n", out.trim_end())
}

/// The CEL of a control that people read, as the golden file holds it.
fn readable_to_golden(cel: &ReadableControl) -> String {
    let mut out = String::new();
    for variable in &cel.variables {
        let heading = format!("variable {}", variable.name);
        section(&mut out, &heading, &variable.expression, None);
    }
    for check in &cel.checks {
        section(&mut out, "passes", &check.passes, None);
        section(&mut out, "message", &check.message, None);
    }
    format!("{}\n", out.trim_end())
}

/// The CEL of the controls in a file.
fn emit_golden(file: &str, rego: &str) -> String {
    let kind = kind(rego);
    let library = compile(file, rego, &kind);
    let params = policy::embedded().0.params.defaults();
    let target = CelTarget {
        min_kube: 30,
        params: match option(rego, "params") {
            Some("resource") => ParamsFrom::Resource(&params),
            _ => ParamsFrom::Written(&params),
        },
        kinds: std::slice::from_ref(&kind),
        custom: &[],
    };
    let ids: Vec<ControlId> = library
        .controls
        .iter()
        .map(|compiled| compiled.control.id.clone())
        .collect();
    if option(rego, "style") == Some("readable") {
        let controls = ids.iter();
        let emitted = controls.map(|id| emit_readable(&library, id, &target).unwrap());
        let parts: Vec<String> = emitted.map(|cel| readable_to_golden(&cel)).collect();
        return parts.join("\n");
    }
    to_golden(&emit(&library, &ids, &target))
}

#[test]
fn rules_become_their_golden_cel() {
    assert_golden_files("crates/cel/tests/cel", "cel", 43, emit_golden);
}
