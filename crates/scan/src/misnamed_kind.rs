//! Objects that resemble a built-in kind under a group, version or spelling that Kubernetes does not
//! serve. No control recognizes them, and no API server takes them, so they are never clean.

use kubevet_document::Document;
use kubevet_k8s::{
    schema::{KindInfo, OldApiVersion, Schema},
    workload,
};
use kubevet_model::{Kind, ObjectId, Problem, ProblemCode};
use kubevet_policy::nearest;

/// Returns the problem of an object whose kind is misnamed.
pub(super) fn problem(document: &Document) -> Option<Problem> {
    let id = document.id();
    let meant = meant(&id)?;
    let message = format!(
        "Kubernetes does not serve {} {}: did you mean `apiVersion: {}`, `kind: {}`?",
        id.api_version,
        id.kind,
        meant.api_version(),
        meant.name
    );
    let file = document.file().as_ref();
    let code = ProblemCode::InputUnknownKind;
    Some(Problem::at(code, file, document.position(), message))
}

/// Returns the built-in kind that an object resembles and is not. A version that Kubernetes served
/// once is no misnomer: the schema checks report it.
fn meant(id: &ObjectId) -> Option<KindInfo> {
    if OldApiVersion::find(&id.api_version, &id.kind).is_some() {
        return None;
    }
    let schema = Schema::embedded();
    let kind = id.group_kind();
    if let Some(info) = schema.kind(&kind) {
        return (!is_known_version(&kind, &id.api_version)).then_some(info);
    }
    let group = kind.group.as_str();
    let has_group = || schema.kinds().filter(|info| info.group == group);
    let same_name = |info: &KindInfo| info.name.eq_ignore_ascii_case(&kind.name);
    // Of several groups, the one that is given is meant, and then that of the workloads.
    let renamed = || {
        let of_any_group = schema.kinds().filter(same_name);
        of_any_group.max_by_key(|info| (info.group == group, is_workload(info)))
    };
    if is_reserved(group) {
        renamed().or_else(|| named_like(&kind.name, schema.kinds()))
    } else if group.ends_with(".k8s.io") {
        let built_in = has_group()
            .find(same_name)
            .or_else(|| named_like(&kind.name, has_group()));
        built_in.or_else(|| renamed().filter(is_workload))
    } else {
        None
    }
}

/// True if only Kubernetes may serve a group: those of custom resources have a dot.
fn is_reserved(group: &str) -> bool {
    !group.contains('.')
}

/// Returns the kind with the nearest name, if it is near enough for a slip.
fn named_like(name: &str, kinds: impl Iterator<Item = KindInfo>) -> Option<KindInfo> {
    let kinds: Vec<KindInfo> = kinds.collect();
    let found = nearest(name, kinds.iter().map(|info| info.name))?;
    // The names of kinds are long, and some that differ in one word are kinds of other software.
    let is_slip = found.len().abs_diff(name.len()) <= 2;
    kinds
        .into_iter()
        .rfind(|info| is_slip && info.name == found)
}

fn is_workload(info: &KindInfo) -> bool {
    workload::pod_spec_path_of(info.group, info.name).is_some()
}

/// True if Kubernetes serves a workload in a version. Other kinds may have versions that the
/// table does not list.
fn is_known_version(kind: &Kind, api_version: &str) -> bool {
    let version = api_version.rsplit('/').next().unwrap_or_default();
    !workload::is_workload(kind) || Schema::embedded().kind_at(kind, version).is_some()
}

#[cfg(test)]
mod tests {
    use super::meant;
    use kubevet_model::ObjectId;

    #[track_caller]
    fn check(api_version: &str, kind: &str, expected: Option<&str>) {
        let id = ObjectId {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..ObjectId::default()
        };
        let found = meant(&id).map(|info| format!("{} {}", info.api_version(), info.name));
        assert_eq!(found.as_deref(), expected, "{api_version} {kind}");
    }

    #[test]
    fn built_in_workload_under_another_name_is_recognized() {
        for (api_version, kind, expected) in [
            ("extensions/v1", "Deployment", "apps/v1 Deployment"),
            ("extensions/v1beta1", "Deploymnet", "apps/v1 Deployment"),
            ("extensions/v1beta1", "StatefulSet", "apps/v1 StatefulSet"),
            ("batch/v1beta1", "Job", "batch/v1 Job"),
            ("v1", "Deployment", "apps/v1 Deployment"),
            ("apps/v1", "Pod", "v1 Pod"),
            ("apps/v1", "deployment", "apps/v1 Deployment"),
            ("apps/v1", "DEPLOYMENT", "apps/v1 Deployment"),
            ("v1", "pod", "v1 Pod"),
            ("apps/v1", "Deploymnet", "apps/v1 Deployment"),
            ("apps/v1", "Deployments", "apps/v1 Deployment"),
            ("app/v1", "Deployment", "apps/v1 Deployment"),
            ("Apps/v1", "Deployment", "apps/v1 Deployment"),
            ("apps.k8s.io/v1", "Deployment", "apps/v1 Deployment"),
            ("batch/v1", "Cronjob", "batch/v1 CronJob"),
            ("apps/v1", "CronJob", "batch/v1 CronJob"),
            ("apps/v2", "Deployment", "apps/v1 Deployment"),
            ("v2", "Pod", "v1 Pod"),
            ("apps/", "StatefulSet", "apps/v1 StatefulSet"),
            (
                "rbac.authorization.k8s.io/v1",
                "Clusterrole",
                "rbac.authorization.k8s.io/v1 ClusterRole",
            ),
        ] {
            check(api_version, kind, Some(expected));
        }
    }

    #[test]
    fn custom_kind_has_no_suggestion() {
        for (api_version, kind) in [
            ("v1", "Pod"),
            ("apps/v1", "Deployment"),
            ("apps/v1beta2", "Deployment"),
            ("extensions/v1beta1", "Deployment"),
            ("extensions/v1beta1", "Ingress"),
            ("batch/v1beta1", "CronJob"),
            ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
            ("v1", "Event"),
            ("v1", "Config"),
            ("v1", "List"),
            ("v1", "Status"),
            ("v1", "PodExecOptions"),
            ("v1", "Template"),
            ("v1", "DeploymentConfig"),
            ("policy/v1", "Eviction"),
            ("autoscaling/v1", "Scale"),
            ("argoproj.io/v1alpha1", "Rollout"),
            ("apps.openshift.io/v1", "DeploymentConfig"),
            ("batch.volcano.sh/v1alpha1", "Job"),
            ("apps.kruise.io/v1alpha1", "DaemonSet"),
            ("serving.knative.dev/v1", "Service"),
            ("metrics.k8s.io/v1beta1", "PodMetrics"),
            ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
            ("app.k8s.io/v1beta1", "Application"),
            ("example.com/v1", "deployment"),
        ] {
            check(api_version, kind, None);
        }
    }
}
