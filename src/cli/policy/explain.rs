//! `kubevet policy explain`: what became of a rule.

use crate::cli::{complain, library_flags::LibraryFlags, terminal};
use anyhow::bail;
use clap::Args;
use kubevet_cel::{LIMIT, ParamsFrom, Printed, Sizes, Target};
use kubevet_engine::{Engine, Explanation};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::{Control, ControlId, Kind, KindSelector};
use kubevet_policy::{self as policy, Library, Params};
use std::{fmt::Write as _, path::Path};

/// The oldest Kubernetes that has ValidatingAdmissionPolicies for good.
const MIN_KUBE: u8 = 30;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A control's id such as C-0057, a control's folder, or a .rego file
    #[arg(value_name = "ID|FILE")]
    what: String,
    #[command(flatten)]
    library: LibraryFlags,
}

impl Explain {
    /// 0 where the rule is compiled, 1 where it is interpreted, 2 where it does not load.
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (mut library, mut problems) = self.library.load();
        let path = Path::new(&self.what);
        let chosen: Vec<ControlId> = match library.control(&self.what) {
            Some(source) => vec![source.control.id.clone()],
            None if path.exists() => {
                let (controls, modules, more) = policy::load_custom(path);
                problems.extend(more);
                let ids: Vec<ControlId> = controls.iter().map(|it| it.control.id.clone()).collect();
                // A control of the library that is being changed takes the place of the one there is.
                library.controls.retain(|it| !ids.contains(&it.control.id));
                problems.extend(library.add_custom(controls, modules));
                ids
            }
            None => bail!(
                "there is no control or file {:?}{}",
                self.what,
                library.suggest_control(&self.what)
            ),
        };
        let (engine, faults) = Engine::compile(&library);
        problems.extend(faults);
        let mut code = 0;
        let mut text = String::new();
        for id in &chosen {
            let (Some(source), Some(explanation)) =
                (library.control(id.as_str()), engine.explain(id))
            else {
                continue;
            };
            if !text.is_empty() {
                text.push('\n');
            }
            code = code.max(write(
                &source.control,
                &explanation,
                &engine,
                &library,
                &mut text,
            )?);
        }
        terminal::write_shown(|out| out.write_all(text.as_bytes()))?;
        Ok(code.max(complain(&problems)))
    }
}

fn write(
    control: &Control,
    explanation: &Explanation,
    engine: &Engine,
    library: &Library,
    out: &mut String,
) -> anyhow::Result<u8> {
    writeln!(out, "{} {}", control.id, control.name)?;
    let kinds: Vec<String> = control.kinds.iter().map(kind_name).collect();
    writeln!(out, "looks at  {}", kinds.join(", "))?;
    let (bodies, reads) = match explanation {
        Explanation::Compiled { bodies, reads } => (bodies, reads),
        Explanation::Interpreted(why) => {
            writeln!(
                out,
                "interpreted, not compiled, and so not exported:\n  {why}"
            )?;
            return Ok(1);
        }
        Explanation::Broken(why) => {
            writeln!(out, "does not run: {why}")?;
            return Ok(2);
        }
    };
    writeln!(out, "reads     {}", reads.join("\n          "))?;
    for (line, body) in bodies {
        writeln!(out, "\ncompiled from line {line}\n{}", body.trim_end())?;
    }
    let kinds: Vec<Kind> = control.kinds.iter().flat_map(kinds_of).collect();
    let params = library.params.defaults();
    let target = Target {
        min_kube: MIN_KUBE,
        params: ParamsFrom::Resource(&params),
        kinds: &kinds,
    };
    let sheet = kubevet_cel::print(
        engine.compiled_library(),
        std::slice::from_ref(&control.id),
        &target,
    );
    for (_, why) in &sheet.refused {
        writeln!(out, "\nnot exported: {why}")?;
    }
    for printed in &sheet.controls {
        write_cel(&sheet.variables, printed, out)?;
        write_cost(control, engine, &params, out)?;
    }
    Ok(0)
}

fn write_cost(
    control: &Control,
    engine: &Engine,
    params: &Params,
    out: &mut String,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "\ncosts the API server, where it finds nothing, about (reckoned; ours are right within a factor of three)"
    )?;
    for (what, sizes) in [("an ordinary", Sizes::ORDINARY), ("a large", Sizes::LARGE)] {
        let Some(cost) =
            kubevet_cel::estimate(engine.compiled_library(), &control.id, params, sizes)
        else {
            continue;
        };
        #[allow(clippy::cast_precision_loss, reason = "a share to look at")]
        let percent = cost as f64 * 100.0 / LIMIT as f64;
        let Sizes {
            containers,
            volumes,
            ..
        } = sizes;
        let of = format!("of {what} object: {containers} containers, {volumes} volumes");
        writeln!(
            out,
            "  {cost:>7} units, {percent:.2} % of what an expression may, {of}"
        )?;
    }
    Ok(())
}

fn write_cel(
    variables: &[kubevet_cel::Variable],
    printed: &Printed,
    out: &mut String,
) -> anyhow::Result<()> {
    writeln!(out, "\nas CEL, from Kubernetes 1.{MIN_KUBE} on")?;
    for variable in variables {
        // Those of the old object say the same of another root.
        if !variable.name.starts_with("old") {
            writeln!(
                out,
                "  variables.{}\n    {}",
                variable.name, variable.expression
            )?;
        }
    }
    writeln!(out, "  finds nothing where\n    {}", printed.clean)?;
    if let Some(unjudged) = &printed.unjudged {
        writeln!(
            out,
            "  leaves unjudged, with a warning, where\n    {}",
            unjudged.condition
        )?;
    }
    Ok(())
}

fn kind_name(selector: &KindSelector) -> String {
    match selector {
        KindSelector::Workloads => "every kind with a pod spec".to_owned(),
        KindSelector::Kind(kind) => kind.to_string(),
    }
}

fn kinds_of(selector: &KindSelector) -> Vec<Kind> {
    match selector {
        KindSelector::Workloads => WORKLOADS
            .iter()
            .map(|it| Kind::new(it.group, it.name))
            .collect(),
        KindSelector::Kind(kind) => vec![kind.clone()],
    }
}
