//! Referrers, by the API and by the tag that stands for it.

use crate::{
    scripted_server::ScriptedServer,
    test_registry::{TestRegistry, client},
};
use kubevet_registry::{ContentDigest, DigestAlgorithm, Repository};

const INDEX: &str = "Content-Type: application/vnd.oci.image.index.v1+json\r\n";

fn subject() -> ContentDigest {
    ContentDigest::of(DigestAlgorithm::Sha256, b"subject")
}

/// An index with a referrer of each artifact type.
fn index(types: &[&str]) -> String {
    let manifests: Vec<_> = types
        .iter()
        .map(|artifact_type| {
            serde_json::json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": ContentDigest::of(DigestAlgorithm::Sha256, artifact_type.as_bytes()),
                "size": 3, "artifactType": artifact_type, "annotations": {"a": "b"},
            })
        })
        .collect();
    serde_json::json!({"schemaVersion": 2, "manifests": manifests}).to_string()
}

/// The artifact types of the referrers, or the code of the error.
async fn list(server: &ScriptedServer, wanted: Option<&str>) -> Result<Vec<String>, String> {
    let repository = Repository::parse(&format!("{}/app", server.address())).unwrap();
    let found = client().referrers(&repository, &subject(), wanted).await;
    found
        .map(|found| {
            found
                .into_iter()
                .map(|one| one.artifact_type.unwrap_or_default())
                .collect()
        })
        .map_err(|error| error.code().to_owned())
}

#[tokio::test]
async fn referrers_are_listed_by_the_api_and_filtered() {
    let server = ScriptedServer::start(|request| match request.line.contains("page2") {
        true => (200, INDEX, index(&["sbom"])),
        false => (
            200,
            "Content-Type: application/vnd.oci.image.index.v1+json\r\nLink: <?page2>; rel=next\r\n",
            index(&["sig", "sbom"]),
        ),
    });
    assert_eq!(list(&server, None).await.unwrap(), ["sig", "sbom", "sbom"]);
    assert_eq!(list(&server, Some("sbom")).await.unwrap(), ["sbom", "sbom"]);
    assert!(
        server
            .lines()
            .iter()
            .any(|line| line.ends_with("?artifactType=sbom")),
        "{:?}",
        server.lines()
    );
}

#[tokio::test]
async fn referrers_are_listed_by_tag_where_there_is_no_api() {
    for status in [404, 400, 405, 406, 501] {
        let server = ScriptedServer::start(move |request| {
            if request.line.contains("/referrers/") {
                return (status, "", String::new());
            }
            let tag = subject().to_string().replace(':', "-");
            assert_eq!(request.line, format!("GET /v2/app/manifests/{tag}"));
            (200, INDEX, index(&["sig", "sbom"]))
        });
        assert_eq!(
            list(&server, Some("sig")).await.unwrap(),
            ["sig"],
            "{status}"
        );
    }
}

#[tokio::test]
async fn image_without_referrers_has_none() {
    let server = ScriptedServer::start(|_| (404, "", String::new()));
    assert!(list(&server, None).await.unwrap().is_empty());
    for flags in [&["-referrers"][..], &[]] {
        let Some(registry) = TestRegistry::start("no referrers", flags) else {
            return;
        };
        let digest = client().resolve(&registry.image()).await.unwrap();
        let found = client()
            .referrers(&registry.repository(), &digest, None)
            .await
            .unwrap();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[tokio::test]
async fn registry_that_fails_is_not_taken_for_one_without_referrers() {
    for (status, code) in [
        (500, "registry-status"),
        (403, "forbidden"),
        (401, "unauthorized"),
    ] {
        let server = ScriptedServer::start(move |_| (status, "", String::new()));
        assert_eq!(list(&server, None).await.unwrap_err(), code);
    }
    let server = ScriptedServer::start(|_| {
        (
            200,
            INDEX,
            "{\"manifests\":[{\"digest\":\"x\"}]}".to_owned(),
        )
    });
    assert_eq!(list(&server, None).await.unwrap_err(), "invalid-answer");
}
