//! `kubevet vap diff`: the verdicts that another version of the library changes, before it is
//! rolled out; or the fields in which two exported files differ.

use crate::cli::{
    exit_status::ExitStatus, library_flags::apply_controls_config, session::Session, stderr,
    terminal,
};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_document::Limits;
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::{Problem, count, one_line};
use kubevet_policy::{self as policy, Library, Params};
use kubevet_source as source;
use kubevet_vap::{self as vap, DiffSide, ExportedObject, VerdictChange};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The argument that selects the embedded library.
const EMBEDDED_LIBRARY: &str = "built-in";
/// The maximum number of characters shown of an object's name and of a finding's message.
const MAX_MESSAGE_CHARS: usize = 160;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet vap diff built-in policies/ deploy/          what your own policies would change
  kubevet vap diff old/policies built-in cluster.yaml  what an upgrade would, on objects of a cluster
  kubevet vap diff old.yaml new.yaml                   which policies, expressions, params and bindings differ

A library is the word built-in, or a policy folder: a folder with the built-in shared modules is a library by itself, \
any other adds to the built-in library, or replaces its controls of the same ids. Objects are checked with the params that \
each library has by default, and those of --controls-config.
Without objects, OLD and NEW are YAML that `kubevet vap generate` wrote. Its contents are compared, not verdicts: only an \
API server evaluates CEL.

Exit status:
  0  no verdict changes, or no object differs
  1  some do
  2  something could not be read or checked")]
pub(super) struct DiffCommand {
    /// The library of today, or an exported file
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The library of tomorrow, or an exported file
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Files, folders, patterns, or - for standard input
    #[arg(value_name = "OBJECTS")]
    objects: Vec<PathBuf>,
    /// Parameters for the controls of both libraries, such as allowed registries: a map of names to
    /// lists, or Kubescape's inputs file
    #[arg(long, value_name = "FILE", requires = "objects")]
    controls_config: Option<PathBuf>,
}

impl DiffCommand {
    /// Evaluates the objects with both libraries, or compares two exported files, and prints the
    /// changes.
    ///
    /// # Errors
    /// There is nothing to compare, a config cannot be read, or standard output cannot be written.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        if self.objects.is_empty() {
            self.compare_exports()
        } else {
            self.compare_verdicts()
        }
    }

    fn compare_exports(&self) -> anyhow::Result<ExitStatus> {
        let (old, mut problems) = read_export(&self.old)?;
        let (new, new_problems) = read_export(&self.new)?;
        problems.extend(new_problems);
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let changes = vap::diff_exports(&old, &new);
        terminal::write_escaped(|out| {
            for change in &changes {
                writeln!(out, "{change}")?;
            }
            match changes.len() {
                0 => writeln!(out, "no object differs"),
                1 => writeln!(out, "1 object differs"),
                count => writeln!(out, "{count} objects differ"),
            }
        })?;
        Ok(ExitStatus::negative_if(!changes.is_empty()))
    }

    /// Returns the params of a library: its defaults and those of the config, and what is wrong with
    /// these.
    fn params(&self, library: &Library) -> anyhow::Result<(Params, Vec<Problem>)> {
        let mut params = library.params.defaults();
        let problems = match &self.controls_config {
            Some(file) => apply_controls_config(file, library, &mut params)?,
            None => Vec::new(),
        };
        Ok((params, problems))
    }

    fn compare_verdicts(&self) -> anyhow::Result<ExitStatus> {
        let old = open(&self.old);
        let new = open(&self.new);
        let input = source::read(&self.objects, &Limits::default(), &mut |_, _| {});
        let (old_params, old_problems) = self.params(&old.library)?;
        let (new_params, new_problems) = self.params(&new.library)?;
        let problems = [
            &old.problems[..],
            &new.problems,
            &input.problems,
            &old_problems,
            &new_problems,
        ]
        .concat();
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        if input.objects.is_empty() {
            bail!("there is no object to check");
        }
        let changes = vap::diff_verdicts(
            DiffSide {
                engine: &old.engine,
                params: &old_params,
            },
            DiffSide {
                engine: &new.engine,
                params: &new_params,
            },
            &input.objects,
        );
        terminal::write_escaped(|out| write_changes(&changes, input.objects.len(), out))?;
        Ok(ExitStatus::negative_if(!changes.is_empty()))
    }
}

/// Returns the exported objects of a file, and what is wrong with it.
fn read_export(file: &Path) -> anyhow::Result<(Vec<ExportedObject>, Vec<Problem>)> {
    if file == Path::new(EMBEDDED_LIBRARY) || file.is_dir() {
        bail!(
            "{} is a library: name the objects to check with both libraries, or compare two files of `kubevet vap generate`",
            file.display()
        );
    }
    let input = source::read(&[file.to_owned()], &Limits::default(), &mut |_, _| {});
    let mut objects = Vec::new();
    for document in &input.objects {
        let mut json = String::new();
        document.root().write_json(&mut json);
        let body = serde_json::from_str(&json)
            .with_context(|| format!("cannot compare {} of {}", document.id(), file.display()))?;
        objects.push(ExportedObject::new(body));
    }
    if input.problems.is_empty() && !objects.iter().any(ExportedObject::is_policy) {
        bail!(
            "{} has no ValidatingAdmissionPolicy: name two files of `kubevet vap generate`, or the objects to check",
            file.display()
        );
    }
    Ok((objects, input.problems))
}

/// Loads and compiles the library of a name: the embedded one, or that of a policy folder.
fn open(name: &Path) -> Session {
    let (mut library, problems) = kubevet_prebuilt::library();
    library.set_workloads(CustomWorkloads::shipped());
    if name == Path::new(EMBEDDED_LIBRARY) {
        return Session::compile(library, problems);
    }
    let edited = policy::load_edited(name, &library);
    Session::compile(edited.library, edited.problems)
}

fn write_changes(changes: &[VerdictChange], objects: usize, out: &mut dyn Write) -> io::Result<()> {
    for change in changes {
        // The message of today if there is one, else that of before.
        let messages = [change.after.message(), change.before.message()];
        let message = messages.into_iter().find(|message| !message.is_empty());
        let message = message
            .map(|message| format!(": {}", one_line(message, MAX_MESSAGE_CHARS)))
            .unwrap_or_default();
        let object = one_line(&change.object.to_string(), MAX_MESSAGE_CHARS);
        writeln!(
            out,
            "{} {object}: {} {} -> {}{message}",
            change.source, change.control, change.before, change.after
        )?;
    }
    let objects = count(objects, "object");
    match changes.len() {
        0 => writeln!(out, "no verdict on {objects} changes"),
        1 => writeln!(out, "1 verdict on {objects} changes"),
        number => writeln!(out, "{number} verdicts on {objects} change"),
    }
}
