//! Redirects to storage: no credentials go there, from no kind of authentication.

use crate::{
    scripted_server::{ScriptedServer, header_lines},
    test_registry::{TestRegistry, client_with, failed_with, pull, short_limits},
};
use kubevet_registry::{Credential, ImageReference, Keychain, RegistryName, Secret};

#[tokio::test]
async fn request_to_the_target_of_a_redirect_has_no_credentials() {
    for auth in ["none", "basic", "bearer"] {
        let Some(registry) = TestRegistry::start("redirect", &["-redirect", "-auth", auth]) else {
            return;
        };
        let client = client_with(registry.account("user", "hunter2"), short_limits());
        pull(&client, &registry.image()).await.unwrap();
        let requests = registry.requests();
        let at_storage: Vec<_> = requests
            .iter()
            .filter(|request| request.line.starts_with("GET /sha256:"))
            .collect();
        assert!(at_storage.len() > 2, "{requests:#?}");
        for request in at_storage {
            assert_eq!(
                (request.authorization.as_str(), request.status),
                ("", 200),
                "{request:?}"
            );
            assert_eq!(request.query, "signature=test");
        }
    }
}

#[tokio::test]
async fn blob_of_a_storage_is_resumed_by_way_of_the_registry() {
    let flags = [
        "-redirect",
        "-auth",
        "bearer",
        "-fault",
        "truncate,match=GET /sha256:,times=1",
    ];
    let Some(registry) = TestRegistry::start("redirect and resume", &flags) else {
        return;
    };
    let client = client_with(registry.account("user", "hunter2"), short_limits());
    pull(&client, &registry.image()).await.unwrap();
    let requests = registry.requests();
    let resumed: Vec<_> = requests
        .iter()
        .filter(|request| !request.range.is_empty())
        .collect();
    assert!(
        resumed
            .iter()
            .any(|request| request.line.starts_with("GET /v2/")),
        "{resumed:#?}"
    );
    assert!(
        resumed
            .iter()
            .any(|request| request.line.starts_with("GET /sha256:")),
        "{resumed:#?}"
    );
}

/// A registry whose manifests are redirected to `location`, and wants an account.
fn redirecting(location: String) -> ScriptedServer {
    let headers: &'static str = header_lines(format!("Location: {location}\r\n"));
    ScriptedServer::start(move |request| {
        if request.header("authorization").is_none() {
            return (
                401,
                "WWW-Authenticate: Basic realm=\"x\"\r\n",
                String::new(),
            );
        }
        (307, headers, String::new())
    })
}

async fn pull_from(
    server: &ScriptedServer,
) -> Result<crate::test_registry::Pulled, kubevet_registry::RegistryError> {
    let credential = Credential::Basic {
        user: "user".to_owned(),
        password: Secret::new("hunter2"),
    };
    let name = RegistryName::parse(&server.address()).unwrap();
    let keychain = Keychain::anonymous().with_credential(name, credential);
    let reference = ImageReference::parse(&format!("{}/app:1", server.address())).unwrap();
    pull(&client_with(keychain, short_limits()), &reference).await
}

#[tokio::test]
async fn target_that_wants_an_account_does_not_get_one() {
    let other = ScriptedServer::start(|_| {
        (
            401,
            "WWW-Authenticate: Basic realm=\"x\"\r\n",
            String::new(),
        )
    });
    let server = redirecting(format!("http://{}/x?signature=hunter2", other.address()));
    let message = failed_with(pull_from(&server).await, "registry-status");
    assert!(message.contains(&other.address()), "{message}");
    let requests = other.requests();
    assert!(!requests.is_empty());
    assert!(
        requests
            .iter()
            .all(|request| request.header("authorization").is_none()),
        "{requests:#?}"
    );
}

#[tokio::test]
async fn redirect_that_may_not_be_followed_is_refused() {
    for (location, code) in [
        ("http://192.0.2.1/x", "plain-http"),
        ("http://user:hunter2@127.0.0.1/x", "redirect"),
        ("file:///etc/passwd", "redirect"),
        ("", "redirect"),
    ] {
        failed_with(pull_from(&redirecting(location.to_owned())).await, code);
    }
}
