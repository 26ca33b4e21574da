//! A plain object as the review that `kubectl create` would cause, so that a manifest can be tried without a cluster.

use kubevet_document::Document;
use kubevet_model::{Kind, ObjectId};
use serde_json::json;

/// The uid of every review that is made here.
const UID: &str = "00000000-0000-0000-0000-000000000000";
/// Who asks in it.
const USER: &str = "kubevet-review";

/// The review of creating an object. It names the namespace that the object names, if any.
#[must_use]
pub fn review_from_manifest(object: &Document) -> Vec<u8> {
    let ObjectId {
        api_version,
        kind,
        namespace,
        name,
    } = object.id();
    let kind = Kind::new(Kind::group_of(&api_version), kind);
    let version = api_version
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut text = String::new();
    object.root().write_json(&mut text);
    let head = json!({
        "uid": UID,
        "kind": {"group": kind.group, "version": version, "kind": kind.name},
        "resource": {"group": kind.group, "version": version, "resource": kind.plural()},
        "name": if name.ends_with('*') { "" } else { name.as_str() },
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": USER, "groups": ["system:authenticated"]},
        "oldObject": null,
        "dryRun": true,
    })
    .to_string();
    let head = head.trim_end_matches('}');
    let start = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":"#;
    format!("{start}{head},\"object\":{text}}}}}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Review;
    use kubevet_document as document;
    use std::sync::Arc;

    #[test]
    fn a_manifest_becomes_a_review_that_can_be_read() {
        let file = Arc::from("-");
        let text =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n";
        let reading = document::read(&file, text.as_bytes(), &document::Limits::default());
        let review =
            Review::read(&review_from_manifest(reading.documents.first().unwrap())).unwrap();
        assert_eq!(
            (
                review.resource.name.as_str(),
                review.resource.group.as_str()
            ),
            ("deployments", "apps")
        );
        assert_eq!(
            (review.namespace.as_str(), review.shown_name().as_str()),
            ("shop", "web")
        );
        assert!(review.object.is_some());
    }
}
