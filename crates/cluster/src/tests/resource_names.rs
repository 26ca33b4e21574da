//! Discovery, and the resources that words and kinds mean.

use super::failure;
use crate::{
    ApiResources, ClusterError,
    fake_api_server::{FakeApiServer, Reply},
};
use kubevet_model::Kind;
use serde_json::{Value, json};

fn resource(kind: &str, plural: &str, short: &[&str], verbs: &[&str]) -> Value {
    json!({"resource": plural, "responseKind": {"group": "", "version": "v1", "kind": kind},
        "scope": "Namespaced", "singularResource": kind.to_lowercase(), "shortNames": short, "verbs": verbs})
}

fn group(name: &str, versions: &[(&str, &str, &[Value])]) -> Value {
    let versions = versions.iter().map(|(version, freshness, resources)| {
        json!({"version": version, "freshness": freshness, "resources": resources})
    });
    json!({"metadata": {"name": name}, "versions": versions.collect::<Vec<Value>>()})
}

fn groups(items: &[Value]) -> Reply {
    Reply::Json(
        200,
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}),
    )
}

async fn discovered() -> ApiResources {
    let list: &[&str] = &["get", "list"];
    let server = FakeApiServer::start(move |call, _| match call {
        "GET /api" => groups(&[group(
            "",
            &[(
                "v1",
                "Current",
                &[
                    resource("Service", "services", &["svc"], list),
                    resource("Binding", "bindings", &[], &["create"]),
                ],
            )],
        )]),
        "GET /apis" => groups(&[
            group(
                "serving.knative.dev",
                &[(
                    "v1",
                    "Current",
                    &[resource("Service", "services", &["ksvc"], list)],
                )],
            ),
            group(
                "batch",
                &[
                    (
                        "v3",
                        "Current",
                        &[resource("CronJob", "cronjobs", &["cj"], list)],
                    ),
                    (
                        "v1",
                        "Current",
                        &[resource("CronJob", "cronjobs", &["cj"], list)],
                    ),
                ],
            ),
            group("metrics.k8s.io", &[("v1beta1", "Stale", &[])]),
        ]),
        _ => failure(404, "not found"),
    })
    .await;
    server.cluster().discover().await.unwrap()
}

#[tokio::test]
async fn built_in_kind_is_read_in_a_version_that_controls_know() {
    let resources = discovered().await;
    let version = |group: &str, kind: &str| {
        let found = resources.find(&Kind::new(group, kind));
        found.map(crate::ApiResource::api_version)
    };
    assert_eq!(version("batch", "CronJob").as_deref(), Some("batch/v1"));
    assert_eq!(version("", "Service").as_deref(), Some("v1"));
    assert_eq!(version("", "Binding"), None, "it cannot be listed");
    assert!(resources.is_stale("metrics.k8s.io") && !resources.is_stale("batch"));
}

#[tokio::test]
async fn word_means_a_kind_a_plural_or_a_short_name() {
    let resources = discovered().await;
    for (word, expected) in [
        ("cj", "batch/CronJob"),
        ("cronjob", "batch/CronJob"),
        ("CronJobs.batch", "batch/CronJob"),
        ("batch/CronJob", "batch/CronJob"),
        ("ksvc", "serving.knative.dev/Service"),
        ("svc", "Service"),
        ("services", "Service, serving.knative.dev/Service"),
        (
            "services.serving.knative.dev",
            "serving.knative.dev/Service",
        ),
        ("apps/CronJob", ""),
        ("bindings", ""),
    ] {
        let found = resources.named(word);
        let found: Vec<String> = found.iter().map(|found| found.kind.to_string()).collect();
        assert_eq!(found.join(", "), expected, "{word}");
    }
}

#[tokio::test]
async fn server_without_aggregated_discovery_is_an_error() {
    let server = FakeApiServer::start(|_, _| {
        Reply::Json(200, json!({"kind": "APIVersions", "versions": ["v1"]}))
    })
    .await;
    let error = server.cluster().discover().await.unwrap_err();
    assert!(matches!(error, ClusterError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("1.27"), "{error}");
}
