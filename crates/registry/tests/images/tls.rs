//! Registries with TLS: trusted by a CA file, or refused.

use crate::test_registry::{TestRegistry, client, failed_with, pull, short_limits};
use kubevet_registry::{ClientCertificate, RegistryClient, RegistrySettings, TlsSettings};
use kubevet_testkit::image_registry::registry_program;
use std::{path::Path, process::Command};

/// Writes ca.pem, cert.pem and key.pem; false where the program was not built.
fn write_certificates(test: &str, folder: &Path) -> bool {
    let Some(program) = registry_program(test) else {
        return false;
    };
    let status = Command::new(program)
        .arg("certificate")
        .arg(folder)
        .status()
        .unwrap();
    assert!(status.success());
    true
}

fn start(test: &str, folder: &Path, flags: &[&str]) -> Option<TestRegistry> {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let mut all = vec![
        "-cert",
        cert.to_str().unwrap(),
        "-key",
        key.to_str().unwrap(),
    ];
    all.extend(flags);
    TestRegistry::start(test, &all)
}

fn client_trusting(tls: TlsSettings) -> Result<RegistryClient, kubevet_registry::RegistryError> {
    RegistryClient::new(RegistrySettings {
        tls,
        limits: short_limits(),
        ..RegistrySettings::default()
    })
}

fn trusting(folder: &Path) -> TlsSettings {
    TlsSettings {
        authority_files: vec![folder.join("ca.pem")],
        ..TlsSettings::default()
    }
}

#[tokio::test]
async fn registry_with_an_authority_of_its_own_is_trusted_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    if !write_certificates("own authority", folder.path()) {
        return;
    }
    let Some(registry) = start(
        "own authority",
        folder.path(),
        &["-auth", "bearer", "-anonymous"],
    ) else {
        return;
    };
    let trusted = client_trusting(trusting(folder.path())).unwrap();
    pull(&trusted, &registry.image()).await.unwrap();
    let message = failed_with(pull(&client(), &registry.image()).await, "tls");
    assert!(message.contains("CA file"), "{message}");
}

#[tokio::test]
async fn redirect_from_https_to_plain_http_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    if !write_certificates("downgrade", folder.path()) {
        return;
    }
    let Some(registry) = start("downgrade", folder.path(), &["-redirect"]) else {
        return;
    };
    let trusted = client_trusting(trusting(folder.path())).unwrap();
    let message = failed_with(pull(&trusted, &registry.image()).await, "redirect");
    assert!(message.contains("from HTTPS to plain HTTP"), "{message}");
}

#[tokio::test]
async fn file_that_is_no_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pem");
    std::fs::write(&path, "nothing").unwrap();
    let check = |tls: TlsSettings| {
        let error = client_trusting(tls).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "configuration");
        assert!(error.to_string().contains(".pem"), "{error}");
    };
    check(TlsSettings {
        authority_files: vec![path.clone()],
        ..TlsSettings::default()
    });
    check(TlsSettings {
        authority_files: vec![folder.path().join("missing.pem")],
        ..TlsSettings::default()
    });
    let client = ClientCertificate {
        host: "r.example".to_owned(),
        certificate_file: path.clone(),
        key_file: path,
    };
    check(TlsSettings {
        client_certificates: vec![client],
        ..TlsSettings::default()
    });
}

#[tokio::test]
async fn client_certificate_with_its_key_is_accepted_by_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    if !write_certificates("client certificate", folder.path()) {
        return;
    }
    let Some(registry) = start("client certificate", folder.path(), &[]) else {
        return;
    };
    let certificate = ClientCertificate {
        host: registry.address().to_owned(),
        certificate_file: folder.path().join("cert.pem"),
        key_file: folder.path().join("key.pem"),
    };
    let tls = TlsSettings {
        client_certificates: vec![certificate],
        ..trusting(folder.path())
    };
    pull(&client_trusting(tls).unwrap(), &registry.image())
        .await
        .unwrap();
}
