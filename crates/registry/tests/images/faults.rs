//! Each fault of a registry: what a client makes of it, and what it costs.

use crate::test_registry::{TestRegistry, client, client_with, failed_with, pull, short_limits};
use kubevet_registry::{Keychain, RegistryLimits};
use std::time::Duration;

/// Pulls by tag under faults and asserts the code of the error; returns the message and the registry.
async fn fail(
    test: &str,
    flags: &[&str],
    limits: RegistryLimits,
    code: &str,
) -> Option<(String, TestRegistry)> {
    let registry = TestRegistry::start(test, flags)?;
    let client = client_with(Keychain::anonymous(), limits);
    let message = failed_with(pull(&client, &registry.image()).await, code);
    Some((message, registry))
}

#[tokio::test]
async fn image_of_a_good_registry_is_read_by_tag_and_by_digest() {
    let Some(registry) = TestRegistry::start("good registry", &[]) else {
        return;
    };
    let client = client();
    let by_tag = pull(&client, &registry.image()).await.unwrap();
    assert!(by_tag.blobs.len() > 2, "{by_tag:?}");
    let digest = by_tag.manifest.digest.clone();
    assert_eq!(client.resolve(&registry.image()).await.unwrap(), digest);
    let by_digest = pull(&client, &registry.repository().at_digest(digest))
        .await
        .unwrap();
    assert_eq!(by_digest.manifest, by_tag.manifest);
}

#[tokio::test]
async fn index_is_told_from_an_image() {
    let Some(registry) = TestRegistry::start_with("index", "multiarch", &[]) else {
        return;
    };
    let manifest = client().manifest(&registry.image()).await.unwrap();
    assert!(manifest.is_index(), "{}", manifest.media_type);
}

#[tokio::test]
async fn registry_that_is_strict_about_types_gives_images_of_docker_and_oci() {
    for image in ["layers", "multiarch", "docker-types"] {
        let Some(registry) = TestRegistry::start_with("strict", image, &["-strict-accept"]) else {
            return;
        };
        client().manifest(&registry.image()).await.unwrap();
    }
}

#[tokio::test]
async fn status_500_is_tried_again_and_then_reported() {
    let flags = ["-fault", "status,value=500"];
    let Some((message, registry)) =
        fail("status 500", &flags, short_limits(), "registry-status").await
    else {
        return;
    };
    assert!(message.contains("status 500"), "{message}");
    registry.expect_requests("/blobs/", 4);
}

#[tokio::test]
async fn status_503_that_passes_is_not_seen() {
    let Some(registry) = TestRegistry::start("status 503", &["-fault", "status,value=503,times=2"])
    else {
        return;
    };
    pull(&client(), &registry.image()).await.unwrap();
}

#[tokio::test]
async fn status_418_is_reported_at_once() {
    let flags = ["-fault", "status,value=418"];
    let Some((message, registry)) =
        fail("status 418", &flags, short_limits(), "registry-status").await
    else {
        return;
    };
    assert!(message.contains("status 418"), "{message}");
    registry.expect_requests("/blobs/", 1);
}

#[tokio::test]
async fn rate_limit_that_passes_is_waited_for() {
    let Some(registry) = TestRegistry::start("limit", &["-fault", "limit,times=2,value=0"]) else {
        return;
    };
    pull(&client(), &registry.image()).await.unwrap();
}

#[tokio::test]
async fn rate_limit_of_requests_in_a_time_is_kept_to() {
    let Some(registry) = TestRegistry::start("limit in a time", &["-limit", "3/1s"]) else {
        return;
    };
    let client = client();
    let pulled = pull(&client, &registry.image()).await.unwrap();
    assert!(pulled.blobs.len() > 2);
    assert!(
        registry
            .requests()
            .iter()
            .any(|request| request.status == 429)
    );
}

#[tokio::test]
async fn rate_limit_that_is_too_long_is_reported_at_once() {
    let flags = ["-fault", "limit,value=9999"];
    let Some((message, registry)) =
        fail("long limit", &flags, short_limits(), "rate-limited").await
    else {
        return;
    };
    assert!(message.contains("9999 s"), "{message}");
    registry.expect_requests("/blobs/", 1);
}

