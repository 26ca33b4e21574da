//! Writes the answer to a review, by the rules of the API server: the same apiVersion, kind and
//! uid, no patch, and a status only if the request is denied.

use kubevet_admission::Decision;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdmissionReview<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: &'a str,
}

/// Returns the body of the answer.
#[must_use]
pub(super) fn write(uid: &str, decision: &Decision) -> Vec<u8> {
    let status = decision.status.as_ref().filter(|_| !decision.allowed);
    let review = AdmissionReview {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Response {
            uid,
            allowed: decision.allowed,
            status: status.map(|status| Status {
                status: "Failure",
                code: status.code,
                reason: status.reason,
                message: &status.message,
            }),
            warnings: &decision.warnings,
            audit_annotations: &decision.annotations,
        },
    };
    // Serializing strings and maps of strings into memory cannot fail.
    serde_json::to_vec(&review).unwrap_or_default()
}
