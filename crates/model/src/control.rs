//! Controls: the checks of objects.

use super::Severity;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use strum::VariantArray as _;

/// The id of a control in every report and flag, such as `C-0057`. A clone copies a pointer.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(Arc<str>);

impl ControlId {
    /// The id as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ControlId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// An API group and kind. It has no version: an object is of the same kind in all of them.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The API group, empty for the core kinds.
    pub group: String,
    /// The kind, such as `Deployment`.
    pub name: String,
}

impl Kind {
    /// A kind of an API group.
    pub fn new(group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            name: name.into(),
        }
    }

    /// The resource under which the API server usually serves the kind, such as `networkpolicies`:
    /// the plural by the rules of English, as code generators make it. `Schema::resource` in the
    /// crate `k8s` knows the resources of the built-in kinds; a custom resource may have any.
    #[must_use]
    pub fn plural(&self) -> String {
        let singular = self.name.to_ascii_lowercase();
        if singular == "endpoints" {
            return singular;
        }
        if let Some(stem) = singular
            .strip_suffix('y')
            .filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']))
        {
            return format!("{stem}ies");
        }
        let is_sibilant = ["s", "x", "ch", "sh"]
            .iter()
            .any(|ending| singular.ends_with(ending));
        singular + if is_sibilant { "es" } else { "s" }
    }

    /// The group of an `apiVersion`: the part before the slash, empty without one.
    #[must_use]
    pub fn group_of(api_version: &str) -> &str {
        api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl fmt::Display for Kind {
    /// `apps/Deployment`, and `Pod` for a core kind.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            out.pad(&self.name)
        } else {
            write!(out, "{}/{}", self.group, self.name)
        }
    }
}

/// A selector of kinds. `SelectKinds` in the crate `k8s` resolves it.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KindSelector {
    /// Every built-in kind that carries a pod spec (`workloads` in control.yaml).
    Workloads,
    /// A kind of other software with pod specs, to which `workloads` extends. A library gets them
    /// from its table of such kinds; no file names them.
    CustomWorkload(Kind),
    /// One kind.
    Kind(Kind),
}

/// The scope in which a control can be evaluated.
#[derive(
    Debug,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Scope {
    /// Objects of a running cluster.
    Cluster,
    /// Manifests in files.
    File,
    /// Admission requests that create no object: a command in a container, a forwarded port.
    Admission,
}

impl Scope {
    /// All scopes.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files: `cluster`, `file`, `admission`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A control: one check of objects, with the prose for the person who must repair them.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq)]
pub struct Control {
    /// The id; that of the public library where it has the control.
    pub id: ControlId,
    /// A short title, such as `Host network`.
    pub name: String,
    /// The name in Kubescape's library, where `name` differs from it.
    pub kubescape_name: Option<String>,
    /// The risk: why a failure matters.
    pub risk: String,
    /// What is checked: what holds for an object that passes. May be empty in a custom control.
    pub check: String,
    /// The remediation: what to do about a failure.
    pub remediation: String,
    /// A fragment of YAML that passes, with line breaks. May be empty.
    pub example: String,
    /// The URLs of pages to read on.
    pub references: Vec<String>,
    /// Words for filters and other catalogs, such as `mitre:T1611` (an ATT&CK technique),
    /// `cis:5.2.2` (a section of the CIS Kubernetes Benchmark 2.0.0), or `availability`.
    pub tags: Vec<String>,
    /// The importance of a failure.
    pub severity: Severity,
    /// The weight in scores, from 1 to 10, in the band of `severity`.
    pub score: f64,
    /// The score in Kubescape's library, where `score` differs from it on purpose.
    pub kubescape_score: Option<f64>,
    /// A topic, such as `Workload / Node escape`.
    pub category: String,
    /// True if the values that its findings point at are credentials: reports mask them.
    pub sensitive: bool,
    /// The cause of its findings, such as `host-path`: where no fix tells it, findings of controls
    /// with one cause at the same paths are one defect.
    pub cause: Option<String>,
    /// The kinds that it is evaluated for; none if its check is part of the program, which decides
    /// on the kinds itself.
    pub kinds: Vec<KindSelector>,
    /// Where it can be evaluated.
    pub scope: Vec<Scope>,
    /// The names of the params that its rule reads.
    pub params: Vec<String>,
    /// Params of which at least one must have a value; otherwise the control is not configured and
    /// is not evaluated.
    pub requires_any_param: Vec<String>,
    /// The rules of the public library that answer the same question.
    pub public_rules: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, expected: &str) {
        assert_eq!(Kind::new("", kind).plural(), expected);
    }

    #[test]
    fn plural_follows_english_spelling() {
        check("Pod", "pods");
        check("ConfigMap", "configmaps");
        check("Endpoints", "endpoints");
        check("Ingress", "ingresses");
        check("NetworkPolicy", "networkpolicies");
        check("Proxy", "proxies");
        check("Gateway", "gateways");
    }
}
