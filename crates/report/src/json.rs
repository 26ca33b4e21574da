//! The public JSON report. Its structs are the format: they have names of their own, so that the model may change, and
//! `schemas/scan-report.v1.json` describes them (checked by a test). The same scan gives the same bytes.

use super::{Style, escaped::Escaped, lookup::Controls, lookup::percent};
use kubevet_model::{self as model, FixAction, Position, Scan, Severity};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::io;

/// The version of every JSON document that kubevet writes.
pub(crate) const API_VERSION: &str = "kubevet.io/v1";

/// Writes the report.
pub(super) fn write(scan: &Scan, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    write_document(&report(scan), out)
}

/// Writes any of our documents: indented, with what a terminal would obey escaped, and a line break at the end.
pub(super) fn write_document(document: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(
        &mut *out,
        Escaped(PrettyFormatter::new()),
    ))?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    api_version: &'static str,
    kind: &'static str,
    findings: Vec<Finding<'a>>,
    errors: Vec<RuleError<'a>>,
    controls: Vec<Control<'a>>,
    frameworks: Vec<Framework<'a>>,
    problems: Vec<Problem<'a>>,
    skipped: Vec<Skipped<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Source<'a> {
    file: &'a str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Finding<'a> {
    control: &'a str,
    severity: &'static str,
    object: Object<'a>,
    source: Source<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    message: &'a str,
    paths: Vec<String>,
    fixes: Vec<Fix>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fix {
    Set {
        path: String,
        value: serde_json::Value,
    },
    Remove {
        path: String,
        remove: bool,
    },
}

#[derive(Serialize)]
struct RuleError<'a> {
    control: &'a str,
    object: Object<'a>,
    source: Source<'a>,
    message: &'a str,
}

#[derive(Serialize)]
struct Control<'a> {
    id: &'a str,
    name: &'a str,
    severity: &'static str,
    status: &'static str,
    reason: &'a str,
    failed: usize,
    passed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Framework<'a> {
    name: &'a str,
    version: &'a str,
    compliance: Option<f64>,
    failed: usize,
    passed: usize,
    not_evaluated: usize,
    irrelevant: usize,
}

#[derive(Serialize)]
struct Problem<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    message: &'a str,
}

#[derive(Serialize)]
struct Skipped<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    files: usize,
    objects: usize,
    failed_objects: usize,
    findings: BySeverity,
    errors: usize,
    controls: ByStatus,
    skipped: usize,
    problems: usize,
}

#[derive(Serialize)]
struct BySeverity {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ByStatus {
    failed: usize,
    not_evaluated: usize,
    passed: usize,
    irrelevant: usize,
}

fn report(scan: &Scan) -> Report<'_> {
    let controls = Controls::of(scan);
    let findings = scan
        .objects
        .iter()
        .flat_map(|it| it.findings.iter().map(move |located| (it, located)));
    let errors = scan
        .objects
        .iter()
        .flat_map(|it| it.errors.iter().map(move |error| (it, error)));
    Report {
        api_version: API_VERSION,
        kind: "ScanReport",
        findings: findings
            .map(|(it, located)| finding(it, located, controls.severity(&located.finding.control)))
            .collect(),
        errors: errors.map(|(it, error)| rule_error(it, error)).collect(),
        controls: scan.controls.iter().map(control).collect(),
        frameworks: scan.frameworks.iter().map(framework).collect(),
        problems: scan.problems.iter().map(problem).collect(),
        skipped: scan.skipped.iter().map(skipped).collect(),
        summary: summary(scan),
    }
}

fn object(id: &model::ObjectId) -> Object<'_> {
    Object {
        api_version: &id.api_version,
        kind: &id.kind,
        namespace: &id.namespace,
        name: &id.name,
    }
}

fn source(source: &model::Source) -> Source<'_> {
    Source {
        file: &source.file,
        line: source.position.line,
        column: source.position.column,
    }
}

fn finding<'a>(
    it: &'a model::ObjectResult,
    located: &'a model::LocatedFinding,
    severity: Severity,
) -> Finding<'a> {
    Finding {
        control: located.finding.control.as_str(),
        severity: severity.name(),
        object: object(&it.object),
        source: source(&located.source),
        container: located.container.as_deref(),
        message: &located.finding.message,
        paths: located
            .finding
            .paths
            .iter()
            .map(ToString::to_string)
            .collect(),
        fixes: located.finding.fixes.iter().map(fix).collect(),
    }
}

fn fix(it: &model::Fix) -> Fix {
    let path = it.path.to_string();
    match &it.action {
        FixAction::Set(json) => Fix::Set {
            path,
            value: value(json),
        },
        FixAction::Remove => Fix::Remove { path, remove: true },
    }
}

/// The value of a fix. Text that is no JSON comes from no rule of ours; it is given as a string rather than lost.
pub(super) fn value(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap_or_else(|_| serde_json::Value::String(json.to_owned()))
}

fn rule_error<'a>(it: &'a model::ObjectResult, error: &'a model::RuleError) -> RuleError<'a> {
    RuleError {
        control: error.control.as_str(),
        object: object(&it.object),
        source: source(&it.source),
        message: &error.message,
    }
}

fn control(it: &model::ControlResult) -> Control<'_> {
    Control {
        id: it.control.id.as_str(),
        name: &it.control.name,
        severity: it.control.severity.name(),
        status: it.status.name(),
        reason: &it.reason,
        failed: it.failed,
        passed: it.passed,
    }
}

fn framework(it: &model::FrameworkResult) -> Framework<'_> {
    Framework {
        name: &it.framework.name,
        version: &it.framework.version,
        compliance: it.compliance.map(|it| percent(it, 2)),
        failed: it.failed,
        passed: it.passed,
        not_evaluated: it.not_evaluated,
        irrelevant: it.irrelevant,
    }
}

fn problem(it: &model::Problem) -> Problem<'_> {
    let (line, column) = split(it.position);
    Problem {
        file: &it.file,
        line,
        column,
        message: &it.message,
    }
}

fn skipped(it: &model::Skipped) -> Skipped<'_> {
    let (line, column) = split(it.position);
    Skipped {
        file: &it.file,
        line,
        column,
        reason: &it.reason,
    }
}

fn split(position: Option<Position>) -> (Option<u32>, Option<u32>) {
    (position.map(|it| it.line), position.map(|it| it.column))
}

fn summary(scan: &Scan) -> Summary {
    let it = &scan.summary;
    let [low, medium, high, critical] = it.findings;
    let [failed, not_evaluated, passed, irrelevant] = it.controls;
    Summary {
        files: it.files,
        objects: it.objects,
        failed_objects: it.failed_objects,
        findings: BySeverity {
            critical,
            high,
            medium,
            low,
        },
        errors: scan.objects.iter().map(|it| it.errors.len()).sum(),
        controls: ByStatus {
            failed,
            not_evaluated,
            passed,
            irrelevant,
        },
        skipped: it.skipped,
        problems: scan.problems.len(),
    }
}
