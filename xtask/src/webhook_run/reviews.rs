//! The fixed reviews: one of each operation, of each action of a binding, of each reason that
//! changes an action, and of each kind of request that is not judged.

use serde_json::{Value, json};

/// One body more than the webhook reads.
const TOO_LARGE_BYTES: usize = (64 << 20) + 1;

/// A request to send as it is.
pub(super) struct Review {
    pub(super) name: &'static str,
    /// The request line and the headers, with the empty line that ends them.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

/// Every review, in the order in which they are sent.
pub(super) fn all() -> Vec<Review> {
    let mut reviews = creations();
    reviews.extend(updates());
    reviews.extend(other_operations());
    reviews.extend(unreadable());
    reviews.extend(requests_that_are_no_review());
    reviews
}

fn creations() -> Vec<Review> {
    let create = |name, namespace: &str, object: Value| {
        post(
            name,
            &request(name, "CREATE", namespace, object, Value::Null),
        )
    };
    let mut dry_run = request(
        "create-dry-run",
        "CREATE",
        "deny",
        pod("deny", true),
        Value::Null,
    );
    set(&mut dry_run, "dryRun", json!(true));
    vec![
        create("create-clean", "all", pod("all", false)),
        create("create-not-bound", "elsewhere", pod("elsewhere", true)),
        create("create-deny", "deny", pod("deny", true)),
        create("create-warn", "warn", pod("warn", true)),
        create("create-audit", "audit", pod("audit", true)),
        create("create-two-bindings", "both", pod("both", true)),
        create("create-many-findings", "warn", many_containers("warn")),
        post("create-dry-run", &dry_run),
        create_owned("create-owned", "deny"),
        create_owned("create-owned-denied", "all"),
        create(
            "create-other-kind",
            "deny",
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "web", "namespace": "deny"},
                "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]},
            }),
        ),
    ]
}

/// A controller that creates a Pod for its owner.
fn create_owned(name: &'static str, namespace: &str) -> Review {
    let mut pod = pod(namespace, true);
    set_metadata(&mut pod, "ownerReferences", owner());
    let mut review = request(name, "CREATE", namespace, pod, Value::Null);
    set(&mut review, "userInfo", controller());
    post(name, &review)
}

fn updates() -> Vec<Review> {
    let update = |name, namespace: &str, old: bool, new: bool| {
        post(
            name,
            &request(
                name,
                "UPDATE",
                namespace,
                pod(namespace, new),
                pod(namespace, old),
            ),
        )
    };
    let mut deleting = pod("deny", true);
    set_metadata(
        &mut deleting,
        "deletionTimestamp",
        json!("2026-01-02T03:04:05Z"),
    );
    let mut status = request(
        "update-status",
        "UPDATE",
        "deny",
        pod("deny", true),
        pod("deny", false),
    );
    set(&mut status, "subResource", json!("status"));
    vec![
        update("update-unchanged", "deny", true, true),
        update("update-new-violation", "deny", false, true),
        update("update-unchanged-held-to-all", "all", true, true),
        update("update-fixed", "deny", true, false),
        post(
            "update-deleting",
            &request(
                "update-deleting",
                "UPDATE",
                "deny",
                deleting,
                pod("deny", false),
            ),
        ),
        post("update-status", &status),
    ]
}

fn other_operations() -> Vec<Review> {
    let connect = |name, subresource: &str, options: Value| {
        let mut connect = request(name, "CONNECT", "all", options, Value::Null);
        set(&mut connect, "subResource", json!(subresource));
        post(name, &connect)
    };
    vec![
        post(
            "delete",
            &request("delete", "DELETE", "deny", Value::Null, pod("deny", true)),
        ),
        connect(
            "connect-exec",
            "exec",
            json!({
                "apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"],
                "container": "web", "stdin": true, "tty": true,
            }),
        ),
        connect(
            "connect-port-forward",
            "portforward",
            json!({
                "apiVersion": "v1", "kind": "PodPortForwardOptions", "ports": [8080],
            }),
        ),
    ]
}

