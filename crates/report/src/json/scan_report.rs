//! The structs of the JSON report, `kubevet.io/v1`, and their conversion from the model.

use super::{API_VERSION, fix_value};
use crate::number_format::round_percent;
use kubevet_model::{self as model, FixAction, Position, Scan};
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanReport<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<Cluster<'a>>,
    defects: Vec<Defect<'a>>,
    findings: Vec<Finding<'a>>,
    errors: Vec<RuleError<'a>>,
    controls: Vec<Control<'a>>,
    unavailable: Vec<UnavailableControl<'a>>,
    frameworks: Vec<Framework<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_run: Option<NotRun<'a>>,
    problems: Vec<Problem<'a>>,
    skipped: Vec<Skipped<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread<'a>>,
    summary: Summary<'a>,
}

/// The cluster that was scanned.
#[derive(Serialize)]
struct Cluster<'a> {
    context: &'a str,
    server: &'a str,
    version: &'a str,
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

/// The source of an object. Every other source of objects is a kind of its own.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Origin<'a> {
    File {
        file: &'a str,
        line: u32,
        column: u32,
    },
    Stdin {
        line: u32,
        column: u32,
    },
    #[serde(rename_all = "camelCase")]
    Cluster {
        uid: &'a str,
        resource_version: &'a str,
    },
}

#[derive(Serialize)]
struct Defect<'a> {
    defect: String,
    severity: &'static str,
    controls: Vec<&'a str>,
    object: Object<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    message: &'a str,
    paths: Vec<String>,
}

#[derive(Serialize)]
struct Finding<'a> {
    control: &'a str,
    severity: &'static str,
    object: Object<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    message: &'a str,
    paths: Vec<String>,
    fixes: Vec<Fix>,
    origin: Origin<'a>,
    fingerprint: String,
    defect: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    message: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    compliance: Option<f64>,
    coverage: Option<f64>,
    failed: usize,
    passed: usize,
    not_evaluated: usize,
    not_applicable: usize,
    not_configured: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<Requirement<'a>>,
}

/// A requirement of a framework with sections.
#[derive(Serialize)]
struct Requirement<'a> {
    section: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assessment: Option<&'static str>,
    status: &'static str,
    compliance: Option<f64>,
    coverage: Option<f64>,
    controls: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

/// A control that cannot be evaluated in this scan.
#[derive(Serialize)]
struct UnavailableControl<'a> {
    id: &'a str,
    name: &'a str,
    reason: &'a str,
}

/// What a scan without a choice leaves out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotRun<'a> {
    frameworks: &'a [String],
    all_controls: usize,
}

#[derive(Serialize)]
struct Problem<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    message: &'a str,
    code: &'static str,
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

/// Objects of a cluster that could not be read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unread<'a> {
    group: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces_but: Option<&'a [String]>,
    reason: &'a str,
    controls: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    files: usize,
    objects: usize,
    checked: usize,
    not_applicable: &'a BTreeMap<String, usize>,
    failed_objects: usize,
    defects: SeverityCounts,
    findings: SeverityCounts,
    errors: usize,
    controls: StatusCounts,
    skipped: usize,
    problems: usize,
}

#[derive(Serialize)]
struct SeverityCounts {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusCounts {
    failed: usize,
    not_evaluated: usize,
    passed: usize,
    not_applicable: usize,
    not_configured: usize,
}

impl<'a> ScanReport<'a> {
    pub(super) fn new(scan: &'a Scan) -> Self {
        let defects = scan.objects.iter().flat_map(|result| {
            let defects = result.defects().into_iter();
            defects.map(move |defect| Defect::new(result, &defect))
        });
        let findings = scan.objects.iter().flat_map(|result| {
            result
                .findings
                .iter()
                .map(move |located| Finding::new(result, located))
        });
        let errors = scan.objects.iter().flat_map(|result| {
            result
                .errors
                .iter()
                .map(move |error| RuleError::new(result, error))
        });
        Self {
            api_version: API_VERSION,
            kind: "ScanReport",
            cluster: scan.cluster.as_ref().map(Cluster::new),
            defects: defects.collect(),
            findings: findings.collect(),
            errors: errors.collect(),
            controls: scan.controls.iter().map(Control::new).collect(),
            unavailable: scan
                .unavailable
                .iter()
                .map(UnavailableControl::new)
                .collect(),
            frameworks: scan.frameworks.iter().map(Framework::new).collect(),
            not_run: scan.not_run.as_ref().map(NotRun::new),
            problems: scan.problems.iter().map(Problem::new).collect(),
            skipped: scan.skipped.iter().map(Skipped::new).collect(),
            unread: scan.unread.iter().map(Unread::new).collect(),
            summary: Summary::new(scan),
        }
    }
}

impl<'a> Cluster<'a> {
    fn new(cluster: &'a model::ScannedCluster) -> Self {
        Self {
            context: &cluster.context,
            server: &cluster.server,
            version: &cluster.version,
        }
    }
}

impl<'a> Object<'a> {
    fn new(id: &'a model::ObjectId) -> Self {
        Self {
            api_version: &id.api_version,
            kind: &id.kind,
            namespace: &id.namespace,
            name: &id.name,
        }
    }
}

impl<'a> Source<'a> {
    fn new(file: &'a str, position: Position) -> Self {
        Self {
            file,
            line: position.line,
            column: position.column,
        }
    }

