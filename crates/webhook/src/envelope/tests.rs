//! Envelopes of complete, truncated and misleading bodies.

use super::*;

#[track_caller]
fn check_uid(body: &str, expected: Option<&str>) {
    let envelope = Envelope::scan(body.as_bytes());
    let uid = envelope.map(|envelope| envelope.uid);
    assert_eq!(uid.as_deref(), expected, "{body}");
}

#[test]
fn uid_is_found_in_a_truncated_body() {
    check_uid(
        r#"{"kind":"AdmissionReview","request":{"uid":"a-1","kind":{"#,
        Some("a-1"),
    );
    check_uid(
        r#"{"request": {"object":{"metadata":{"uid":"x"}}, "uid" : "a-1"}"#,
        Some("a-1"),
    );
    check_uid(r#"{"request":{"name":"\"uid\":\"x\"","uid":"a-1"#, None);
    check_uid(
        r#"{"request":{"name":"\"uid\":\"x\"","uid":"a-1""#,
        Some("a-1"),
    );
}

#[test]
fn uid_elsewhere_is_ignored() {
    check_uid(r#"{"uid":"x","request":{"object":{"uid":"y"}}}"#, None);
    check_uid(r#"{"other":{"uid":"x"},"request":{}}"#, None);
    check_uid(r#"{"request":[{"uid":"x"}]}"#, None);
    check_uid(r#"{"request":{"a":["uid","x"]}}"#, None);
    check_uid(r#"{"request":{"a":"uid","x":"y"}}"#, None);
    check_uid(r#"{"request":{},"other":{"uid":"x"}}"#, None);
    check_uid(r#"{"request":{"uid":""}}"#, None);
    check_uid(r#"{"request":{"uid":"a b"}}"#, None);
    check_uid(r#"{"request":{"uid":{"uid":"x"}}}"#, None);
    check_uid("]", None);
    check_uid("", None);
}

#[test]
fn user_before_the_object_is_found() {
    for (body, expected) in [
        (
            r#"{"request":{"uid":"a","userInfo":{"username":"ann","groups":["x"]},"object":{"#,
            "ann",
        ),
        (
            r#"{"request":{"uid":"a","userInfo":{"extra":{"username":["x"]},"username":"a@b \"c"}"#,
            r#"a@b \"c"#,
        ),
        (
            r#"{"request":{"uid":"a","object":{},"userInfo":{"username":"ann"}}}"#,
            "",
        ),
        (
            r#"{"request":{"uid":"a","username":"ann"},"userInfo":{"username":"bob"}}"#,
            "",
        ),
        ("]", ""),
    ] {
        assert_eq!(Envelope::user_of(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn user_name_that_may_not_be_whole_is_unknown() {
    let check = |name: &str, expected: &str| {
        let body = format!(r#"{{"request":{{"uid":"a","userInfo":{{"username":"{name}"}}}}}}"#);
        let envelope = Envelope::scan(body.as_bytes()).unwrap();
        assert_eq!(envelope.user().name, expected, "{body}");
    };
    check("ann@example.com", "ann@example.com");
    check(r"an\u006e", "");
    check(&"a".repeat(MAX_USER_BYTES), "");
}

#[test]
fn attributes_come_from_the_envelope_and_not_from_the_object() {
    let body = r#"{"request":{"uid":"a-1","kind":{"group":"g","version":"v","kind":"K"},
        "resource":{"group":"apps","version":"v1","resource":"deployments"},
        "subResource":"status","requestResource":{"group":"x","version":"x","resource":"x"},
        "name":"web","namespace":"shop","operation":"UPDATE",
        "object":{"operation":"DELETE","resource":{"resource":"y"}},"operation":"DELETE"}}"#;
    let envelope = Envelope::scan(body.as_bytes()).unwrap();
    let attributes = envelope.attributes().unwrap();
    assert_eq!(attributes.operation, Operation::Update);
    assert_eq!(
        [attributes.group, attributes.version, attributes.resource],
        ["apps", "v1", "deployments"]
    );
    assert_eq!(
        [
            attributes.subresource,
            attributes.name,
            attributes.namespace
        ],
        ["status", "web", "shop"]
    );
    let truncated = br#"{"request":{"uid":"a-1","operation":"DELETE","resource":{"group":"#;
    let envelope = Envelope::scan(truncated).unwrap();
    assert!(envelope.attributes().is_none());
}
