//! What becomes of what is known when the API server says no, says nothing, or goes away.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use super::{
    Certificates, ClusterError, Condition, Install, Namespaces, Note, Release, Subject,
    fake_api_server::{Answer, Fake},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

const LONG: Duration = Duration::from_secs(10);

fn namespace(name: &str, team: &str) -> Value {
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"name": name, "resourceVersion": "2", "labels": {"team": team}}})
}

fn list(items: &[Value]) -> Answer {
    Answer::Json(
        200,
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
    )
}

fn refuse(code: u16, message: &str) -> Answer {
    Answer::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "message": message, "reason": "Because"}),
    )
}

/// A watch that says these lines and then stays open.
fn watch(lines: &[Value]) -> Answer {
    let (sender, receiver) = mpsc::unbounded_channel();
    for line in lines {
        sender.send(line.clone()).unwrap();
    }
    tokio::spawn(async move { sender.closed().await });
    Answer::Lines(receiver)
}

/// The team of a namespace, as known from the watch.
fn check(namespaces: &Namespaces, name: &str, team: Option<&str>) {
    let labels = namespaces.cached(name);
    assert_eq!(
        labels
            .as_ref()
            .and_then(|it| it.get("team"))
            .map(String::as_str),
        team,
        "{name}"
    );
}

async fn until(what: impl Fn() -> bool) {
    let waited = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, waited).await.unwrap();
}

#[tokio::test]
async fn labels_follow_the_watch() {
    let fake = Fake::start(|what, _| match what {
        "GET /api/v1/namespaces" => list(&[namespace("old", "a"), namespace("going", "a")]),
        _ => watch(&[
            json!({"type": "ADDED", "object": namespace("new", "b")}),
            json!({"type": "MODIFIED", "object": namespace("old", "c")}),
            json!({"type": "DELETED", "object": namespace("going", "a")}),
        ]),
    })
    .await;
    let namespaces = fake.cluster().namespaces();
    until(|| namespaces.is_synced() && namespaces.cached("going").is_none()).await;
    check(&namespaces, "new", Some("b"));
    check(&namespaces, "old", Some("c"));
    assert!(namespaces.age().unwrap() < LONG);
}

#[tokio::test]
async fn a_miss_is_asked_for_once_and_no_is_not_remembered() {
    let exists = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&exists);
    let fake = Fake::start(move |what, _| match what {
        "GET /api/v1/namespaces" => list(&[]),
        "GET /api/v1/namespaces/shop" if seen.load(Ordering::Relaxed) == 1 => {
            Answer::Json(200, namespace("shop", "a"))
        }
        "GET /api/v1/namespaces/slow" => Answer::Silence,
        _ if what.starts_with("WATCH") => watch(&[]),
        _ => refuse(404, "not found"),
    })
    .await;
    let namespaces = fake.cluster().namespaces();
    assert_eq!(namespaces.get("shop", LONG).await, None);
    exists.store(1, Ordering::Relaxed);
    let before = fake.count("GET /api/v1/namespaces/shop");
    let (a, b) = tokio::join!(namespaces.get("shop", LONG), namespaces.get("shop", LONG));
    assert_eq!(a.unwrap().get("team").unwrap(), "a");
    assert!(b.is_some());
    assert_eq!(fake.count("GET /api/v1/namespaces/shop"), before + 1);
    assert_eq!(
        namespaces.get("slow", Duration::from_millis(20)).await,
        None
    );
    assert_eq!(namespaces.get("../secrets", LONG).await, None);
    assert_eq!(fake.count("GET /api/v1/secrets"), 0);
}

#[tokio::test]
async fn what_is_known_outlives_the_api_server() {
    let answer = |team: &'static str| {
        move |what: &str, _: Value| match what {
            "GET /api/v1/namespaces" => list(&[namespace("shop", team)]),
            _ => watch(&[]),
        }
    };
    let fake = Fake::start(answer("a")).await;
    let namespaces = fake.cluster().namespaces();
    namespaces.synced().await;
    until(|| fake.count("WATCH /api/v1/namespaces") == 1).await;
    let address = fake.address;
    drop(fake);
    let why = namespaces.pulse().until_troubled().await;
    assert!(why.starts_with("watch namespaces: "), "{why}");
    check(&namespaces, "shop", Some("a"));
    let _fake = Fake::start_at(address, answer("a")).await;
    namespaces.pulse().until_well().await;
    check(&namespaces, "shop", Some("a"));
}

