//! `kubevet vap diff`: the verdicts that another version of the library changes, before it is
//! rolled out.

use crate::cli::{exit_status::ExitStatus, session::Session, stderr, terminal};
use anyhow::bail;
use clap::Args;
use kubevet_document::Limits;
use kubevet_model::one_line;
use kubevet_policy as policy;
use kubevet_source as source;
use kubevet_vap::{self as vap, DiffSide, VerdictChange};
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

A library is a policy folder, or the word built-in. Objects are judged with the params that each library has by default.

Exit status:
  0  no verdict changes
  1  some do
  2  something could not be read or judged")]
pub(super) struct DiffCommand {
    /// The library of today
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The library of tomorrow
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Files, folders, patterns, or - for standard input
    #[arg(value_name = "OBJECTS", required = true)]
    objects: Vec<PathBuf>,
}

impl DiffCommand {
    /// Evaluates the objects with both libraries, and prints the changes.
    ///
    /// # Errors
    /// There is no object, or standard output cannot be written.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let old = open(&self.old);
        let new = open(&self.new);
        let input = source::read(&self.objects, &Limits::default(), &mut |_, _| {});
        let problems = [&old.problems[..], &new.problems, &input.problems].concat();
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        if input.objects.is_empty() {
            bail!("there is no object to judge");
        }
        let (old_params, new_params) =
            (old.library.params.defaults(), new.library.params.defaults());
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

/// Loads and compiles the library of a name: a policy folder, or the embedded library.
fn open(name: &Path) -> Session {
    let (library, problems) = if name == Path::new(EMBEDDED_LIBRARY) {
        policy::embedded()
    } else {
        policy::load_folder(name)
    };
    Session::compile(library, problems)
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
    match changes.len() {
        0 => writeln!(out, "no verdict on {objects} objects changes"),
        count => writeln!(out, "{count} verdicts on {objects} objects change"),
    }
}
