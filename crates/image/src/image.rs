//! From a name, an index or a digest to one image: its manifest, its configuration and its layers, all
//! verified by digest.

use super::{
    blob::BlobSource,
    budget::Budget,
    configuration::{ImageConfiguration, read_configuration},
    descriptor::BlobDescriptor,
    digest::BlobDigest,
    error::ImageError,
    image_selection::ImageSelection,
    index_choice::choose,
    limits::ImageLimits,
    manifest::{ImageManifest, ManifestDocument, read_manifest},
    media_type::{is_configuration, layer_problem},
    verified_reader::{ExpectedBlob, VerifiedReader, stream_error},
};
use std::io::Read as _;

/// Where an image begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRoot {
    /// The index of a layout. Nothing names it by a digest.
    LayoutIndex(Vec<u8>),
    /// A manifest or index by its digest.
    Blob(BlobDescriptor),
}

/// An image, before its layers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerImage {
    /// Where it is, for messages.
    pub place: String,
    /// The names that the source has for it.
    pub names: Vec<String>,
    /// The digest of the manifest; `None` for an archive of Docker, which has none.
    pub manifest_digest: Option<BlobDigest>,
    /// The media type of the manifest.
    pub manifest_media_type: String,
    /// The manifest as it is stored.
    pub manifest: Vec<u8>,
    /// The digest of the configuration: the id of the image.
    pub id: BlobDigest,
    /// The configuration as it is stored.
    pub raw_configuration: Vec<u8>,
    /// The configuration.
    pub configuration: ImageConfiguration,
    /// The layers, the lowest first.
    pub layers: Vec<ImageLayer>,
}

/// A layer of an image, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayer {
    /// The blob.
    pub blob: BlobDescriptor,
    /// Whether the digest is that of the blob. In an archive of Docker it is the diff id.
    pub is_blob_digest: bool,
    /// The digest of the inflated layer, by the configuration; `None` for a layer that is not
    /// evaluated and that the configuration does not count.
    pub diff_id: Option<BlobDigest>,
    /// Why the layer cannot be evaluated, as for one that is elsewhere; `None` for one that can be.
    pub not_evaluated: Option<String>,
}

/// Finds the image that is meant.
pub fn load_image(
    source: &dyn BlobSource,
    root: &ImageRoot,
    selection: &ImageSelection,
    limits: &ImageLimits,
) -> Result<ContainerImage, ImageError> {
    let budget = Budget::new(limits);
    let mut place = source.place();
    let mut names = Vec::new();
    let mut descriptor = match root {
        ImageRoot::LayoutIndex(bytes) => {
            let ManifestDocument::Index(index) = read_manifest(&place, bytes)? else {
                return Err(ImageError::format(&place, "index.json is no index"));
            };
            let chosen = choose(&place, &index.manifests, selection, true, limits)?;
            names.extend(chosen.names().map(str::to_owned));
            chosen.clone()
        }
        ImageRoot::Blob(descriptor) => descriptor.clone(),
    };
    let mut visited = Vec::new();
    loop {
        if visited.len() > limits.index_depth {
            let limit = limits.index_depth;
            return Err(ImageError::IndexDepth { place, limit });
        }
        if visited.contains(&descriptor.digest) {
            return Err(ImageError::IndexCycle { place });
        }
        visited.push(descriptor.digest);
        let (bytes, digest) = read_json_blob(source, &descriptor, limits.manifest_bytes, &budget)?;
        place = format!("{}@{digest}", source.place());
        match read_manifest(&place, &bytes)? {
            ManifestDocument::Index(index) => {
                descriptor = choose(&place, &index.manifests, selection, false, limits)?.clone();
            }
            ManifestDocument::Manifest(manifest) => {
                let parts = ManifestParts {
                    place,
                    names,
                    digest,
                    media_type: descriptor.media_type,
                    bytes,
                    manifest,
                };
                return assemble(source, parts, selection, &budget);
            }
        }
    }
}

struct ManifestParts {
    place: String,
    names: Vec<String>,
    digest: BlobDigest,
    media_type: String,
    bytes: Vec<u8>,
    manifest: Box<ImageManifest>,
}

