//! The names of sources on a command line, spelt as Syft does.
//!
//! | name | is |
//! |---|---|
//! | `oci-dir:PATH` | an OCI layout |
//! | `oci-archive:PATH` | an OCI layout as a tar |
//! | `docker-archive:PATH` | what `docker save` writes |
//! | `dir:PATH` | a folder: a root file system, or a project |
//! | `containerd:PATH@DIGEST` | an image in containerd's content store |
//! | `registry:REFERENCE` | an image in a registry |
//!
//! After the path of the first three, `@DIGEST` or `:NAME` chooses among several images. A name without
//! a scheme is a path if there is something at it, else a reference.

use super::{digest::BlobDigest, error::ImageError};
use std::path::PathBuf;

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageLocation {
    /// On this machine, in the stated form.
    Local(LocalSource),
    /// In a registry; the text is a reference.
    Registry(String),
    /// A path if there is something at it, else a reference.
    PathOrReference(String),
}

/// An image or folder on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSource {
    /// Its form.
    pub form: SourceForm,
    /// Its path. It may end with `:NAME`, which is taken off where the whole is no path.
    pub path: PathBuf,
    /// The digest after `@`.
    pub digest: Option<BlobDigest>,
}

/// The form of what is on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceForm {
    /// An OCI layout.
    OciLayout,
    /// An OCI layout as a tar.
    OciArchive,
    /// What `docker save` writes.
    DockerArchive,
    /// Files.
    Folder,
    /// containerd's content store.
    ContentStore,
}

const FORMS: &[(&str, SourceForm)] = &[
    ("oci-dir", SourceForm::OciLayout),
    ("oci-archive", SourceForm::OciArchive),
    ("docker-archive", SourceForm::DockerArchive),
    ("dir", SourceForm::Folder),
    ("containerd", SourceForm::ContentStore),
];

/// Sources of Syft that are read in another way, with that way.
const OTHERS: &[(&str, &str)] = &[
    (
        "docker",
        "write it to a file with docker save, and give docker-archive:FILE",
    ),
    (
        "podman",
        "write it to a file with podman save, and give docker-archive:FILE",
    ),
    (
        "singularity",
        "images of Singularity are not read; give the image that it was made of",
    ),
    ("file", "give the folder of the file as dir:FOLDER"),
    ("snap", "snaps are not read; unpack it, and give dir:FOLDER"),
];

impl ImageLocation {
    /// Reads a name. Nothing is opened.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let wrong = |reason: &str| ImageError::Location {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        if let Some((_, reason)) = OTHERS.iter().find(|(name, _)| *name == scheme)
            && !is_tag(rest)
        {
            return Err(wrong(reason));
        }
        if scheme == "registry" {
            return match rest {
                "" => Err(wrong("a reference is missing after registry:")),
                rest => Ok(Self::Registry(rest.to_owned())),
            };
        }
        let Some((_, form)) = FORMS.iter().find(|(name, _)| *name == scheme) else {
            return match text {
                "" => Err(wrong("the name of an image is missing")),
                text => Ok(Self::PathOrReference(text.to_owned())),
            };
        };
        let (path, digest) = match rest.rsplit_once('@') {
            Some((path, digest))
                if *form != SourceForm::Folder && digest.starts_with("sha256:") =>
            {
                let digest = digest.parse().map_err(|error| wrong(&format!("{error}")))?;
                (path, Some(digest))
            }
            _ => (rest, None),
        };
        if path.is_empty() {
            return Err(wrong(&format!("a path is missing after {scheme}:")));
        }
        if *form == SourceForm::ContentStore && digest.is_none() {
            return Err(wrong(
                "the digest of the image is missing: write containerd:PATH@sha256:…, with a digest as \
                 ctr images list prints it",
            ));
        }
        Ok(Self::Local(LocalSource {
            form: *form,
            path: PathBuf::from(path),
            digest,
        }))
    }
}

/// `docker:27` is an image of that name, and not one of Docker's daemon.
fn is_tag(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|char| char.is_ascii_digit())
        && !text.contains([':', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn local(form: SourceForm, path: &str, has_digest: bool) -> ImageLocation {
        ImageLocation::Local(LocalSource {
            form,
            path: PathBuf::from(path),
            digest: has_digest.then(|| BlobDigest::of(b"")),
        })
    }

    #[track_caller]
    fn check(text: &str, expected: ImageLocation) {
        let text = text.replace("DIGEST", DIGEST);
        assert_eq!(ImageLocation::parse(&text), Ok(expected), "{text}");
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        let error = ImageLocation::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }

    #[test]
    fn name_has_a_scheme_or_is_a_path_or_a_reference() {
        check("oci-dir:a/b", local(SourceForm::OciLayout, "a/b", false));
        check("oci-dir:a@DIGEST", local(SourceForm::OciLayout, "a", true));
        check(
            "oci-archive:a.tar:1.0",
            local(SourceForm::OciArchive, "a.tar:1.0", false),
        );
        check(
            "docker-archive:/a.tar",
            local(SourceForm::DockerArchive, "/a.tar", false),
        );
        check(
            "dir:a@DIGEST",
            local(SourceForm::Folder, &format!("a@{DIGEST}"), false),
        );
        check(
            "containerd:/c@DIGEST",
            local(SourceForm::ContentStore, "/c", true),
        );
        check(
            "registry:a/b:1",
            ImageLocation::Registry("a/b:1".to_owned()),
        );
        for text in [
            "nginx",
            "nginx:1.27",
            "docker:27",
            "localhost:5000/a",
            "./a.tar",
        ] {
            check(text, ImageLocation::PathOrReference(text.to_owned()));
        }
    }

    #[test]
    fn wrong_name_says_what_is_right() {
        check_error("", "missing");
        check_error("oci-dir:", "path is missing");
        check_error("registry:", "reference is missing");
        check_error("containerd:/c", "containerd:PATH@sha256:");
        check_error("containerd:/c@sha256:12", "not a digest");
        check_error("docker:nginx:latest", "docker save");
        check_error("podman:nginx", "podman save");
    }
}
