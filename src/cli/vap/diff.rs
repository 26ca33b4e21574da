//! `kubevet vap diff`: which verdicts an upgrade changes, seen before it is rolled out.

use crate::cli::{complain, terminal};
use anyhow::bail;
use clap::Args;
use kubevet_document::Limits;
use kubevet_engine::Engine;
use kubevet_model::{Problem, one_line};
use kubevet_policy::{self as policy, Library};
use kubevet_source as input;
use kubevet_vap::{self as vap, Side};
use std::path::{Path, PathBuf};

/// The word for the library of this program.
const BUILT_IN: &str = "built-in";
/// The longest words of a finding.
const WORDS: usize = 160;

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
    /// Judges by both, and prints what changes.
    ///
    /// # Errors
    /// There is no object, or standard output cannot be written.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let ((old, before), mut problems) = load(&self.old);
        let ((new, after), more) = load(&self.new);
        problems.extend(more);
        let input = input::read(&self.objects, &Limits::default(), &mut |_, _| {});
        problems.extend(input.problems);
        if !problems.is_empty() {
            return Ok(complain(&problems));
        }
        if input.objects.is_empty() {
            bail!("there is no object to judge");
        }
        let (old_params, new_params) = (old.params.defaults(), new.params.defaults());
        let changes = vap::compare(
            Side {
                engine: &before,
                params: &old_params,
            },
            Side {
                engine: &after,
                params: &new_params,
            },
            &input.objects,
        );
        terminal::write_shown(|out| {
            for it in &changes {
                let words = [it.after.words(), it.before.words()]
                    .into_iter()
                    .find(|it| !it.is_empty());
                let words = words
                    .map(|it| format!(": {}", one_line(it, WORDS)))
                    .unwrap_or_default();
                let object = one_line(&it.object.to_string(), WORDS);
                writeln!(
                    out,
                    "{} {object}: {} {} -> {}{words}",
                    it.source, it.control, it.before, it.after
                )?;
            }
            let objects = input.objects.len();
            match changes.len() {
                0 => writeln!(out, "no verdict on {objects} objects changes"),
                count => writeln!(out, "{count} verdicts on {objects} objects change"),
            }
        })?;
        Ok(u8::from(!changes.is_empty()))
    }
}

fn load(name: &Path) -> ((Library, Engine), Vec<Problem>) {
    let (library, mut problems) = if name == Path::new(BUILT_IN) {
        policy::embedded()
    } else {
        policy::load_folder(name)
    };
    let (engine, faults) = Engine::compile(&library);
    problems.extend(faults);
    ((library, engine), problems)
}
