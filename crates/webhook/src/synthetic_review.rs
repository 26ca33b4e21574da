//! Builds the review that `kubectl create` would cause, so that a manifest can be tried without a
//! cluster.

use kubevet_document::Document;
use kubevet_k8s::{schema::Schema, workload::CONTROLLER_ACCOUNTS};
use kubevet_model::{Kind, ObjectId};
use serde_json::json;

/// The uid of every synthetic review.
const UID: &str = "00000000-0000-0000-0000-000000000000";
/// The user of a synthetic review whose user is not known.
pub(super) const UNKNOWN_USER: &str = "kubevet-review";

/// Returns the body of a review about creating `object`. It names the namespace of the object, if
/// the object names one.
#[must_use]
pub fn review_from_manifest(object: &Document) -> Vec<u8> {
    review_by_user(object, UNKNOWN_USER)
}

/// As [`review_from_manifest`], of an object that a built-in controller creates. `account` is the
/// name of the controller's service account.
#[must_use]
pub fn review_by_controller(object: &Document, account: &str) -> Vec<u8> {
    review_by_user(object, &format!("{CONTROLLER_ACCOUNTS}{account}"))
}

fn review_by_user(object: &Document, user: &str) -> Vec<u8> {
    let ObjectId {
        api_version,
        kind,
        namespace,
        name,
    } = object.id();
    let kind = Kind::new(Kind::group_of(&api_version), kind);
    let resource = Schema::embedded().resource(&kind);
    let version = api_version.rsplit('/').next().unwrap_or_default();
    // The API server has not generated the name yet.
    let has_generated_name = name.ends_with('*');
    let envelope = json!({
        "uid": UID,
        "kind": {"group": kind.group, "version": version, "kind": kind.name},
        "resource": {"group": kind.group, "version": version, "resource": resource},
        "name": if has_generated_name { "" } else { name.as_str() },
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": user, "groups": ["system:authenticated"]},
        "oldObject": null,
        "dryRun": true,
    })
    .to_string();
    // The JSON of the object is appended as it is: through `serde_json::Value` its numbers could
    // change.
    let envelope = envelope.trim_end_matches('}');
    let mut object_json = String::new();
    object.root().write_json(&mut object_json);
    let start = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":"#;
    format!("{start}{envelope},\"object\":{object_json}}}}}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Review;
    use kubevet_document as document;
    use std::sync::Arc;

    #[test]
    fn review_of_a_manifest_can_be_read() {
        let yaml =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n";
        let limits = document::Limits::default();
        let reading = document::read(&Arc::from("-"), yaml.as_bytes(), &limits);
        let body = review_from_manifest(reading.documents.first().unwrap());
        let review = Review::read(&body).unwrap();
        assert_eq!(
            [&review.resource.name, &review.resource.group],
            ["deployments", "apps"]
        );
        assert_eq!(review.namespace, "shop");
        assert_eq!(review.display_name(), "web");
        assert!(review.object.is_some());
    }
}
