//! Lists of names, page by page: the tags of a repository, the repositories of a registry.
//!
//! A list is whole or an error: a list that ends at a bound is never taken for all of it. A full page
//! without a link to the next one is not believed to be the last: some registries cut lists silently.

use super::{
    body::read_bounded,
    client_state::ClientState,
    error::RegistryError,
    read_request::{Answer, ReadRequest},
    reference::{RegistryName, Repository, is_tag},
    registry_rules::Source,
    token::percent_encode,
    url::Url,
};
use hyper::{Method, header::LINK};
use std::collections::HashSet;

/// The names that a page is asked for.
const PAGE: usize = 1000;

#[derive(serde::Deserialize)]
struct TagPage {
    tags: Option<Vec<String>>,
}

#[derive(serde::Deserialize)]
struct CatalogPage {
    repositories: Option<Vec<String>>,
}

/// A kind of list.
struct NameList<'a> {
    source: &'a Source,
    path: String,
    scope: String,
    what: String,
    read: fn(&[u8]) -> Option<Vec<String>>,
}

/// Lists the tags of a repository.
pub(crate) async fn tags(
    state: &ClientState,
    source: &Source,
) -> Result<Vec<String>, RegistryError> {
    let path = source.repository.path();
    let list = NameList {
        source,
        path: format!("/v2/{path}/tags/list"),
        scope: format!("repository:{path}:pull"),
        what: format!("tags of {}", source.repository),
        read: |body| {
            Some(
                serde_json::from_slice::<TagPage>(body)
                    .ok()?
                    .tags
                    .unwrap_or_default(),
            )
        },
    };
    let tags = list.read_all(state).await?;
    match tags.iter().find(|tag| !is_tag(tag)) {
        None => Ok(tags),
        Some(_) => Err(list.wrong("a name in it is no tag")),
    }
}

/// Lists the repositories of a registry.
pub(crate) async fn repositories(
    state: &ClientState,
    registry: &RegistryName,
) -> Result<Vec<Repository>, RegistryError> {
    let reference_error = |reason| RegistryError::Reference {
        text: registry.to_string(),
        reason,
    };
    // The credentials of a registry are those of any repository of it.
    let any = Repository::new(registry.clone(), "catalog").map_err(reference_error)?;
    let source = Source {
        repository: any,
        https: None,
    };
    let list = NameList {
        source: &source,
        path: "/v2/_catalog".to_owned(),
        scope: "registry:catalog:*".to_owned(),
        what: format!("repositories of {registry}"),
        read: |body| {
            let page: CatalogPage = serde_json::from_slice(body).ok()?;
            Some(page.repositories.unwrap_or_default())
        },
    };
    let names = list.read_all(state).await?;
    names
        .iter()
        .map(|name| Repository::new(registry.clone(), name))
        .collect::<Result<_, _>>()
        .map_err(|_| list.wrong("a name in it is no repository"))
}

impl NameList<'_> {
    async fn read_all(&self, state: &ClientState) -> Result<Vec<String>, RegistryError> {
        let limits = &state.limits;
        let (mut names, mut known) = (Vec::new(), HashSet::new());
        let mut next = Some(format!("{}?n={PAGE}", self.path));
        for _ in 0..limits.pages {
            let Some(path) = next else {
                return Ok(names);
            };
            let (page, link) = self.read_page(state, path).await?;
            let before = names.len();
            names.extend(
                page.iter()
                    .filter(|name| known.insert((*name).clone()))
                    .cloned(),
            );
            if names.len() > limits.names {
                return Err(self.wrong("it has more names than the limit"));
            }
            let is_new = names.len() > before;
            next = match (link, page.last()) {
                // A link that leads to nothing new would be followed for ever.
                (Some(_), _) if !is_new => return Err(self.wrong("its pages repeat")),
                (Some(link), _) => Some(link),
                (None, Some(last)) if page.len() >= PAGE && is_new => Some(format!(
                    "{}?n={PAGE}&last={}",
                    self.path,
                    percent_encode(last)
                )),
                (None, _) => None,
            };
        }
        match next {
            None => Ok(names),
            Some(_) => Err(self.wrong("it has more pages than the limit")),
        }
    }

    /// Reads a page, and the path of the next one.
    async fn read_page(
        &self,
        state: &ClientState,
        path: String,
    ) -> Result<(Vec<String>, Option<String>), RegistryError> {
        let request = ReadRequest {
            method: Method::GET,
            path,
            accept: "application/json",
            range_from: 0,
            scope: self.scope.clone(),
            what: self.what.clone(),
        };
        let answer = state.read(self.source, &request).await?;
        let link = next_link(&answer, &self.what)?;
        let body = answer.response.into_body();
        let body = read_bounded(body, state.limits.answer_bytes, &state.limits, &self.what).await?;
        let page = (self.read)(&body).ok_or_else(|| self.wrong("it is not the JSON of a list"))?;
        Ok((page, link))
    }

    fn wrong(&self, reason: &str) -> RegistryError {
        RegistryError::Answer {
            what: self.what.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// The path of the next page, from the header `Link: <URL>; rel="next"`. It must be of the same origin.
pub(crate) fn next_link(answer: &Answer, what: &str) -> Result<Option<String>, RegistryError> {
    let links = answer.response.headers().get_all(LINK).iter();
    let texts = links.filter_map(|value| value.to_str().ok());
    let Some(target) = texts
        .flat_map(|text| text.split(','))
        .find_map(target_of_next)
    else {
        return Ok(None);
    };
    same_origin_path(&answer.url, target)
        .map(Some)
        .ok_or_else(|| RegistryError::Answer {
            what: what.to_owned(),
            reason: "the link to its next page leads to another host".to_owned(),
        })
}

fn target_of_next(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|parameter| {
        let parameter = parameter.trim().to_ascii_lowercase();
        matches!(parameter.as_str(), "rel=next" | "rel=\"next\"")
    });
    is_next.then_some(target)
}

fn same_origin_path(current: &Url, target: &str) -> Option<String> {
    let next = current.join(target)?;
    (next.origin == current.origin).then(|| next.path_and_query().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{same_origin_path, target_of_next};
    use crate::url::Url;

    #[test]
    fn link_to_the_next_page_is_read() {
        let check = |link: &str, expected: Option<&str>| {
            assert_eq!(target_of_next(link), expected, "{link}")
        };
        check(
            r#"</v2/a/tags/list?last=x>; rel="next""#,
            Some("/v2/a/tags/list?last=x"),
        );
        check("<?last=x>; foo=bar; REL=next", Some("?last=x"));
        check(r#"</v2/>; rel="prev""#, None);
        check("rel=next", None);
        check("<unended; rel=next", None);
    }

    #[test]
    fn next_page_is_of_the_same_origin() {
        let current = Url::parse("https://r.example/v2/a/tags/list?n=1").unwrap();
        let check = |target: &str, expected: Option<&str>| {
            assert_eq!(
                same_origin_path(&current, target).as_deref(),
                expected,
                "{target}"
            );
        };
        check("/v2/a/tags/list?last=b", Some("/v2/a/tags/list?last=b"));
        check("https://r.example/x", Some("/x"));
        check("https://evil.example/x", None);
        check("http://r.example/x", None);
    }
}