#[tokio::test]
async fn missing_blob_is_reported() {
    let Some((message, _)) = fail(
        "missing",
        &["-fault", "missing"],
        short_limits(),
        "not-found",
    )
    .await
    else {
        return;
    };
    assert!(
        message.contains("/app@sha256:") && message.contains("BLOB_UNKNOWN"),
        "{message}"
    );
}

#[tokio::test]
async fn missing_tag_is_reported() {
    let Some(registry) = TestRegistry::start("missing tag", &[]) else {
        return;
    };
    let reference = registry.repository().at_tag("2").unwrap();
    let message = failed_with(pull(&client(), &reference).await, "not-found");
    assert!(message.contains("/app:2"), "{message}");
}

#[tokio::test]
async fn corrupt_blob_is_refused() {
    fail(
        "corrupt",
        &["-fault", "corrupt"],
        short_limits(),
        "digest-mismatch",
    )
    .await;
}

#[tokio::test]
async fn corrupt_manifest_is_refused_by_tag_and_by_digest() {
    let Some(registry) = TestRegistry::start("corrupt manifest", &[]) else {
        return;
    };
    let digest = client().resolve(&registry.image()).await.unwrap();
    registry.set_faults(&["corrupt,match=/manifests/"]);
    let by_digest = registry.repository().at_digest(digest);
    failed_with(
        pull(&client(), &registry.image()).await,
        "announced-digest-mismatch",
    );
    failed_with(pull(&client(), &by_digest).await, "digest-mismatch");
}

#[tokio::test]
async fn blob_with_bytes_after_it_is_refused() {
    fail(
        "extra",
        &["-fault", "extra"],
        short_limits(),
        "size-mismatch",
    )
    .await;
}

#[tokio::test]
async fn truncated_blob_is_resumed_where_it_ended() {
    let Some(registry) = TestRegistry::start("truncated once", &["-fault", "truncate,times=1"])
    else {
        return;
    };
    pull(&client(), &registry.image()).await.unwrap();
    let ranges: Vec<String> = registry
        .requests()
        .into_iter()
        .map(|request| request.range)
        .collect();
    assert!(
        ranges
            .iter()
            .any(|range| range.starts_with("bytes=") && !range.starts_with("bytes=0")),
        "{ranges:?}"
    );
}

#[tokio::test]
async fn truncated_blob_of_a_registry_without_ranges_is_read_again() {
    let flags = ["-no-range", "-fault", "truncate,times=2"];
    let Some(registry) = TestRegistry::start("truncated, no ranges", &flags) else {
        return;
    };
    pull(&client(), &registry.image()).await.unwrap();
}

#[tokio::test]
async fn blob_that_is_always_truncated_is_given_up() {
    let flags = ["-no-range", "-fault", "truncate"];
    let Some((message, registry)) = fail("truncated", &flags, short_limits(), "truncated").await
    else {
        return;
    };
    assert!(message.contains("could not be resumed"), "{message}");
    registry.expect_requests("/blobs/", 9);
}

#[tokio::test]
async fn blob_that_comes_too_slowly_is_given_up() {
    let limits = RegistryLimits {
        blob_time: Duration::from_millis(400),
        ..short_limits()
    };
    let flags = ["-fault", "slow,value=10"];
    let Some((message, _)) = fail("slow", &flags, limits, "timed-out").await else {
        return;
    };
    assert!(message.contains("end of the content"), "{message}");
}

#[tokio::test]
async fn blob_that_stalls_is_resumed_and_given_up_in_the_end() {
    let limits = RegistryLimits {
        idle_time: Duration::from_secs(1),
        resumes: 2,
        ..short_limits()
    };
    let Some(registry) =
        TestRegistry::start("stall", &["-no-range", "-fault", "stall,value=20,times=1"])
    else {
        return;
    };
    let client = client_with(Keychain::anonymous(), limits);
    pull(&client, &registry.image()).await.unwrap();
    registry.set_faults(&["stall,value=20"]);
    let message = failed_with(pull(&client, &registry.image()).await, "truncated");
    assert!(message.contains("no byte of the content"), "{message}");
}

#[tokio::test]
async fn answer_that_comes_too_late_is_not_waited_for() {
    let limits = RegistryLimits {
        answer_time: Duration::from_secs(2),
        ..short_limits()
    };
    let flags = ["-fault", "delay,value=20000"];
    let Some((message, _)) = fail("delay", &flags, limits, "timed-out").await else {
        return;
    };
    assert!(message.contains("no answer"), "{message}");
}

