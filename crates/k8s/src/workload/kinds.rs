//! The table of kinds with a pod spec.

use kubevet_model::Kind;
use std::fmt::Write as _;

/// A kind with a pod spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkloadKind {
    /// The API group, empty for the core kinds. Other groups have kinds of the same names.
    pub group: &'static str,
    /// The kind.
    pub name: &'static str,
    /// The path of the pod spec.
    pub pod_spec: &'static [&'static str],
}

const TEMPLATE: &[&str] = &["spec", "template", "spec"];

/// All kinds with a pod spec, sorted by group and name.
pub const WORKLOADS: &[WorkloadKind] = &[
    WorkloadKind {
        group: "",
        name: "Pod",
        pod_spec: &["spec"],
    },
    WorkloadKind {
        group: "",
        name: "PodTemplate",
        pod_spec: &["template", "spec"],
    },
    WorkloadKind {
        group: "",
        name: "ReplicationController",
        pod_spec: TEMPLATE,
    },
    WorkloadKind {
        group: "apps",
        name: "DaemonSet",
        pod_spec: TEMPLATE,
    },
    WorkloadKind {
        group: "apps",
        name: "Deployment",
        pod_spec: TEMPLATE,
    },
    WorkloadKind {
        group: "apps",
        name: "ReplicaSet",
        pod_spec: TEMPLATE,
    },
    WorkloadKind {
        group: "apps",
        name: "StatefulSet",
        pod_spec: TEMPLATE,
    },
    WorkloadKind {
        group: "batch",
        name: "CronJob",
        pod_spec: &["spec", "jobTemplate", "spec", "template", "spec"],
    },
    WorkloadKind {
        group: "batch",
        name: "Job",
        pod_spec: TEMPLATE,
    },
];

fn find(kind: &Kind) -> Option<&'static WorkloadKind> {
    find_of(&kind.group, &kind.name)
}

fn find_of(group: &str, name: &str) -> Option<&'static WorkloadKind> {
    WORKLOADS
        .iter()
        .find(|workload| workload.group == group && workload.name == name)
}

/// True if objects of this kind have a pod spec.
#[must_use]
pub fn is_workload(kind: &Kind) -> bool {
    find(kind).is_some()
}

/// The path of the pod spec of a kind; `None` if it has none.
#[must_use]
pub fn pod_spec_path(kind: &Kind) -> Option<&'static [&'static str]> {
    find(kind).map(|workload| workload.pod_spec)
}

/// As [`pod_spec_path`], for a group and a name.
#[must_use]
pub fn pod_spec_path_of(group: &str, name: &str) -> Option<&'static [&'static str]> {
    find_of(group, name).map(|workload| workload.pod_spec)
}

/// Returns the table as the Rego module `policies/lib/kinds.rego`.
#[must_use]
pub fn rego_table() -> String {
    let mut text = String::from(concat!(
        "# Where each kind keeps its pod spec. Generated from crates/k8s/src/workload/kinds.rs: `UPDATE=1 cargo test` rewrites it.\n",
        "package lib.kinds\n\nimport rego.v1\n\n",
        "# API group and kind → the path of the pod spec.\npod_spec_paths := {\n",
    ));
    for kind in WORKLOADS {
        let steps: Vec<String> = kind
            .pod_spec
            .iter()
            .map(|step| format!("\"{step}\""))
            .collect();
        let _ = writeln!(
            text,
            "\t\"{}/{}\": [{}],",
            kind.group,
            kind.name,
            steps.join(", ")
        );
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_testkit::snapshot::assert_matches_file;

    #[test]
    fn rego_library_has_the_same_table() {
        assert_matches_file("policies/lib/kinds.rego", &rego_table());
    }

    #[test]
    fn kind_of_another_group_is_no_workload() {
        assert!(is_workload(&Kind::new("apps", "Deployment")));
        assert!(!is_workload(&Kind::new("example.com", "Deployment")));
        assert!(!is_workload(&Kind::new("", "Deployment")));
        assert_eq!(pod_spec_path(&Kind::new("", "Pod")), Some(&["spec"][..]));
        assert_eq!(pod_spec_path(&Kind::new("", "Service")), None);
    }
}
