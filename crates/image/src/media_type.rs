//! The media types of layers and configurations, of OCI and of Docker.

use super::descriptor::BlobDescriptor;

const LAYERS: &[&str] = &[
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
];
const FOREIGN_LAYERS: &[&str] = &[
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];
const CONFIGURATIONS: &[&str] = &[
    "",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    // What old programs wrote.
    "application/octet-stream",
];

/// Whether a blob of this type is the configuration of a container image.
pub(super) fn is_configuration(media_type: &str) -> bool {
    CONFIGURATIONS.contains(&media_type)
}

/// Why a layer cannot be evaluated; `None` if it can be.
pub(super) fn layer_problem(blob: &BlobDescriptor) -> Option<String> {
    let media_type = blob.media_type.as_str();
    let (base, suffix) = FOREIGN_LAYERS
        .iter()
        .chain(LAYERS)
        .find_map(|base| Some((*base, media_type.strip_prefix(base)?)))
        .unwrap_or((media_type, ""));
    let has_urls = blob.urls.as_ref().is_some_and(|urls| !urls.is_empty());
    if has_urls || FOREIGN_LAYERS.contains(&base) {
        return Some("the layer is not part of the image but elsewhere, by URL".to_owned());
    }
    if media_type.contains("encrypted") {
        return Some("the layer is encrypted".to_owned());
    }
    let is_known = LAYERS.contains(&base)
        && matches!(
            suffix,
            "" | "+gzip" | "+zstd" | ".gzip" | ".zstd" | "+gz" | ".gz"
        );
    if is_known || media_type.is_empty() {
        return None;
    }
    let shown: String = media_type.chars().take(100).collect();
    Some(format!("the layer has the unknown type {shown:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::BlobDigest;

    #[track_caller]
    fn check(media_type: &str, urls: bool, expected: &str) {
        let blob = BlobDescriptor {
            media_type: media_type.to_owned(),
            urls: urls.then(|| vec!["http://127.0.0.1/".to_owned()]),
            ..BlobDescriptor::of_digest(BlobDigest::of(b""))
        };
        let found = layer_problem(&blob).unwrap_or_default();
        assert_eq!(
            found.is_empty(),
            expected.is_empty(),
            "{media_type}: {found}"
        );
        assert!(found.contains(expected), "{media_type}: {found}");
    }

    #[test]
    fn layer_is_evaluated_where_it_is_a_tar_of_the_image() {
        check("application/vnd.oci.image.layer.v1.tar", false, "");
        check("application/vnd.oci.image.layer.v1.tar+zstd", false, "");
        check(
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            false,
            "",
        );
        check("", false, "");
        check(
            "application/vnd.oci.image.layer.v1.tar+gzip",
            true,
            "elsewhere",
        );
        check(
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            false,
            "elsewhere",
        );
        check(
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            false,
            "elsewhere",
        );
        check(
            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
            false,
            "encrypted",
        );
        check("application/vnd.in-toto+json", false, "unknown type");
        check(
            "application/vnd.oci.image.layer.v1.tar+br",
            false,
            "unknown type",
        );
    }
}
