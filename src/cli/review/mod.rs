//! `kubevet review`: the answer to a recorded review, as the webhook would give it, and what
//! bindings would deny of many.
//!
//! | file | is |
//! |---|---|
//! | `requests` | files as requests: recorded reviews, manifests, lists |
//! | `replay` | many requests under other bindings |
//! | `namespaces` | the labels of namespaces, from a file or a cluster |

mod namespaces;
mod replay;
mod requests;

use super::{
    exit_status::ExitStatus,
    policy_flags::{EnforcementConfig, EnforcementFlags, namespace_selector_problems},
    stderr, terminal,
};
use anyhow::bail;
use clap::{Args, ValueEnum};
use kubevet_model::{Action, Replay};
use kubevet_policy as policy;
use kubevet_report::{self as report, View};
use kubevet_webhook::{self as webhook, AnswerContext, PolicySnapshot, Replayer, ReviewOutcome};
use namespaces::{NamespaceFlags, NamespaceLabels};
use requests::RequestFile;
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The time limit of an evaluation. It is generous, since no API server waits for the answer.
const REVIEW_TIMEOUT: Duration = Duration::from_secs(30);
/// The path of standard input.
const STDIN: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet review review.json                         what the webhook would answer, with warnings
  kubevet review --bindings bindings/ review.json    the same under bindings of your own
  kubevet review --explain deployment.yaml           a manifest, as if it were being created
  kubectl get pods -o json | kubevet review          each item of a list, one answer a line
  kubevet serve --record reviews/                    records reviews for this command

What would bindings deny that is allowed today?
  kubevet review --bindings next.yaml reviews/                            of recorded reviews
  kubevet review --bindings next.yaml --current now.yaml reviews/         and what these deny today is not new
  kubectl get deploy,sts,ds,cj,po -A -o yaml | kubevet review --bindings next.yaml -     of what is in the cluster

An answer is one line of JSON on standard output, byte for byte the webhook's; --explain writes each control's part in \
it to standard error. A folder, several files, and a list on standard input that is named - are replayed under --bindings \
instead: a table of what would newly be denied, by namespace, control and user. --format chooses otherwise.

Exit status:
  0  allowed; of a replay: nothing would newly be denied
  1  denied, or an item of a list is; of a replay: something would newly be denied
  2  not a review, not checked, or the library or a binding is broken; of a replay: not everything was read and checked")]
pub(super) struct ReviewCommand {
    /// An AdmissionReview as recorded, or a manifest, which is taken as a request to create it, or
    /// a list, which is a review an item; - is standard input. Folders and several files are
    /// replayed
    #[arg(value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Show for each control what it found, and what the bindings did about it
    #[arg(long)]
    explain: bool,
    /// Print the request instead of the answer: for a manifest, the review that creating it would
    /// cause
    #[arg(long, conflicts_with = "explain")]
    request: bool,
    /// Print answers, or replay everything as a table (pretty) or as JSON
    #[arg(short, long, value_name = "FORMAT", conflicts_with_all = ["explain", "request"])]
    format: Option<ReviewFormat>,
    /// The bindings of today, a file or folder: what they deny is not newly denied
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = ["explain", "request"])]
    current: Option<PathBuf>,
    #[command(flatten)]
    namespaces: NamespaceFlags,
    #[command(flatten)]
    enforcement: EnforcementFlags,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReviewFormat {
    /// The answer to each request, one a line
    Answers,
    /// A table of what would newly be denied
    Pretty,
    /// The same as JSON
    Json,
}

