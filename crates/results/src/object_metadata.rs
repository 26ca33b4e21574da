//! Metadata of results: labels, owner, and the hash and the size of the content.

use super::size_budget::json;
use kubevet_model::{
    CONTENT_BYTES_ANNOTATION, CONTENT_HASH_ANNOTATION, ObjectId, ObjectResult, Origin,
    RESULT_LABEL, ResultKey, ResultKind, ResultObject, names::MAX_DNS_SUBDOMAIN_CHARS, sha256_hex,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What every result begins with. The fields of its kind follow.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultHead {
    api_version: String,
    kind: &'static str,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owner_references: Vec<OwnerReference>,
}

/// The owner with which the API server deletes an object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerReference {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// The uid of the object of a result; `None` if it is from no cluster.
pub(crate) fn uid_of(result: &ObjectResult) -> Option<&str> {
    match &result.origin {
        Origin::Cluster { uid, .. } if !uid.is_empty() && uid.len() <= MAX_DNS_SUBDOMAIN_CHARS => {
            Some(uid)
        }
        _ => None,
    }
}

impl OwnerReference {
    /// Returns the reference to the object of a result; `None` if it cannot own anything.
    pub(crate) fn of(result: &ObjectResult) -> Option<Self> {
        let ObjectId {
            api_version,
            kind,
            name,
            ..
        } = &*result.object;
        let parts = [api_version, kind, name];
        let is_name = |part: &String| !part.is_empty() && part.len() <= MAX_DNS_SUBDOMAIN_CHARS;
        if !parts.into_iter().all(is_name) {
            return None;
        }
        Some(Self {
            api_version: api_version.clone(),
            kind: kind.clone(),
            name: name.clone(),
            uid: uid_of(result)?.to_owned(),
        })
    }
}

impl ResultHead {
    pub(crate) fn new(kind: ResultKind, namespace: &str, name: String) -> Self {
        let (key, value) = RESULT_LABEL;
        let namespace = if kind.is_namespaced() { namespace } else { "" };
        Self {
            api_version: kind.api_version(),
            kind: kind.name(),
            metadata: Metadata {
                name,
                namespace: namespace.to_owned(),
                labels: BTreeMap::from([(key, value.to_owned())]),
                annotations: BTreeMap::new(),
                owner_references: Vec::new(),
            },
        }
    }

    /// Sets the owner, in whose namespace the result is, or which belongs to none.
    pub(crate) fn set_owner(&mut self, owner: Option<OwnerReference>) {
        self.metadata.owner_references = owner.into_iter().collect();
    }

    pub(crate) fn add_labels(&mut self, labels: Vec<(&'static str, String)>) {
        self.metadata.labels.extend(labels);
    }

    pub(crate) fn annotate(&mut self, key: &'static str, value: String) {
        self.metadata.annotations.insert(key, value);
    }

    /// Annotates how much was left out, if anything was.
    pub(crate) fn annotate_omitted(&mut self, key: &'static str, omitted: usize) {
        if omitted > 0 {
            self.annotate(key, omitted.to_string());
        }
    }
}

/// A result of any kind.
#[derive(Debug, Serialize)]
pub(crate) struct Stored<T> {
    #[serde(flatten)]
    pub(crate) head: ResultHead,
    #[serde(flatten)]
    pub(crate) body: T,
}

impl<T: Serialize> Stored<T> {
    /// Adds hash and size of the content, and writes the object.
    pub(crate) fn finish(mut self, kind: ResultKind) -> ResultObject {
        let content = json(&self);
        let content_hash = sha256_hex(&content);
        self.head
            .annotate(CONTENT_HASH_ANNOTATION, content_hash.clone());
        self.head
            .annotate(CONTENT_BYTES_ANNOTATION, content.len().to_string());
        ResultObject {
            key: ResultKey {
                kind,
                namespace: self.head.metadata.namespace.clone(),
                name: self.head.metadata.name.clone(),
            },
            content_hash,
            content_bytes: content.len(),
            json: json(&self),
        }
    }
}
