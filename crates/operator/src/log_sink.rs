//! A sink that writes each result as a line of JSON, for tests and for other programs.

use super::sink::{FinishedSweep, ResultBatch, ResultSink, SinkError, SinkFuture};
use kubevet_cluster::Fence;
use kubevet_model::{ControlId, ObjectResult, Origin};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::Write,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Writes results as lines.
pub struct LogSink {
    out: Box<dyn Write + Send>,
    replica: String,
}

impl LogSink {
    /// Writes to `out`, with the name of this replica in each line.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, replica: &str) -> Self {
        Self {
            out,
            replica: replica.to_owned(),
        }
    }

    fn write_lines(&mut self, lines: &[Value], fence: &Fence) -> Result<(), SinkError> {
        if !fence.is_open() {
            return Err(SinkError::Fenced);
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = u64::try_from(time.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        for line in lines {
            let mut line = line.clone();
            if let Some(fields) = line.as_object_mut() {
                fields.insert("time".to_owned(), time.into());
                fields.insert("replica".to_owned(), self.replica.as_str().into());
            }
            text.push_str(&line.to_string());
            text.push('\n');
        }
        let written = self.out.write_all(text.as_bytes());
        let written = written.and_then(|()| self.out.flush());
        written.map_err(|error| SinkError::Permanent(format!("the log of results: {error}")))
    }
}

impl ResultSink for LogSink {
    fn name(&self) -> &'static str {
        "log"
    }

    fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, fence: &'a Fence) -> SinkFuture<'a> {
        let lines: Vec<Value> = batch
            .results
            .iter()
            .map(|result| line(result, batch.sweep))
            .collect();
        Box::pin(async move { self.write_lines(&lines, fence) })
    }

    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], fence: &'a Fence) -> SinkFuture<'a> {
        let lines = uids
            .iter()
            .map(|uid| json!({"action": "remove", "uid": **uid}));
        let lines: Vec<Value> = lines.collect();
        Box::pin(async move { self.write_lines(&lines, fence) })
    }

    fn sweep_finished<'a>(
        &'a mut self,
        sweep: &'a Arc<FinishedSweep>,
        fence: &'a Fence,
    ) -> SinkFuture<'a> {
        let unread = sweep.unread.iter();
        let unread: Vec<Value> = unread
            .map(|unread| json!({"place": unread.to_string(), "reason": unread.reason}))
            .collect();
        let frameworks = sweep.score.frameworks.iter().map(|result| {
            json!({"name": result.framework.name, "compliance": result.compliance, "coverage": result.coverage})
        });
        let line = json!({
            "action": "sweep", "sweep": sweep.sweep, "reason": sweep.reason, "objects": sweep.objects,
            "complete": sweep.is_complete, "unread": unread,
            "frameworks": frameworks.collect::<Vec<Value>>(),
        });
        Box::pin(async move { self.write_lines(&[line], fence) })
    }
}

fn line(result: &ObjectResult, sweep: u64) -> Value {
    let (uid, version) = match &result.origin {
        Origin::Cluster {
            uid,
            resource_version,
        } => (&**uid, &**resource_version),
        _ => ("", ""),
    };
    let findings = result.findings.iter();
    let failed: BTreeSet<&ControlId> = findings.map(|located| &located.finding.rule).collect();
    let failed: Vec<&str> = failed.into_iter().map(ControlId::as_str).collect();
    let errors = result.errors.iter();
    let errors: Vec<&str> = errors.map(|error| error.control.as_str()).collect();
    let object = &result.object;
    json!({
        "action": "write", "sweep": sweep, "uid": uid, "resourceVersion": version,
        "apiVersion": object.api_version, "kind": object.kind, "namespace": object.namespace,
        "name": object.name, "findings": result.findings.len(), "failed": failed, "errors": errors,
        "evaluated": result.judged.len(),
    })
}
