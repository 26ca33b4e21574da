//! Parses kind selectors: `workloads`, `Pod`, `apps/Deployment`.
//!
//! A mistyped kind is the quietest error of all: the control would be evaluated for no object and
//! never fail. So the built-in kinds are listed here, and any other kind must have the API group of
//! a custom resource. Nothing here looks at objects.

use super::did_you_mean::did_you_mean;
use kubevet_k8s::schema::Schema;
use kubevet_model::{Kind, KindSelector};

/// The name for every kind with a pod spec.
pub(super) const WORKLOADS: &str = "workloads";

/// The API groups of Kubernetes, and their kinds that can be in a cluster or a manifest, or that a
/// connection to a Pod has.
const BUILT_IN: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "Binding",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "NodeProxyOptions",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodAttachOptions",
            "PodExecOptions",
            "PodPortForwardOptions",
            "PodProxyOptions",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
            "ServiceProxyOptions",
        ],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "apps",
        &[
            "ControllerRevision",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
        ],
    ),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("batch", &["CronJob", "Job"]),
    (
        "certificates.k8s.io",
        &[
            "CertificateSigningRequest",
            "ClusterTrustBundle",
            "PodCertificateRequest",
        ],
    ),
    ("coordination.k8s.io", &["Lease", "LeaseCandidate"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
    ("events.k8s.io", &["Event"]),
    (
        "extensions",
        &[
            "DaemonSet",
            "Deployment",
            "Ingress",
            "NetworkPolicy",
            "PodSecurityPolicy",
            "ReplicaSet",
        ],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    (
        "networking.k8s.io",
        &[
            "IPAddress",
            "Ingress",
            "IngressClass",
            "NetworkPolicy",
            "ServiceCIDR",
        ],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodDisruptionBudget", "PodSecurityPolicy"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (
        "resource.k8s.io",
        &[
            "DeviceClass",
            "DeviceTaintRule",
            "ResourceClaim",
            "ResourceClaimTemplate",
            "ResourceSlice",
        ],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
];

/// Parses one entry of `kinds`.
///
/// # Errors
/// The error and the remedy, as half a sentence that follows the quoted entry.
pub(super) fn parse(text: &str) -> Result<KindSelector, String> {
    if text == WORKLOADS {
        return Ok(KindSelector::Workloads);
    }
    let (group, name) = match text.split_once('/') {
        None => ("", text),
        Some(("" | "core", name)) => {
            return Err(format!("names the core group: write {name:?} alone"));
        }
        Some((group, name)) => (group, name),
    };
    if let Some((version, kind)) = name.split_once('/') {
        return Err(format!(
            "names the version {version:?}: leave it out and write \"{group}/{kind}\""
        ));
    }
    if is_version(group) {
        return Err(format!(
            "names the version {group:?}: leave it out and write {name:?}"
        ));
    }
    if !is_kind(name) {
        let known = BUILT_IN
            .iter()
            .flat_map(|(_, kinds)| kinds.iter().copied())
            .chain([WORKLOADS]);
        let singular = name.strip_suffix('s').unwrap_or(name);
        let hint = did_you_mean(name, known.clone());
        let hint = if hint.is_empty() {
            did_you_mean(singular, known)
        } else {
            hint
        };
        return Err(format!(
            "is not a valid kind: write {WORKLOADS}, Pod or apps/Deployment{hint}"
        ));
    }
    check_group(group, name)?;
    Ok(KindSelector::Kind(Kind::new(group, name)))
}

/// Returns the resource of a built-in kind if `name` is the kind in lowercase and not the resource.
/// Rules name resources, and a rule that names a kind matches nothing.
pub(super) fn resource_of_kind(name: &str) -> Option<String> {
    let mut kinds = BUILT_IN
        .iter()
        .flat_map(|(group, kinds)| kinds.iter().map(|kind| Kind::new(*group, *kind)));
    let kind = kinds.find(|kind| kind.name.to_ascii_lowercase() == name)?;
    let resource = Schema::embedded().resource(&kind);
    (resource != name).then_some(resource)
}

/// Checks that a group has the kind, as far as Kubernetes' own groups go.
fn check_group(group: &str, name: &str) -> Result<(), String> {
    match BUILT_IN.iter().find(|(known, _)| *known == group) {
        Some((_, kinds)) if kinds.contains(&name) => Ok(()),
        Some((_, kinds)) => Err(match group_with(name) {
            Some(right) => format!("is in the API group {right:?}: write \"{right}/{name}\""),
            None if group.is_empty() => format!(
                "is not a kind of the core group: write the API group before it, as in apps/Deployment{}",
                did_you_mean(name, kinds.iter().copied())
            ),
            None => format!(
                "is not a kind of the group {group:?}{}",
                did_you_mean(name, kinds.iter().copied())
            ),
        }),
        None if is_custom_group(group) => Ok(()),
        None => Err(match group_with(name) {
            Some(right) => format!("names no API group: write \"{right}/{name}\""),
            None => {
                "names no API group: a custom resource's group has a dot, as in argoproj.io/Rollout"
                    .to_owned()
            }
        }),
    }
}

/// Returns the group of a built-in kind. `extensions` no longer exists and is never suggested.
fn group_with(name: &str) -> Option<&'static str> {
    let mut found = BUILT_IN
        .iter()
        .filter(|(group, kinds)| *group != "extensions" && kinds.contains(&name));
    found
        .next()
        .map(|(group, _)| *group)
        .filter(|group| !group.is_empty())
}

pub(super) fn is_kind(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.len() <= 63
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// True for `v1`, `v1beta2`.
pub(super) fn is_version(text: &str) -> bool {
    text.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains('.'))
}

pub(super) fn is_custom_group(group: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    group.len() <= 253 && group.contains('.') && group.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = match parse(text) {
            Ok(KindSelector::Workloads) => "every workload".to_owned(),
            Ok(KindSelector::Kind(kind) | KindSelector::CustomWorkload(kind)) => {
                format!("{}|{}", kind.group, kind.name)
            }
            Err(message) => message,
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn kind_is_parsed_with_its_group() {
        check("workloads", "every workload");
        check("Pod", "|Pod");
        check("apps/Deployment", "apps|Deployment");
        check(
            "rbac.authorization.k8s.io/Role",
            "rbac.authorization.k8s.io|Role",
        );
        check("argoproj.io/Rollout", "argoproj.io|Rollout");
    }

    #[test]
    fn entry_that_matches_no_object_is_rejected() {
        check(
            "Deployment",
            "is in the API group \"apps\": write \"apps/Deployment\"",
        );
        check(
            "apps/v1/Deployment",
            "names the version \"v1\": leave it out and write \"apps/Deployment\"",
        );
        check(
            "v1/Pod",
            "names the version \"v1\": leave it out and write \"Pod\"",
        );
        check("core/Pod", "names the core group: write \"Pod\" alone");
        check(
            "rbac/Role",
            "names no API group: write \"rbac.authorization.k8s.io/Role\"",
        );
        check(
            "apps/Deploymnt",
            "is not a kind of the group \"apps\", did you mean \"Deployment\"?",
        );
        check(
            "workload",
            "is not a valid kind: write workloads, Pod or apps/Deployment, did you mean \"workloads\"?",
        );
        check(
            "pods",
            "is not a valid kind: write workloads, Pod or apps/Deployment, did you mean \"Pod\"?",
        );
        check(
            "Rollout",
            "is not a kind of the core group: write the API group before it, as in apps/Deployment",
        );
        check(
            "argo/Rollout",
            "names no API group: a custom resource's group has a dot, as in argoproj.io/Rollout",
        );
        check(
            "",
            "is not a valid kind: write workloads, Pod or apps/Deployment",
        );
    }
}
