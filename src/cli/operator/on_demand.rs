//! `kubevet operator scan`: asks the operator of a cluster for a scan, by a ScanRequest, and reads the
//! answer. Nothing but the API server is reached.

use crate::cli::{
    cluster_access::ClusterAccessFlags,
    duration::parse_duration,
    exit_status::ExitStatus,
    json_fields::{list, number, text},
    scan::{SelectionFlags, namespace_name},
    stderr, terminal,
    text_table::table,
};
use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use kubevet_cluster::{self as cluster, Cluster, ClusterError, StoredScanRequest};
use kubevet_operator::ScanPhase;
use serde_json::{Map, Value, json};
use std::{fmt::Write as _, time::Duration};
use tokio::time::{Instant, sleep};

/// The beginning of the names of requests.
const NAME: &str = "scan-";
/// The pause between two looks at a request.
const POLL_PAUSE: Duration = Duration::from_secs(1);
/// How long it may take until an operator has begun to answer.
const MAX_UNANSWERED: Duration = Duration::from_secs(60);

#[derive(Debug, Subcommand)]
pub(super) enum ScanCommand {
    /// Ask for a scan of the objects
    Configurations(ConfigurationsFlags),
    /// Ask for a scan of the images: not available in this version
    Vulnerabilities,
    /// Show the requests and how far they are
    Status {
        /// Only this request
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Show the report of a request
    Report {
        /// The request
        #[arg(value_name = "NAME")]
        name: String,
        /// The form of the report
        #[arg(short, long, value_enum, default_value_t = ReportForm::Text)]
        format: ReportForm,
    },
}

#[derive(Debug, Args)]
pub(super) struct ConfigurationsFlags {
    /// Only objects of these namespaces
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = namespace_name)]
    namespaces: Vec<String>,
    /// How long the request and its report stay after the scan [default: a day]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ttl: Option<Duration>,
    /// Wait for the end, and print the report
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportForm {
    Text,
    Json,
}

impl ScanCommand {
    /// Asks, or shows an answer.
    ///
    /// # Errors
    /// The cluster cannot be reached, or has no ScanRequests.
    pub(super) fn run(
        &self,
        access: &ClusterAccessFlags,
        choice: &SelectionFlags,
    ) -> anyhow::Result<ExitStatus> {
        if matches!(self, Self::Vulnerabilities) {
            bail!("not available: this version scans no images");
        }
        let frameworks = choice.only_frameworks()?;
        if !frameworks.is_empty() && !matches!(self, Self::Configurations(_)) {
            bail!("--framework is for `scan configurations`");
        }
        let access = access.api_access()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let cluster = cluster::connect(&access).await?;
            match self {
                Self::Configurations(flags) => flags.ask(&cluster, frameworks).await,
                Self::Vulnerabilities => Ok(ExitStatus::Failure),
                Self::Status { name } => show_status(&cluster, name.as_deref()).await,
                Self::Report { name, format } => {
                    let request = find(&cluster, name).await?;
                    show_report(&request, *format)
                }
            }
        })
    }
}

impl ConfigurationsFlags {
    async fn ask(&self, cluster: &Cluster, frameworks: &[String]) -> anyhow::Result<ExitStatus> {
        let mut spec = Map::new();
        for (key, names) in [("frameworks", frameworks), ("namespaces", &self.namespaces)] {
            if !names.is_empty() {
                spec.insert(key.to_owned(), json!(names));
            }
        }
        if let Some(ttl) = self.ttl {
            spec.insert("ttlSecondsAfterFinished".to_owned(), json!(ttl.as_secs()));
        }
        let created = cluster.create_scan_request(NAME, spec.into()).await;
        let created = created.map_err(explained)?;
        let name = &created.name;
        if !self.wait {
            let lines = format!(
                "{name}: asked for\n`kubevet operator scan status {name}` shows how far it is\n"
            );
            terminal::write_escaped(|out| out.write_all(lines.as_bytes()))?;
            return Ok(ExitStatus::Success);
        }
        stderr::print_line(&format!(
            "note: {name}: asked for; waiting for the operator"
        ));
        let begun = Instant::now();
        loop {
            let request = find(cluster, name).await?;
            match ScanPhase::of(&request) {
                Some(phase) if phase.is_end() => return show_report(&request, ReportForm::Text),
                None if begun.elapsed() > MAX_UNANSWERED && !is_busy(cluster).await? => bail!(
                    "{name}: no operator has answered within {} s: is one running that leads?",
                    MAX_UNANSWERED.as_secs()
                ),
                _ => sleep(POLL_PAUSE).await,
            }
        }
    }
}

/// True if an operator makes another scan at present.
async fn is_busy(cluster: &Cluster) -> anyhow::Result<bool> {
    let requests = cluster.list_scan_requests().await.map_err(explained)?;
    let mut phases = requests.iter().map(ScanPhase::of);
    Ok(phases.any(|phase| phase == Some(ScanPhase::Running)))
}

/// Returns a request.
async fn find(cluster: &Cluster, name: &str) -> anyhow::Result<StoredScanRequest> {
    cluster.scan_request(name).await.map_err(explained)
}

/// Says what to do where the definition is missing.
fn explained(error: ClusterError) -> anyhow::Error {
    let is_missing = matches!(&error, ClusterError::NotFound { reason, .. }
        if reason.contains("could not find the requested resource") || reason.contains("page not found"));
    let error = anyhow::Error::from(error);
    if is_missing {
        error.context("the cluster has no ScanRequests: `kubevet manifests operator-crds` prints their definition")
    } else {
        error
    }
}

