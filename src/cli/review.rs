//! `kubevet review`: the answer to a recorded review, as the webhook would give it.

use super::{
    bounded_read::read_file_or_stdin, exit_status::ExitStatus, policy_flags::EnforcementFlags,
    stderr, terminal,
};
use anyhow::bail;
use clap::Args;
use kubevet_document::{self as document, Document, Limits};
use kubevet_webhook::{
    self as webhook, AnswerContext, MAX_BODY_BYTES, PolicySnapshot, ReviewOutcome,
};
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// The time limit of the evaluation. It is generous, since no API server waits for the answer.
const REVIEW_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet review review.json                         what the webhook would answer, with warnings
  kubevet review --bindings bindings/ review.json    the same under bindings of your own
  kubevet review --explain deployment.yaml           a manifest, as if it were being created
  kubectl get pods -o json | kubevet review          each item of a list, one answer a line
  kubevet serve --record reviews/                    records reviews for this command

Each answer is one line of JSON on standard output, byte for byte the webhook's; --explain writes each control's part in
it to standard error.

Exit status:
  0  allowed
  1  denied, or an item of a list is
  2  not a review, or not judged, or the library or a binding is broken")]
pub(super) struct ReviewCommand {
    /// An AdmissionReview as recorded, or a manifest, which is taken as a request to create it, or
    /// a list, which is a review an item; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Say for each control what it found and what was made of it
    #[arg(long)]
    explain: bool,
    /// Print the request instead of the answer: for a manifest, the review that creating it would
    /// cause
    #[arg(long, conflicts_with = "explain")]
    request: bool,
    #[command(flatten)]
    enforcement: EnforcementFlags,
}

impl ReviewCommand {
    /// Prints the answer, or the request.
    ///
    /// # Errors
    /// The file cannot be read, or contains neither a review nor an object.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        if self.request {
            return self.print_requests();
        }
        let (config, problems) = self.enforcement.load(false);
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let bindings = config.bindings.clone().unwrap_or_default();
        let snapshot = config.snapshot(bindings, BTreeSet::new(), 1);
        let mut status = ExitStatus::Success;
        for body in self.request_bodies()? {
            status = status.max(self.answer(&snapshot, &body)?);
        }
        Ok(status)
    }

    /// Prints the bodies of the requests: one as it is, several one a line.
    fn print_requests(&self) -> anyhow::Result<ExitStatus> {
        let requests = self.request_bodies()?.join(&b'\n');
        terminal::write(None, |out| out.write_all(&requests))?;
        Ok(ExitStatus::Success)
    }

    /// Prints the answer to one request.
    fn answer(&self, snapshot: &PolicySnapshot, body: &[u8]) -> anyhow::Result<ExitStatus> {
        let context = AnswerContext {
            deadline: Instant::now() + REVIEW_TIMEOUT,
            namespace_labels: &|_| None,
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

    /// Reads the file as the bodies of requests. A manifest becomes the review of its creation.
    fn request_bodies(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let name = self.file.display().to_string();
        let bytes = read_file_or_stdin(&self.file, MAX_BODY_BYTES as u64)?;
        let file = Arc::from(name.as_str());
        let limits = Limits::default();
        if begins_as_json_map(&bytes) {
            // Even JSON that breaks off may be a review, and the webhook has an answer to it.
            let parsed = document::read_json(&file, &bytes, &limits);
            return match parsed.documents.as_slice() {
                [object] if parsed.problems.is_empty() && is_object(object) => item_bodies(object),
                _ => Ok(vec![bytes]),
            };
        }
        let parsed = document::read(&file, &bytes, &limits);
        if let Some(problem) = parsed.problems.first() {
            bail!("{problem}");
        }
        match parsed.documents.as_slice() {
            [document] => item_bodies(document),
            [] => {
                bail!("{name}: holds no object: name a file with an AdmissionReview or a manifest")
            }
            documents => bail!(
                "{name}: holds {} objects: a review is about one, so give one at a time",
                documents.len()
            ),
        }
    }
}

/// Returns the body of each item if the document is a list, and of the document if not.
fn item_bodies(document: &Document) -> anyhow::Result<Vec<Vec<u8>>> {
    if !is_object(document) && !document.root().is_list() {
        return Ok(vec![request_body(document)]);
    }
    let items = document::expand_lists(vec![document.clone()]);
    if let Some(problem) = items.problems.first() {
        bail!("{problem}");
    }
    if items.documents.is_empty() {
        bail!("{}: the list has no item to review", document.file());
    }
    Ok(items.documents.iter().map(request_body).collect())
}

/// Returns the review of an object's creation. Any other document is the body itself.
fn request_body(document: &Document) -> Vec<u8> {
    if is_object(document) {
        return webhook::review_from_manifest(document);
    }
    let mut json = String::new();
    document.root().write_json(&mut json);
    json.into_bytes()
}

/// True if the bytes are JSON or nothing: a review is a JSON map, and is read as the webhook reads
/// it.
fn begins_as_json_map(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// True if the document is an object that can be reviewed, and not itself a review.
fn is_object(document: &Document) -> bool {
    let kind = document.id().kind;
    !kind.is_empty() && kind != "AdmissionReview"
}

fn exit_status(answered: &ReviewOutcome) -> ExitStatus {
    let decision = &answered.decision;
    if !decision.unevaluated.is_empty() {
        ExitStatus::Failure
    } else {
        ExitStatus::negative_if(!decision.allowed)
    }
}
