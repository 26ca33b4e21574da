//! The images of a repository as a list that a scan works off, and goes on with after it was ended.
//!
//! Tags of one digest are one image. The list is data: the caller keeps it as JSON after each change.
//! A tag whose digest could not be found stays in the list with its reason, so that it is never taken
//! for scanned.

use super::{
    client::RegistryClient,
    digest::ContentDigest,
    error::RegistryError,
    reference::{ImageReference, Repository},
    tag_filter::TagFilter,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
};
use tokio::task::JoinSet;

/// The version of the form.
const VERSION: u32 = 1;
/// The most images that are read at once.
const MAX_PARALLEL: usize = 64;

/// The images of a repository.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryImageList {
    version: u32,
    /// The repository, such as `ghcr.io/org/app`.
    pub repository: String,
    /// Its images, by digest.
    pub images: Vec<ListedImage>,
    /// Tags without a known digest, and why.
    pub unresolved: BTreeMap<String, ListedFailure>,
}

/// An image of a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedImage {
    /// The digest that its tags had when the list was made.
    pub digest: ContentDigest,
    /// The tags, sorted.
    pub tags: Vec<String>,
    /// Whether it is done.
    pub state: ListedState,
}

/// The state of an image in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListedState {
    /// It is not done yet.
    Pending,
    /// It is done.
    Done,
    /// It failed. It is tried again when the list is made again.
    Failed(ListedFailure),
}

/// Why something of a list failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListedFailure {
    /// A stable code.
    pub code: String,
    /// The message.
    pub message: String,
}

impl From<&RegistryError> for ListedFailure {
    fn from(error: &RegistryError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
        }
    }
}

impl RegistryImageList {
    /// Lists the tags that a filter accepts, with their digests; at most `parallel` are asked for at
    /// once. What is done in an earlier list of the repository stays done, as far as a tag still has
    /// the same digest.
    ///
    /// # Errors
    ///
    /// Returns an error if the tags cannot be listed in full, or the earlier list is of another
    /// repository or version.
    pub async fn create(
        client: &RegistryClient,
        repository: &Repository,
        filter: &TagFilter,
        parallel: usize,
        earlier: Option<&Self>,
    ) -> Result<Self, RegistryError> {
        let name = repository.to_string();
        if let Some(earlier) =
            earlier.filter(|earlier| earlier.version != VERSION || earlier.repository != name)
        {
            return Err(RegistryError::Configuration {
                what: format!(
                    "list of images of {}",
                    kubevet_model::one_line(&earlier.repository, 300)
                ),
                reason: format!(
                    "it is not a list of {name} of this version: give another file, or remove it"
                ),
            });
        }
        let mut tags = client.tags(repository).await?;
        tags.retain(|tag| filter.accepts(tag));
        let resolved = resolve_all(client, repository, tags, parallel).await;
        Ok(assemble(name, resolved, earlier))
    }

    /// The images that are not done, as references by digest.
    pub fn pending(&self, repository: &Repository) -> Vec<ImageReference> {
        let pending = self
            .images
            .iter()
            .filter(|image| image.state == ListedState::Pending);
        pending
            .map(|image| repository.at_digest(image.digest.clone()))
            .collect()
    }

    /// Works off the images that are not done, at most `parallel` at once, and calls `changed` after
    /// each, so that the caller can keep the list. A task that panics is a failure of its image.
    pub async fn work_off<F>(
        &mut self,
        repository: &Repository,
        parallel: usize,
        work: impl Fn(ImageReference) -> F,
        mut changed: impl FnMut(&Self),
    ) where
        F: Future<Output = Result<(), ListedFailure>> + Send + 'static,
    {
        let pending = self.pending(repository);
        let mut waiting = pending.into_iter();
        let mut running: HashMap<tokio::task::Id, ContentDigest> = HashMap::new();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < parallel.clamp(1, MAX_PARALLEL) {
                let Some(reference) = waiting.next() else {
                    break;
                };
                if let Some(digest) = reference.digest().cloned() {
                    let task = tasks.spawn(work(reference));
                    running.insert(task.id(), digest);
                }
            }
            let Some(ended) = tasks.join_next_with_id().await else {
                return;
            };
            let (id, result) = match ended {
                Ok(ended) => ended,
                Err(error) => (error.id(), Err(panicked())),
            };
            if let Some(digest) = running.remove(&id) {
                self.mark(&digest, result);
                changed(self);
            }
        }
    }

    fn mark(&mut self, digest: &ContentDigest, result: Result<(), ListedFailure>) {
        if let Some(image) = self.images.iter_mut().find(|image| image.digest == *digest) {
            image.state = match result {
                Ok(()) => ListedState::Done,
                Err(failure) => ListedState::Failed(failure),
            };
        }
    }
}

fn panicked() -> ListedFailure {
    ListedFailure {
        code: "internal".to_owned(),
        message: "the task ended by a panic: this is a defect of kubevet".to_owned(),
    }
}

type Resolved = BTreeMap<String, Result<ContentDigest, ListedFailure>>;

/// Finds the digests of tags, at most `parallel` at once.
async fn resolve_all(
    client: &RegistryClient,
    repository: &Repository,
    tags: Vec<String>,
    parallel: usize,
) -> Resolved {
    let mut waiting = tags.into_iter();
    let mut resolved = Resolved::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < parallel.clamp(1, MAX_PARALLEL) {
            let Some(tag) = waiting.next() else { break };
            let (client, repository) = (client.clone(), repository.clone());
            tasks.spawn(async move {
                let digest = resolve(&client, &repository, &tag).await;
                (tag, digest.map_err(|error| ListedFailure::from(&error)))
            });
        }
        match tasks.join_next().await {
            None => return resolved,
            Some(Ok((tag, digest))) => {
                resolved.insert(tag, digest);
            }
            // Resolving has nothing that panics; a lost tag would be one that nobody misses.
            Some(Err(_)) => {
                resolved.insert("(unknown)".to_owned(), Err(panicked()));
            }
        }
    }
}

async fn resolve(
    client: &RegistryClient,
    repository: &Repository,
    tag: &str,
) -> Result<ContentDigest, RegistryError> {
    let reference = repository
        .at_tag(tag)
        .map_err(|reason| RegistryError::Reference {
            text: kubevet_model::one_line(tag, 130),
            reason,
        })?;
    client.resolve(&reference).await
}

fn assemble(
    repository: String,
    resolved: Resolved,
    earlier: Option<&RegistryImageList>,
) -> RegistryImageList {
    let mut tags_of: BTreeMap<ContentDigest, Vec<String>> = BTreeMap::new();
    let mut unresolved = BTreeMap::new();
    for (tag, digest) in resolved {
        match digest {
            Ok(digest) => tags_of.entry(digest).or_default().push(tag),
            Err(failure) => {
                unresolved.insert(tag, failure);
            }
        }
    }
    let done: HashSet<&ContentDigest> = earlier
        .iter()
        .flat_map(|earlier| &earlier.images)
        .filter(|image| image.state == ListedState::Done)
        .map(|image| &image.digest)
        .collect();
    let images = tags_of.into_iter().map(|(digest, tags)| ListedImage {
        state: if done.contains(&digest) {
            ListedState::Done
        } else {
            ListedState::Pending
        },
        digest,
        tags,
    });
    RegistryImageList {
        version: VERSION,
        repository,
        images: images.collect(),
        unresolved,
    }
}