#[tokio::test]
async fn what_is_too_old_is_listed_again() {
    let lists = AtomicUsize::new(0);
    let fake = Fake::start(move |what, _| match what {
        "GET /api/v1/namespaces" if lists.fetch_add(1, Ordering::Relaxed) == 0 => list(&[namespace("first", "a")]),
        "GET /api/v1/namespaces" => list(&[namespace("second", "b")]),
        _ if lists.load(Ordering::Relaxed) == 1 => {
            watch(&[json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}})])
        }
        _ => watch(&[]),
    })
    .await;
    let namespaces = fake.cluster().namespaces();
    until(|| namespaces.cached("second").is_some()).await;
    check(&namespaces, "first", None);
}

#[tokio::test]
async fn a_refusal_names_the_rule() {
    let fake = Fake::start(|what, _| match what {
        "GET /api/v1/namespaces" => refuse(403, "User \"x\" cannot list resource \"namespaces\""),
        _ => refuse(
            403,
            "secrets \"tls\" is forbidden: User \"x\" cannot get resource \"secrets\"",
        ),
    })
    .await;
    let namespaces = fake.cluster().namespaces();
    let why = namespaces.pulse().until_troubled().await;
    assert!(
        why.contains(
            "{apiGroups: [\"\"], resources: [namespaces], verbs: [list]} to a ClusterRole"
        ),
        "{why}"
    );
    assert!(!namespaces.is_synced());
    let why = fake
        .cluster()
        .secret("kubevet", "tls")
        .read()
        .await
        .unwrap_err()
        .to_string();
    let rule =
        "resources: [secrets], resourceNames: [tls], verbs: [get]} to a Role in namespace kubevet";
    assert!(why.contains(rule), "{why}");
}

#[tokio::test]
async fn bindings_come_with_their_definition() {
    let installed = AtomicUsize::new(0);
    let binding = |generation: u32, status: &str| {
        json!({"apiVersion": "kubevet.io/v1alpha1", "kind": "ControlBinding", "spec": {"controls": ["C-0057"]},
            "metadata": {"name": "nsa", "uid": "u", "generation": generation}, "status": status})
    };
    let fake = Fake::start(move |what, _| match what {
        _ if what.starts_with("WATCH") => watch(&[
            json!({"type": "MODIFIED", "object": binding(1, "written")}),
            json!({"type": "MODIFIED", "object": binding(2, "written")}),
        ]),
        _ if installed.fetch_add(1, Ordering::Relaxed) == 0 => {
            refuse(404, "the server could not find it")
        }
        _ => list(&[]),
    })
    .await;
    let bindings = fake.cluster().bindings();
    let mut receiver = bindings.receiver();
    receiver
        .wait_for(|it| it.as_ref().is_some_and(|it| it.is_empty()))
        .await
        .unwrap();
    let all = receiver.wait_for(|it| {
        it.as_ref()
            .is_some_and(|it| it.first().is_some_and(|it| it.generation == 2))
    });
    let text = String::from_utf8(all.await.unwrap().as_ref().unwrap()[0].json.to_vec()).unwrap();
    assert!(
        text.contains("C-0057") && text.contains("\"kind\":\"ControlBinding\""),
        "{text}"
    );
    assert!(!text.contains("written"), "{text}");
}

/// An API server with one object, which it keeps as it is written.
async fn with_one(object: Value, replicas: Option<u32>) -> (Fake, Arc<Mutex<Value>>) {
    let object = Arc::new(Mutex::new(object));
    let held = Arc::clone(&object);
    let fake = Fake::start(move |what, body| match what {
        "GET /apis/apps/v1/namespaces/kubevet/deployments/kubevet" => match replicas {
            Some(replicas) => Answer::Json(
                200,
                json!({"metadata": {"name": "kubevet"}, "spec": {"replicas": replicas,
                "selector": {}, "template": {}}}),
            ),
            None => refuse(404, "not found"),
        },
        "GET /api/v1/namespaces/kubevet" => {
            Answer::Json(200, json!({"metadata": {"name": "kubevet", "uid": "home"}}))
        }
        _ if what.starts_with("GET") => Answer::Json(200, held.lock().unwrap().clone()),
        _ if what.starts_with("PUT") => {
            *held.lock().unwrap() = body.clone();
            Answer::Json(200, body)
        }
        _ => refuse(409, "the object has been modified"),
    })
    .await;
    (fake, object)
}

