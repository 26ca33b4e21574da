//! What holds for the objects of every result.

use super::{add_error, add_finding, builder, object, result};
use crate::{MAX_RESULT_BYTES, ReportApi, ResultBuilder, SummaryMember};
use kubevet_model::{
    CONTENT_BYTES_ANNOTATION, CONTENT_HASH_ANNOTATION, ControlId, EvalError, ObjectResult, Origin,
    RESULT_LABEL, ResultObject, SeverityCounts,
    names::{is_dns_label, is_dns_subdomain},
    sha256_hex,
};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

/// Findings by control, message, path and the value of a fix.
type Findings = Vec<(usize, String, String, String)>;

const CONTROLS: &[&str] = &[
    "C-0057",
    "C-0012",
    "C-0262",
    "C-0041",
    "C-0056",
    "X-UNKNOWN",
];

fn results() -> impl Strategy<Value = ObjectResult> {
    let findings = vec(
        (0..CONTROLS.len(), ".{0,60}", "[a-z]{1,9}", ".{0,30}"),
        0..40,
    );
    let kind = prop_oneof![Just(("apps/v1", "Deployment")), Just(("x-y.io/v1", "Foo"))];
    (kind, "(|[a-z]{1,9})", ".{0,300}", findings, any::<bool>()).prop_map(
        |((api_version, kind), namespace, name, findings, has_error)| {
            let object = object(api_version, kind, &namespace, &name);
            let mut result = result(object, &["C-0262"]);
            let findings: Findings = findings;
            for (control, message, path, value) in findings {
                let value = serde_json::to_string(&value).unwrap();
                let fixes = [(path.as_str(), value.as_str())];
                add_finding(&mut result, CONTROLS[control], &message, &[&path], &fixes);
            }
            if has_error {
                let error = EvalError::RuleFailed(name);
                add_error(&mut result, "C-0300", error);
            }
            result
        },
    )
}

fn all_objects(builder: &ResultBuilder, result: &ObjectResult) -> Vec<ResultObject> {
    vec![
        builder.configuration_scan(result),
        builder.configuration_scan_summary(result),
        builder.policy_report(ReportApi::PolicyReports, result),
        builder.policy_report(ReportApi::OpenReports, result),
    ]
}

/// Returns the object without the annotations about its content.
fn content(object: &ResultObject) -> String {
    let mut value: Value = serde_json::from_str(&object.json).unwrap();
    let annotations = value["metadata"]["annotations"].as_object_mut().unwrap();
    let hash = annotations.remove(CONTENT_HASH_ANNOTATION).unwrap();
    let bytes = annotations.remove(CONTENT_BYTES_ANNOTATION).unwrap();
    let content = value.to_string();
    assert_eq!(hash, object.content_hash);
    assert_eq!(bytes, object.content_bytes.to_string());
    content
}

/// Counts the controls of each status.
fn statuses(object: &ResultObject, status: &str) -> usize {
    let value: Value = serde_json::from_str(&object.json).unwrap();
    let controls = value["spec"]["controls"].as_object().unwrap();
    let has_status = |control: &&Value| control["status"]["status"] == status;
    controls.values().filter(has_status).count()
}