/// Reviews with a uid whose object cannot be judged.
fn unreadable() -> Vec<Review> {
    let whole = |name, namespace| {
        request(name, "CREATE", namespace, pod(namespace, true), Value::Null).to_string()
    };
    let cut = |name, namespace| {
        let mut review = whole(name, namespace);
        review.truncate(review.len() - 40);
        post_bytes(name, review)
    };
    let mut too_large = whole("too-large", "deny").into_bytes();
    too_large.resize(TOO_LARGE_BYTES, b' ');
    let mut no_object = request("no-object", "CREATE", "deny", Value::Null, Value::Null);
    set(&mut no_object, "object", Value::Null);
    vec![
        cut("malformed-denied", "deny"),
        cut("malformed-warned", "warn"),
        cut("malformed-allowed", "all"),
        post("no-object", &no_object),
        post_bytes("too-large", too_large),
    ]
}

fn requests_that_are_no_review() -> Vec<Review> {
    let no_uid = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}"#;
    let encoded = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n\
                   Content-Length: 2\r\n\r\n";
    let bare = |name, head: &str, body: &str| Review {
        name,
        head: head.to_owned(),
        body: body.into(),
    };
    vec![
        post_bytes("no-json", "no review"),
        post_bytes("empty", ""),
        post_bytes("no-uid", no_uid),
        post_bytes(
            "old-version",
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1",
                "request":{"uid":"old"}}"#,
        ),
        bare("encoded", encoded, "{}"),
        bare(
            "get",
            "GET /validate HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "",
        ),
        bare(
            "other-path",
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "",
        ),
    ]
}

/// A call of the webhook with this body.
fn post(name: &'static str, review: &Value) -> Review {
    post_bytes(name, review.to_string())
}

fn post_bytes(name: &'static str, body: impl Into<Vec<u8>>) -> Review {
    let body = body.into();
    let head = format!(
        "POST /validate?timeout=30s HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    Review { name, head, body }
}

/// An `AdmissionReview` about a Pod or, where the object is of another kind, about that kind.
fn request(uid: &str, operation: &str, namespace: &str, object: Value, old_object: Value) -> Value {
    let kind = [&object, &old_object]
        .into_iter()
        .find_map(|object| object.get("kind")?.as_str())
        .unwrap_or("Pod")
        .to_owned();
    let resource = if kind == "Service" {
        "services"
    } else {
        "pods"
    };
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
            "uid": uid,
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": resource},
            "name": "web", "namespace": namespace, "operation": operation,
            "userInfo": {"username": "ann", "groups": ["system:authenticated"]},
            "object": object, "oldObject": old_object, "dryRun": false,
        },
    })
}

/// Sets a field of a review's request.
fn set(review: &mut Value, field: &str, value: Value) {
    if let Some(Value::Object(request)) = review.get_mut("request") {
        request.insert(field.to_owned(), value);
    }
}

fn set_metadata(object: &mut Value, field: &str, value: Value) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.insert(field.to_owned(), value);
    }
}

/// The user that creates the Pods of a ReplicaSet.
fn controller() -> Value {
    json!({
        "username": "system:serviceaccount:kube-system:replicaset-controller",
        "groups": ["system:serviceaccounts", "system:authenticated"],
    })
}

fn owner() -> Value {
    json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": true,
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
    }])
}

fn pod(namespace: &str, privileged: bool) -> Value {
    let context = if privileged {
        json!({"privileged": true})
    } else {
        json!({
            "runAsNonRoot": true, "runAsUser": 1000, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "containers": [{"name": "web", "image": "nginx:1.29", "securityContext": context}],
        },
    })
}

/// A Pod with more findings than the warnings of one answer can name.
fn many_containers(namespace: &str) -> Value {
    let container = |number| {
        let name = format!("c{number}");
        json!({"name": name, "image": "nginx", "securityContext": {"privileged": true}})
    };
    let containers: Vec<Value> = (0..40).map(container).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "many", "namespace": namespace},
        "spec": {"hostNetwork": true, "hostPID": true, "containers": containers},
    })
}
