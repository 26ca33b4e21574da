//! Certificates in a temporary directory: versions, locks, special files.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{CertificateStore, DirStore, StoreError, StoredCertificates};

fn stored(content: &str, version: Option<String>) -> StoredCertificates {
    let bytes = content.as_bytes().to_vec();
    StoredCertificates {
        ca_bundle: bytes.clone(),
        ca_keys: Some(bytes.clone()),
        certificate: bytes.clone(),
        key: bytes,
        version,
    }
}

#[tokio::test]
async fn written_certificates_are_read_back_and_stale_write_conflicts() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("made");
    let store = DirStore::new(&dir);
    assert_eq!(store.read().await.unwrap(), None);
    store.write(&stored("one", None)).await.unwrap();
    let one = store.read().await.unwrap().unwrap();
    assert_eq!(one, stored("one", one.version.clone()));
    // Of two writers that read the same version, one gets a conflict.
    store
        .write(&stored("two", one.version.clone()))
        .await
        .unwrap();
    assert!(matches!(
        store.write(&stored("three", one.version)).await,
        Err(StoreError::Conflict)
    ));
    assert!(matches!(
        store.write(&stored("three", None)).await,
        Err(StoreError::Conflict)
    ));
    assert_eq!(fs::read(dir.join("tls.crt")).unwrap(), b"two");
    for (file, mode) in [("ca.key", 0o600), ("tls.key", 0o600), (".lock", 0o600)] {
        assert_eq!(
            fs::metadata(dir.join(file)).unwrap().permissions().mode() & 0o777,
            mode,
            "{file}"
        );
    }
    assert_eq!(
        fs::metadata(&dir).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 5);
}

#[tokio::test]
async fn locked_store_conflicts_for_reader_and_writer() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::new(dir.path());
    store.write(&stored("one", None)).await.unwrap();
    let lock = fs::File::open(dir.path().join(".lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(store.read().await, Err(StoreError::Conflict)));
    assert!(matches!(
        store.write(&stored("two", None)).await,
        Err(StoreError::Conflict)
    ));
    lock.unlock().unwrap();
    assert!(store.read().await.unwrap().is_some());
}

#[tokio::test]
async fn pipe_and_device_are_rejected_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("tls.crt");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    fs::write(dir.path().join("tls.key"), "x").unwrap();
    let check = |found: Result<Option<StoredCertificates>, StoreError>| match found {
        Err(StoreError::Failed(message)) => {
            assert!(message.contains("not a regular file"), "{message}");
        }
        other => panic!("{other:?}"),
    };
    check(DirStore::new(dir.path()).read().await);
    fs::remove_file(&pipe).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &pipe).unwrap();
    check(DirStore::new(dir.path()).read().await);
}

#[tokio::test]
async fn directory_state_follows_from_files() {
    async fn check(files: &[&str], expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(dir.path().join(file), "x").unwrap();
        }
        let found = match DirStore::new(dir.path()).read().await {
            Ok(None) => "empty".to_owned(),
            Ok(Some(stored)) if stored.ca_keys.is_some() => "managed".to_owned(),
            Ok(Some(_)) => "external".to_owned(),
            Err(StoreError::Incomplete { .. }) => "incomplete".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{files:?}");
    }
    check(&[], "empty").await;
    check(&["other"], "empty").await;
    check(&["tls.crt", "tls.key"], "external").await;
    check(&["ca.crt", "tls.crt", "tls.key"], "external").await;
    check(&["tls.crt"], "incomplete").await;
    check(&["tls.key"], "incomplete").await;
    check(&["ca.crt"], "incomplete").await;
    check(&["ca.key", "ca.crt"], "managed").await;
}
