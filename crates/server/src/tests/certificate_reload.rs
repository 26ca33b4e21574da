//! Certificates that are replaced, rotated or broken while callers connect.

use std::{fs, time::Duration};

use time::OffsetDateTime;

use super::{
    load::Load,
    support::{Caller, ServerOptions, call, reconcile, renewer, start},
};
use crate::{
    ClientAuthConfig, DirStore, ReloadOutcome, ServerMetrics, StoredCertificates, TlsSource,
    certificate::issue_leaf, leaf_names, serving_certificate::parse_certificates,
    store::CertificateStore,
};

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaced_certificates_break_no_call() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), ServerOptions::default()).await;
    let store = DirStore::new(dir.path());
    let watched = tokio::spawn({
        let (tls, store) = (server.tls.clone(), store.clone());
        async move { tls.watch(&store, LONG).await }
    });
    let load = Load::start(server.address, &server.tls.ca_bundle());
    for round in 1..=10 {
        load.wait(20).await;
        // Without a leaf, the renewer issues another.
        let held = store.read().await.unwrap().unwrap();
        store
            .write(&StoredCertificates {
                certificate: Vec::new(),
                key: Vec::new(),
                ..held.clone()
            })
            .await
            .unwrap();
        assert_ne!(reconcile(dir.path()).await.certificate, held.certificate);
        let polled = server.tls.polled();
        server.tls.request_poll();
        polled.await;
        assert_eq!(server.metrics.reloads(), (round, 0));
    }
    load.wait(20).await;
    assert_eq!(load.end().await, Vec::<String>::new());
    assert_eq!(server.metrics.handshake_failures.get(), 0);
    watched.abort();
}

#[tokio::test]
async fn unservable_certificates_are_rejected_and_old_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), ServerOptions::default()).await;
    let good = reconcile(dir.path()).await;
    let other = reconcile(tempfile::tempdir().unwrap().path()).await;
    let names = leaf_names(&[]).unwrap();
    let (ca, ca_key) = (
        String::from_utf8(good.ca_bundle.clone()).unwrap(),
        good.ca_keys.clone().unwrap(),
    );
    let ca_key = String::from_utf8(ca_key).unwrap();
    let past = OffsetDateTime::now_utc() - Duration::from_secs(200 * 86_400);
    let expired = issue_leaf(&ca, &ca_key, OffsetDateTime::now_utc() + LONG, &names, past).unwrap();
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let caller = Caller::http1(&good.ca_bundle);
    for (certificate, key, message) in [
        (
            half(&good.certificate),
            good.key.clone(),
            "the certificate cannot be read",
        ),
        (
            good.certificate.clone(),
            half(&good.key),
            "the private key cannot be read",
        ),
        (Vec::new(), Vec::new(), "no certificate in it"),
        (
            b"\xff\x00 nonsense".to_vec(),
            good.key.clone(),
            "no certificate in it",
        ),
        (
            good.certificate.clone(),
            other.key.clone(),
            "does not belong to the certificate",
        ),
        (
            expired.certificate.into_bytes(),
            expired.key.into_bytes(),
            "expired on",
        ),
    ] {
        let offered = StoredCertificates {
            certificate,
            key,
            ..good.clone()
        };
        let ReloadOutcome::Rejected(error) = server.tls.reload(&offered).await else {
            panic!("{message}: applied")
        };
        assert_eq!(server.tls.reload(&offered).await, ReloadOutcome::Unchanged);
        assert!(
            TlsSource::new(
                &offered,
                ClientAuthConfig::default(),
                ServerMetrics::default()
            )
            .await
            .is_err(),
            "{message}"
        );
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(caller.call(server.address).await, Ok(()), "{message}");
    }
    assert_eq!(server.metrics.reloads(), (0, 6));
    assert_eq!(server.tls.reload(&good).await, ReloadOutcome::Applied);
}

