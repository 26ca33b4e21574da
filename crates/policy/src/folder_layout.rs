//! The role of each file of a policy folder. A file without a role is a problem: its author
//! believes that it is a control.

use super::{did_you_mean::nearest, read_dir::PolicyFile};
use kubevet_model::{Problem, ProblemCode};
use std::collections::BTreeMap;

/// The files of a policy folder by their roles.
#[derive(Debug, Default)]
pub(super) struct Layout<'f> {
    pub(super) params: Option<&'f PolicyFile>,
    pub(super) modules: Vec<&'f PolicyFile>,
    pub(super) frameworks: Vec<&'f PolicyFile>,
    /// The controls, by the name of the folder.
    pub(super) controls: BTreeMap<&'f str, ControlFolder<'f>>,
}

/// The files of one control.
#[derive(Debug, Default)]
pub(super) struct ControlFolder<'f> {
    /// The path of the folder to show.
    pub(super) display_path: String,
    pub(super) control: Option<&'f PolicyFile>,
    pub(super) rule: Option<&'f PolicyFile>,
}

impl<'f> Layout<'f> {
    /// Sorts the files by role, and reports those without one.
    pub(super) fn of(files: &'f [PolicyFile], problems: &mut Vec<Problem>) -> Self {
        let mut layout = Self::default();
        for file in files {
            let steps = file.steps();
            match steps.as_slice() {
                ["params.yaml"] => layout.params = Some(file),
                ["lib", name] | ["lib", "reference", name] if has_extension(name, "rego") => {
                    layout.modules.push(file);
                }
                ["frameworks", name] if has_extension(name, "yaml") => layout.frameworks.push(file),
                ["lib", "testdata", ..] | ["cases", ..] => {}
                ["controls", folder, rest @ ..] if !rest.is_empty() => {
                    layout.control(file, folder, rest, problems)
                }
                [.., name] if has_extension(name, "md") => {}
                _ => report_unused(file, &steps, problems),
            }
        }
        layout
    }

    fn control(
        &mut self,
        file: &'f PolicyFile,
        name: &'f str,
        rest: &[&str],
        problems: &mut Vec<Problem>,
    ) {
        let folder = self.controls.entry(name).or_default();
        if folder.display_path.is_empty() {
            let inside: usize = rest.iter().map(|step| step.len() + 1).sum();
            folder.display_path = file
                .display_path
                .get(..file.display_path.len().saturating_sub(inside))
                .unwrap_or(name)
                .to_owned();
        }
        match rest {
            ["control.yaml"] => folder.control = Some(file),
            ["rule.rego"] => folder.rule = Some(file),
            ["testdata", "pass" | "fail", name] if has_extension(name, "yaml") => {}
            [.., name] if has_extension(name, "md") => {}
            _ => report_unused(file, rest, problems),
        }
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.strip_suffix(extension)
        .is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
}

fn report_unused(file: &PolicyFile, steps: &[&str], problems: &mut Vec<Problem>) {
    const KNOWN: [&str; 5] = [
        "control.yaml",
        "rule.rego",
        "params.yaml",
        "controls",
        "frameworks",
    ];
    let name = steps.last().copied().unwrap_or_default();
    let hint = match (
        name.strip_suffix(".yml"),
        steps.iter().find_map(|step| nearest(step, KNOWN)),
    ) {
        (Some(stem), _) => format!("rename it to {stem}.yaml"),
        (_, Some(near)) if !steps.contains(&near) => format!("did you mean {near:?}?"),
        _ => "remove it, or see README.md of the built-in policies for what goes where".to_owned(),
    };
    problems.push(Problem::in_file(
        ProblemCode::PolicyUnusedFile,
        file.display_path.as_ref(),
        format!("nothing reads this file: {hint}"),
    ));
}
