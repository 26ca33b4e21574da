//! Manifests and indexes: read, verified, and checked to be what their media type says.
//!
//! Their layers and platforms are of no interest here.

use super::{
    body::read_bounded,
    client_state::ClientState,
    digest::{ContentDigest, DigestAlgorithm},
    error::RegistryError,
    read_request::{Answer, ReadRequest},
    reference::ImageReference,
    registry_rules::Source,
};
use hyper::Method;
use kubevet_model::one_line;
use serde::de::IgnoredAny;

/// The media types of images and indexes, as a registry is asked for them.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";
const INDEX_TYPES: &[&str] = &[
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFEST_TYPES: &[&str] = &[
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// The form that Docker gave up in 2017, signed or not.
const OLD_TYPES: &[&str] = &[
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];
/// The header with the digest of a manifest.
const DIGEST_HEADER: &str = "docker-content-digest";

/// A manifest or an index whose digest was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedManifest {
    /// The media type: one of OCI's or Docker's.
    pub media_type: String,
    /// The digest of the bytes: the one that was asked for, or SHA-256.
    pub digest: ContentDigest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl FetchedManifest {
    /// True for an index, which lists manifests.
    #[must_use]
    pub fn is_index(&self) -> bool {
        INDEX_TYPES.contains(&self.media_type.as_str())
    }
}

/// What a manifest says of itself.
#[derive(serde::Deserialize)]
struct Shape {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
    manifests: Option<Vec<IgnoredAny>>,
    layers: Option<Vec<IgnoredAny>>,
    config: Option<IgnoredAny>,
}

/// Reads a manifest from one source.
pub(crate) async fn fetch(
    state: &ClientState,
    source: &Source,
    reference: &ImageReference,
) -> Result<FetchedManifest, RegistryError> {
    let request = request(Method::GET, source, reference);
    let answer = state.read(source, &request).await?;
    let media_type = answer.media_type().to_owned();
    let announced = answer.header(DIGEST_HEADER).map(str::to_owned);
    check_type(&media_type, &request.what)?;
    let max = state.limits.manifest_bytes;
    let body = answer.response.into_body();
    let bytes = read_bounded(body, max, &state.limits, &request.what).await?;
    let digest = verify(
        &bytes,
        reference.digest(),
        announced.as_deref(),
        &request.what,
    )?;
    check_shape(&bytes, &media_type, &request.what)?;
    Ok(FetchedManifest {
        media_type,
        digest,
        bytes,
    })
}

/// Asks one source for the digest of a manifest; `None` where it does not say it.
pub(crate) async fn announced_digest(
    state: &ClientState,
    source: &Source,
    reference: &ImageReference,
) -> Result<Option<ContentDigest>, RegistryError> {
    let request = request(Method::HEAD, source, reference);
    let answer: Answer = match state.read(source, &request).await {
        Ok(answer) => answer,
        // A registry without HEAD.
        Err(RegistryError::Status { status: 405, .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let announced = answer.header(DIGEST_HEADER);
    Ok(announced.and_then(|text| ContentDigest::parse(text).ok()))
}

fn request(method: Method, source: &Source, reference: &ImageReference) -> ReadRequest {
    let path = source.repository.path();
    let identifier = reference.identifier();
    let separator = if reference.digest().is_some() {
        '@'
    } else {
        ':'
    };
    ReadRequest {
        method,
        path: format!("/v2/{path}/manifests/{identifier}"),
        accept: ACCEPT,
        range_from: 0,
        scope: format!("repository:{path}:pull"),
        what: format!("manifest {}{separator}{identifier}", source.repository),
    }
}

/// Compares the digest of the bytes with the one that was asked for and with the announced one.
fn verify(
    bytes: &[u8],
    wanted: Option<&ContentDigest>,
    announced: Option<&str>,
    what: &str,
) -> Result<ContentDigest, RegistryError> {
    let algorithm = wanted.map_or(DigestAlgorithm::Sha256, ContentDigest::algorithm);
    let found = ContentDigest::of(algorithm, bytes);
    if let Some(wanted) = wanted.filter(|wanted| **wanted != found) {
        return Err(RegistryError::Digest {
            what: what.to_owned(),
            expected: wanted.clone(),
            found,
        });
    }
    let is_right = |text: &str| {
        ContentDigest::parse(text)
            .is_ok_and(|announced| announced == ContentDigest::of(announced.algorithm(), bytes))
    };
    if let Some(announced) = announced.filter(|text| !is_right(text)) {
        return Err(RegistryError::AnnouncedDigest {
            what: what.to_owned(),
            expected: found,
            found: one_line(announced, 100),
        });
    }
    Ok(found)
}

/// True for the media types of manifests and indexes, which have another path than other blobs.
pub(crate) fn is_manifest_type(media_type: &str) -> bool {
    INDEX_TYPES.contains(&media_type) || MANIFEST_TYPES.contains(&media_type)
}

fn check_type(media_type: &str, what: &str) -> Result<(), RegistryError> {
    let refused = |reason: String| RegistryError::MediaType {
        what: what.to_owned(),
        reason,
    };
    if OLD_TYPES.contains(&media_type) {
        return Err(refused(
            "it has Docker's manifest schema 1, which no current tool writes: push the image again"
                .to_owned(),
        ));
    }
    if !is_manifest_type(media_type) {
        return Err(refused(format!(
            "its media type is `{}`",
            one_line(media_type, 100)
        )));
    }
    Ok(())
}

/// A manifest that is an image to one client and an index to another could pass a check as one and run
/// as the other.
fn check_shape(bytes: &[u8], media_type: &str, what: &str) -> Result<(), RegistryError> {
    let refused = |reason: &str| RegistryError::MediaType {
        what: what.to_owned(),
        reason: reason.to_owned(),
    };
    let shape: Shape =
        serde_json::from_slice(bytes).map_err(|_| refused("it is not the JSON of a manifest"))?;
    if shape.media_type.is_some_and(|own| own != media_type) {
        return Err(refused(
            "its field mediaType and its header Content-Type differ",
        ));
    }
    let is_index = INDEX_TYPES.contains(&media_type);
    let has_index_parts = shape.manifests.is_some();
    let has_image_parts = shape.layers.is_some() || shape.config.is_some();
    match (is_index, has_index_parts, has_image_parts) {
        (true, true, false) | (false, false, true) => Ok(()),
        (_, true, true) => Err(refused("it has the fields of an image and of an index")),
        (true, ..) => Err(refused("an index without a list of manifests")),
        (false, ..) => Err(refused("an image without configuration and layers")),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_shape, check_type, verify};
    use crate::digest::{ContentDigest, DigestAlgorithm};

    const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";

    #[test]
    fn manifest_is_what_its_media_type_says() {
        let check = |body: &str, media_type: &str, accepted: bool| {
            let found = check_shape(body.as_bytes(), media_type, "it");
            assert_eq!(found.is_ok(), accepted, "{body} {media_type}: {found:?}");
        };
        let own = |media_type: &str| {
            format!(r#"{{"mediaType":"{media_type}","layers":[],"config":{{}}}}"#)
        };
        check(r#"{"layers":[],"config":{}}"#, OCI, true);
        check(&own(OCI), OCI, true);
        check(&own(INDEX), OCI, false);
        check(r#"{"manifests":[]}"#, INDEX, true);
        check(r#"{"manifests":[]}"#, OCI, false);
        check(r#"{"layers":[],"config":{}}"#, INDEX, false);
        check(r#"{"layers":[],"config":{},"manifests":[]}"#, OCI, false);
        check(r#"{"layers":[],"config":{},"manifests":[]}"#, INDEX, false);
        check(r#"{"layers":[],"layers":[],"config":{}}"#, OCI, false);
        check("[]", OCI, false);
        check("", OCI, false);
        check(&"[".repeat(100_000), OCI, false);
    }

    #[test]
    fn media_type_of_no_image_is_refused() {
        let check =
            |media_type: &str, part: Option<&str>| match (check_type(media_type, "it"), part) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{media_type}: {found:?}"),
            };
        check(OCI, None);
        check(INDEX, None);
        check(
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            Some("schema 1"),
        );
        check("text/html", Some("text/html"));
        check("", Some("media type"));
    }

    #[test]
    fn digest_is_compared_with_the_requested_and_the_announced_one() {
        let right = ContentDigest::of(DigestAlgorithm::Sha256, b"x");
        let long = ContentDigest::of(DigestAlgorithm::Sha512, b"x").to_string();
        let wrong = ContentDigest::of(DigestAlgorithm::Sha256, b"y");
        let check = |wanted: Option<&ContentDigest>, announced: Option<&str>, expected: &str| {
            let found = verify(b"x", wanted, announced, "it");
            assert_eq!(
                found.as_ref().map_or_else(|error| error.code(), |_| "ok"),
                expected
            );
        };
        check(None, None, "ok");
        check(Some(&right), Some(&right.to_string()), "ok");
        check(None, Some(&long), "ok");
        check(Some(&wrong), None, "digest-mismatch");
        check(
            Some(&right),
            Some(&wrong.to_string()),
            "announced-digest-mismatch",
        );
        check(None, Some("md5:x"), "announced-digest-mismatch");
    }
}
