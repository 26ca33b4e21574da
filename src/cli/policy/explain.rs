//! `kubevet policy explain`: the compiled form of a rule, its CEL, and the cost of the CEL.

use crate::cli::{
    exit_status::ExitStatus, kubernetes_version::MIN_SUPPORTED_MINOR, library_flags::LibraryFlags,
    session::Session, terminal,
};
use anyhow::bail;
use clap::Args;
use kubevet_cel::{
    self as cel, CelTarget, ControlCel, Expr, MAX_EXPRESSION_COST, ObjectSizes, ParamsFrom,
    PolicyVariable,
};
use kubevet_engine::Explanation;
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Control, ControlId, Kind, KindSelector, Problem};
use kubevet_policy::{self as policy, Library};
use std::{fmt::Write as _, path::Path};

#[derive(Debug, Args)]
pub(super) struct ExplainCommand {
    /// A control's id such as C-0057, a control's folder, or a .rego file
    #[arg(id = "what", value_name = "ID|FILE")]
    target: String,
    #[command(flatten)]
    library: LibraryFlags,
}

impl ExplainCommand {
    /// Prints the explanation. The status is `Success` if the rule is compiled, `Negative` if it is
    /// interpreted, `Failure` if it does not load.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let (mut library, mut problems) = self.library.load();
        let ids = self.load_target(&mut library, &mut problems)?;
        let session = Session::compile(library, problems);
        let mut status = ExitStatus::Success;
        let mut page = String::new();
        if let Some(builtin) = session.library.builtin(&self.target) {
            write_builtin(&builtin.control, &mut page)?;
        }
        for id in &ids {
            let Some(source) = session.library.control(id.as_str()) else {
                continue;
            };
            let Some(explanation) = session.engine.explain(id) else {
                continue;
            };
            if !page.is_empty() {
                page.push('\n');
            }
            let control_status = write(&source.control, &explanation, &session, &mut page)?;
            status = status.max(control_status);
        }
        terminal::write_escaped(|out| out.write_all(page.as_bytes()))?;
        Ok(status.max(session.print_problems()))
    }

    /// Returns the ids of the controls to explain. Those of a file are added to the library.
    fn load_target(
        &self,
        library: &mut Library,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Vec<ControlId>> {
        if library.builtin(&self.target).is_some() {
            return Ok(Vec::new());
        }
        if let Some(source) = library.control(&self.target) {
            return Ok(vec![source.control.id.clone()]);
        }
        let path = Path::new(&self.target);
        if !path.exists() {
            bail!(
                "there is no control or file {:?}{}",
                self.target,
                library.suggest_control(&self.target)
            );
        }
        let edited = policy::load_edited(path, library);
        *library = edited.library;
        problems.extend(edited.problems);
        Ok(edited.ids)
    }
}

/// Writes what there is to say of a control without a rule.
fn write_builtin(control: &Control, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "{} {}", control.id, control.name)?;
    writeln!(out, "applies to  every built-in kind")?;
    writeln!(
        out,
        "built in: `scan` compares objects with the types of Kubernetes' own kinds. There is no rule, and nothing \
         is exported: an API server has these types itself"
    )?;
    Ok(())
}

fn write(
    control: &Control,
    explanation: &Explanation,
    session: &Session,
    out: &mut String,
) -> anyhow::Result<ExitStatus> {
    writeln!(out, "{} {}", control.id, control.name)?;
    let kinds: Vec<String> = control.kinds.iter().filter_map(kind_name).collect();
    writeln!(out, "applies to  {}", kinds.join(", "))?;
    let (bodies, reads) = match explanation {
        Explanation::Compiled { bodies, reads } => (bodies, reads),
        Explanation::Interpreted(refusals) => {
            writeln!(out, "interpreted, not compiled, and so not exported:")?;
            for refusal in refusals {
                writeln!(out, "  {refusal}")?;
            }
            return Ok(ExitStatus::Negative);
        }
        Explanation::Broken(reason) => {
            writeln!(out, "does not run: {reason}")?;
            return Ok(ExitStatus::Failure);
        }
    };
    writeln!(out, "reads     {}", reads.join("\n          "))?;
    for (line, body) in bodies {
        writeln!(out, "\ncompiled from line {line}\n{}", body.trim_end())?;
    }
    write_export(control, session, out)?;
    Ok(ExitStatus::Success)
}

/// Writes the CEL of a control and its cost, or why it is not exported.
fn write_export(control: &Control, session: &Session, out: &mut String) -> anyhow::Result<()> {
    let kinds: Vec<Kind> = control.kinds.object_kinds();
    let params = session.library.params.defaults();
    let target = CelTarget {
        min_kube: MIN_SUPPORTED_MINOR,
        params: ParamsFrom::Resource(&params),
        kinds: &kinds,
        custom: &[],
    };
    let ids = std::slice::from_ref(&control.id);
    let bundle = cel::emit(session.engine.compiled_library(), ids, &target);
    for (_, reason) in &bundle.unsupported {
        writeln!(out, "\nnot exported: {reason}")?;
    }
    for control_cel in &bundle.controls {
        write_cel(&bundle.variables, control_cel, out)?;
        write_cost(control, session, out)?;
    }
    Ok(())
}

fn write_cost(control: &Control, session: &Session, out: &mut String) -> anyhow::Result<()> {
    let params = session.library.params.defaults();
    writeln!(
        out,
        "\ncosts the API server, where it finds nothing, about (reckoned; ours are right within a factor of three)"
    )?;
    for (size, sizes) in [
        ("an ordinary", ObjectSizes::ORDINARY),
        ("a large", ObjectSizes::LARGE),
    ] {
        let library = session.engine.compiled_library();
        let Some(cost) = cel::estimate_cost(library, &control.id, &params, sizes) else {
            continue;
        };
        #[allow(clippy::cast_precision_loss, reason = "the percentage is rounded")]
        let percent = cost as f64 * 100.0 / MAX_EXPRESSION_COST as f64;
        writeln!(
            out,
            "  {cost:>7} units, {percent:.2} % of what an expression may, of {size} object: {} containers, {} volumes",
            sizes.containers, sizes.volumes
        )?;
    }
    Ok(())
}

fn write_cel(
    variables: &[PolicyVariable],
    control: &ControlCel,
    out: &mut String,
) -> anyhow::Result<()> {
    writeln!(out, "\nas CEL, from Kubernetes 1.{MIN_SUPPORTED_MINOR} on")?;
    for variable in variables {
        // The variables of the old object are the same expressions over another root.
        if !variable.name.starts_with("old") {
            writeln!(
                out,
                "  variables.{}\n{}",
                variable.name,
                indented(&variable.expression)
            )?;
        }
    }
    writeln!(out, "  finds nothing where\n{}", indented(&control.passes))?;
    if let Some(skipped) = &control.skipped {
        writeln!(
            out,
            "  does not check, with a warning, where\n{}",
            indented(&skipped.condition)
        )?;
    }
    Ok(())
}

/// An expression over its lines.
fn indented(expression: &Expr) -> String {
    let lines: Vec<String> = expression
        .to_lines()
        .lines()
        .map(|line| format!("    {line}"))
        .collect();
    lines.join("\n")
}

fn kind_name(selector: &KindSelector) -> Option<String> {
    match selector {
        KindSelector::Workloads => Some("every kind with a pod spec".to_owned()),
        KindSelector::Kind(kind) => Some(kind.to_string()),
        // It is one of those with a pod spec.
        KindSelector::CustomWorkload(_) => None,
    }
}
