//! What `docker save` writes, also compressed: a tar with `manifest.json`, which names configuration and
//! layers by their members.
//!
//! Such an archive has no manifest of its own and, in the old form, no digests of blobs: layers are
//! verified by their diff ids, and the configuration by its name where that is a digest.

use super::{
    archive::Archive,
    blob::{BlobSource, BlobStream, BlobVisitor, StoredBlobs},
    configuration::read_configuration,
    descriptor::BlobDescriptor,
    digest::BlobDigest,
    error::ImageError,
    image::{ContainerImage, ImageLayer, check_layer_count, check_platform},
    image_selection::ImageSelection,
    limits::ImageLimits,
    stored_layers::visit_stored,
};
use serde::Deserialize;
use std::collections::HashMap;

/// The list of images in an archive.
pub(super) const MANIFEST: &str = "manifest.json";

/// The layers of one image of an archive.
#[derive(Debug)]
pub(super) struct DockerArchive {
    archive: Archive,
    /// The members of the layers, by the digest under which the image has them.
    members: HashMap<BlobDigest, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ArchiveEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// Reads the image that is meant.
pub(super) fn load_docker_archive(
    archive: Archive,
    selection: &ImageSelection,
    limits: &ImageLimits,
) -> Result<(DockerArchive, ContainerImage), ImageError> {
    let place = archive.place();
    let manifest = archive.read_small(MANIFEST, limits.manifest_bytes)?;
    let entries: Vec<ArchiveEntry> = serde_json::from_slice(&manifest)
        .map_err(|error| ImageError::format(&format!("{place}: {MANIFEST}"), error.to_string()))?;
    if entries.len() > limits.index_entries {
        let limit = limits.index_entries as u64;
        return Err(ImageError::limit(&place, limit, "images in an archive"));
    }
    let entry = choose(&place, entries, selection)?;
    let raw_configuration = archive.read_small(&entry.config, limits.configuration_bytes)?;
    let id = BlobDigest::of(&raw_configuration);
    check_id(&place, &entry.config, id)?;
    let configuration =
        read_configuration(&format!("{place}: {}", entry.config), &raw_configuration)?;
    check_platform(&place, &configuration, selection)?;
    let names = entry.layers.unwrap_or_default();
    let diff_ids = &configuration.diff_ids;
    check_layer_count(&place, names.len().max(diff_ids.len()), limits)?;
    if names.len() != diff_ids.len() {
        return Err(ImageError::LayerCount {
            place,
            layers: names.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let mut layers = Vec::new();
    let mut members = HashMap::new();
    for (name, diff_id) in names.into_iter().zip(diff_ids) {
        let blob_digest = name
            .strip_prefix("blobs/sha256/")
            .and_then(BlobDigest::from_hex);
        let digest = blob_digest.unwrap_or(*diff_id);
        layers.push(ImageLayer {
            blob: BlobDescriptor {
                size: archive.size(&name),
                ..BlobDescriptor::of_digest(digest)
            },
            is_blob_digest: blob_digest.is_some(),
            diff_id: Some(*diff_id),
            not_evaluated: None,
        });
        members.entry(digest).or_insert(name);
    }
    let image = ContainerImage {
        place,
        names: entry.repo_tags.unwrap_or_default(),
        manifest_digest: None,
        manifest_media_type: String::new(),
        manifest,
        id,
        raw_configuration,
        configuration,
        layers,
    };
    Ok((DockerArchive { archive, members }, image))
}

fn choose(
    place: &str,
    mut entries: Vec<ArchiveEntry>,
    selection: &ImageSelection,
) -> Result<ArchiveEntry, ImageError> {
    let names = |entry: &ArchiveEntry| entry.repo_tags.clone().unwrap_or_default();
    let list = |entries: &[ArchiveEntry]| {
        let texts = entries.iter().map(|entry| {
            let names = names(entry);
            names
                .first()
                .cloned()
                .unwrap_or_else(|| entry.config.clone())
        });
        let texts: Vec<String> = texts.take(20).collect();
        texts.join(", ")
    };
    let choices = list(&entries);
    if let Some(name) = &selection.name {
        let hex = name.strip_prefix("sha256:").unwrap_or(name);
        entries.retain(|entry| names(entry).contains(name) || config_hex(&entry.config) == hex);
    }
    let place = place.to_owned();
    let entry = entries.pop();
    match (entry, entries.is_empty()) {
        (Some(entry), true) => Ok(entry),
        (Some(_), false) => Err(ImageError::Ambiguous { place, choices }),
        (None, _) => Err(ImageError::NoSuchImage {
            place,
            requested: match &selection.name {
                Some(name) => format!("named {name:?}"),
                None => "to read".to_owned(),
            },
            choices: if choices.is_empty() {
                "none".to_owned()
            } else {
                choices
            },
        }),
    }
}

/// The digits of `HEX.json` and `blobs/sha256/HEX`.
fn config_hex(name: &str) -> &str {
    let name = name.strip_prefix("blobs/sha256/").unwrap_or(name);
    name.strip_suffix(".json").unwrap_or(name)
}

fn check_id(place: &str, name: &str, found: BlobDigest) -> Result<(), ImageError> {
    match BlobDigest::from_hex(config_hex(name)) {
        Some(expected) if expected != found => Err(ImageError::WrongDigest {
            place: format!("{place}: {name}"),
            expected,
            found,
        }),
        _ => Ok(()),
    }
}

impl BlobSource for DockerArchive {
    fn place(&self) -> String {
        self.archive.place()
    }

    fn open(&self, blob: &BlobDescriptor) -> Result<BlobStream<'_>, ImageError> {
        let name = self.members.get(&blob.digest);
        let stream = name
            .map(|name| self.archive.open_member(name))
            .transpose()?;
        stream.flatten().ok_or_else(|| ImageError::BlobMissing {
            place: self.place(),
            digest: blob.digest,
        })
    }

    fn in_stored_order(&self) -> Option<&dyn StoredBlobs> {
        self.archive.is_compressed().then_some(self)
    }
}

impl StoredBlobs for DockerArchive {
    fn visit_blobs(
        &self,
        wanted: &[&BlobDescriptor],
        visit: &mut BlobVisitor<'_>,
    ) -> Result<(), ImageError> {
        let name = |blob: &BlobDescriptor| self.members.get(&blob.digest).cloned();
        visit_stored(&self.archive, wanted, &name, visit)
    }
}