fn omitted(object: &ResultObject, key: &str) -> usize {
    let value: Value = serde_json::from_str(&object.json).unwrap();
    let text = value["metadata"]["annotations"][key].as_str();
    text.map_or(0, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_results_give_equal_bytes(result in results()) {
        let copy = result.clone();
        prop_assert_eq!(all_objects(&builder(), &result), all_objects(&builder(), &copy));
        // What changes without a change of the verdict is not in them.
        let mut later = result.clone();
        if let Origin::Cluster { resource_version, .. } = &mut later.origin {
            *resource_version = "4712".into();
        }
        prop_assert_eq!(all_objects(&builder(), &result), all_objects(&builder(), &later));
    }

    #[test]
    fn hash_is_that_of_the_content(one in results(), other in results()) {
        for (a, b) in all_objects(&builder(), &one).iter().zip(&all_objects(&builder(), &other)) {
            let (content_a, content_b) = (content(a), content(b));
            prop_assert_eq!(&a.content_hash, &sha256_hex(&content_a));
            prop_assert_eq!(a.content_hash == b.content_hash, content_a == content_b);
        }
    }

    #[test]
    fn size_is_bounded_and_what_is_left_out_is_counted(result in results(), max in 1500..6000_usize) {
        for object in all_objects(&builder().with_max_bytes(max), &result) {
            prop_assert!(object.json.len() <= max.max(3500), "{} {max}", object.json.len());
        }
        let scan = builder().with_max_bytes(max).configuration_scan_summary(&result);
        let whole = builder().configuration_scan_summary(&result);
        let kept = |object: &ResultObject| {
            ["passed", "failed", "skipped"].map(|status| statuses(object, status)).iter().sum::<usize>()
        };
        let left_out = omitted(&scan, "kubevet.io/omitted-controls");
        prop_assert_eq!(kept(&scan) + left_out, kept(&whole));
    }

    #[test]
    fn metadata_is_what_an_api_server_accepts(result in results()) {
        for object in all_objects(&builder(), &result) {
            prop_assert!(is_dns_subdomain(&object.key.name), "{}", object.key.name);
            prop_assert_eq!(object.key.kind.is_namespaced(), !object.key.namespace.is_empty());
            prop_assert!(object.key.namespace.is_empty() || is_dns_label(&object.key.namespace));
            let value: Value = serde_json::from_str(&object.json).unwrap();
            let labels = value["metadata"]["labels"].as_object().unwrap();
            prop_assert_eq!(labels[RESULT_LABEL.0].as_str(), Some(RESULT_LABEL.1));
            for (key, value) in labels {
                let value = value.as_str().unwrap();
                let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                prop_assert!(value.len() <= 63 && value.chars().all(valid), "{key} {value}");
            }
        }
    }

    #[test]
    fn control_that_was_not_evaluated_is_never_passed(result in results()) {
        for object in [builder().configuration_scan(&result), builder().configuration_scan_summary(&result)] {
            let value: Value = serde_json::from_str(&object.json).unwrap();
            for error in &result.errors {
                let status = &value["spec"]["controls"][error.control.as_str()]["status"];
                prop_assert_eq!(status["status"].as_str(), Some("skipped"));
                prop_assert_eq!(status["subStatus"].as_str(), Some("notEvaluated"));
            }
        }
    }
}

/// The real bound, with more findings than fit.
#[test]
fn largest_object_is_within_the_bound() {
    let big = super::many_findings(5000);
    for object in all_objects(&builder(), &big) {
        assert!(
            object.json.len() <= MAX_RESULT_BYTES,
            "{}",
            object.json.len()
        );
    }
    let scan = builder().configuration_scan(&big);
    assert!(
        scan.json.len() > MAX_RESULT_BYTES - 1000,
        "{}",
        scan.json.len()
    );
    let shown = scan.json.matches("data[key-").count();
    assert_eq!(shown + omitted(&scan, "kubevet.io/omitted-paths"), 5000);
    let report = builder().policy_report(ReportApi::PolicyReports, &big);
    let shown = report.json.matches("\"result\":\"fail\"").count();
    assert_eq!(shown + omitted(&report, "kubevet.io/omitted-results"), 5001);
    assert!(
        report.json.contains("\"fail\":5001"),
        "the summary counts all"
    );
    let members: Vec<SummaryMember> = (0..20_000)
        .map(|index| SummaryMember {
            name: format!("deployment-{index}"),
            failed: SeverityCounts::default(),
        })
        .collect();
    let sums = builder().namespace_summary("shop", None, &members);
    assert!(sums.json.len() <= MAX_RESULT_BYTES, "{}", sums.json.len());
}

/// The least severe finding has a path, although the worst control has too many.
#[test]
fn every_failed_control_has_a_path() {
    let scan = builder()
        .with_max_bytes(3000)
        .configuration_scan(&super::many_findings(5000));
    assert!(
        scan.json.contains("\"failedPath\":\"metadata\""),
        "{}",
        scan.json
    );
}

#[test]
fn credential_is_masked() {
    for object in all_objects(&builder(), &super::deployment()) {
        assert!(
            !object.json.contains("correct-horse-battery"),
            "{}",
            object.json
        );
    }
}

#[test]
fn findings_of_a_report_name_the_bindings_that_enforce_their_control() {
    let mut result = result(object("apps/v1", "Deployment", "shop", "web"), &[]);
    for control in ["C-0057", "C-0041"] {
        add_finding(&mut result, control, "it is bad", &["spec"], &[]);
    }
    let many: Vec<String> = (0..7).map(|number| format!("b{number}")).collect();
    let bindings = |control: &ControlId| match control.as_str() {
        "C-0057" => many.clone(),
        _ => Vec::new(),
    };
    for api in [ReportApi::PolicyReports, ReportApi::OpenReports] {
        let report = builder().policy_report_naming(api, &result, &bindings);
        let report: Value = serde_json::from_str(&report.json).unwrap();
        let results = report["results"].as_array().unwrap();
        let named = |control: &str| {
            let of = results.iter().find(|of| of["policy"] == control).unwrap();
            of["properties"]["bindings"].clone()
        };
        assert_eq!(named("C-0057"), "b0, b1, b2, b3, b4 and 2 more");
        assert_eq!(named("C-0041"), Value::Null);
    }
}
