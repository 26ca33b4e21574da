//! The kinds of authentication, with the right account, a wrong one and none.

use crate::test_registry::{TestRegistry, client, client_with, failed_with, pull, short_limits};
use kubevet_registry::{DockerConfig, Keychain, PullSecretKind};

#[tokio::test]
async fn basic_account_is_used_where_the_registry_wants_it() {
    let Some(registry) = TestRegistry::start("basic", &["-auth", "basic"]) else {
        return;
    };
    let right = client_with(registry.account("user", "hunter2"), short_limits());
    pull(&right, &registry.image()).await.unwrap();
    let requests = registry.requests();
    assert_eq!(
        (requests[0].authorization.as_str(), requests[0].status),
        ("", 401)
    );
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.authorization == "Basic"),
        "{requests:#?}"
    );
    let wrong = client_with(registry.account("user", "hunter3"), short_limits());
    let message = failed_with(pull(&wrong, &registry.image()).await, "unauthorized");
    assert!(
        message.contains("the credentials given") && message.contains("expired"),
        "{message}"
    );
    let message = failed_with(pull(&client(), &registry.image()).await, "unauthorized");
    assert!(
        message.contains("without credentials") && message.contains("pull secret"),
        "{message}"
    );
}

#[tokio::test]
async fn token_is_fetched_once_for_all_requests() {
    let Some(registry) = TestRegistry::start("bearer", &["-auth", "bearer"]) else {
        return;
    };
    let right = client_with(registry.account("user", "hunter2"), short_limits());
    pull(&right, &registry.image()).await.unwrap();
    let requests = registry.requests();
    let tokens = requests
        .iter()
        .filter(|request| request.line == "GET /token");
    assert_eq!(tokens.count(), 1, "{requests:#?}");
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.status == 401)
            .count(),
        1,
        "{requests:#?}"
    );
    let wrong = client_with(registry.account("user", "hunter3"), short_limits());
    failed_with(pull(&wrong, &registry.image()).await, "unauthorized");
    failed_with(pull(&client(), &registry.image()).await, "unauthorized");
}

#[tokio::test]
async fn token_is_fetched_anonymously_where_the_registry_allows_it() {
    let Some(registry) = TestRegistry::start("anonymous", &["-auth", "bearer", "-anonymous"])
    else {
        return;
    };
    pull(&client(), &registry.image()).await.unwrap();
}

#[tokio::test]
async fn pull_secret_and_docker_configuration_are_used() {
    let Some(registry) = TestRegistry::start("secrets", &["-auth", "basic"]) else {
        return;
    };
    let (address, account) = (registry.address(), "dXNlcjpodW50ZXIy");
    let json = format!(r#"{{"auths":{{"http://{address}/v2/":{{"auth":"{account}"}}}}}}"#);
    let old = format!(r#"{{"{address}":{{"auth":"{account}"}}}}"#);
    let config = DockerConfig::parse(json.as_bytes()).unwrap();
    let keychains = [
        Keychain::anonymous().with_docker_config("config.json", config),
        Keychain::anonymous()
            .with_pull_secret("a/b", PullSecretKind::DockerConfigJson, json.as_bytes())
            .unwrap(),
        Keychain::anonymous()
            .with_pull_secret("a/b", PullSecretKind::DockerCfg, old.as_bytes())
            .unwrap(),
    ];
    for keychain in keychains {
        pull(&client_with(keychain, short_limits()), &registry.image())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn second_pull_secret_is_tried_where_the_first_is_refused() {
    for auth in ["basic", "bearer"] {
        let Some(registry) = TestRegistry::start("two secrets", &["-auth", auth]) else {
            return;
        };
        let secret =
            |account: &str| format!(r#"{{"{}":{{"auth":"{account}"}}}}"#, registry.address());
        let keychain = Keychain::anonymous()
            .with_pull_secret(
                "a/old",
                PullSecretKind::DockerCfg,
                secret("dXNlcjpvbGQ=").as_bytes(),
            )
            .and_then(|keychain| {
                let right = secret("dXNlcjpodW50ZXIy");
                keychain.with_pull_secret("a/new", PullSecretKind::DockerCfg, right.as_bytes())
            });
        pull(
            &client_with(keychain.unwrap(), short_limits()),
            &registry.image(),
        )
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn account_of_another_registry_is_not_sent() {
    let Some(registry) = TestRegistry::start("other account", &["-auth", "basic"]) else {
        return;
    };
    let json = br#"{"auths":{"127.0.0.1:1":{"auth":"dXNlcjpodW50ZXIy"}}}"#;
    let keychain = Keychain::anonymous()
        .with_pull_secret("a/b", PullSecretKind::DockerConfigJson, json)
        .unwrap();
    failed_with(
        pull(&client_with(keychain, short_limits()), &registry.image()).await,
        "unauthorized",
    );
    assert!(
        registry
            .requests()
            .iter()
            .all(|request| request.authorization.is_empty())
    );
}
