//! Opens what is on this machine: by its stated form, or by what is at a path.

use super::{
    archive::Archive,
    blob::BlobSource,
    blob_folder::BlobFolder,
    descriptor::BlobDescriptor,
    docker_archive::{MANIFEST, load_docker_archive},
    error::ImageError,
    image::{ContainerImage, ImageRoot, load_image},
    image_selection::ImageSelection,
    limits::ImageLimits,
    location::{LocalSource, SourceForm},
    oci_archive::OciArchive,
    regular_file::read_small,
};
use std::path::{Path, PathBuf};

const LAYOUT_INDEX: &str = "index.json";
/// Where containerd has its content store, below its own folder.
const CONTENT_STORE: &str = "io.containerd.content.v1.content";

/// A reference has at most two: of a port, and of a tag.
const MAX_NAME_COLONS: usize = 3;

/// An image with its blobs.
pub struct OpenedImage {
    /// The blobs.
    pub source: Box<dyn BlobSource + Send>,
    /// The image.
    pub image: ContainerImage,
}

/// The form of what is at a path: by the files of a folder, or the members of a tar. `None` if there is
/// nothing.
pub fn detect_form(path: &Path, limits: &ImageLimits) -> Result<Option<SourceForm>, ImageError> {
    if path.is_dir() {
        let is_layout = path.join("oci-layout").is_file() && path.join(LAYOUT_INDEX).is_file();
        return Ok(Some(if is_layout {
            SourceForm::OciLayout
        } else {
            SourceForm::Folder
        }));
    }
    if !path.exists() {
        return Ok(None);
    }
    let archive = Archive::open(path, limits)?;
    if archive.contains(LAYOUT_INDEX) {
        return Ok(Some(SourceForm::OciArchive));
    }
    if archive.contains(MANIFEST) {
        return Ok(Some(SourceForm::DockerArchive));
    }
    let reason =
        "it holds no image: neither index.json (OCI) nor manifest.json (docker save) is in it";
    Err(ImageError::format(&path.display().to_string(), reason))
}

/// Opens an image. A folder of files is no image: [`super::read_folder`] reads it.
pub fn open_local(
    local: &LocalSource,
    selection: &ImageSelection,
    limits: &ImageLimits,
) -> Result<OpenedImage, ImageError> {
    let (path, name) = split_name(&local.path);
    let digest = local.digest.map(|digest| digest.to_string());
    let selection = ImageSelection {
        platform: selection.platform.clone(),
        name: selection.name.clone().or(digest).or(name),
    };
    match local.form {
        SourceForm::OciLayout => {
            let index = read_small(&path.join(LAYOUT_INDEX), limits.manifest_bytes)?;
            let root = ImageRoot::LayoutIndex(index);
            open_blobs(BlobFolder::new(&path), &root, &selection, limits)
        }
        SourceForm::OciArchive => {
            let archive = Archive::open(&path, limits)?;
            let index = archive.read_small(LAYOUT_INDEX, limits.manifest_bytes)?;
            let root = ImageRoot::LayoutIndex(index);
            open_blobs(OciArchive { archive }, &root, &selection, limits)
        }
        SourceForm::DockerArchive => {
            let archive = Archive::open(&path, limits)?;
            let (source, image) = load_docker_archive(archive, &selection, limits)?;
            Ok(OpenedImage {
                source: Box::new(source),
                image,
            })
        }
        SourceForm::ContentStore => {
            let Some(digest) = local.digest else {
                let place = path.display().to_string();
                return Err(ImageError::format(
                    &place,
                    "the digest of the image is missing",
                ));
            };
            let root = ImageRoot::Blob(BlobDescriptor::of_digest(digest));
            let below = path.join(CONTENT_STORE);
            let folder = if below.is_dir() { below } else { path };
            open_blobs(BlobFolder::new(&folder), &root, &selection, limits)
        }
        SourceForm::Folder => {
            let place = path.display().to_string();
            Err(ImageError::format(
                &place,
                "it is a folder of files, and no image",
            ))
        }
    }
}

fn open_blobs(
    source: impl BlobSource + Send + 'static,
    root: &ImageRoot,
    selection: &ImageSelection,
    limits: &ImageLimits,
) -> Result<OpenedImage, ImageError> {
    let image = load_image(&source, root, selection, limits)?;
    Ok(OpenedImage {
        source: Box::new(source),
        image,
    })
}

/// Takes `:NAME` off where the whole is no path. A name may have colons itself.
fn split_name(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_str().filter(|_| !path.exists()).unwrap_or_default();
    text.rmatch_indices(':')
        .take(MAX_NAME_COLONS)
        .filter_map(|(colon, _)| Some((text.get(..colon)?, text.get(colon + 1..)?)))
        .find(|(before, _)| Path::new(before).exists())
        .map_or((path.to_owned(), None), |(before, name)| {
            (PathBuf::from(before), Some(name.to_owned()))
        })
}
