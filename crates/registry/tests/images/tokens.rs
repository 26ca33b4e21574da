//! Token servers: identity tokens, tokens that end early, and servers that misbehave.

use crate::{
    scripted_server::{ScriptedRequest, ScriptedServer},
    test_registry::{client_with, short_limits},
};
use kubevet_registry::{Credential, ImageReference, Keychain, RegistryError, RegistryName, Secret};
use std::sync::atomic::{AtomicUsize, Ordering};

const CHALLENGE: &str = "WWW-Authenticate: Bearer realm=\"http://HOST/token\",service=\"s\"\r\n";
const MANIFEST: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";

fn manifest() -> (u16, &'static str, String) {
    (200, MANIFEST, r#"{"layers":[],"config":{}}"#.to_owned())
}

/// Reads `app:1` `times` times with one client.
async fn read(
    server: &ScriptedServer,
    credential: Option<Credential>,
    times: usize,
) -> Result<(), RegistryError> {
    let name = RegistryName::parse(&server.address()).unwrap();
    let keychain = match credential {
        Some(credential) => Keychain::anonymous().with_credential(name, credential),
        None => Keychain::anonymous(),
    };
    let client = client_with(keychain, short_limits());
    let reference = ImageReference::parse(&format!("{}/app:1", server.address())).unwrap();
    for _ in 0..times {
        client.manifest(&reference).await?;
    }
    Ok(())
}

fn is_token(request: &ScriptedRequest) -> bool {
    request.line.contains("/token")
}

#[tokio::test]
async fn identity_token_is_exchanged_by_post() {
    let server = ScriptedServer::start(|request| match request.header("authorization") {
        _ if is_token(request) => (200, "", r#"{"access_token":"t"}"#.to_owned()),
        Some("Bearer t") => manifest(),
        _ => (401, CHALLENGE, String::new()),
    });
    let token = Credential::IdentityToken(Secret::new("a secret+token"));
    read(&server, Some(token), 2).await.unwrap();
    let requested: Vec<_> = server.requests().into_iter().filter(is_token).collect();
    assert_eq!(requested.len(), 1);
    assert_eq!(requested[0].line, "POST /token");
    assert_eq!(
        requested[0].body,
        "grant_type=refresh_token&client_id=kubevet&service=s&scope=repository%3Aapp%3Apull&refresh_token=a%20secret%2Btoken"
    );
}

#[tokio::test]
async fn registry_token_is_sent_as_it_is() {
    let server = ScriptedServer::start(|request| match request.header("authorization") {
        Some("Bearer given") => manifest(),
        _ => (401, CHALLENGE, String::new()),
    });
    read(
        &server,
        Some(Credential::RegistryToken(Secret::new("given"))),
        1,
    )
    .await
    .unwrap();
    assert!(!server.requests().iter().any(is_token));
}

#[tokio::test]
async fn token_that_ends_early_is_fetched_anew() {
    let given = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |request| {
        let newest = format!("Bearer t{}", given.load(Ordering::SeqCst));
        match request.header("authorization") {
            _ if is_token(request) => {
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                (
                    200,
                    "",
                    format!(r#"{{"token":"t{number}","expires_in":3600}}"#),
                )
            }
            // Each token is good for one read.
            Some(token) if token == newest && given.load(Ordering::SeqCst) % 2 == 1 => {
                given.fetch_add(1, Ordering::SeqCst);
                manifest()
            }
            _ => (401, CHALLENGE, String::new()),
        }
    });
    read(&server, None, 3).await.unwrap();
    assert_eq!(
        server
            .requests()
            .iter()
            .filter(|request| is_token(request))
            .count(),
        3
    );
}

#[tokio::test]
async fn registry_that_refuses_every_token_is_given_up() {
    let server = ScriptedServer::start(|request| match is_token(request) {
        true => (200, "", r#"{"token":"t"}"#.to_owned()),
        false => (401, CHALLENGE, String::new()),
    });
    let error = read(&server, None, 1).await.unwrap_err();
    assert_eq!(error.code(), "unauthorized");
    assert!(server.requests().len() < 10, "{:#?}", server.lines());
}

#[tokio::test]
async fn token_server_that_misbehaves_is_reported() {
    let check = async |status: u16, headers: &'static str, body: &'static str, code: &str| {
        let server = ScriptedServer::start(move |request| match is_token(request) {
            true => (status, headers, body.to_owned()),
            false => (401, CHALLENGE, String::new()),
        });
        let error = read(&server, None, 1).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    };
    check(200, "", r#"{"error":"hunter2"}"#, "token").await;
    check(200, "", "<html>hunter2", "token").await;
    check(500, "", "hunter2", "token").await;
    check(307, "Location: http://127.0.0.1:1/\r\n", "", "token").await;
    check(403, "", "", "unauthorized").await;
    check(429, "Retry-After: 86400\r\n", "", "rate-limited").await;
}

#[tokio::test]
async fn token_server_with_plain_http_that_is_not_loopback_is_refused() {
    let server = ScriptedServer::start(|_| {
        (
            401,
            "WWW-Authenticate: Bearer realm=\"http://192.0.2.1/token\"\r\n",
            String::new(),
        )
    });
    let credential = Credential::Basic {
        user: "u".to_owned(),
        password: Secret::new("hunter2"),
    };
    assert_eq!(
        read(&server, Some(credential), 1).await.unwrap_err().code(),
        "plain-http"
    );
}

#[tokio::test]
async fn forbidden_repository_is_reported() {
    let server = ScriptedServer::start(|request| match request.header("authorization") {
        Some(_) => (403, "", r#"{"errors":[{"code":"DENIED"}]}"#.to_owned()),
        None => (401, "WWW-Authenticate: Basic\r\n", String::new()),
    });
    let credential = Credential::Basic {
        user: "u".to_owned(),
        password: Secret::new("hunter2"),
    };
    let error = read(&server, Some(credential), 1).await.unwrap_err();
    assert_eq!(error.code(), "forbidden");
}

#[tokio::test]
async fn answer_that_repeats_the_credentials_is_not_quoted() {
    let server = ScriptedServer::start(|request| match request.header("authorization") {
        Some(value) => (
            400,
            "",
            format!(r#"{{"errors":[{{"code":"{value}","message":"{value}"}}]}}"#),
        ),
        None => (401, "WWW-Authenticate: Basic\r\n", String::new()),
    });
    let credential = Credential::Basic {
        user: "u".to_owned(),
        password: Secret::new("hunter2"),
    };
    let error = read(&server, Some(credential), 1).await.unwrap_err();
    assert_eq!(error.code(), "registry-status");
    assert!(
        !format!("{error} {error:?}").contains("dTpodW50ZXIy"),
        "{error:?}"
    );
}
