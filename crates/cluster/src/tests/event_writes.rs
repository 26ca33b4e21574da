//! Events that are created and updated.

use super::{LONG, failure};
use crate::{
    EventRecord, EventSubject,
    fake_api_server::{FakeApiServer, Reply},
};
use serde_json::{Value, json};

#[tokio::test]
async fn repeated_event_is_created_once_and_then_updated() {
    let server = FakeApiServer::start(|_, body| match &body["note"] {
        Value::String(note) if note.contains("refused") => {
            failure(403, "the namespace is being terminated")
        }
        _ => Reply::Json(
            200,
            json!({"metadata": {"name": "kubevet.1"}, "eventTime": null}),
        ),
    })
    .await;
    let events = server
        .cluster()
        .start_event_writer("kubevet.io/admission", "pod");
    let record = |name: &str, message: &str| EventRecord {
        subject: EventSubject {
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
        is_warning: true,
    };
    events.record(record("web", "no"));
    events.flush(LONG).await;
    events.record(record("web", "no"));
    events.flush(LONG).await;
    events.record(record("worse", "refused"));
    events.flush(LONG).await;
    assert_eq!(
        server.count("POST /apis/events.k8s.io/v1/namespaces/shop/events"),
        2
    );
    assert_eq!(
        server.count_prefix("PATCH /apis/events.k8s.io/v1/namespaces/shop/events/kubevet."),
        1
    );
    assert_eq!(events.dropped(), 1);
}
