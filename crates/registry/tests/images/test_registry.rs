//! A registry with the test image `app:1`, a client of it, and what the client did.

use kubevet_registry::{
    Credential, FetchedManifest, ImageReference, Keychain, RegistryClient, RegistryError,
    RegistryLimits, RegistryName, RegistrySettings, Repository, Secret,
};
use kubevet_testkit::{image_registry::ImageRegistry, test_images::test_images};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// A running registry with an image.
pub(crate) struct TestRegistry {
    server: ImageRegistry,
}

/// A request that the registry has seen.
#[derive(Debug, Clone)]
pub(crate) struct SeenRequest {
    /// The method and the path.
    pub(crate) line: String,
    /// The query.
    pub(crate) query: String,
    /// The header `Range`.
    pub(crate) range: String,
    /// The scheme of `Authorization`.
    pub(crate) authorization: String,
    /// The status of the answer.
    pub(crate) status: u64,
}

impl TestRegistry {
    /// Starts a registry with the test image `layers` as `app:1`. `None` where the programs were not
    /// built: the test is then reported as not run.
    pub(crate) fn start(test: &str, flags: &[&str]) -> Option<Self> {
        Self::start_with(test, "layers", flags)
    }

    /// Starts a registry with a test image as `app:1`.
    pub(crate) fn start_with(test: &str, image: &str, flags: &[&str]) -> Option<Self> {
        let images = test_images(test)?;
        let preload = format!("app:1=oci-dir:{}", images.join(image).display());
        let mut all = vec!["-preload", preload.as_str(), "-user", "user:hunter2"];
        all.extend(flags);
        let server = ImageRegistry::start(test, &all)?;
        Some(Self { server })
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.server.address()
    }

    pub(crate) fn name(&self) -> RegistryName {
        RegistryName::parse(self.address()).unwrap()
    }

    pub(crate) fn repository(&self) -> Repository {
        Repository::new(self.name(), "app").unwrap()
    }

    pub(crate) fn image(&self) -> ImageReference {
        self.repository().at_tag("1").unwrap()
    }

    /// A keychain with an account of this registry.
    pub(crate) fn account(&self, user: &str, password: &str) -> Keychain {
        let credential = Credential::Basic {
            user: user.to_owned(),
            password: Secret::new(password),
        };
        Keychain::anonymous().with_credential(self.name(), credential)
    }

    /// Replaces the faults.
    pub(crate) fn set_faults(&self, faults: &[&str]) {
        let body = serde_json::to_string(faults).unwrap();
        self.control("PUT", "/_faults", &body);
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        let answer = self.control("GET", "/_requests", "");
        let seen: Vec<Value> = serde_json::from_str(&answer).expect("the list is JSON");
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        seen.iter()
            .map(|entry| SeenRequest {
                line: format!("{} {}", text(entry, "method"), text(entry, "path")),
                query: text(entry, "query"),
                range: text(entry, "range"),
                authorization: text(entry, "authorization"),
                status: entry["status"].as_u64().unwrap(),
            })
            .collect()
    }

    /// Asserts the number of requests whose line has a part. The registry notes a request after it has
    /// answered it.
    pub(crate) fn expect_requests(&self, part: &str, expected: usize) {
        kubevet_testkit::polling::wait_for("the requests", || {
            let requests = self.requests();
            let found = requests
                .iter()
                .filter(|request| request.line.contains(part))
                .count();
            if found == expected {
                Ok(())
            } else {
                Err(format!("{found}, not {expected}: {requests:#?}"))
            }
        });
    }

    fn control(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("the registry listens");
        // HTTP/1.0 has no chunks.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut answer = String::new();
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .and_then(|()| stream.read_to_string(&mut answer))
            .expect("the registry answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it is HTTP");
        assert!(head.contains(" 200 "), "{method} {path}: {answer}");
        body.to_owned()
    }
}

/// Limits that make a test fast, where a registry makes a client wait.
pub(crate) fn short_limits() -> RegistryLimits {
    RegistryLimits {
        first_backoff: Duration::from_millis(1),
        ..RegistryLimits::default()
    }
}

pub(crate) fn client_with(keychain: Keychain, limits: RegistryLimits) -> RegistryClient {
    RegistryClient::new(RegistrySettings {
        keychain,
        limits,
        ..RegistrySettings::default()
    })
    .unwrap()
}

pub(crate) fn client() -> RegistryClient {
    client_with(Keychain::anonymous(), short_limits())
}

/// What a pull has read.
#[derive(Debug)]
pub(crate) struct Pulled {
    pub(crate) manifest: FetchedManifest,
    /// The sizes of the configuration and the layers.
    pub(crate) blobs: Vec<u64>,
}

/// Reads an image with all its blobs.
pub(crate) async fn pull(
    client: &RegistryClient,
    reference: &ImageReference,
) -> Result<Pulled, RegistryError> {
    let manifest = client.manifest(reference).await?;
    let parsed: Value = serde_json::from_slice(&manifest.bytes).expect("a manifest is JSON");
    let layers = parsed["layers"].as_array().expect("an image has layers");
    let mut blobs = Vec::new();
    for descriptor in [&parsed["config"]].into_iter().chain(layers) {
        let digest = descriptor["digest"].as_str().unwrap();
        let digest = kubevet_registry::ContentDigest::parse(digest).unwrap();
        let size = descriptor["size"].as_u64();
        let mut blob = client.blob(&reference.repository, &digest, size).await?;
        let mut received = 0;
        while let Some(piece) = blob.next_piece().await? {
            received += piece.len() as u64;
        }
        assert_eq!(Some(received), size, "{digest}");
        blobs.push(received);
    }
    Ok(Pulled { manifest, blobs })
}

/// Asserts that a pull fails with a code, and returns the message. No message may have the password
/// of the tests.
#[track_caller]
pub(crate) fn failed_with(result: Result<Pulled, RegistryError>, code: &str) -> String {
    match result {
        Ok(pulled) => panic!("it was pulled: {pulled:?}"),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{error:?}"
            );
            error.to_string()
        }
    }
}
