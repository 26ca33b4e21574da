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
    /// The workloads for which another built-in controller creates such owners.
    pub creator: Option<OwnerCreator>,
}

/// The workloads for which a built-in controller creates the owners of another, such as the
/// Deployments for which ReplicaSets are created. Their API group is that of the owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerCreator {
    /// The kind of the workloads.
    pub kind: &'static str,
    /// The resource of the workloads.
    pub resource: &'static str,
    /// How the name of an owner is made from that of its workload.
    pub suffix: NameSuffix,
}

/// The end of a generated name, after a hyphen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSuffix {
    /// The hash of the pod template, which is also the label [`POD_TEMPLATE_HASH`] of the Pods.
    PodTemplateHash,
    /// The scheduled time in minutes, in digits.
    ScheduledTime,
}

/// The label with the hash of the pod template that a Pod was created from.
pub const POD_TEMPLATE_HASH: &str = "pod-template-hash";

impl NameSuffix {
    /// Removes the suffix from the name of an owner; `None` if the name does not end with one.
    /// `pod_template_hash` is the label of the owned object, empty without one.
    #[must_use]
    pub fn strip<'n>(self, owner_name: &'n str, pod_template_hash: &str) -> Option<&'n str> {
        match self {
            Self::PodTemplateHash if pod_template_hash.is_empty() => None,
            Self::PodTemplateHash => owner_name
                .strip_suffix(pod_template_hash)
                .and_then(|name| name.strip_suffix('-')),
            Self::ScheduledTime => {
                let (name, digits) = owner_name.rsplit_once('-')?;
                let is_time =
                    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                is_time.then_some(name)
            }
        }
    }
}

/// The built-in controllers of workloads.
pub const CONTROLLERS: &[Controller] = &[
    Controller {
        account: "replicaset-controller",
        group: "apps",
        kind: "ReplicaSet",
        resource: "replicasets",
        creator: Some(OwnerCreator {
            kind: "Deployment",
            resource: "deployments",
            suffix: NameSuffix::PodTemplateHash,
        }),
    },
    Controller {
        account: "deployment-controller",
        group: "apps",
        kind: "Deployment",
        resource: "deployments",
        creator: None,
    },
    Controller {
        account: "daemon-set-controller",
        group: "apps",
        kind: "DaemonSet",
        resource: "daemonsets",
        creator: None,
    },
    Controller {
        account: "statefulset-controller",
        group: "apps",
        kind: "StatefulSet",
        resource: "statefulsets",
        creator: None,
    },
    Controller {
        account: "job-controller",
        group: "batch",
        kind: "Job",
        resource: "jobs",
        creator: Some(OwnerCreator {
            kind: "CronJob",
            resource: "cronjobs",
            suffix: NameSuffix::ScheduledTime,
        }),
    },
    Controller {
        account: "cronjob-controller",
        group: "batch",
        kind: "CronJob",
        resource: "cronjobs",
        creator: None,
    },
    Controller {
        account: "replication-controller",
        group: "",
        kind: "ReplicationController",
        resource: "replicationcontrollers",
        creator: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(suffix: NameSuffix, owner_name: &str, hash: &str, expected: Option<&str>) {
        assert_eq!(
            suffix.strip(owner_name, hash),
            expected,
            "{owner_name} {hash}"
        );
    }

    #[test]
    fn suffix_is_removed_only_if_it_is_proved() {
        let hash = NameSuffix::PodTemplateHash;
        check(hash, "web-5d4f8c7b9", "5d4f8c7b9", Some("web"));
        check(hash, "my-web-5d4f8c7b9", "5d4f8c7b9", Some("my-web"));
        check(hash, "web-5d4f8c7b9", "", None);
        check(hash, "web-5d4f8c7b9", "8c7b9", None);
        check(hash, "web5d4f8c7b9", "5d4f8c7b9", None);
        check(hash, "web", "5d4f8c7b9", None);
        let time = NameSuffix::ScheduledTime;
        check(time, "backup-29371234", "", Some("backup"));
        check(time, "backup-1-29371234", "", Some("backup-1"));
        check(time, "backup-", "", None);
        check(time, "backup-now", "", None);
        check(time, "backup-2937x", "", None);
        check(time, "backup", "", None);
    }

    #[test]
    fn creator_is_itself_in_the_table() {
        for controller in CONTROLLERS {
            if let Some(creator) = controller.creator {
                assert!(
                    CONTROLLERS.iter().any(|other| other.kind == creator.kind
                        && other.group == controller.group
                        && other.resource == creator.resource),
                    "{creator:?}"
                );
            }
        }
    }
}
