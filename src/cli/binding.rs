//! `kubevet binding check`: ControlBindings in files, checked as the gate and its admission check them.

use super::{exit_status::ExitStatus, policy_flags::LibraryAndParamsFlags, stderr, terminal};
use clap::{Args, Subcommand};
use kubevet_document::{Document, Limits};
use kubevet_model::{Problem, ProblemCode, count};
use kubevet_policy::{self as policy, Library, RemarkLevel};
use kubevet_source as source;
use std::path::PathBuf;

/// Commands on ControlBindings.
#[derive(Debug, Args)]
pub(super) struct BindingCommand {
    #[command(subcommand)]
    action: BindingAction,
}

#[derive(Debug, Subcommand)]
enum BindingAction {
    /// Check ControlBindings in files before they are applied
    Check(CheckCommand),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet binding check bindings/                         for CI
  kubevet binding check --strict deploy/ -                parts without an effect fail, too

Exit status:
  0  every binding is valid
  1  with --strict: a part of a binding has no effect
  2  a binding is broken or has no effect at all, or there is none")]
struct CheckCommand {
    /// Files, folders, patterns, or - for standard input. Objects of other kinds are ignored
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Exit with 1 if a part of a binding has no effect
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    policy: LibraryAndParamsFlags,
}

/// The number of bindings of each result.
#[derive(Debug, Default)]
struct Counts {
    bindings: usize,
    broken: usize,
    warnings: usize,
}

impl BindingCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        match &self.action {
            BindingAction::Check(command) => command.run(),
        }
    }
}

impl CheckCommand {
    fn run(&self) -> anyhow::Result<ExitStatus> {
        let (library, problems) = self.policy.load();
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let mut input = source::read(&self.files, &Limits::default(), &mut |_, _| {});
        let is_binding = |document: &&Document| document.id().kind == policy::BINDING_KIND;
        let mut counts = Counts::default();
        for document in input.objects.iter().filter(is_binding) {
            check(document, &library, &mut counts);
        }
        // What is not an object has no binding in it, and is no concern of this command.
        input
            .problems
            .retain(|problem| problem.code != ProblemCode::InputEmpty);
        if counts.bindings == 0 && input.problems.is_empty() {
            let message =
                "there is no ControlBinding in the files: name files or folders that have one";
            input
                .problems
                .push(Problem::in_file(ProblemCode::PolicyEmpty, "", message));
        }
        let read = stderr::print_problems(&input.problems);
        terminal::write(None, |out| writeln!(out, "{}", counts.summary()))?;
        Ok(read.max(counts.status(self.strict)))
    }
}

/// Prints the problems and the remarks of a binding.
fn check(document: &Document, library: &Library, counts: &mut Counts) {
    counts.bindings += 1;
    match policy::read_binding(document, library) {
        Ok(binding) => {
            let remarks = policy::check_binding(document, &binding, library).remarks;
            let is_warning = |level: RemarkLevel| level == RemarkLevel::Warning;
            let warnings = remarks.iter().filter(|remark| is_warning(remark.level));
            counts.warnings += warnings.count();
            stderr::print_remarks(&remarks);
        }
        Err(problems) => {
            counts.broken += 1;
            stderr::print_problems(&problems);
        }
    }
}

impl Counts {
    fn status(&self, is_strict: bool) -> ExitStatus {
        if self.broken > 0 {
            ExitStatus::Failure
        } else {
            ExitStatus::negative_if(is_strict && self.warnings > 0)
        }
    }

    /// Describes the counts: `3 bindings checked: 1 broken, 2 warnings`.
    fn summary(&self) -> String {
        format!(
            "{} checked: {} broken, {}",
            count(self.bindings, "binding"),
            self.broken,
            count(self.warnings, "warning")
        )
    }
}
