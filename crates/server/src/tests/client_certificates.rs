//! Callers with and without client certificates.

use std::fs;

use super::{
    client_identity::{client_authority, client_identity},
    support::{Caller, ServerOptions, start},
};
use crate::ClientAuthConfig;

#[tokio::test]
async fn client_certificate_is_required_where_configured() {
    let dir = tempfile::tempdir().unwrap();
    let ((trusted, issuer), (_, stranger)) =
        (client_authority("trusted"), client_authority("stranger"));
    let ca_file = dir.path().join("client-ca.crt");
    fs::write(&ca_file, trusted).unwrap();
    let certificates = dir.path().join("tls");
    let check = async |names: &[&str], identity: Option<(String, String)>, expected: bool| {
        let client_auth = ClientAuthConfig {
            ca_file: Some(ca_file.clone()),
            common_names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let server = start(
            &certificates,
            ServerOptions {
                client_auth,
                ..ServerOptions::default()
            },
        )
        .await;
        let identity = identity
            .as_ref()
            .map(|(certificate, key)| (certificate.as_str(), key.as_str()));
        let result = Caller::new(&server.tls.ca_bundle(), identity, b"http/1.1")
            .call(server.address)
            .await;
        assert_eq!(result.is_ok(), expected, "{names:?} {result:?}");
        while server.metrics.handshake_failures.get() != u64::from(!expected) {
            tokio::task::yield_now().await;
        }
    };
    check(&[], Some(client_identity(&issuer, "apiserver")), true).await;
    check(
        &["other", "apiserver"],
        Some(client_identity(&issuer, "apiserver")),
        true,
    )
    .await;
    check(
        &["other"],
        Some(client_identity(&issuer, "apiserver")),
        false,
    )
    .await;
    check(&[], Some(client_identity(&stranger, "apiserver")), false).await;
    check(
        &["apiserver"],
        Some(client_identity(&stranger, "apiserver")),
        false,
    )
    .await;
    check(&[], None, false).await;
}
