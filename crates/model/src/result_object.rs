//! Results as objects of a cluster: what a builder makes of a result, and a writer stores.
//!
//! The object is finished text here. Builder and writer share nothing else, so neither knows how the
//! other works.

use strum::VariantArray as _;

/// The label by which the results of kubevet are listed. No other label of a result is one that
/// deployment tools follow, so none of them adopts a result.
pub const RESULT_LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "kubevet");
/// The annotation with the hash of the content: an equal one is not written again.
pub const CONTENT_HASH_ANNOTATION: &str = "kubevet.io/content-hash";
/// The annotation with the bytes of the content, which are counted in the total.
pub const CONTENT_BYTES_ANNOTATION: &str = "kubevet.io/content-bytes";

/// The kinds of results.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum ResultKind {
    /// Kubescape's verdict on one object with what was found.
    WorkloadConfigurationScan,
    /// The same without what was found.
    WorkloadConfigurationScanSummary,
    /// Kubescape's sums of one namespace.
    ConfigurationScanSummary,
    /// The report on an object in a namespace, of wgpolicyk8s.io.
    PolicyReport,
    /// The report on an object outside namespaces, of wgpolicyk8s.io.
    ClusterPolicyReport,
    /// The report on an object in a namespace, of openreports.io.
    Report,
    /// The report on an object outside namespaces, of openreports.io.
    ClusterReport,
}

impl ResultKind {
    /// All kinds.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The API group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::WorkloadConfigurationScan
            | Self::WorkloadConfigurationScanSummary
            | Self::ConfigurationScanSummary => "spdx.softwarecomposition.kubescape.io",
            Self::PolicyReport | Self::ClusterPolicyReport => "wgpolicyk8s.io",
            Self::Report | Self::ClusterReport => "openreports.io",
        }
    }

    /// The version.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::WorkloadConfigurationScan
            | Self::WorkloadConfigurationScanSummary
            | Self::ConfigurationScanSummary => "v1beta1",
            Self::PolicyReport | Self::ClusterPolicyReport => "v1alpha2",
            Self::Report | Self::ClusterReport => "v1alpha1",
        }
    }

    /// The `apiVersion` of its objects.
    #[must_use]
    pub fn api_version(self) -> String {
        format!("{}/{}", self.group(), self.version())
    }

    /// The resource in the plural.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::WorkloadConfigurationScan => "workloadconfigurationscans",
            Self::WorkloadConfigurationScanSummary => "workloadconfigurationscansummaries",
            Self::ConfigurationScanSummary => "configurationscansummaries",
            Self::PolicyReport => "policyreports",
            Self::ClusterPolicyReport => "clusterpolicyreports",
            Self::Report => "reports",
            Self::ClusterReport => "clusterreports",
        }
    }

    /// True if its objects belong to namespaces.
    #[must_use]
    pub fn is_namespaced(self) -> bool {
        !matches!(
            self,
            Self::ConfigurationScanSummary | Self::ClusterPolicyReport | Self::ClusterReport
        )
    }
}

/// The place of a result in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultKey {
    /// The kind.
    pub kind: ResultKind,
    /// The namespace; empty for a kind outside namespaces.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for ResultKey {
    /// `PolicyReport shop/kubevet-0b6f1c1e`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        match namespace.as_str() {
            "" => write!(out, "{} {name}", kind.name()),
            namespace => write!(out, "{} {namespace}/{name}", kind.name()),
        }
    }
}

/// A result as an object, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultObject {
    /// Its place.
    pub key: ResultKey,
    /// The hash of its content, which is also in its annotation.
    pub content_hash: String,
    /// The bytes of its content.
    pub content_bytes: usize,
    /// The whole object as JSON.
    pub json: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn plural_is_that_of_the_kind() {
        for kind in ResultKind::ALL {
            assert_eq!(kind.plural(), Kind::new(kind.group(), kind.name()).plural());
        }
    }

    #[test]
    fn key_names_kind_and_place() {
        let key = |kind, namespace: &str| ResultKey {
            kind,
            namespace: namespace.to_owned(),
            name: "web".to_owned(),
        };
        for (kind, namespace, expected) in [
            (ResultKind::PolicyReport, "shop", "PolicyReport shop/web"),
            (ResultKind::ClusterReport, "", "ClusterReport web"),
        ] {
            assert_eq!(key(kind, namespace).to_string(), expected);
        }
    }
}
