//! Objects and reviews for attacks, as data.

use serde_json::{Map, Value, json};

/// A container without findings under the example binding.
pub(crate) fn container(name: &str) -> Value {
    json!({
        "name": name, "image": "registry.example.com/a:1",
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true},
    })
}

/// A privileged container.
pub(crate) fn privileged(name: &str) -> Value {
    merge(
        container(name),
        &json!({"securityContext": {"privileged": true}}),
    )
}

/// A deep merge: maps are merged, everything else is replaced by `over`.
pub(crate) fn merge(mut base: Value, over: &Value) -> Value {
    match (&mut base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                let merged = merge(base.remove(key).unwrap_or(Value::Null), value);
                base.insert(key.clone(), merged);
            }
        }
        (base, over) => *base = over.clone(),
    }
    base
}

/// A Pod with these containers.
pub(crate) fn pod(containers: &[Value]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop", "labels": {"app": "x"}},
        "spec": {"containers": containers},
    })
}

pub(crate) fn clean_pod() -> Value {
    pod(&[container("a")])
}

pub(crate) fn privileged_pod() -> Value {
    pod(&[privileged("a")])
}

/// A Pod with more fields in its spec.
pub(crate) fn pod_with(containers: &[Value], spec: &Value) -> Value {
    merge(pod(containers), &json!({"spec": spec}))
}

/// Group, version and plural of the kinds in tests.
const KINDS: &[(&str, &str, &str)] = &[
    ("Pod", "v1", "pods"),
    ("Deployment", "apps/v1", "deployments"),
    ("ReplicaSet", "apps/v1", "replicasets"),
    ("StatefulSet", "apps/v1", "statefulsets"),
    ("DaemonSet", "apps/v1", "daemonsets"),
    ("Job", "batch/v1", "jobs"),
    ("CronJob", "batch/v1", "cronjobs"),
    ("ConfigMap", "v1", "configmaps"),
    ("Secret", "v1", "secrets"),
    ("PodTemplate", "v1", "podtemplates"),
    ("ReplicationController", "v1", "replicationcontrollers"),
    ("PodExecOptions", "v1", "pods"),
    ("PodAttachOptions", "v1", "pods"),
    ("PodPortForwardOptions", "v1", "pods"),
    ("PodProxyOptions", "v1", "pods"),
    ("NodeProxyOptions", "v1", "nodes"),
    ("ServiceProxyOptions", "v1", "services"),
];

/// A workload of this kind with a pod spec.
pub(crate) fn workload(kind: &str, spec: &Value) -> Value {
    let version = KINDS.iter().find(|item| item.0 == kind).unwrap().1;
    let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": spec});
    let mut object = json!({
        "apiVersion": version, "kind": kind,
        "metadata": {"name": "w", "namespace": "shop", "labels": {"app": "x"}},
    });
    match kind {
        "CronJob" => {
            object["spec"] =
                json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}});
        }
        "PodTemplate" => object["template"] = template,
        _ => {
            object["spec"] =
                json!({"selector": {"matchLabels": {"app": "x"}}, "template": template})
        }
    }
    object
}

/// A review as the API server sends it.
#[derive(Clone)]
pub(crate) struct Review(Value);

impl Review {
    pub(crate) fn create(object: &Value) -> Self {
        Self::of("CREATE", object, &Value::Null)
    }

    pub(crate) fn update(old: &Value, object: &Value) -> Self {
        Self::of("UPDATE", object, old)
    }

    pub(crate) fn connect(sub_resource: &str, options: &Value) -> Self {
        Self::of("CONNECT", options, &Value::Null).sub_resource(sub_resource)
    }

    pub(crate) fn of(operation: &str, object: &Value, old: &Value) -> Self {
        let about = if object.is_null() { old } else { object };
        let kind = about["kind"].as_str().unwrap_or("Pod");
        let version = about["apiVersion"].as_str().unwrap_or("v1");
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let plural = KINDS
            .iter()
            .find(|item| item.0 == kind)
            .map_or_else(|| kind.to_lowercase() + "s", |find| find.2.to_owned());
        let kind = json!({"group": group, "version": version, "kind": kind});
        let resource = json!({"group": group, "version": version, "resource": plural});
        Self(json!({
            "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
            "request": {
                "uid": "u-1", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
                "name": about["metadata"]["name"].as_str().unwrap_or_default(), "namespace": "shop",
                "operation": operation,
                "userInfo": {"username": "ann", "groups": ["system:authenticated"]},
                "object": object, "oldObject": old, "dryRun": false, "options": null,
            },
        }))
    }

