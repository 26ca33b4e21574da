//! An image in memory, whose blobs may be anything.

use super::{tar_builder::gzip, text_inspector::TextInspector};
use kubevet_image::{
    BlobDescriptor, BlobDigest, BlobSource, BlobStream, ContainerImage, ImageError, ImageLimits,
    ImageRoot, ImageSelection, SquashedEntry, SquashedFiles, load_image, read_layers, squash,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

#[derive(Default)]
pub(super) struct MemoryImage {
    blobs: HashMap<BlobDigest, Vec<u8>>,
    pub(super) opened: AtomicUsize,
    root: Option<BlobDigest>,
}

impl BlobSource for MemoryImage {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn open(&self, blob: &BlobDescriptor) -> Result<BlobStream<'_>, ImageError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        match self.blobs.get(&blob.digest) {
            Some(content) => Ok(Box::new(content.as_slice())),
            None => Err(ImageError::BlobMissing {
                place: self.place(),
                digest: blob.digest,
            }),
        }
    }
}

impl MemoryImage {
    /// An image of gzip'd layers, the lowest first.
    pub(super) fn of(tars: &[Vec<u8>]) -> Self {
        let layers: Vec<(Vec<u8>, BlobDigest)> = tars
            .iter()
            .map(|tar| (gzip(tar), BlobDigest::of(tar)))
            .collect();
        Self::of_blobs(&layers)
    }

    /// An image of blobs with their diff ids; the blobs' digests are right.
    pub(super) fn of_blobs(layers: &[(Vec<u8>, BlobDigest)]) -> Self {
        let mut image = Self::default();
        let diff_ids: Vec<String> = layers.iter().map(|(_, id)| format!("\"{id}\"")).collect();
        let configuration = format!(
            r#"{{"os": "linux", "architecture": "amd64", "rootfs": {{"diff_ids": [{}]}}}}"#,
            diff_ids.join(", ")
        );
        let layers: Vec<String> = layers.iter().map(|(blob, _)| image.add(blob)).collect();
        let configuration = image.add(configuration.as_bytes());
        let manifest = format!(
            r#"{{"schemaVersion": 2, "config": {configuration}, "layers": [{}]}}"#,
            layers.join(", ")
        );
        image.root = Some(BlobDigest::of(manifest.as_bytes()));
        image.add(manifest.as_bytes());
        image
    }

    /// Adds a blob and returns its descriptor.
    fn add(&mut self, blob: &[u8]) -> String {
        let digest = BlobDigest::of(blob);
        self.blobs.insert(digest, blob.to_vec());
        format!(r#"{{"digest": "{digest}", "size": {}}}"#, blob.len())
    }

    /// Puts another content under the digest of a blob.
    pub(super) fn replace(&mut self, digest: BlobDigest, content: &[u8]) {
        self.blobs.insert(digest, content.to_vec());
    }

    pub(super) fn load(&self, limits: &ImageLimits) -> Result<ContainerImage, ImageError> {
        let root = ImageRoot::Blob(BlobDescriptor::of_digest(self.root.unwrap()));
        load_image(self, &root, &ImageSelection::default(), limits)
    }

    pub(super) fn read(
        &self,
        inspector: &TextInspector,
        limits: &ImageLimits,
    ) -> Result<SquashedFiles<String>, ImageError> {
        let image = self.load(limits)?;
        squash(read_layers(self, &image, inspector, None, limits)?, limits)
    }
}

/// The files as lines: `PATH LAYER CONTENT`, with `/` for folders, `->` for links and `!` for what is
/// neither.
pub(super) fn lines(files: &SquashedFiles<String>) -> Vec<String> {
    let layer = |layer: Option<usize>| layer.map_or("-".to_owned(), |layer| layer.to_string());
    files
        .entries()
        .map(|(path, entry)| match entry {
            SquashedEntry::Directory(_) => format!("{path}/"),
            SquashedEntry::Symlink(target, number) => {
                format!("{path}->{target} {}", layer(number))
            }
            SquashedEntry::Other(number) => format!("{path}! {}", layer(number)),
            SquashedEntry::File(file) => {
                let facts = file.facts.map_or("", String::as_str);
                format!("{path} {} {facts}", layer(file.layer))
                    .trim()
                    .to_owned()
            }
        })
        .collect()
}
