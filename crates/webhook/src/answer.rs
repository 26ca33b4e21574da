//! A decision → the bytes of the answer, by the API server's rules: the same apiVersion and kind, the same uid, no patch,
//! and a status only where something is denied.

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
    #[serde(skip_serializing_if = "no_warnings")]
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

fn no_warnings(warnings: &[String]) -> bool {
    warnings.is_empty()
}

/// The body of the answer.
#[must_use]
pub(super) fn write(uid: &str, decision: &Decision) -> Vec<u8> {
    let status = decision.status.as_ref().filter(|_| !decision.allowed);
    let review = AdmissionReview {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Response {
            uid,
            allowed: decision.allowed,
            status: status.map(|it| Status {
                status: "Failure",
                code: it.code,
                reason: it.reason,
                message: &it.message,
            }),
            warnings: &decision.warnings,
            audit_annotations: &decision.annotations,
        },
    };
    // Maps of texts cannot fail to be written.
    serde_json::to_vec(&review).unwrap_or_default()
}