    /// Sets a field of the request.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0["request"][key] = value.into();
        self
    }

    pub(crate) fn sub_resource(self, name: &str) -> Self {
        self.with("subResource", name)
            .with("requestSubResource", name)
    }

    pub(crate) fn user(self, name: &str) -> Self {
        self.with(
            "userInfo",
            json!({"username": name, "groups": ["system:authenticated"]}),
        )
    }

    pub(crate) fn uid(self, uid: &str) -> Self {
        self.with("uid", uid)
    }

    /// Removes a field of the request.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.0["request"].as_object_mut().unwrap().remove(key);
        self
    }

    pub(crate) fn kind(self, group: &str, version: &str, kind: &str) -> Self {
        let kind = json!({"group": group, "version": version, "kind": kind});
        self.with("kind", kind.clone()).with("requestKind", kind)
    }

    pub(crate) fn resource(self, group: &str, version: &str, resource: &str) -> Self {
        let resource = json!({"group": group, "version": version, "resource": resource});
        self.with("resource", resource.clone())
            .with("requestResource", resource)
    }

    pub(crate) fn to_json(&self) -> String {
        self.0.to_string()
    }
}

/// An ordinary review without findings, with the uid `clean`.
pub(crate) fn ordinary_clean() -> String {
    Review::create(&clean_pod()).uid("clean").to_json()
}

/// An ordinary review that must be denied, with the uid `bad`.
pub(crate) fn ordinary_bad() -> String {
    Review::create(&privileged_pod()).uid("bad").to_json()
}

/// A Deployment with one container that mounts one hostPath volume many times.
pub(crate) fn hostpath_deployment(path: &str, mounts: usize) -> Value {
    let mounts: Vec<Value> = (0..mounts)
        .map(|index| json!({"name": "v", "mountPath": format!("/m{index}")}))
        .collect();
    workload(
        "Deployment",
        &json!({
            "containers": [merge(container("c0"), &json!({"volumeMounts": mounts}))],
            "volumes": [{"name": "v", "hostPath": {"path": path, "type": ""}}],
        }),
    )
}

/// Makes the first container of the template privileged.
pub(crate) fn with_privileged_container(mut deployment: Value) -> Value {
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] =
        true.into();
    deployment
}

/// A Pod whose evaluation once cost the product of its volumes and mounts.
pub(crate) fn slow_pod(volumes: usize, mounts: usize) -> Value {
    let mounted: Vec<Value> = (0..mounts)
        .map(|index| json!({"name": format!("v{}", index % volumes), "mountPath": format!("/{index}")}))
        .collect();
    let volumes: Vec<Value> = (0..volumes)
        .map(|index| json!({"name": format!("v{index}"), "hostPath": {"path": "/run"}}))
        .collect();
    pod_with(
        &[merge(container("a"), &json!({"volumeMounts": mounted}))],
        &json!({"volumes": volumes}),
    )
}

/// A Pod with many containers that have a name and an image only.
pub(crate) fn bare_pod(containers: usize) -> Value {
    let containers: Vec<Value> = (0..containers)
        .map(|index| json!({"name": format!("c{index}"), "image": "a"}))
        .collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}})
}

/// [`bare_pod`] as the API server sends it, with its defaults.
pub(crate) fn defaulted_pod(containers: usize) -> Value {
    let container_at = |index: usize| {
        json!({
            "name": format!("c{index}"), "image": "a", "resources": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "Always",
        })
    };
    let containers: Vec<Value> = (0..containers).map(container_at).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"containers": containers, "restartPolicy": "Always"},
    })
}

/// The object with an annotation of so many bytes.
pub(crate) fn padded(object: &Value, bytes: usize) -> Value {
    merge(
        object.clone(),
        &json!({"metadata": {"annotations": {"a": "x".repeat(bytes)}}}),
    )
}

pub(crate) fn config_map(data: &[(&str, &str)]) -> Value {
    let data: Map<String, Value> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, "data": data})
}