impl ReviewCommand {
    /// Prints answers, requests, or the table of a replay.
    ///
    /// # Errors
    /// A file cannot be read, or contains neither a review nor an object.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        if self.is_replay() {
            return self.replay(None);
        }
        let path = match self.paths.as_slice() {
            [] => Path::new(STDIN),
            [path] if !path.is_dir() => path,
            _ => bail!("name one file, or leave out --explain, --request and --format answers"),
        };
        let file = RequestFile::read(path)?;
        if self.is_replay_of(&file) {
            return self.replay(Some(file));
        }
        if self.request {
            return print_requests(file);
        }
        let Some((config, labels)) = self.load()? else {
            return Ok(ExitStatus::Failure);
        };
        let snapshot = snapshot(&config, config.bindings.clone().unwrap_or_default());
        let mut status = ExitStatus::Success;
        for body in file.into_bodies()? {
            status = status.max(self.answer(&snapshot, &body, &labels)?);
        }
        Ok(status.max(labels.print_missing()))
    }

    /// True if the arguments demand a replay.
    fn is_replay(&self) -> bool {
        match self.format {
            Some(ReviewFormat::Answers) => false,
            Some(ReviewFormat::Pretty | ReviewFormat::Json) => true,
            None if self.explain || self.request => false,
            None => {
                self.current.is_some()
                    || self.paths.len() > 1
                    || self.paths.iter().any(|path| path.is_dir())
            }
        }
    }

    /// True if standard input is a list to be replayed: what `kubectl get` prints.
    fn is_replay_of(&self, file: &RequestFile) -> bool {
        let is_named_stdin = self
            .paths
            .first()
            .is_some_and(|path| path == Path::new(STDIN));
        is_named_stdin
            && file.is_collection()
            && self.enforcement.bindings.is_some()
            && self.format.is_none()
            && !self.explain
            && !self.request
    }

    /// Loads bindings, library and labels; `None` if something is wrong with them, which is
    /// printed.
    fn load(&self) -> anyhow::Result<Option<(EnforcementConfig, NamespaceLabels)>> {
        let (config, problems) = self.enforcement.load(self.namespaces.missing_flags());
        if !problems.is_empty() {
            stderr::print_problems(&problems);
            return Ok(None);
        }
        stderr::print_remarks(&config.remarks);
        Ok(Some((config, self.namespaces.load()?)))
    }

    /// Replays `file`, or everything that is named.
    fn replay(&self, file: Option<RequestFile>) -> anyhow::Result<ExitStatus> {
        if self.enforcement.bindings.is_none() {
            bail!("name the bindings to try: --bindings FILE|DIR");
        }
        let Some((config, labels)) = self.load()? else {
            return Ok(ExitStatus::Failure);
        };
        let next = config.bindings.clone().unwrap_or_default();
        if !next
            .iter()
            .any(|binding| binding.actions.contains(&Action::Deny))
        {
            stderr::print_line(
                "note: none of the bindings denies anything: set validationActions: [Deny] to see what they would deny",
            );
        }
        let next = snapshot(&config, next);
        let current = match self.load_current(&config) {
            Ok(current) => current,
            Err(status) => return Ok(status),
        };
        let replayer = Replayer::new(&next, current.as_ref());
        let replay = match file {
            Some(file) => replay::replay_file(file, replayer, &labels),
            None if self.paths.is_empty() => {
                replay::replay_paths(&[PathBuf::from(STDIN)], replayer, &labels)
            }
            None => replay::replay_paths(&self.paths, replayer, &labels),
        };
        self.write(&replay)?;
        Ok(replay::exit_status(&replay).max(labels.print_missing()))
    }

    /// Loads the bindings of `--current`. The error is the exit status, once problems are printed.
    fn load_current(
        &self,
        config: &EnforcementConfig,
    ) -> Result<Option<PolicySnapshot>, ExitStatus> {
        let Some(path) = &self.current else {
            return Ok(None);
        };
        let policy::LoadedBindings {
            bindings,
            mut problems,
            ..
        } = policy::load_bindings(path, &config.library);
        if let Some(flags) = self.namespaces.missing_flags() {
            problems.extend(namespace_selector_problems(&bindings, flags));
        }
        match stderr::print_problems(&problems) {
            ExitStatus::Success => Ok(Some(snapshot(config, bindings))),
            status => Err(status),
        }
    }

    fn write(&self, replay: &Replay) -> anyhow::Result<()> {
        let style = terminal::style(View::default(), false);
        terminal::write(None, |out| match self.format {
            Some(ReviewFormat::Json) => report::write_replay_json(replay, out),
            _ => report::write_replay_table(replay, &style, out),
        })
    }

    /// Prints the answer to one request.
    fn answer(
        &self,
        snapshot: &PolicySnapshot,
        body: &[u8],
        labels: &NamespaceLabels,
    ) -> anyhow::Result<ExitStatus> {
        let context = AnswerContext {
            deadline: Instant::now() + REVIEW_TIMEOUT,
            namespace_labels: &|name| labels.get(name),
        };
        let answered = snapshot
            .answer(body, &context)
            .map_err(anyhow::Error::msg)?;
        terminal::write(None, |out| {
            out.write_all(&answered.body)?;
            out.write_all(b"\n")
        })?;
        if self.explain {
            let mut explanation = Vec::new();
            webhook::explain(&answered, &snapshot.enforcement, &mut explanation)?;
            let _ = io::stderr().write_all(&explanation);
        }
        Ok(exit_status(&answered))
    }
}

/// Prints the bodies of the requests: one as it is, several one a line.
fn print_requests(file: RequestFile) -> anyhow::Result<ExitStatus> {
    let requests = file.into_bodies()?.join(&b'\n');
    terminal::write(None, |out| out.write_all(&requests))?;
    Ok(ExitStatus::Success)
}

fn snapshot(config: &EnforcementConfig, bindings: Vec<policy::Binding>) -> PolicySnapshot {
    config.snapshot(bindings, BTreeSet::new(), 1)
}

fn exit_status(answered: &ReviewOutcome) -> ExitStatus {
    let decision = &answered.decision;
    if !decision.unevaluated.is_empty() {
        ExitStatus::Failure
    } else {
        ExitStatus::negative_if(!decision.allowed)
    }
}
