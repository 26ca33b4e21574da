//! The CustomResourceDefinitions of the kinds that results are written as, and of those that ask for
//! results.
//!
//! The definitions of policy reports belong to projects of their own, which other engines install
//! too, so they are printed only on request. Each has the fields that writers of these projects use,
//! so that nothing of theirs is lost.

use super::{install::LABELS, template::render};
use kubevet_model::ResultKind;

const POLICY_REPORT: &str = include_str!("../templates/results/policy-report.yaml");

/// A group of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResultCrds {
    /// Kubescape's results of configuration scans.
    Kubescape,
    /// The policy reports of wgpolicyk8s.io.
    PolicyReports,
    /// The reports of openreports.io.
    OpenReports,
}

impl ResultCrds {
    /// All groups.
    pub const ALL: &[Self] = &[Self::Kubescape, Self::PolicyReports, Self::OpenReports];

    /// The name in flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubescape => "kubescape",
            Self::PolicyReports => "policy-reports",
            Self::OpenReports => "open-reports",
        }
    }

    /// The kinds of the group.
    #[must_use]
    pub fn kinds(self) -> &'static [ResultKind] {
        match self {
            Self::Kubescape => &[
                ResultKind::WorkloadConfigurationScan,
                ResultKind::WorkloadConfigurationScanSummary,
                ResultKind::ConfigurationScanSummary,
            ],
            Self::PolicyReports => &[ResultKind::PolicyReport, ResultKind::ClusterPolicyReport],
            Self::OpenReports => &[ResultKind::Report, ResultKind::ClusterReport],
        }
    }
}

/// What the definitions of one installation have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct DefinitionMetadata {
    /// Lines of labels.
    pub(crate) labels: String,
    /// The annotations with their key; empty for none.
    pub(crate) annotations: String,
}

impl DefinitionMetadata {
    fn plain() -> Self {
        Self {
            labels: LABELS.to_owned(),
            annotations: String::new(),
        }
    }
}

/// Returns the definitions of some groups as one YAML stream, each once.
#[must_use]
pub fn results_crds(groups: &[ResultCrds]) -> String {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    let definitions = groups.into_iter();
    let definitions: Vec<String> = definitions
        .map(|group| group_definitions(group, &DefinitionMetadata::plain()))
        .collect();
    definitions.join("---\n")
}

/// Returns the definitions of a group as one YAML stream.
pub(crate) fn group_definitions(group: ResultCrds, metadata: &DefinitionMetadata) -> String {
    let kinds = group.kinds().iter();
    let definitions: Vec<String> = kinds.map(|kind| definition(*kind, metadata)).collect();
    definitions.join("---\n")
}

/// Returns the definition of ScanRequests, which ask the operator for a scan.
#[must_use]
pub fn scan_request_crd() -> String {
    scan_request_definition(&DefinitionMetadata::plain())
}

/// Returns the definition of ScanRequests.
pub(crate) fn scan_request_definition(metadata: &DefinitionMetadata) -> String {
    let slots = [
        ("labels", metadata.labels.clone()),
        ("crd-annotations", metadata.annotations.clone()),
    ];
    render(
        include_str!("../templates/scan-request.yaml"),
        &slots.into(),
    )
}

/// Returns the definition of a kind.
fn definition(kind: ResultKind, metadata: &DefinitionMetadata) -> String {
    let (template, short_name) = match kind {
        ResultKind::WorkloadConfigurationScan => (
            include_str!("../templates/results/workload-configuration-scan.yaml"),
            "wcs",
        ),
        ResultKind::WorkloadConfigurationScanSummary => (
            include_str!("../templates/results/workload-configuration-scan-summary.yaml"),
            "wcss",
        ),
        ResultKind::ConfigurationScanSummary => (
            include_str!("../templates/results/configuration-scan-summary.yaml"),
            "css",
        ),
        ResultKind::PolicyReport => (POLICY_REPORT, "polr"),
        ResultKind::ClusterPolicyReport => (POLICY_REPORT, "cpolr"),
        ResultKind::Report => (POLICY_REPORT, "reps"),
        ResultKind::ClusterReport => (POLICY_REPORT, "creps"),
    };
    let fields = match kind {
        ResultKind::Report | ResultKind::ClusterReport => {
            include_str!("../templates/results/open-report-fields.yaml")
        }
        _ => "",
    };
    let scope = if kind.is_namespaced() {
        "Namespaced"
    } else {
        "Cluster"
    };
    let singular = kind.name().to_ascii_lowercase();
    let slots = [
        ("labels", metadata.labels.as_str()),
        ("crd-annotations", metadata.annotations.as_str()),
        // Parts of a schema that occur more than once.
        (
            "severity",
            include_str!("../templates/results/severity.yaml"),
        ),
        (
            "severities",
            include_str!("../templates/results/severities.yaml"),
        ),
        ("status", include_str!("../templates/results/status.yaml")),
        (
            "reference",
            include_str!("../templates/results/reference.yaml"),
        ),
        ("fields", fields),
        ("group", kind.group()),
        ("version", kind.version()),
        ("kind", kind.name()),
        ("plural", kind.plural()),
        ("singular", &singular),
        ("short-name", short_name),
        ("scope", scope),
    ];
    render(
        template,
        &slots.map(|(name, value)| (name, value.to_owned())).into(),
    )
}