#[tokio::test]
async fn manifest_with_another_digest_announced_is_refused() {
    let flags = ["-fault", "wrong-digest,match=/manifests/"];
    let Some((message, _)) = fail(
        "wrong digest",
        &flags,
        short_limits(),
        "announced-digest-mismatch",
    )
    .await
    else {
        return;
    };
    assert!(message.contains("sha256:0000"), "{message}");
}

#[tokio::test]
async fn manifest_of_another_type_is_refused() {
    let flags = ["-fault", "wrong-type,match=/manifests/"];
    let Some((message, _)) = fail("wrong type", &flags, short_limits(), "media-type").await else {
        return;
    };
    assert!(message.contains("text/html"), "{message}");
}

#[tokio::test]
async fn connection_that_breaks_is_made_again_and_then_reported() {
    let Some(registry) = TestRegistry::start("drop", &["-fault", "drop,times=2"]) else {
        return;
    };
    pull(&client(), &registry.image()).await.unwrap();
    registry.set_faults(&["drop"]);
    failed_with(
        pull(&client(), &registry.image()).await,
        "connection-broken",
    );
}

#[tokio::test]
async fn redirect_in_a_circle_is_refused() {
    let flags = ["-fault", "redirect-loop"];
    let Some((message, registry)) = fail("circle", &flags, short_limits(), "redirect").await else {
        return;
    };
    assert!(message.contains("circle"), "{message}");
    registry.expect_requests("/blobs/", 2);
}

#[tokio::test]
async fn registry_that_is_not_there_is_reported() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let reference = kubevet_registry::ImageReference::parse(&format!("{address}/app:1")).unwrap();
    failed_with(pull(&client(), &reference).await, "unreachable");
}

#[tokio::test]
async fn content_larger_than_the_limits_is_refused() {
    let Some(registry) = TestRegistry::start("limits", &[]) else {
        return;
    };
    let manifest = RegistryLimits {
        manifest_bytes: 100,
        ..short_limits()
    };
    let client = client_with(Keychain::anonymous(), manifest);
    failed_with(pull(&client, &registry.image()).await, "too-large");
    let blob = RegistryLimits {
        blob_bytes: 10,
        ..short_limits()
    };
    let client = client_with(Keychain::anonymous(), blob);
    failed_with(pull(&client, &registry.image()).await, "too-large");
}

#[tokio::test]
async fn blob_of_unknown_size_is_verified() {
    let Some(registry) = TestRegistry::start("unknown size", &[]) else {
        return;
    };
    let client = client();
    let manifest = client.manifest(&registry.image()).await.unwrap();
    let parsed: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let digest = parsed["config"]["digest"].as_str().unwrap();
    let digest = kubevet_registry::ContentDigest::parse(digest).unwrap();
    let mut blob = client
        .blob(&registry.repository(), &digest, None)
        .await
        .unwrap();
    assert_eq!(blob.size(), parsed["config"]["size"].as_u64());
    while blob.next_piece().await.unwrap().is_some() {}
    registry.set_faults(&["extra"]);
    let mut blob = client
        .blob(&registry.repository(), &digest, None)
        .await
        .unwrap();
    let error = loop {
        match blob.next_piece().await {
            Ok(piece) => assert!(piece.is_some(), "the end was reached"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "digest-mismatch");
    assert!(
        blob.next_piece().await.unwrap().is_none(),
        "it stays at its end"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blob_is_read_by_a_thread_that_blocks() {
    use std::io::Read as _;
    let Some(registry) = TestRegistry::start("blocking reader", &["-fault", "truncate,times=1"])
    else {
        return;
    };
    let client = client();
    let manifest = client.manifest(&registry.image()).await.unwrap();
    let parsed: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let layer = &parsed["layers"][0];
    let digest = kubevet_registry::ContentDigest::parse(layer["digest"].as_str().unwrap()).unwrap();
    let blob = client
        .blob(&registry.repository(), &digest, layer["size"].as_u64())
        .await
        .unwrap();
    let mut reader = kubevet_registry::BlockingBlob::new(blob, tokio::runtime::Handle::current());
    let content = tokio::task::spawn_blocking(move || {
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map(|_| content)
    });
    let content = content.await.unwrap().unwrap();
    assert_eq!(
        kubevet_registry::ContentDigest::of(digest.algorithm(), &content),
        digest
    );
}
