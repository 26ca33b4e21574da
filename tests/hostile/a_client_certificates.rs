//! A12: access where clients must present a certificate.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig},
    attack_objects::ordinary_bad,
    attack_scale::share_machine,
    attacked_server::{Server, ServerSetup},
};
use kubevet_testkit::polling::wait_for;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, SanType,
};
use std::{fs, time::Duration};
use time::OffsetDateTime;

/// An authority, and its certificate as PEM.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), certificate)
}

/// A client certificate with its validity in days from now; certificate and key as PEM.
fn caller(
    names: &[&str],
    issuer: Option<&Issuer<'_, KeyPair>>,
    days: [i64; 2],
    also: &[&str],
) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    for name in names {
        params
            .distinguished_name
            .push(DnType::CommonName, DnValue::Utf8String((*name).to_owned()));
    }
    params.subject_alt_names = also
        .iter()
        .map(|name| SanType::DnsName((*name).try_into().unwrap()))
        .collect();
    params.not_before = OffsetDateTime::now_utc() + time::Duration::days(days[0]);
    params.not_after = OffsetDateTime::now_utc() + time::Duration::days(days[1]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    (certificate.pem(), key.serialize_pem())
}

fn gets_in(server: &Server, shown: Option<&(String, String)>) -> bool {
    let tls = match shown {
        Some((certificate, key)) => TlsConfig::showing(server, certificate, key),
        None => TlsConfig::of(server),
    };
    // With TLS 1.3 a client learns of its rejection with the first response, not in the handshake.
    AttackConnection::open(server, &tls, CLIENT_ADDRESS, HANG_TIMEOUT)
        .and_then(|mut connection| {
            connection.post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
        })
        .is_ok_and(|connection| connection.review_response("bad")["allowed"] == false)
}

#[test]
fn a12_only_the_named_client_with_a_valid_certificate_is_served() {
    let _machine = share_machine();
    let name = "kube-apiserver";
    let (issuer, ca) = authority("callers");
    let (stranger, _) = authority("strangers");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("callers.crt");
    fs::write(&file, &ca).unwrap();
    let flags = ["--client-ca", file.to_str().unwrap(), "--client-name", name];
    let mut server = ServerSetup::example()
        .flags(&flags)
        .no_decision_log()
        .start();
    let valid = [-1, 30];
    let right = caller(&[name], Some(&issuer), valid, &[]);
    for (name, shown, inside) in [
        ("none", None, false),
        ("right", Some(&right), true),
        (
            "wrong name",
            Some(&caller(&["mallory"], Some(&issuer), valid, &[])),
            false,
        ),
        (
            "wrong authority",
            Some(&caller(&[name], Some(&stranger), valid, &[])),
            false,
        ),
        (
            "expired",
            Some(&caller(&[name], Some(&issuer), [-20, -1], &[])),
            false,
        ),
        (
            "not yet valid",
            Some(&caller(&[name], Some(&issuer), [1, 20], &[])),
            false,
        ),
        (
            "name elsewhere",
            Some(&caller(&["mallory"], Some(&issuer), valid, &[name])),
            false,
        ),
        (
            "self-signed",
            Some(&caller(&[name], None, valid, &[])),
            false,
        ),
        (
            "NUL",
            Some(&caller(
                &["kube-apiserver\0.evil"],
                Some(&issuer),
                valid,
                &[],
            )),
            false,
        ),
        (
            "another case",
            Some(&caller(&["Kube-APIserver"], Some(&issuer), valid, &[])),
            false,
        ),
    ] {
        assert_eq!(gets_in(&server, shown), inside, "{name}");
    }
    // A truncated or missing file leaves the last valid authority in force.
    let outside = caller(&[name], Some(&stranger), valid, &[]);
    let still = |name: &str| {
        // The file is polled every two seconds; there is no event to wait for if nothing changes.
        std::thread::sleep(Duration::from_secs(4));
        assert!(gets_in(&server, Some(&right)), "{name}");
        assert!(
            !gets_in(&server, None) && !gets_in(&server, Some(&outside)),
            "{name}"
        );
    };
    fs::write(&file, &ca[..200]).unwrap();
    still("half of the file");
    fs::remove_file(&file).unwrap();
    still("no file");
    fs::write(&file, &ca).unwrap();
    wait_for("the caller to get in again", || {
        if gets_in(&server, Some(&right)) {
            Ok(())
        } else {
            Err(server.stderr())
        }
    });
    server.assert_running();
}

#[test]
fn a8_11_unrequested_client_certificate_is_ignored() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    assert!(gets_in(
        &server,
        Some(&caller(&["anybody"], None, [-1, 1], &[]))
    ));
}
