//! The client of registries: manifests, blobs, referrers, tags.
//!
//! It only reads. Every call has bounds on bytes, counts and time, and every content is verified.

use super::{
    blob::RegistryBlob,
    client_state::{ClientState, RegistrySettings},
    digest::ContentDigest,
    error::RegistryError,
    manifest::{self, FetchedManifest},
    names,
    reference::{ImageReference, RegistryName, Repository},
    referrers::{self, Referrer},
    registry_rules::Source,
};
use kubevet_model::join_first;
use std::sync::Arc;

/// A client of registries. Clones share connections, tokens and credentials.
#[derive(Clone)]
pub struct RegistryClient {
    state: Arc<ClientState>,
}

impl RegistryClient {
    /// Makes a client. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is wrong, or a certificate cannot be read.
    pub fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        let state = Arc::new(ClientState::new(settings)?);
        Ok(Self { state })
    }

    /// Reads the manifest or index of a reference, and verifies its digest.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be read, or is not what it should be.
    pub async fn manifest(
        &self,
        reference: &ImageReference,
    ) -> Result<FetchedManifest, RegistryError> {
        let mut sources = SourceErrors::default();
        for source in self.state.rules.sources(&reference.repository)? {
            match manifest::fetch(&self.state, &source, reference).await {
                Ok(manifest) => return Ok(manifest),
                Err(error) => sources.add(&source, error)?,
            }
        }
        Err(sources.into_error(&reference.repository))
    }

    /// Asks for the digest of a reference without reading its manifest; many registries do not count
    /// that against their limits. What it says is verified when the manifest is read by that digest.
    ///
    /// # Errors
    ///
    /// Returns an error if the registry does not answer.
    pub async fn resolve(
        &self,
        reference: &ImageReference,
    ) -> Result<ContentDigest, RegistryError> {
        if let Some(digest) = reference.digest() {
            return Ok(digest.clone());
        }
        let mut sources = SourceErrors::default();
        for source in self.state.rules.sources(&reference.repository)? {
            match manifest::announced_digest(&self.state, &source, reference).await {
                Ok(Some(digest)) => return Ok(digest),
                Ok(None) => return Ok(self.manifest(reference).await?.digest),
                Err(error) => sources.add(&source, error)?,
            }
        }
        Err(sources.into_error(&reference.repository))
    }

    /// Begins to read a blob. `size` is what its manifest says: it must be exact.
    ///
    /// # Errors
    ///
    /// Returns an error if the registry does not give it, or announces another size.
    pub async fn blob(
        &self,
        repository: &Repository,
        digest: &ContentDigest,
        size: Option<u64>,
    ) -> Result<RegistryBlob, RegistryError> {
        let mut sources = SourceErrors::default();
        for source in self.state.rules.sources(repository)? {
            let state = Arc::clone(&self.state);
            match RegistryBlob::open(state, source.clone(), digest, size).await {
                Ok(stream) => return Ok(stream),
                Err(error) => sources.add(&source, error)?,
            }
        }
        Err(sources.into_error(repository))
    }

    /// Lists what refers to an image: signatures, SBOMs, attestations. Registries without the API for
    /// it are asked for the tag that stands for it.
    ///
    /// # Errors
    ///
    /// Returns an error if the list cannot be read in full.
    pub async fn referrers(
        &self,
        repository: &Repository,
        digest: &ContentDigest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Referrer>, RegistryError> {
        let mut sources = SourceErrors::default();
        for source in self.state.rules.sources(repository)? {
            match referrers::list(&self.state, &source, digest, artifact_type).await {
                Ok(referrers) => return Ok(referrers),
                Err(error) => sources.add(&source, error)?,
            }
        }
        Err(sources.into_error(repository))
    }

    /// Lists all tags of a repository. Mirrors are not asked: they may have some only.
    ///
    /// # Errors
    ///
    /// Returns an error if the list cannot be read in full.
    pub async fn tags(&self, repository: &Repository) -> Result<Vec<String>, RegistryError> {
        match self.state.rules.sources(repository)?.last() {
            Some(source) => names::tags(&self.state, source).await,
            None => Err(no_source(repository)),
        }
    }

    /// Lists the repositories of a registry that has a catalog; public registries have none.
    ///
    /// # Errors
    ///
    /// Returns an error if the list cannot be read in full.
    pub async fn repositories(
        &self,
        registry: &RegistryName,
    ) -> Result<Vec<Repository>, RegistryError> {
        names::repositories(&self.state, registry).await
    }
}

/// The errors of the sources of a repository.
#[derive(Default)]
struct SourceErrors {
    errors: Vec<(String, RegistryError)>,
}

impl SourceErrors {
    /// Keeps an error. One of integrity ends the call.
    fn add(&mut self, source: &Source, error: RegistryError) -> Result<(), RegistryError> {
        if error.is_integrity() {
            return Err(error);
        }
        self.errors
            .push((source.repository.registry.to_string(), error));
        Ok(())
    }

    /// The error of the last source, with those before it.
    fn into_error(mut self, repository: &Repository) -> RegistryError {
        let Some((_, last)) = self.errors.pop() else {
            return no_source(repository);
        };
        if self.errors.is_empty() {
            return last;
        }
        let mirrors: Vec<String> = self
            .errors
            .iter()
            .map(|(mirror, error)| format!("{mirror} ({}: {error})", error.code()))
            .collect();
        RegistryError::AfterMirrors {
            mirrors: join_first(&mirrors, 5),
            last: Box::new(last),
        }
    }
}

fn no_source(repository: &Repository) -> RegistryError {
    RegistryError::Configuration {
        what: repository.to_string(),
        reason: "there is no place to read it from".to_owned(),
    }
}
