//! The built-in controllers that create workloads for other workloads, and their service accounts.
//!
//! The webhook and exported policies share the table: both must exempt the same objects.

use kubevet_model::Kind;

/// The prefix of the user name of a built-in controller's service account.
pub const CONTROLLER_ACCOUNTS: &str = "system:serviceaccount:kube-system:";

/// A built-in controller and the kind of the owners that it works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controller {
    /// The name of its service account in kube-system.
    pub account: &'static str,
    /// The API group of its owners, empty for the core group.
    pub group: &'static str,
    /// The kind of its owners.
    pub kind: &'static str,
    /// The resource of its owners.
    pub resource: &'static str,
}

/// The built-in controllers of workloads.
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

/// Kinds that built-in controllers reconcile but never create, such as Deployment. An object of
/// such a kind always comes from a user.
const NOT_CONTROLLER_CREATED: &[(&str, &str)] = &[
    ("apps", "Deployment"),
    ("apps", "DaemonSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("", "ReplicationController"),
];

/// True if a built-in controller may create objects of a kind.
#[must_use]
pub fn may_be_made_by_controller(kind: &Kind) -> bool {
    !NOT_CONTROLLER_CREATED
        .iter()
        .any(|(group, name)| kind.group == *group && kind.name == *name)
}
