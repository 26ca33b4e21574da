//! Controls and frameworks: what is asked of an object, and who asks it.

use super::Severity;
use std::{fmt, sync::Arc};

/// A control's name in every report and flag, such as `C-0057`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(Arc<str>);

impl ControlId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ControlId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// An API group and kind. The version is left out: it does not change what an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The resource that the API server serves objects of this kind as, such as `networkpolicies`. A custom resource may
    /// have any; this is its usual one.
    #[must_use]
    pub fn plural(&self) -> String {
        let word = self.name.to_ascii_lowercase();
        if word == "endpoints" {
            return word;
        }
        if let Some(stem) = word
            .strip_suffix('y')
            .filter(|it| !it.ends_with(['a', 'e', 'i', 'o', 'u']))
        {
            return format!("{stem}ies");
        }
        let hissing = ["s", "x", "ch", "sh"].iter().any(|it| word.ends_with(it));
        word + if hissing { "es" } else { "s" }
    }

    /// The group in an `apiVersion`: what stands before the slash, empty without one.
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

/// Which kinds a control looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KindSelector {
    /// Every kind that carries a pod spec (`workloads` in control.yaml).
    Workloads,
    /// One kind.
    Kind(Kind),
}

/// Where a control can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Objects of a running cluster.
    Cluster,
    /// Manifests in files.
    File,
    /// Requests at the API server's door that leave no object behind: a command run in a container, a forwarded port.
    Admission,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cluster, Self::File, Self::Admission];

    /// The word used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::File => "file",
            Self::Admission => "admission",
        }
    }
}

/// One question asked of objects, with the words for the person who must fix the thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// The id; the public library's where it has the control.
    pub id: ControlId,
    /// A short title.
    pub name: String,
    /// Why it matters.
    pub description: String,
    /// What to do about it.
    pub remediation: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The weight in scores, from 1 to 10, in the band of `severity`.
    pub score: f64,
    /// A topic, such as `Workload / Node escape`.
    pub category: String,
    /// The kinds it looks at.
    pub kinds: Vec<KindSelector>,
    /// Where it can be judged.
    pub scope: Vec<Scope>,
    /// The params its rule reads.
    pub params: Vec<String>,
    /// Params of which one at least must have a value; otherwise the control is not configured and says nothing.
    pub requires_any_param: Vec<String>,
    /// The rules of the public library that ask the same question.
    pub public_rules: Vec<String>,
}

/// A named list of controls that somebody demands together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    /// The name used in flags, such as `NSA`. Looked up without regard to case.
    pub name: String,
    /// The edition, such as `v1.10`; may be empty.
    pub version: String,
    /// What it is and who publishes it.
    pub description: String,
    /// Its controls, in the order of its sections.
    pub members: Vec<FrameworkMember>,
}

/// A control as a framework lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameworkMember {
    /// The control.
    pub control: ControlId,
    /// The section that asks for it, such as `5.2.2`; may be empty.
    pub section: String,
    /// The profile level, such as `L1`; may be empty.
    pub level: String,
    /// Why the framework asks for it; may be empty.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, expected: &str) {
        assert_eq!(Kind::new("", kind).plural(), expected);
    }

    #[test]
    fn plurals_are_those_of_the_api_server() {
        check("Pod", "pods");
        check("ConfigMap", "configmaps");
        check("Endpoints", "endpoints");
        check("Ingress", "ingresses");
        check("NetworkPolicy", "networkpolicies");
        check("Proxy", "proxies");
        check("Gateway", "gateways");
    }
}
