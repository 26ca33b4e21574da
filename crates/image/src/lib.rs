//! Container images: where they come from, their layers as one pass each, and the squashed file system.
//!
//! It stands apart from what is looked for in the files: an [`Inspector`] says which files it wants and
//! what it finds in them. Nothing here knows a package database, and no file is written but those of
//! [`FactsCache`].
//!
//! ```text
//! ImageLocation → open_local (or a registry) → BlobSource, ContainerImage
//!                 → read_layers(Inspector, LayerCache) → ReadLayer, one a layer
//!                 → squash → SquashedFiles
//! dir:PATH      → read_folder(Inspector) → SquashedFiles
//! ```
//!
//! Everything is verified: blobs by digest and size, layers by diff id. Images are hostile:
//! [`ImageLimits`] bounds what each may take, and an [`ImageError`] ends the work on one image. What was
//! not read is said ([`SquashedFiles::unread`]).
//!
//! | file | is |
//! |---|---|
//! | `location` | the names of sources, as Syft spells them |
//! | `open_local` | opens what is on this machine |
//! | `blob` | where blobs come from |
//! | `blob_folder` | an OCI layout, and containerd's content store |
//! | `archive` | a tar that holds an image |
//! | `stored_layers` | finds blobs while a compressed archive passes by |
//! | `oci_archive` | an OCI layout as a tar |
//! | `docker_archive` | what `docker save` writes |
//! | `folder` | a folder of files |
//! | `regular_file` | opens files of unknown kind |
//! | `image` | from an index or digest to one image |
//! | `image_selection` | what a user says of it |
//! | `index_choice` | which image of an index is meant |
//! | `manifest` | manifests and indexes |
//! | `configuration` | the configuration of an image as data |
//! | `descriptor` | how blobs are named |
//! | `digest` | SHA-256 digests |
//! | `media_type` | the types of layers and configurations |
//! | `platform` | operating system and architecture |
//! | `layers` | reads the layers of an image in parallel |
//! | `layer_pass` | one layer in one pass |
//! | `hard_links` | files that hard links may name |
//! | `layer_content` | what one layer has |
//! | `inspector` | what is asked about every file of a layer |
//! | `facts_cache` | layers that were read before, in a folder |
//! | `verified_reader` | a blob while it passes by |
//! | `decompression` | gzip and Zstandard, by the first bytes |
//! | `zstd_stream` | several frames of Zstandard |
//! | `inflated_stream` | the inflated bytes: counted, limited, hashed |
//! | `byte_stream` | bytes that pass by once |
//! | `tar` | reads tar as runtimes do |
//! | `entry_path` | paths of layers |
//! | `squash` | puts layers on top of one another |
//! | `file_tree` | the file system while that is done |
//! | `squashed_files` | the file system of a container |
//! | `limits` | what an image may take |
//! | `budget` | what it has taken |
//! | `error` | the errors, with stable codes |

#![allow(
    clippy::disallowed_methods,
    reason = "it opens images, folders and the folder of kept layers"
)]

mod archive;
mod blob;
mod blob_folder;
mod budget;
mod byte_stream;
mod configuration;
mod decompression;
mod descriptor;
mod digest;
mod docker_archive;
mod entry_path;
mod error;
mod facts_cache;
mod file_tree;
mod folder;
mod hard_links;
mod image;
mod image_selection;
mod index_choice;
mod inflated_stream;
mod inspector;
mod layer_content;
mod layer_pass;
mod layers;
mod limits;
mod location;
mod manifest;
mod media_type;
mod oci_archive;
mod open_local;
mod platform;
mod regular_file;
mod squash;
mod squashed_files;
mod stored_layers;
mod tar;
mod verified_reader;
mod zstd_stream;

pub use blob::{BlobSource, BlobStream, BlobVisitor, StoredBlobs};
pub use configuration::{HistoryEntry, ImageConfiguration};
pub use descriptor::BlobDescriptor;
pub use digest::{BlobDigest, ParseDigestError};
pub use error::ImageError;
pub use facts_cache::FactsCache;
pub use folder::read_folder;
pub use image::{ContainerImage, ImageLayer, ImageRoot, load_image};
pub use image_selection::ImageSelection;
pub use inspector::{FileEntry, Inspection, Inspector, Interest};
pub use layer_content::LayerContent;
pub use layers::{LayerCache, ReadLayer, read_layers};
pub use limits::ImageLimits;
pub use location::{ImageLocation, LocalSource, SourceForm};
pub use open_local::{OpenedImage, detect_form, open_local};
pub use platform::{ImagePlatform, ParsePlatformError};
pub use squash::squash;
pub use squashed_files::{SquashedEntry, SquashedFile, SquashedFiles};