fn configuration() -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "kubevet", "resourceVersion": "1"},
        "webhooks": [{"name": "fail", "failurePolicy": "Fail", "clientConfig": {}, "later": 1},
            {"name": "ignore", "failurePolicy": "Ignore", "clientConfig": {}}]})
}

fn install() -> Install {
    Install {
        configuration: "kubevet".to_owned(),
        namespace: Some("kubevet".to_owned()),
        deployment: Some("kubevet".to_owned()),
    }
}

#[tokio::test]
async fn trust_is_written_where_it_differs() {
    let (fake, object) = with_one(configuration(), Some(1)).await;
    let cluster = fake.cluster();
    let bundle = b"-----BEGIN CERTIFICATE-----\n";
    assert!(cluster.publish(&install(), b"").await.is_err());
    assert_eq!(cluster.publish(&install(), bundle).await, Ok(true));
    assert_eq!(cluster.publish(&install(), bundle).await, Ok(false));
    let object = object.lock().unwrap().clone();
    assert_eq!(
        object["webhooks"][0]["clientConfig"]["caBundle"],
        object["webhooks"][1]["clientConfig"]["caBundle"]
    );
    assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "home");
    assert_eq!(object["webhooks"][0]["later"], 1);
}

#[tokio::test]
async fn only_the_last_lets_go_and_the_next_takes_back() {
    let (fake, object) = with_one(configuration(), Some(1)).await;
    assert_eq!(fake.cluster().release(&install()).await, Ok(Release::Kept));
    let held = object.lock().unwrap().clone();
    let (gone, object) = with_one(held, None).await;
    assert_eq!(
        gone.cluster().release(&install()).await,
        Ok(Release::Released(vec!["fail".to_owned()]))
    );
    assert_eq!(
        gone.cluster().release(&install()).await,
        Ok(Release::Released(Vec::new()))
    );
    assert_eq!(
        object.lock().unwrap()["webhooks"][0]["failurePolicy"],
        "Ignore"
    );
    let held = object.lock().unwrap().clone();
    let (fake, object) = with_one(held, Some(1)).await;
    assert_eq!(
        fake.cluster().restore(&install()).await,
        Ok(vec!["fail".to_owned()])
    );
    assert_eq!(fake.cluster().restore(&install()).await, Ok(Vec::new()));
    let object = object.lock().unwrap().clone();
    assert_eq!(object["webhooks"][0]["failurePolicy"], "Fail");
    assert_eq!(object["webhooks"][1]["failurePolicy"], "Ignore");
}

#[tokio::test]
async fn certificates_and_status_are_written_only_by_the_first() {
    let secret =
        json!({"metadata": {"name": "tls", "resourceVersion": "7"}, "data": {"tls.crt": "YQ=="}});
    let (fake, _) = with_one(secret, None).await;
    let store = fake.cluster().secret("kubevet", "tls");
    let held = store.read().await.unwrap().unwrap();
    assert_eq!(
        (held.certificate.as_slice(), held.version.as_deref()),
        (&b"a"[..], Some("7"))
    );
    for version in [None, Some("6".to_owned())] {
        let written = store
            .write(&Certificates {
                version,
                ..held.clone()
            })
            .await;
        assert!(matches!(written, Err(ClusterError::Conflict { .. })));
    }
    let binding = json!({"metadata": {"name": "nsa", "generation": 3}, "status": {"conditions": [{"type": "Accepted",
        "status": "True", "reason": "Read", "message": "m", "observedGeneration": 3, "lastTransitionTime": "t"}]}});
    let (fake, _) = with_one(binding, None).await;
    let mut condition = Condition {
        kind: "Accepted".to_owned(),
        holds: Some(true),
        reason: "Read".to_owned(),
        message: "m".to_owned(),
    };
    let cluster = fake.cluster();
    assert_eq!(
        cluster
            .set_binding_status("nsa", 3, &[condition.clone()], None)
            .await,
        Ok(false)
    );
    condition.message = "n".to_owned();
    assert_eq!(
        cluster
            .set_binding_status("nsa", 2, &[condition.clone()], None)
            .await,
        Ok(false)
    );
    let written = cluster
        .set_binding_status("nsa", 3, &[condition], None)
        .await;
    assert!(matches!(written, Err(ClusterError::Conflict { .. })));
}

