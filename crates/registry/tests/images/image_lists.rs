//! The list of a repository's images: made, worked off in part, kept as JSON, and made again.

use crate::{
    scripted_server::{ScriptedServer, header_lines},
    test_registry::client,
};
use kubevet_registry::{
    ContentDigest, DigestAlgorithm, ListedFailure, ListedState, RegistryImageList, Repository,
    TagFilter,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const TAGS: &[&str] = &["v1", "v2", "latest", "v3", "broken", "sha256-x.sig"];

/// Each tag has a digest of its own, but `latest` is `v3`, and `broken` fails.
fn server() -> ScriptedServer {
    ScriptedServer::start(|request| {
        if request.line.contains("/tags/list") {
            return (200, "", serde_json::json!({ "tags": TAGS }).to_string());
        }
        let tag = request.line.rsplit('/').next().unwrap();
        if tag == "broken" {
            return (418, "", String::new());
        }
        let digest = digest_of(if tag == "latest" { "v3" } else { tag });
        (
            200,
            header_lines(format!("Docker-Content-Digest: {digest}\r\n")),
            String::new(),
        )
    })
}

fn digest_of(tag: &str) -> ContentDigest {
    ContentDigest::of(DigestAlgorithm::Sha256, tag.as_bytes())
}

async fn create(
    server: &ScriptedServer,
    earlier: Option<&RegistryImageList>,
) -> (Repository, RegistryImageList) {
    let repository = Repository::parse(&format!("{}/app", server.address())).unwrap();
    let filter = TagFilter::new(&[], &["*.sig".to_owned()]).unwrap();
    let list = RegistryImageList::create(&client(), &repository, &filter, 3, earlier)
        .await
        .unwrap();
    (repository, list)
}

/// The state of each image by its first tag.
fn states(list: &RegistryImageList) -> Vec<(String, ListedState)> {
    let mut states: Vec<_> = list
        .images
        .iter()
        .map(|image| (image.tags.join("+"), image.state.clone()))
        .collect();
    states.sort_by(|(first, _), (second, _)| first.cmp(second));
    states
}

fn failure() -> ListedFailure {
    ListedFailure {
        code: "c".to_owned(),
        message: "m".to_owned(),
    }
}

#[tokio::test]
async fn list_is_worked_off_and_gone_on_with() {
    let server = server();
    let (repository, mut list) = create(&server, None).await;
    let pending = |name: &str| (name.to_owned(), ListedState::Pending);
    assert_eq!(
        states(&list),
        [pending("latest+v3"), pending("v1"), pending("v2")]
    );
    assert_eq!(list.unresolved["broken"].code, "registry-status");

    let work = |reference: kubevet_registry::ImageReference| async move {
        let digest = reference.digest().unwrap().clone();
        assert_ne!(digest, digest_of("v3"), "a panic is a failure of its image");
        if digest == digest_of("v2") {
            Err(failure())
        } else {
            Ok(())
        }
    };
    let mut kept = Vec::new();
    list.work_off(&repository, 2, work, |list| {
        kept.push(serde_json::to_string(list).unwrap())
    })
    .await;
    assert_eq!(kept.len(), 3, "it is kept after each image");
    let found = states(&list);
    assert_eq!(found[1].1, ListedState::Done);
    assert_eq!(found[2].1, ListedState::Failed(failure()));
    assert!(
        matches!(&found[0].1, ListedState::Failed(failure) if failure.code == "internal"),
        "{found:?}"
    );

    let earlier: RegistryImageList = serde_json::from_str(kept.last().unwrap()).unwrap();
    assert_eq!(earlier, list);
    let (_, again) = create(&server, Some(&earlier)).await;
    let done = ("v1".to_owned(), ListedState::Done);
    assert_eq!(states(&again), [pending("latest+v3"), done, pending("v2")]);
}

#[tokio::test]
async fn images_are_worked_off_with_a_bound_on_their_number() {
    let server = server();
    let (repository, mut list) = create(&server, None).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = |_| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    };
    list.work_off(&repository, 2, work, |_| {}).await;
    assert!(list.pending(&repository).is_empty());
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn list_of_another_repository_is_refused() {
    let server = server();
    let (repository, mut list) = create(&server, None).await;
    list.repository = "other.example/app".to_owned();
    let filter = TagFilter::new(&[], &[]).unwrap();
    let error = RegistryImageList::create(&client(), &repository, &filter, 1, Some(&list))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "configuration");
}
