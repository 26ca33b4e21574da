//! The built-in controllers that make workloads for other workloads, and whom they are to the API server.
//!
//! One table for the gate's decision and for exported policies: whose Pods live on must be the same in both.

use kubevet_model::Kind;

/// What the name of a built-in controller's service account begins with.
pub const CONTROLLER_ACCOUNTS: &str = "system:serviceaccount:kube-system:";

/// A built-in controller and the owners that it works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controller {
    /// The name of its service account in kube-system.
    pub account: &'static str,
    /// The API group of its owners, empty for the core group.
    pub group: &'static str,
    /// The kind of its owners.
    pub kind: &'static str,
    /// The resource that serves them.
    pub resource: &'static str,
}

/// All of them.
pub const CONTROLLERS: &[Controller] = &[
    Controller {
        account: "replicaset-controller",
        group: "apps",
        kind: "ReplicaSet",
        resource: "replicasets",
    },
    Controller {
        account: "deployment-controller",
        group: "apps",
        kind: "Deployment",
        resource: "deployments",
    },
    Controller {
        account: "daemon-set-controller",
        group: "apps",
        kind: "DaemonSet",
        resource: "daemonsets",
    },
    Controller {
        account: "statefulset-controller",
        group: "apps",
        kind: "StatefulSet",
        resource: "statefulsets",
    },
    Controller {
        account: "job-controller",
        group: "batch",
        kind: "Job",
        resource: "jobs",
    },
    Controller {
        account: "cronjob-controller",
        group: "batch",
        kind: "CronJob",
        resource: "cronjobs",
    },
    Controller {
        account: "replication-controller",
        group: "",
        kind: "ReplicationController",
        resource: "replicationcontrollers",
    },
];

/// Kinds that a built-in controller looks after and none of them makes: whatever is of them, somebody else made.
const MADE_BY_NONE: &[(&str, &str)] = &[
    ("apps", "Deployment"),
    ("apps", "DaemonSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("", "ReplicationController"),
];

/// Whether a built-in controller may make objects of a kind.
#[must_use]
pub fn may_be_made_by_controller(kind: &Kind) -> bool {
    !MADE_BY_NONE
        .iter()
        .any(|(group, name)| kind.group == *group && kind.name == *name)
}