#[tokio::test]
async fn swapped_symlink_of_mounted_secret_is_loaded() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mount = tempfile::tempdir().unwrap();
    let bundles = [
        reconcile(one.path()).await.ca_bundle,
        reconcile(two.path()).await.ca_bundle,
    ];
    for (version, from) in [("..1", one.path()), ("..2", two.path())] {
        fs::create_dir(mount.path().join(version)).unwrap();
        for file in ["ca.crt", "tls.crt", "tls.key"] {
            fs::copy(from.join(file), mount.path().join(version).join(file)).unwrap();
        }
    }
    let data = mount.path().join("..data");
    std::os::unix::fs::symlink("..1", &data).unwrap();
    for file in ["ca.crt", "tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..data/{file}"), mount.path().join(file)).unwrap();
    }
    let server = start(mount.path(), ServerOptions::default()).await;
    let callers = bundles.each_ref().map(|bundle| Caller::http1(bundle));
    assert_eq!(callers[0].call(server.address).await, Ok(()));
    let mut alive = callers[0].connect(server.address).await.unwrap();
    call(&mut alive).await.unwrap();

    std::os::unix::fs::symlink("..2", mount.path().join("..new")).unwrap();
    fs::rename(mount.path().join("..new"), &data).unwrap();
    let store = DirStore::new(mount.path());
    let watched = {
        let tls = server.tls.clone();
        tokio::spawn(async move { tls.watch(&store, Duration::from_millis(1)).await })
    };
    server.tls.polled().await;
    watched.abort();
    assert_eq!(server.tls.ca_bundle(), bundles[1]);
    assert_eq!(callers[1].call(server.address).await, Ok(()));
    assert!(
        callers[0]
            .call(server.address)
            .await
            .is_err_and(|error| error.contains("UnknownIssuer") || error.contains("BadSignature"))
    );
    // The connection from before stays open.
    assert_eq!(call(&mut alive).await, Ok(false));
    // An external store is never written.
    assert!(!mount.path().join("ca.key").exists());
}

#[tokio::test]
async fn expired_leaf_is_replaced_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let then = OffsetDateTime::now_utc() - Duration::from_secs(200 * 86_400);
    let old = renewer(dir.path()).reconcile(then).await.unwrap();
    let server = start(dir.path(), ServerOptions::default()).await;
    assert_eq!(server.tls.ca_bundle(), old.ca_bundle);
    assert_eq!(
        Caller::http1(&old.ca_bundle).call(server.address).await,
        Ok(())
    );
}

/// Follows an authority through its rotation: a caller that trusts the bundle of one step may call
/// after the next.
#[tokio::test]
async fn authority_rotates_without_gap() {
    let dir = tempfile::tempdir().unwrap();
    let year = Duration::from_secs(365 * 86_400);
    let then = OffsetDateTime::now_utc() - year.mul_f64(4.1);
    let old = renewer(dir.path()).reconcile(then).await.unwrap();
    let both = renewer(dir.path())
        .reconcile(OffsetDateTime::now_utc())
        .await
        .unwrap();
    assert_eq!(parse_certificates(&both.ca_bundle).unwrap().len(), 2);
    assert!(both.ca_bundle.starts_with(&old.ca_bundle));
    // The bundle of a directory is copied by hand, so the old authority still signs.
    let server = start(dir.path(), ServerOptions::default()).await;
    assert_eq!(
        Caller::http1(&old.ca_bundle).call(server.address).await,
        Ok(())
    );
    assert_eq!(
        Caller::http1(&both.ca_bundle).call(server.address).await,
        Ok(())
    );
    // Nothing is due.
    assert_eq!(
        reconcile(dir.path()).await,
        DirStore::new(dir.path()).read().await.unwrap().unwrap()
    );
    // When the old one expires, the new one signs.
    let end = renewer(dir.path())
        .reconcile(then + year.mul_f64(4.999))
        .await
        .unwrap();
    assert_ne!(end.certificate, both.certificate);
    server.tls.reload(&end).await;
    assert_eq!(parse_certificates(&end.ca_bundle).unwrap().len(), 2);
}

#[tokio::test]
async fn concurrent_renewers_of_one_directory_agree() {
    let dir = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let renewer = renewer(dir.path());
            tokio::spawn(async move {
                renewer
                    .reconcile(OffsetDateTime::now_utc())
                    .await
                    .unwrap()
                    .certificate
            })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.unwrap());
    }
    found.dedup();
    assert_eq!(found, [reconcile(dir.path()).await.certificate]);
}
