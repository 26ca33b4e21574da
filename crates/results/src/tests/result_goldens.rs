//! Whole objects, byte for byte. `UPDATE=1 cargo test -p kubevet-results` rewrites them.

use super::{add_finding, builder, deployment, many_findings, object, result};
use crate::{ReportApi, SummaryMember};
use kubevet_model::{ResultObject, SeverityCounts};
use kubevet_testkit::snapshot::assert_matches_file;
use serde_json::Value;

#[track_caller]
fn check(name: &str, object: &ResultObject) {
    let value: Value = serde_json::from_str(&object.json).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let path = format!("crates/results/src/tests/golden/{name}.json");
    assert_matches_file(&path, &format!("{pretty}\n"));
    assert_eq!(value["metadata"]["name"], object.key.name);
    let namespace = value["metadata"]["namespace"].as_str().unwrap_or_default();
    assert_eq!(namespace, object.key.namespace);
    assert_eq!(value["kind"], object.key.kind.name());
}

#[test]
fn deployment_has_all_its_results() {
    let (builder, result) = (builder(), deployment());
    check("deployment-scan", &builder.configuration_scan(&result));
    check(
        "deployment-summary",
        &builder.configuration_scan_summary(&result),
    );
    for (name, api) in [
        ("deployment-policy-report", ReportApi::PolicyReports),
        ("deployment-open-report", ReportApi::OpenReports),
    ] {
        check(name, &builder.policy_report(api, &result));
    }
    let counts = builder.failed_controls(&result);
    assert_eq!((counts.high, counts.low, counts.total()), (2, 1, 3));
}

/// An object outside namespaces has its scan in our namespace, and a report outside any.
#[test]
fn cluster_role_has_results_in_the_own_namespace() {
    let role = object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "",
        "system:everybody",
    );
    let mut result = result(role, &[]);
    let message = "everybody may do everything";
    add_finding(&mut result, "C-0262", message, &["rules[0].verbs"], &[]);
    check("cluster-role-scan", &builder().configuration_scan(&result));
    let api = ReportApi::PolicyReports;
    check(
        "cluster-role-policy-report",
        &builder().policy_report(api, &result),
    );
}

/// The bound is small here, so that the files are: the real one is a property of its own.
#[test]
fn object_with_5000_findings_keeps_what_fits() {
    let result = many_findings(5000);
    let builder = builder().with_max_bytes(3000);
    check("many-findings-scan", &builder.configuration_scan(&result));
    let report = builder.policy_report(ReportApi::PolicyReports, &result);
    check("many-findings-policy-report", &report);
}

#[test]
fn namespace_sums_its_summaries() {
    let member = |name: &str, critical, high| SummaryMember {
        name: name.to_owned(),
        failed: SeverityCounts {
            critical,
            high,
            ..SeverityCounts::default()
        },
    };
    let members = [
        member("deployment-a", 0, 2),
        member("deployment-web", 1, 0),
        member("cronjob-b", 0, 2),
        member("pod-clean", 0, 0),
    ];
    let uid = Some("c7d1f0c2-0000-4000-8000-000000000001");
    check(
        "namespace-summary",
        &builder().namespace_summary("shop", uid, &members),
    );
    let small = builder().with_max_bytes(900);
    check(
        "namespace-summary-bounded",
        &small.namespace_summary("shop", None, &members),
    );
}

/// Two kinds of one name, and names that are equal once they are made valid.
#[test]
fn colliding_objects_have_names_of_their_own() {
    let long = "a".repeat(253);
    let rbac = "rbac.authorization.k8s.io/v1";
    let objects = [
        ("v1", "Service", "web"),
        ("serving.knative.dev/v1", "Service", "web"),
        (rbac, "Role", "system:node"),
        (rbac, "Role", "system-node"),
        (rbac, "Role", "System-Node"),
        ("v1", "ConfigMap", &long),
        ("v1", "ConfigMap", &long[1..]),
    ];
    let names = objects.map(|(api_version, kind, name)| {
        let result = result(object(api_version, kind, "shop", name), &[]);
        builder().configuration_scan(&result).key.name
    });
    let path = "crates/results/src/tests/golden/names.txt";
    assert_matches_file(path, &format!("{}\n", names.join("\n")));
    let mut distinct = names.to_vec();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len());
}

#[test]
fn knative_service_is_labelled_as_what_it_is() {
    let long = "a-rather-long-name-of-a-revision.of-a-service-that-has-more-than-63-characters";
    let service = object("serving.knative.dev/v1", "Service", "shop", long);
    let result = result(service, &["C-0041"]);
    check(
        "knative-service-scan",
        &builder().configuration_scan(&result),
    );
}
