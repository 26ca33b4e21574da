//! Bodies that are reviews, malformed reviews, and no reviews.

use super::*;

fn review(request: &str) -> String {
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{request}}}"#
    )
}

/// A review about creating a Pod, with these further fields.
fn pod_review(fields: &str) -> String {
    review(&format!(
        r#"{{"uid":"u-1","kind":{{"group":"","version":"v1","kind":"Pod"}},
        "resource":{{"group":"","version":"v1","resource":"pods"}},
        "name":"web","namespace":"shop","operation":"CREATE",
        "userInfo":{{"username":"ann","groups":["a","b"]}},{fields}}}"#
    ))
}

const OBJECT: &str =
    r#""object":{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app":"web"}}}"#;

#[test]
fn all_fields_of_a_review_are_read() {
    let body = pod_review(&format!("{OBJECT},\"oldObject\":null,\"dryRun\":true"));
    let review = Review::read(body.as_bytes()).unwrap();
    assert_eq!(review.uid, "u-1");
    assert_eq!(review.operation, Operation::Create);
    assert_eq!(review.kind.name, "Pod");
    assert_eq!(review.user.name, "ann");
    assert_eq!(review.user.groups.len(), 2);
    assert!(review.dry_run);
    assert_eq!(review.attributes().resource, "pods");
    let label = review.labels.as_ref().and_then(|labels| labels.get("app"));
    assert_eq!(label.map(String::as_str), Some("web"));
    assert!(review.object.is_some() && review.old_object.is_none());
}

#[track_caller]
fn check_malformed(body: &str, expected: &str) {
    match Review::read(body.as_bytes()) {
        Err(ReviewError::Malformed { envelope, message }) => {
            assert_eq!(envelope.uid(), "u-1");
            assert!(message.contains(expected), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn malformed_review_keeps_its_uid() {
    let valid = pod_review(OBJECT);
    check_malformed(&pod_review(r#""object":null"#), "carries no object");
    check_malformed(
        &pod_review(r#""object":{"apiVersion":"v1","kind":"Service"}"#),
        "not of the kind",
    );
    check_malformed(&valid.replace("CREATE", "PATCH"), "no operation");
    check_malformed(&valid.replace("}}}}", "}}}"), "found the end of the text");
    let deep = format!(
        r#""object":{{"apiVersion":"v1","kind":"Pod","x":{}1{}}}"#,
        "[".repeat(9999),
        "]".repeat(9999)
    );
    check_malformed(&pod_review(&deep), "more than 514 deep");
}

#[track_caller]
fn check_not_a_review(body: &str, expected: &str) {
    match Review::read(body.as_bytes()) {
        Err(ReviewError::NotAReview(message)) => {
            assert!(message.contains(expected), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn body_without_a_usable_uid_is_not_a_review() {
    let valid = pod_review(OBJECT);
    check_not_a_review("", "not one JSON document");
    check_not_a_review("[]", "not an AdmissionReview");
    check_not_a_review("{}{}", "not one JSON document");
    check_not_a_review(
        &valid.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
        "not an AdmissionReview",
    );
    check_not_a_review(&valid.replace("u-1", ""), "no uid");
    check_not_a_review(
        &valid.replace("u-1", &"u".repeat(MAX_UID_BYTES + 1)),
        "more than 128 bytes",
    );
    check_not_a_review(&review("null"), "no request");
    check_not_a_review(
        &valid.replace(r#""request":"#, r#""response":{},"request":"#),
        "a response already",
    );
    check_not_a_review("hello", "");
}