async fn show_status(cluster: &Cluster, name: Option<&str>) -> anyhow::Result<ExitStatus> {
    let requests = match name {
        Some(name) => vec![find(cluster, name).await?],
        None => cluster.list_scan_requests().await.map_err(explained)?,
    };
    let rows = requests.iter().map(|request| {
        let phase = ScanPhase::of(request).map_or("Pending", ScanPhase::name);
        let message = text(&request.status, "message");
        let message = if request.status.is_null() {
            "no operator has answered yet"
        } else {
            message
        };
        [request.name.as_str(), phase, message].map(str::to_owned)
    });
    let rows: Vec<[String; 3]> = rows.collect();
    let table = table(["NAME", "PHASE", "MESSAGE"], &rows);
    terminal::write_escaped(|out| out.write_all(table.as_bytes()))?;
    Ok(ExitStatus::Success)
}

/// Prints the report of a request. The status is `Failure` if there is none, or if something was not
/// evaluated.
fn show_report(request: &StoredScanRequest, form: ReportForm) -> anyhow::Result<ExitStatus> {
    let status = &request.status;
    match ScanPhase::of(request) {
        Some(ScanPhase::Finished) => {}
        Some(ScanPhase::Failed) => bail!("{}: {}", request.name, text(status, "message")),
        Some(phase) => bail!("{}: {}: there is no report yet", request.name, phase.name()),
        None => bail!("{}: no operator has answered yet", request.name),
    }
    let report = match form {
        ReportForm::Json => {
            let mut report = status.as_object().cloned().unwrap_or_default();
            report.insert("name".to_owned(), request.name.as_str().into());
            format!("{}\n", serde_json::to_string_pretty(&report)?)
        }
        ReportForm::Text => report_text(request),
    };
    terminal::write_escaped(|out| out.write_all(report.as_bytes()))?;
    let is_all = list(status, "notEvaluated").is_empty();
    Ok(if is_all {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

fn report_text(request: &StoredScanRequest) -> String {
    let status = &request.status;
    let mut out = format!("{}: {}\n", request.name, text(status, "message"));
    let severities = status.get("severities").unwrap_or(&Value::Null);
    let counts = ["critical", "high", "medium", "low"]
        .map(|name| format!("{} {name}", number(severities, name)));
    let _ = writeln!(out, "failed: {}", counts.join(", "));
    let percent = |framework: &Value, key: &str| match framework.get(key).and_then(Value::as_f64) {
        Some(percent) => format!("{percent:.1} %"),
        None => "not known".to_owned(),
    };
    let frameworks = list(status, "frameworks").iter().map(|framework| {
        [
            text(framework, "name").to_owned(),
            percent(framework, "compliance"),
            percent(framework, "coverage"),
        ]
    });
    let frameworks: Vec<[String; 3]> = frameworks.collect();
    if !frameworks.is_empty() {
        out.push('\n');
        out.push_str(&table(["FRAMEWORK", "COMPLIANCE", "COVERAGE"], &frameworks));
    }
    let report = status.get("report").unwrap_or(&Value::Null);
    let controls = list(report, "controls").iter().map(|control| {
        [
            text(control, "id").to_owned(),
            text(control, "severity").to_owned(),
            number(control, "failedObjects").to_string(),
            number(control, "passedObjects").to_string(),
            text(control, "name").to_owned(),
        ]
    });
    let controls: Vec<[String; 5]> = controls.collect();
    if !controls.is_empty() {
        out.push('\n');
        let head = ["CONTROL", "SEVERITY", "FAILED", "PASSED", "NAME"];
        out.push_str(&table(head, &controls));
        let omitted = number(report, "omittedControls");
        if omitted > 0 {
            let _ = writeln!(out, "and {omitted} more");
        }
    }
    let unread = list(status, "notEvaluated");
    if !unread.is_empty() {
        out.push_str("\nnot evaluated:\n");
        for place in unread {
            let _ = writeln!(out, "  {}", place.as_str().unwrap_or_default());
        }
        let omitted = number(status, "omittedNotEvaluated");
        if omitted > 0 {
            let _ = writeln!(out, "  and {omitted} more");
        }
    }
    if let Some(resource) = report.get("resource").and_then(Value::as_str) {
        let _ = writeln!(
            out,
            "\nresults of single objects: kubectl get {resource} -A"
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_what_was_not_evaluated() {
        let request = StoredScanRequest {
            name: "scan-a".to_owned(),
            uid: "u".to_owned(),
            generation: 1,
            created_at: 0,
            spec: Value::Null,
            status: json!({
                "message": "7 objects were read, 1 controls fail somewhere; not everything was evaluated",
                "severities": {"critical": 0, "high": 2, "medium": 0, "low": 0},
                "frameworks": [{"name": "NSA", "coverage": 90.0}],
                "report": {"omittedControls": 0, "controls": [
                    {"id": "C-0012", "severity": "high", "failedObjects": 2, "passedObjects": 5, "name": "Credentials"},
                ]},
                "notEvaluated": ["Role: not allowed"],
                "omittedNotEvaluated": 3,
            }),
        };
        let expected = "\
scan-a: 7 objects were read, 1 controls fail somewhere; not everything was evaluated
failed: 0 critical, 2 high, 0 medium, 0 low

FRAMEWORK  COMPLIANCE  COVERAGE
NSA        not known   90.0 %

CONTROL  SEVERITY  FAILED  PASSED  NAME
C-0012   high      2       5       Credentials

not evaluated:
  Role: not allowed
  and 3 more
";
        assert_eq!(report_text(&request), expected);
    }
}
