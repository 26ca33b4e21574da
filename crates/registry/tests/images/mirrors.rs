//! Mirrors, other locations and blocked registries.

use crate::test_registry::{TestRegistry, failed_with, pull, short_limits};
use kubevet_registry::{Keychain, RegistryClient, RegistryRule, RegistryRules, RegistrySettings};

fn client_of(rule: RegistryRule, keychain: Keychain) -> RegistryClient {
    RegistryClient::new(RegistrySettings {
        keychain,
        rules: RegistryRules {
            registries: vec![rule],
        },
        limits: short_limits(),
        ..RegistrySettings::default()
    })
    .unwrap()
}

fn rule(registry: &TestRegistry, mirrors: Vec<String>) -> RegistryRule {
    RegistryRule {
        prefix: registry.address().to_owned(),
        mirrors,
        ..RegistryRule::default()
    }
}

#[tokio::test]
async fn image_is_read_from_the_mirror() {
    let (Some(origin), Some(mirror)) = (
        TestRegistry::start("mirror", &[]),
        TestRegistry::start("mirror", &[]),
    ) else {
        return;
    };
    let rule = rule(&origin, vec![format!("http://{}", mirror.address())]);
    pull(&client_of(rule, Keychain::anonymous()), &origin.image())
        .await
        .unwrap();
    assert!(origin.requests().is_empty());
}

#[tokio::test]
async fn image_is_read_from_its_location() {
    let Some(registry) = TestRegistry::start("location", &[]) else {
        return;
    };
    let rule = RegistryRule {
        prefix: "docker.io/library".to_owned(),
        location: Some(registry.address().to_owned()),
        ..RegistryRule::default()
    };
    let image = kubevet_registry::ImageReference::parse("app:1").unwrap();
    pull(&client_of(rule, Keychain::anonymous()), &image)
        .await
        .unwrap();
}

#[tokio::test]
async fn registry_itself_is_read_where_the_mirror_fails() {
    let Some(origin) = TestRegistry::start("failing mirror", &[]) else {
        return;
    };
    let Some(mirror) = TestRegistry::start("failing mirror", &["-fault", "missing,match=."]) else {
        return;
    };
    let rule = rule(&origin, vec![mirror.address().to_owned()]);
    let client = client_of(rule, Keychain::anonymous());
    pull(&client, &origin.image()).await.unwrap();
    let missing = origin.repository().at_tag("2").unwrap();
    let message = failed_with(pull(&client, &missing).await, "not-found");
    assert!(
        message.contains("mirrors failed") && message.contains(mirror.address()),
        "{message}"
    );
}

#[tokio::test]
async fn mirror_with_another_content_ends_the_pull() {
    let Some(origin) = TestRegistry::start("corrupt mirror", &[]) else {
        return;
    };
    let Some(mirror) = TestRegistry::start("corrupt mirror", &["-fault", "extra"]) else {
        return;
    };
    let rule = rule(&origin, vec![mirror.address().to_owned()]);
    let client = client_of(rule, Keychain::anonymous());
    failed_with(pull(&client, &origin.image()).await, "size-mismatch");
    assert!(origin.requests().is_empty());
}

#[tokio::test]
async fn credentials_of_a_registry_are_not_sent_to_its_mirror() {
    let Some(origin) = TestRegistry::start("account of the origin", &["-auth", "basic"]) else {
        return;
    };
    let Some(mirror) = TestRegistry::start("account of the origin", &["-auth", "basic"]) else {
        return;
    };
    let rule = rule(&origin, vec![mirror.address().to_owned()]);
    let client = client_of(rule, origin.account("user", "hunter2"));
    pull(&client, &origin.image()).await.unwrap();
    assert!(
        mirror
            .requests()
            .iter()
            .all(|request| request.authorization.is_empty())
    );
}

#[tokio::test]
async fn blocked_registry_is_not_connected_to() {
    let Some(registry) = TestRegistry::start("blocked", &[]) else {
        return;
    };
    let rule = RegistryRule {
        blocked: true,
        ..rule(&registry, Vec::new())
    };
    failed_with(
        pull(&client_of(rule, Keychain::anonymous()), &registry.image()).await,
        "blocked",
    );
    assert!(registry.requests().is_empty());
}