/// The form that a start falls back to is written beside the conditions, once, and taken away where it is too long.
#[tokio::test]
async fn the_last_good_form_is_kept_in_the_status() {
    let standing = json!({"type": "Accepted", "status": "True", "reason": "Read", "message": "m",
        "observedGeneration": 3, "lastTransitionTime": "t"});
    let kept = json!({"observedGeneration": 2, "spec": "{}"});
    let condition = Condition {
        kind: "Accepted".to_owned(),
        holds: Some(true),
        reason: "Read".to_owned(),
        message: "m".to_owned(),
    };
    let long = "x".repeat(65 << 10);
    for (last_good, expected) in [
        (None, None),
        (Some("{}"), None),
        (
            Some("{\"a\":1}"),
            Some(json!({"observedGeneration": 3, "spec": "{\"a\":1}"})),
        ),
        (Some(long.as_str()), Some(Value::Null)),
    ] {
        let patched = Arc::new(Mutex::new(None));
        let (seen, standing, kept) = (Arc::clone(&patched), standing.clone(), kept.clone());
        let fake = Fake::start(move |what, body| {
            if what.starts_with("PATCH") {
                *seen.lock().unwrap() = Some(body["status"]["lastGood"].clone());
            }
            let status = json!({"conditions": [standing], "lastGood": kept});
            Answer::Json(
                200,
                json!({"metadata": {"name": "nsa", "generation": 3}, "status": status}),
            )
        })
        .await;
        let written = fake
            .cluster()
            .set_binding_status("nsa", 3, std::slice::from_ref(&condition), last_good)
            .await;
        assert_eq!(
            (written, patched.lock().unwrap().clone()),
            (Ok(expected.is_some()), expected)
        );
    }
}

/// What a namespace that nobody answers for lets through is told of the configuration as it stands.
#[tokio::test]
async fn webhooks_that_let_through_are_named_with_their_namespaces() {
    let tier = |operator: &str| {
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name"},
        {"key": "kubevet.io/failure-policy", "operator": operator, "values": ["Fail"]}]})
    };
    let configuration = json!({"metadata": {"name": "kubevet"}, "webhooks": [
        {"name": "fail", "failurePolicy": "Fail", "namespaceSelector": tier("In")},
        {"name": "default"},
        {"name": "ignore", "failurePolicy": "Ignore", "namespaceSelector": tier("NotIn")},
        {"name": "rest", "failurePolicy": "Ignore"},
    ]});
    let (fake, _) = with_one(configuration, None).await;
    let install = Install {
        configuration: "kubevet".to_owned(),
        namespace: None,
        deployment: None,
    };
    assert_eq!(
        fake.cluster().lets_through(&install).await.unwrap(),
        [
            "ignore (in namespaces without the label kubevet.io/failure-policy=Fail)",
            "rest (in every namespace)"
        ]
    );
}

#[tokio::test]
async fn events_are_written_once_and_then_counted() {
    let fake = Fake::start(|_, body| match &body["note"] {
        Value::String(note) if note.contains("refused") => {
            refuse(403, "the namespace is being terminated")
        }
        _ => Answer::Json(
            200,
            json!({"metadata": {"name": "kubevet.1"}, "eventTime": null}),
        ),
    })
    .await;
    let events = fake.cluster().events("pod");
    let note = |name: &str, message: &str| Note {
        subject: Subject {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            uid: String::new(),
        },
        related: None,
        control: "C-0057".to_owned(),
        reason: "Denied",
        action: "Admission",
        message: message.to_owned(),
        warning: true,
    };
    events.record(note("web", "no"));
    events.flush(LONG).await;
    events.record(note("web", "no"));
    events.flush(LONG).await;
    events.record(note("worse", "refused"));
    events.flush(LONG).await;
    assert_eq!(
        fake.count("POST /apis/events.k8s.io/v1/namespaces/shop/events"),
        2
    );
    assert_eq!(
        fake.count_below("PATCH /apis/events.k8s.io/v1/namespaces/shop/events/kubevet."),
        1
    );
    assert_eq!(events.dropped(), 1);
}
