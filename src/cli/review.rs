//! `kubevet review`: the answer to a recorded review, as the webhook would give it.

use super::{complain, policy_flags::EnforcementFlags, terminal};
use anyhow::bail;
use clap::Args;
use kubevet_document::{self as document, Document, Limits};
use kubevet_webhook::{self as webhook, AnswerContext, MAX_BODY_BYTES, ReviewOutcome};
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// Nobody waits at the other end of a recorded review.
const PATIENCE: Duration = Duration::from_secs(30);
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet review review.json                         what the webhook would answer, with warnings
  kubevet review --bindings bindings/ review.json    the same under bindings of your own
  kubevet review --explain deployment.yaml           a manifest, as if it were being created
  kubevet serve --record reviews/                    records reviews for this command

The answer is one line of JSON on standard output, byte for byte the webhook's; --explain writes each control's part in
it to standard error.

Exit status:
  0  allowed
  1  denied
  2  not a review, or not judged, or the library or a binding is broken")]
pub(super) struct ReviewCommand {
    /// An AdmissionReview as recorded, or a manifest, which is taken as a request to create it; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Say for each control what it found and what was made of it
    #[arg(long)]
    explain: bool,
    /// Print the request instead of the answer: for a manifest, the review that creating it would cause
    #[arg(long, conflicts_with = "explain")]
    request: bool,
    #[command(flatten)]
    gate: EnforcementFlags,
}

impl ReviewCommand {
    /// Answers and prints.
    ///
    /// # Errors
    /// The file cannot be read, or holds no review and no object.
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        if self.request {
            let body = self.body()?;
            terminal::write(None, |out| out.write_all(&body))?;
            return Ok(0);
        }
        let (loaded, problems) = self.gate.load(false);
        if !problems.is_empty() {
            return Ok(complain(&problems));
        }
        let bindings = loaded.bindings.clone().unwrap_or_default();
        let gate = loaded.gate(bindings, BTreeSet::new(), 1);
        let body = self.body()?;
        let context = AnswerContext {
            deadline: Instant::now() + PATIENCE,
            namespace_labels: &|_| None,
        };
        let answered = gate.answer(&body, &context).map_err(anyhow::Error::msg)?;
        terminal::write(None, |out| {
            out.write_all(&answered.body)?;
            out.write_all(b"\n")
        })?;
        if self.explain {
            let mut text = Vec::new();
            webhook::explain(&answered, &gate.enforcement, &mut text)?;
            let _ = io::stderr().write_all(&text);
        }
        Ok(exit_code(&answered))
    }

    fn body(&self) -> anyhow::Result<Vec<u8>> {
        let shown = self.file.display().to_string();
        let bytes = super::bounded_read::file_or_stdin(&self.file, MAX_BODY_BYTES as u64)?;
        if begins_as_json_map(&bytes) {
            // Even one that breaks off may be a review: the gate has an answer to that.
            let reading =
                document::read_json(&Arc::from(shown.as_str()), &bytes, &Limits::default());
            return Ok(match reading.documents.as_slice() {
                [object] if reading.problems.is_empty() && is_object(object) => {
                    webhook::review_from_manifest(object)
                }
                _ => bytes,
            });
        }
        let reading = document::read(&Arc::from(shown.as_str()), &bytes, &Limits::default());
        if let Some(problem) = reading.problems.first() {
            bail!("{problem}");
        }
        match reading.documents.as_slice() {
            [object] if is_object(object) => Ok(webhook::review_from_manifest(object)),
            [document] => {
                let mut text = String::new();
                document.root().write_json(&mut text);
                Ok(text.into_bytes())
            }
            [] => {
                bail!("{shown}: holds no object: name a file with an AdmissionReview or a manifest")
            }
            many => bail!(
                "{shown}: holds {} objects: a review is about one, so give one at a time",
                many.len()
            ),
        }
    }
}

/// Whether it is JSON if it is anything: reviews are, and are read as the webhook reads them.
fn begins_as_json_map(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

/// Whether it is something to be reviewed, and no review itself.
fn is_object(document: &Document) -> bool {
    let kind = document.id().kind;
    !kind.is_empty() && kind != "AdmissionReview"
}

fn exit_code(answered: &ReviewOutcome) -> u8 {
    match &answered.decision {
        it if !it.unevaluated.is_empty() => 2,
        it if it.allowed => 0,
        _ => 1,
    }
}