    fn of_finding(located: &'a model::LocatedFinding) -> Option<Self> {
        let source = located.source.as_ref();
        source.map(|source| Self::new(&source.file, source.position))
    }
}

impl<'a> Origin<'a> {
    fn new(origin: &'a model::Origin) -> Self {
        match origin {
            model::Origin::File { path, position } => Self::File {
                file: path,
                line: position.line,
                column: position.column,
            },
            model::Origin::Stdin { position } => Self::Stdin {
                line: position.line,
                column: position.column,
            },
            model::Origin::Cluster {
                uid,
                resource_version,
            } => Self::Cluster {
                uid,
                resource_version,
            },
        }
    }
}

impl<'a> Defect<'a> {
    fn new(result: &'a model::ObjectResult, defect: &model::Defect<'a>) -> Self {
        let located = defect.first;
        let controls = defect.controls().into_iter();
        let paths = located.finding.paths().iter();
        Self {
            defect: defect.key().to_string(),
            severity: defect.severity().name(),
            controls: controls.map(model::ControlId::as_str).collect(),
            object: Object::new(&result.object),
            source: Source::of_finding(located),
            container: located.container.as_deref(),
            message: &located.finding.message,
            paths: paths.map(ToString::to_string).collect(),
        }
    }
}

impl<'a> Finding<'a> {
    fn new(result: &'a model::ObjectResult, located: &'a model::LocatedFinding) -> Self {
        let finding = &located.finding;
        Self {
            control: finding.rule.as_str(),
            severity: finding.severity.name(),
            object: Object::new(&result.object),
            source: Source::of_finding(located),
            container: located.container.as_deref(),
            message: &finding.message,
            paths: finding.paths().iter().map(ToString::to_string).collect(),
            fixes: finding.fixes().iter().map(Fix::new).collect(),
            origin: Origin::new(&finding.origin),
            fingerprint: finding.fingerprint.to_string(),
            defect: finding.defect.to_string(),
        }
    }
}

impl Fix {
    fn new(fix: &model::Fix) -> Self {
        let path = fix.path.to_string();
        match &fix.action {
            FixAction::Set(json) => Self::Set {
                path,
                value: fix_value(json),
            },
            FixAction::Remove => Self::Remove { path, remove: true },
        }
    }
}

impl<'a> RuleError<'a> {
    fn new(result: &'a model::ObjectResult, error: &'a model::RuleError) -> Self {
        let source = result.origin.source();
        Self {
            control: error.control.as_str(),
            object: Object::new(&result.object),
            source: source.map(|(file, position)| Source::new(file, position)),
            message: error.error.to_string(),
        }
    }
}

impl<'a> Control<'a> {
    fn new(result: &'a model::ControlResult) -> Self {
        Self {
            id: result.control.id.as_str(),
            name: &result.control.name,
            severity: result.control.severity.name(),
            status: result.status.name(),
            reason: &result.reason,
            failed: result.failed,
            passed: result.passed,
        }
    }
}

impl<'a> Framework<'a> {
    fn new(result: &'a model::FrameworkResult) -> Self {
        Self {
            name: &result.framework.name,
            version: &result.framework.version,
            level: result.level.map(model::Level::name),
            notice: result.framework.mapping_notice(),
            compliance: result.compliance.map(|percent| round_percent(percent, 2)),
            coverage: result.coverage.map(|percent| round_percent(percent, 2)),
            failed: result.controls.failed,
            passed: result.controls.passed,
            not_evaluated: result.controls.not_evaluated,
            not_applicable: result.controls.not_applicable,
            not_configured: result.controls.not_configured,
            requirements: Requirement::all(result),
        }
    }
}

impl<'a> Requirement<'a> {
    /// Returns the requirements of a framework that has sections.
    fn all(result: &'a model::FrameworkResult) -> Vec<Self> {
        let requirements = result.framework.requirements.iter();
        let results = requirements.zip(&result.requirements);
        results
            .filter(|(requirement, _)| !requirement.section.is_empty())
            .map(|(requirement, result)| Self::new(requirement, result))
            .collect()
    }