fn assemble(
    source: &dyn BlobSource,
    parts: ManifestParts,
    selection: &ImageSelection,
    budget: &Budget<'_>,
) -> Result<ContainerImage, ImageError> {
    let ManifestParts {
        place, manifest, ..
    } = parts;
    if !is_configuration(&manifest.config.media_type) {
        let media_type = &manifest.config.media_type;
        let reason =
            format!("it is no container image: its configuration has the type {media_type:?}");
        return Err(ImageError::format(&place, reason));
    }
    let limit = budget.limits.configuration_bytes;
    let (raw_configuration, id) = read_json_blob(source, &manifest.config, limit, budget)?;
    let configuration = read_configuration(&format!("{place}: configuration"), &raw_configuration)?;
    check_platform(&place, &configuration, selection)?;
    let layers = match_layers(
        &place,
        manifest.layers,
        &configuration.diff_ids,
        budget.limits,
    )?;
    let media_type = if parts.media_type.is_empty() {
        manifest.media_type
    } else {
        parts.media_type
    };
    Ok(ContainerImage {
        place,
        names: parts.names,
        manifest_digest: Some(parts.digest),
        manifest_media_type: media_type,
        manifest: parts.bytes,
        id,
        raw_configuration,
        configuration,
        layers,
    })
}

/// Refuses an image of another platform than the requested one.
pub(super) fn check_platform(
    place: &str,
    configuration: &ImageConfiguration,
    selection: &ImageSelection,
) -> Result<(), ImageError> {
    match &selection.platform {
        Some(requested) if !configuration.platform.matches(requested) => {
            Err(ImageError::NoSuchImage {
                place: place.to_owned(),
                requested: format!("for {requested}"),
                choices: configuration.platform.to_string(),
            })
        }
        _ => Ok(()),
    }
}

/// Gives each layer its diff id. A layer that is not evaluated may be missing in the configuration.
fn match_layers(
    place: &str,
    blobs: Vec<BlobDescriptor>,
    diff_ids: &[BlobDigest],
    limits: &ImageLimits,
) -> Result<Vec<ImageLayer>, ImageError> {
    check_layer_count(place, blobs.len().max(diff_ids.len()), limits)?;
    let problems: Vec<Option<String>> = blobs.iter().map(layer_problem).collect();
    let evaluated = problems.iter().filter(|problem| problem.is_none()).count();
    let has_all = blobs.len() == diff_ids.len();
    if !has_all && evaluated != diff_ids.len() {
        return Err(ImageError::LayerCount {
            place: place.to_owned(),
            layers: blobs.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let mut diff_ids = diff_ids.iter().copied();
    let layers = blobs.into_iter().zip(problems);
    Ok(layers
        .map(|(blob, not_evaluated)| ImageLayer {
            blob,
            is_blob_digest: true,
            diff_id: if has_all || not_evaluated.is_none() {
                diff_ids.next()
            } else {
                None
            },
            not_evaluated,
        })
        .collect())
}

pub(super) fn check_layer_count(
    place: &str,
    count: usize,
    limits: &ImageLimits,
) -> Result<(), ImageError> {
    if count > limits.layers {
        return Err(ImageError::limit(place, limits.layers as u64, "layers"));
    }
    Ok(())
}

/// Reads a small blob whole and verifies it.
fn read_json_blob(
    source: &dyn BlobSource,
    descriptor: &BlobDescriptor,
    limit: usize,
    budget: &Budget<'_>,
) -> Result<(Vec<u8>, BlobDigest), ImageError> {
    let place = format!("{}: {}", source.place(), descriptor.digest);
    if descriptor.size.is_some_and(|size| size > limit as u64) {
        return Err(ImageError::limit(
            &place,
            limit as u64,
            "bytes in a manifest or configuration",
        ));
    }
    let expected = ExpectedBlob {
        place: place.clone(),
        digest: Some(descriptor.digest),
        size: descriptor.size,
        limit: limit as u64,
    };
    let mut reader = VerifiedReader::new(source.open(descriptor)?, expected, budget);
    let mut bytes = Vec::new();
    if let Err(error) = reader.read_to_end(&mut bytes) {
        let failure = reader.failure();
        return Err(failure.unwrap_or_else(|| stream_error(&place, &error)));
    }
    Ok((bytes, descriptor.digest))
}
