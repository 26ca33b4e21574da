//! Discovery: the resources that an API server serves, by aggregated discovery in two requests.
//!
//! A group whose server does not answer is known to exist, and its resources are not known: that is
//! not the same as a resource that is not served.

use super::{Cluster, ClusterError, api_call::ApiCall, raw_request::RawError};
use kubevet_k8s::schema::Schema;
use kubevet_model::Kind;
use serde::Deserialize;

/// The media type of aggregated discovery, which every supported version of Kubernetes serves.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
/// The most bytes of one answer: a cluster with a thousand CustomResourceDefinitions has under 2 MiB.
const MAX_BYTES: usize = 32 << 20;

/// A resource whose objects can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiResource {
    /// Group and kind.
    pub kind: Kind,
    /// The version to read it in.
    pub version: String,
    /// The plural name, such as `deployments`.
    pub plural: String,
    /// The singular name, such as `deployment`.
    pub singular: String,
    /// Short names, such as `deploy`.
    pub short_names: Vec<String>,
    /// True if its objects belong to namespaces.
    pub namespaced: bool,
}

impl ApiResource {
    /// The `apiVersion` of its objects.
    #[must_use]
    pub fn api_version(&self) -> String {
        match self.kind.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The path of its objects: all, or those of a namespace.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.kind.group.is_empty() {
            "/api"
        } else {
            "/apis"
        };
        let api_version = self.api_version();
        let plural = &self.plural;
        match namespace {
            Some(namespace) => format!("{root}/{api_version}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{api_version}/{plural}"),
        }
    }

    /// A call about it.
    pub(super) fn call<'a>(&'a self, verb: &'a str, namespace: Option<&'a str>) -> ApiCall<'a> {
        ApiCall {
            verb,
            group: &self.kind.group,
            resource: &self.plural,
            namespace,
            name: None,
        }
    }
}

/// The resources that an API server serves.
#[derive(Debug, Clone, Default)]
pub struct ApiResources {
    resources: Vec<ApiResource>,
    /// The groups of which some version is not known.
    stale_groups: Vec<String>,
}

impl ApiResources {
    /// Returns the resource of a kind, in the version that the controls know if it is a built-in
    /// kind, and else in the version that the API server prefers.
    #[must_use]
    pub fn find(&self, kind: &Kind) -> Option<&ApiResource> {
        let served = || self.resources.iter().filter(|found| found.kind == *kind);
        let is_known = |found: &&ApiResource| {
            let known = Schema::embedded().kind_at(kind, &found.version);
            known.is_some()
        };
        served().find(is_known).or_else(|| served().next())
    }

    /// Returns the resources that a user may mean by a word: a kind, a plural, singular or short
    /// name, with or without a group: `Deployment`, `deploy`, `deployments.apps`,
    /// `apps/Deployment`. Each kind is there once.
    #[must_use]
    pub fn named(&self, word: &str) -> Vec<&ApiResource> {
        let is_named = |found: &ApiResource, name: &str| {
            let mut names = [&found.kind.name, &found.plural, &found.singular]
                .into_iter()
                .chain(&found.short_names);
            names.any(|known| known.eq_ignore_ascii_case(name))
        };
        let (group, name) = match (word.split_once('/'), word.split_once('.')) {
            (Some((group, name)), _) | (None, Some((name, group))) => (Some(group), name),
            (None, None) => (None, word),
        };
        let mut kinds: Vec<&Kind> = Vec::new();
        for found in &self.resources {
            let has_group = group.is_none_or(|group| found.kind.group.eq_ignore_ascii_case(group));
            if has_group && is_named(found, name) && !kinds.contains(&&found.kind) {
                kinds.push(&found.kind);
            }
        }
        kinds
            .into_iter()
            .filter_map(|kind| self.find(kind))
            .collect()
    }

    /// True if the API server could not say which resources a group has: its own server does not
    /// answer.
    #[must_use]
    pub fn is_stale(&self, group: &str) -> bool {
        self.stale_groups.iter().any(|stale| stale == group)
    }
}

impl Cluster {
    /// Asks which resources the API server serves.
    ///
    /// # Errors
    /// The API server does not answer, or not with aggregated discovery.
    pub async fn discover(&self) -> Result<ApiResources, ClusterError> {
        let mut found = ApiResources::default();
        for path in ["/api", "/apis"] {
            let call = ApiCall {
                verb: "get",
                group: "",
                resource: path,
                namespace: None,
                name: None,
            };
            let timeout = self.timeouts.page;
            let bytes = self.get_bytes(&call, path, ACCEPT, MAX_BYTES, timeout);
            let bytes = bytes.await.map_err(|error| match error {
                RawError::TooLarge => call.unusable("the answer is too large"),
                RawError::Expired => call.unusable("the API server answered 410"),
                RawError::Failed(error) => error,
            })?;
            let list: GroupList = serde_json::from_slice(&bytes)
                .map_err(|_| call.unusable("the answer is not a discovery document"))?;
            if list.kind != "APIGroupDiscoveryList" {
                return Err(call.unusable(
                    "the API server has no aggregated discovery: Kubernetes 1.27 or newer is needed",
                ));
            }
            found.add(list);
        }
        Ok(found)
    }
}

impl ApiResources {
    fn add(&mut self, list: GroupList) {
        for group in list.items {
            let name = group.metadata.name;
            for version in group.versions {
                if version.freshness == "Stale" {
                    self.stale_groups.push(name.clone());
                }
                let resources = version.resources.into_iter();
                let listed = resources.filter(|resource| {
                    let mut verbs = resource.verbs.iter();
                    verbs.any(|verb| verb == "list") && is_path_segment(&resource.resource)
                });
                self.resources.extend(listed.filter_map(|resource| {
                    Some(ApiResource {
                        kind: Kind::new(name.clone(), resource.response_kind?.kind),
                        version: version.version.clone(),
                        plural: resource.resource,
                        singular: resource.singular_resource,
                        short_names: resource.short_names,
                        namespaced: resource.scope == "Namespaced",
                    })
                }));
            }
        }
    }
}

/// True for a name that is one segment of a path.
fn is_path_segment(name: &str) -> bool {
    let mut bytes = name.bytes();
    !name.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}