    fn new(requirement: &'a model::Requirement, result: &model::RequirementResult) -> Self {
        let controls = requirement.controls.iter();
        Self {
            section: &requirement.section,
            title: &requirement.title,
            kind: &requirement.kind,
            level: requirement.level.map(model::Level::name),
            assessment: requirement.assessment.map(model::Assessment::name),
            status: result.status.name(),
            compliance: result.compliance.map(|percent| round_percent(percent, 2)),
            coverage: result.coverage.map(|percent| round_percent(percent, 2)),
            controls: controls.map(|member| member.control.as_str()).collect(),
            note: requirement.note.trim(),
        }
    }
}

impl<'a> UnavailableControl<'a> {
    fn new(control: &'a model::UnavailableControl) -> Self {
        Self {
            id: control.id.as_str(),
            name: &control.name,
            reason: &control.reason,
        }
    }
}

impl<'a> NotRun<'a> {
    fn new(not_run: &'a model::NotRun) -> Self {
        Self {
            frameworks: &not_run.frameworks,
            all_controls: not_run.all_controls,
        }
    }
}

impl<'a> Problem<'a> {
    fn new(problem: &'a model::Problem) -> Self {
        let (line, column) = line_and_column(problem.position);
        Self {
            file: &problem.file,
            line,
            column,
            message: &problem.message,
            code: problem.code.number(),
        }
    }
}

impl<'a> Skipped<'a> {
    fn new(skipped: &'a model::Skipped) -> Self {
        let (line, column) = line_and_column(skipped.position);
        Self {
            file: &skipped.file,
            line,
            column,
            reason: &skipped.reason,
        }
    }
}

impl<'a> Unread<'a> {
    fn new(unread: &'a model::Unread) -> Self {
        let (namespaces, namespaces_but) = match &unread.place {
            model::UnreadPlace::Everywhere => (None, None),
            model::UnreadPlace::Namespaces(names) => (Some(names.as_slice()), None),
            model::UnreadPlace::NamespacesBut(names) => (None, Some(names.as_slice())),
        };
        let controls = unread.controls.iter();
        Self {
            group: &unread.kind.group,
            kind: &unread.kind.name,
            namespaces,
            namespaces_but,
            reason: &unread.reason,
            controls: controls.map(model::ControlId::as_str).collect(),
        }
    }
}

fn line_and_column(position: Option<Position>) -> (Option<u32>, Option<u32>) {
    (position.map(|p| p.line), position.map(|p| p.column))
}

impl SeverityCounts {
    fn new(counts: model::SeverityCounts) -> Self {
        Self {
            critical: counts.critical,
            high: counts.high,
            medium: counts.medium,
            low: counts.low,
        }
    }
}

impl<'a> Summary<'a> {
    fn new(scan: &'a Scan) -> Self {
        let summary = &scan.summary;
        let controls = summary.controls;
        Self {
            files: summary.files,
            objects: summary.objects,
            checked: summary.checked,
            not_applicable: &summary.not_applicable,
            failed_objects: summary.failed_objects,
            defects: SeverityCounts::new(summary.defects),
            findings: SeverityCounts::new(summary.findings),
            errors: scan.objects.iter().map(|result| result.errors.len()).sum(),
            controls: StatusCounts {
                failed: controls.failed,
                not_evaluated: controls.not_evaluated,
                passed: controls.passed,
                not_applicable: controls.not_applicable,
                not_configured: controls.not_configured,
            },
            skipped: summary.skipped,
            problems: scan.problems.len(),
        }
    }
}
