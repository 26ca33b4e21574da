//! Requests by a proxy. Loopback is never proxied, so the registries here have names that only the
//! proxy would know.

use crate::{
    scripted_server::ScriptedServer,
    test_registry::{failed_with, pull, short_limits},
};
use kubevet_registry::{ImageReference, ProxySettings, RegistryClient, RegistrySettings};

fn client_by(proxy: &ScriptedServer) -> RegistryClient {
    let url = format!("http://us:hunter2@{}", proxy.address());
    let proxies = ProxySettings::from_variables(|name| {
        matches!(name, "HTTPS_PROXY" | "HTTP_PROXY").then(|| url.clone())
    });
    RegistryClient::new(RegistrySettings {
        proxies: proxies.unwrap(),
        insecure_registries: vec!["plain.example:5000".to_owned()],
        limits: short_limits(),
        ..RegistrySettings::default()
    })
    .unwrap()
}

fn image(registry: &str) -> ImageReference {
    ImageReference::parse(&format!("{registry}/app:1")).unwrap()
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_a_refusal_is_reported() {
    let proxy = ScriptedServer::start(|_| (407, "", String::new()));
    let message = failed_with(pull(&client_by(&proxy), &image("r.example")).await, "proxy");
    assert!(
        message.contains(&proxy.address()) && message.contains("407"),
        "{message}"
    );
    let requests = proxy.requests();
    assert_eq!(requests[0].line, "CONNECT r.example:443");
    assert_eq!(
        requests[0].header("proxy-authorization"),
        Some("Basic dXM6aHVudGVyMg==")
    );
}

#[tokio::test]
async fn plain_http_is_sent_to_the_proxy_with_its_whole_url() {
    let proxy = ScriptedServer::start(|request| match request.line.starts_with("CONNECT") {
        // What is behind the tunnel is no TLS.
        true => (200, "", "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()),
        false => (
            200,
            "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n",
            r#"{"layers":[],"config":{}}"#.to_owned(),
        ),
    });
    client_by(&proxy)
        .manifest(&image("plain.example:5000"))
        .await
        .unwrap();
    let last = proxy.requests().pop().unwrap();
    assert_eq!(
        last.line,
        "GET http://plain.example:5000/v2/app/manifests/1"
    );
    assert_eq!(last.header("host"), Some("plain.example:5000"));
    assert_eq!(
        last.header("proxy-authorization"),
        Some("Basic dXM6aHVudGVyMg==")
    );
}

#[tokio::test]
async fn registry_that_is_not_named_as_insecure_is_not_read_by_plain_http() {
    let proxy = ScriptedServer::start(|request| match request.line.starts_with("CONNECT") {
        true => (200, "", "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()),
        false => (200, "", String::new()),
    });
    let message = failed_with(
        pull(&client_by(&proxy), &image("r.example")).await,
        "plain-http",
    );
    assert!(message.contains("--insecure-registry"), "{message}");
    assert!(proxy.lines().iter().all(|line| line.starts_with("CONNECT")));
}
