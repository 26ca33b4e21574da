//! References to images: `nginx`, `ghcr.io/org/app:1.2@sha256:…`.
//!
//! The default registry is docker.io, and a name without a folder there stands below `library/`, as in
//! Docker and go-containerregistry. The grammar of names is that of the OCI distribution specification,
//! which is stricter than go-containerregistry's: `a//b`, `a/../b` and `-a` are refused here, not by a
//! server, so that a name never means another path of a URL. The tests list what differs.

use super::digest::ContentDigest;
use std::fmt;

/// The name of Docker's registry.
pub(crate) const DOCKER_HUB: &str = "docker.io";
/// Names that also mean Docker's registry.
const DOCKER_HUB_ALIASES: &[&str] = &["index.docker.io", "registry-1.docker.io"];
/// The longest reference that is read, in bytes.
const MAX_REFERENCE: usize = 1024;
/// The longest path of a repository, in bytes: the bound of registries and of other clients.
const MAX_PATH: usize = 255;
/// The longest tag, in bytes.
const MAX_TAG: usize = 128;
/// The longest name of a host, in bytes.
const MAX_HOST: usize = 253;

/// A registry as it is named in references, such as `docker.io` or `localhost:5000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryName(String);

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    /// The registry.
    pub registry: RegistryName,
    /// The path in it, such as `library/nginx`.
    path: String,
}

/// A reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageReference {
    /// The repository.
    pub repository: Repository,
    tag: Option<String>,
    digest: Option<ContentDigest>,
}

/// The reason why a text is no reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no name.
    #[error(
        "the name of the image is missing: write REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST"
    )]
    Empty,
    /// It is longer than 1,024 bytes.
    #[error("the reference is longer than {MAX_REFERENCE} bytes")]
    TooLong,
    /// The registry is no host with an optional port.
    #[error("the registry is not HOST or HOST:PORT")]
    Registry,
    /// The path of the repository breaks the grammar.
    #[error(
        "the repository may have lower-case letters, digits, and single `.`, `_`, `__` or `-` between \
         them, with `/` between its parts, and at most {MAX_PATH} characters"
    )]
    Repository,
    /// The tag breaks the grammar.
    #[error(
        "the tag may have letters, digits, `_`, `.` and `-`, does not begin with `.` or `-`, and has \
         at most {MAX_TAG} characters"
    )]
    Tag,
    /// The digest is none.
    #[error("what follows `@` is not a digest: write sha256: and 64 digits of 0-9 and a-f")]
    Digest,
}

impl RegistryName {
    /// Reads the name of a registry. Docker's has several names, and gets the name `docker.io`.
    ///
    /// # Errors
    ///
    /// Returns an error unless it is a host name, an IPv4 address or an IPv6 address in brackets, with
    /// or without a port.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if !is_authority(text) {
            return Err(ReferenceError::Registry);
        }
        let name = text.to_ascii_lowercase();
        if DOCKER_HUB_ALIASES.contains(&name.as_str()) {
            return Ok(Self(DOCKER_HUB.to_owned()));
        }
        Ok(Self(name))
    }

    /// The name, with the port if there is one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Repository {
    /// Makes a repository of a registry and a path. `nginx` of docker.io becomes `library/nginx`.
    ///
    /// # Errors
    ///
    /// Returns an error if the path breaks the grammar of the distribution specification.
    pub fn new(registry: RegistryName, path: &str) -> Result<Self, ReferenceError> {
        let path = if registry.0 == DOCKER_HUB && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if path.len() > MAX_PATH || !path.split('/').all(is_path_component) {
            return Err(ReferenceError::Repository);
        }
        Ok(Self { registry, path })
    }

    /// Reads a repository without tag and digest, such as `localhost:5000/team/app`.
    ///
    /// # Errors
    ///
    /// Returns an error if it breaks the grammar, or has a tag or a digest.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let reference = ImageReference::parse(text)?;
        match (&reference.tag, &reference.digest) {
            (None, None) => Ok(reference.repository),
            (Some(_), _) => Err(ReferenceError::Tag),
            (None, Some(_)) => Err(ReferenceError::Digest),
        }
    }

    /// The path in the registry.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The reference to one image of this repository.
    #[must_use]
    pub fn at_digest(&self, digest: ContentDigest) -> ImageReference {
        ImageReference {
            repository: self.clone(),
            tag: None,
            digest: Some(digest),
        }
    }

    /// The reference to a tag of this repository.
    ///
    /// # Errors
    ///
    /// Returns an error if the tag breaks the grammar.
    pub fn at_tag(&self, tag: &str) -> Result<ImageReference, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError::Tag);
        }
        Ok(ImageReference {
            repository: self.clone(),
            tag: Some(tag.to_owned()),
            digest: None,
        })
    }
}

impl ImageReference {
    /// Reads a reference. Where it has neither tag nor digest, it means the tag `latest`.
    ///
    /// # Errors
    ///
    /// Returns an error that says which part breaks the grammar.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > MAX_REFERENCE {
            return Err(ReferenceError::TooLong);
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = ContentDigest::parse(digest).map_err(|_| ReferenceError::Digest)?;
                (name, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = split_tag(name);
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        Ok(Self {
            repository: parse_repository(name)?,
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// The tag that is asked for: `None` where a digest decides.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match (&self.digest, &self.tag) {
            (Some(_), _) => None,
            (None, Some(tag)) => Some(tag),
            (None, None) => Some("latest"),
        }
    }

    /// The digest, where the reference has one. It decides; a tag beside it is ignored, as everywhere.
    #[must_use]
    pub fn digest(&self) -> Option<&ContentDigest> {
        self.digest.as_ref()
    }

    /// The last part of the path of a manifest: the digest, or the tag.
    pub(crate) fn identifier(&self) -> String {
        match &self.digest {
            Some(digest) => digest.to_string(),
            None => self.tag.as_deref().unwrap_or("latest").to_owned(),
        }
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.path)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.repository)?;
        if let Some(tag) = self.tag.as_deref().or(self.tag()) {
            write!(formatter, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(formatter, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// Splits off the tag: what follows the last `:`, unless a `/` follows it, as after a port.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    }
}

fn parse_repository(name: &str) -> Result<Repository, ReferenceError> {
    if name.is_empty() {
        return Err(ReferenceError::Empty);
    }
    let is_registry = |first: &str| first == "localhost" || first.contains(['.', ':']);
    match name.split_once('/') {
        Some((first, path)) if is_registry(first) => {
            Repository::new(RegistryName::parse(first)?, path)
        }
        _ => Repository::new(RegistryName(DOCKER_HUB.to_owned()), name),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_separator =
        |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    let (Some(first), Some(last)) = (component.bytes().next(), component.bytes().last()) else {
        return false;
    };
    is_alphanumeric(first)
        && is_alphanumeric(last)
        && component
            .split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
            .all(|run| run.is_empty() || is_separator(run))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
pub(crate) fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag
            .bytes()
            .all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// True for a host name, an IPv4 address or a bracketed IPv6 address, with or without a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = split_port(text);
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if host.len() > MAX_HOST || port.is_some_and(|port| !is_port(port)) {
        return false;
    }
    match host.strip_prefix('[') {
        Some(address) => address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => host.split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(is_inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Splits `HOST:PORT`; the host of an IPv6 address keeps its brackets.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests;
