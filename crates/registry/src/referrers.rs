//! What refers to an image: by the API of the distribution specification 1.1, or by the tag that
//! stands for it where a registry has no such API.

use super::{
    body::read_bounded, client_state::ClientState, digest::ContentDigest, error::RegistryError,
    manifest, names::next_link, read_request::ReadRequest, registry_rules::Source,
    token::percent_encode,
};
use hyper::Method;
use std::collections::BTreeMap;

/// The media type of a list of referrers.
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// Something that refers to an image.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// The media type of its manifest.
    pub media_type: String,
    /// The digest of its manifest.
    pub digest: ContentDigest,
    /// The bytes of its manifest.
    pub size: u64,
    /// What it is, such as `application/spdx+json`.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
struct ReferrerList {
    manifests: Option<Vec<Referrer>>,
}

/// Lists the referrers of a digest, of one type or of all.
pub(crate) async fn list(
    state: &ClientState,
    source: &Source,
    digest: &ContentDigest,
    artifact_type: Option<&str>,
) -> Result<Vec<Referrer>, RegistryError> {
    let found = match list_by_api(state, source, digest, artifact_type).await? {
        Some(found) => found,
        None => list_by_tag(state, source, digest).await?,
    };
    // A registry may ignore the filter.
    let is_wanted = |referrer: &Referrer| {
        artifact_type.is_none_or(|wanted| referrer.artifact_type.as_deref() == Some(wanted))
    };
    Ok(found.into_iter().filter(is_wanted).collect())
}

/// Lists by the API; `None` where the registry has none.
async fn list_by_api(
    state: &ClientState,
    source: &Source,
    digest: &ContentDigest,
    artifact_type: Option<&str>,
) -> Result<Option<Vec<Referrer>>, RegistryError> {
    let path = source.repository.path();
    let filter = artifact_type.map_or_else(String::new, |wanted| {
        format!("?artifactType={}", percent_encode(wanted))
    });
    let mut request = ReadRequest {
        method: Method::GET,
        path: format!("/v2/{path}/referrers/{digest}{filter}"),
        accept: INDEX_TYPE,
        range_from: 0,
        scope: format!("repository:{path}:pull"),
        what: format!("referrers of {}@{digest}", source.repository),
    };
    let mut found: Vec<Referrer> = Vec::new();
    for page in 0..state.limits.pages {
        let answer = match state.read(source, &request).await {
            Ok(answer) => answer,
            Err(error) if page == 0 && has_no_api(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if page == 0 && answer.media_type() != INDEX_TYPE {
            return Ok(None);
        }
        let next = next_link(&answer, &request.what)?;
        let body = answer.response.into_body();
        let body = read_bounded(
            body,
            state.limits.answer_bytes,
            &state.limits,
            &request.what,
        )
        .await?;
        let list = read_list(&body, &request.what)?;
        let is_empty = list.is_empty();
        found.extend(list);
        check_count(&found, state.limits.referrers, &request.what)?;
        match next {
            None => return Ok(Some(found)),
            Some(_) if is_empty => {
                return Err(wrong(&request.what, "an empty page with a next one"));
            }
            Some(next) => request.path = next,
        }
    }
    Err(wrong(&request.what, "it has more pages than the limit"))
}

/// Lists by the tag `sha256-DIGEST`, an index that clients keep up to date; none without that tag.
async fn list_by_tag(
    state: &ClientState,
    source: &Source,
    digest: &ContentDigest,
) -> Result<Vec<Referrer>, RegistryError> {
    let what = format!("referrers of {}@{digest}", source.repository);
    let reference = source
        .repository
        .at_tag(&digest.referrers_tag())
        // The tag of a SHA-512 is too long to be one.
        .map_err(|_| {
            wrong(
                &what,
                "the registry has no API for referrers, and the digest is too long for a tag",
            )
        })?;
    let index = match manifest::fetch(state, source, &reference).await {
        Ok(index) => index,
        Err(RegistryError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    if !index.is_index() {
        return Err(wrong(&what, "the tag that stands for them is no index"));
    }
    let found = read_list(&index.bytes, &what)?;
    check_count(&found, state.limits.referrers, &what)?;
    Ok(found)
}

/// True for the answers of registries that do not know the API.
fn has_no_api(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::Status { status, .. } => matches!(status, 400 | 405 | 406 | 501),
        _ => false,
    }
}

fn read_list(body: &[u8], what: &str) -> Result<Vec<Referrer>, RegistryError> {
    let list: ReferrerList =
        serde_json::from_slice(body).map_err(|_| wrong(what, "it is not the JSON of an index"))?;
    Ok(list.manifests.unwrap_or_default())
}

fn check_count(found: &[Referrer], limit: usize, what: &str) -> Result<(), RegistryError> {
    if found.len() > limit {
        return Err(wrong(what, "it has more entries than the limit"));
    }
    Ok(())
}

fn wrong(what: &str, reason: &str) -> RegistryError {
    RegistryError::Answer {
        what: what.to_owned(),
        reason: reason.to_owned(),
    }
}
