//! What an image may take. An image beyond a limit ends in an error of that image; nothing is cut off
//! silently.

use std::time::Duration;

/// The limits of one image. The defaults are far beyond real images, and small enough that a hostile one
/// ends soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLimits {
    /// The bytes of a manifest or index. Registries refuse manifests over 4 MiB.
    pub manifest_bytes: usize,
    /// The bytes of a configuration.
    pub configuration_bytes: usize,
    /// The manifests in an index, and the images in an archive.
    pub index_entries: usize,
    /// The indexes, one inside the other.
    pub index_depth: usize,
    /// The layers of an image. Runtimes mount at most 128 at once.
    pub layers: usize,
    /// The compressed bytes of a layer, where its descriptor does not say fewer.
    pub blob_bytes: u64,
    /// The entries of a layer.
    pub layer_entries: u64,
    /// The entries of all layers together.
    pub image_entries: u64,
    /// The inflated bytes of a layer.
    pub layer_bytes: u64,
    /// The inflated bytes of all layers together.
    pub image_bytes: u64,
    /// Inflated bytes for each compressed byte, once a layer has more than [`Self::RATIO_FREE_BYTES`].
    /// Real layers have 2 to 20; a file of zeros has 1000.
    pub ratio: u64,
    /// The bytes of a path, as Linux has it.
    pub path_bytes: usize,
    /// The bytes of all paths and targets of links, which are kept in memory.
    pub paths_bytes: u64,
    /// The names in a path.
    pub path_depth: usize,
    /// The bytes of the headers of one entry: long names and extended attributes.
    pub header_bytes: usize,
    /// The bytes of one file that is wanted whole. A larger one is reported as unread.
    pub file_bytes: usize,
    /// The bytes of read files of a layer that are kept for hard links to them.
    pub kept_bytes: usize,
    /// The bytes of all files that are wanted, of all layers together.
    pub inspected_bytes: u64,
    /// The members of an archive that holds an image.
    pub archive_members: usize,
    /// The names that are followed to put all layers together; symbolic links multiply them.
    pub path_steps: u64,
    /// How long reading may take.
    pub time: Duration,
    /// The threads that read layers: as many as there are processors, at most 4.
    pub threads: usize,
}

impl ImageLimits {
    /// A layer may inflate to this many bytes whatever its ratio is: small layers of zeros exist.
    pub const RATIO_FREE_BYTES: u64 = 64 << 20;
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 << 20,
            configuration_bytes: 8 << 20,
            index_entries: 1000,
            index_depth: 4,
            layers: 512,
            blob_bytes: 16 << 30,
            layer_entries: 1_000_000,
            image_entries: 2_000_000,
            layer_bytes: 32 << 30,
            image_bytes: 64 << 30,
            ratio: 200,
            path_bytes: 4096,
            paths_bytes: 256 << 20,
            path_depth: 256,
            header_bytes: 1 << 20,
            file_bytes: 256 << 20,
            kept_bytes: 16 << 20,
            inspected_bytes: 16 << 30,
            archive_members: 100_000,
            path_steps: 100_000_000,
            time: Duration::from_mins(10),
            threads: std::thread::available_parallelism().map_or(2, |count| count.get().min(4)),
        }
    }
}
