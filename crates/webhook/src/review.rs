//! Reads the body of an admission request: an `AdmissionReview` of `admission.k8s.io/v1`.
//!
//! The envelope is the API server's; the object in it is any user's. A body that cannot be read
//! whole still gives its envelope, so that the request can be answered by policy. This file decides
//! nothing.

use super::envelope::{Envelope, MAX_UID_BYTES};
use kubevet_admission::{AdmissionRequest, UserInfo};
use kubevet_document::{self as document, Document, Limits, Node};
use kubevet_k8s::matching::{Attributes, Labels};
use kubevet_model::{Kind, Operation};
use std::sync::Arc;

/// The number of bytes of a body. The API server accepts requests of 3 MiB, which are at most 27 MB
/// here: control characters grow sixfold, and an UPDATE contains the object twice.
pub const MAX_BODY_BYTES: usize = 64 << 20;
/// The depth of lists and maps: 512 for an object, and two for the envelope.
const MAX_DEPTH: usize = 514;

/// The request of an `AdmissionReview`.
#[derive(Debug, Clone)]
pub struct Review {
    /// The uid, which the answer must repeat; never empty.
    pub uid: String,
    /// The operation.
    pub operation: Operation,
    /// The group and kind of the object.
    pub kind: Kind,
    /// The resource, after the API server's conversion to the version that the webhook matches.
    pub resource: GroupVersionResource,
    /// The subresource, such as `status`; empty for the object itself.
    pub subresource: String,
    /// The name of the object; empty if the API server will generate it.
    pub name: String,
    /// The namespace of the object; empty for cluster-scoped objects.
    pub namespace: String,
    /// The user who sent the request.
    pub user: UserInfo,
    /// True if the API server will not persist the object.
    pub dry_run: bool,
    /// The object; absent for DELETE.
    pub object: Option<Document>,
    /// The object before the request; absent for CREATE and CONNECT.
    pub old_object: Option<Document>,
    /// The labels of `object`.
    pub labels: Option<Labels>,
    /// The labels of `old_object`.
    pub old_labels: Option<Labels>,
}

/// A resource of the Kubernetes API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupVersionResource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The plural name, such as `pods`.
    pub name: String,
}

/// The reason why a body is not a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReviewError {
    /// It is a review, or begins like one, but cannot be evaluated. It is answered by policy.
    Malformed {
        /// The fields that were found, with the uid at least.
        envelope: Box<Envelope>,
        /// The reason, with its position if there is one.
        message: String,
    },
    /// It is not a review, so there is no uid to answer to: HTTP 400, with this message.
    NotAReview(String),
}

impl Review {
    /// Reads a body.
    ///
    /// # Errors
    /// The body is not a review, or cannot be evaluated.
    pub(super) fn read(body: &[u8]) -> Result<Self, ReviewError> {
        let file = Arc::from("request");
        let limits = Limits {
            bytes: MAX_BODY_BYTES,
            depth: MAX_DEPTH,
            ..Limits::default()
        };
        let mut reading = document::read_json(&file, body, &limits);
        if let Some(problem) = reading.problems.first() {
            let message = match problem.position {
                Some(position) => format!("at {position}: {}", problem.message),
                None => problem.message.clone(),
            };
            return Err(malformed(body, message));
        }
        let (Some(document), None) = (reading.documents.pop(), reading.documents.pop()) else {
            let message = "the body is not one JSON document".to_owned();
            return Err(ReviewError::NotAReview(message));
        };
        let (request, uid) = request_of(document.root())
            .map_err(|message| ReviewError::NotAReview(message.into()))?;
        Self::of_request(&document, request, uid)
            .map_err(|message| malformed(body, message.to_owned()))
    }

    fn of_request(document: &Document, request: Node<'_>, uid: &str) -> Result<Self, &'static str> {
        let operation = Operation::parse(string_field(request, "operation"))
            .ok_or("the request names no operation")?;
        let kind = map_field(request, "kind").ok_or("the request names no kind")?;
        let resource = map_field(request, "resource").ok_or("the request names no resource")?;
        let kind = Kind::new(string_field(kind, "group"), string_field(kind, "kind"));
        let object_field = |key| map_field(request, key).and_then(|node| document.part(node));
        let (object, old_object) = (object_field("object"), object_field("oldObject"));
        if object.is_none() && operation != Operation::Delete {
            return Err("the request carries no object");
        }
        for object in object.iter().chain(&old_object) {
            // Controls are selected by the kind of the request, and evaluated for the object: both
            // must be the same.
            if object.id().group_kind() != kind {
                return Err("the object is not of the kind that the request names");
            }
        }
        let dry_run = request.get("dryRun").and_then(Node::as_bool);
        Ok(Self {
            uid: uid.to_owned(),
            operation,
            kind,
            resource: GroupVersionResource {
                group: string_field(resource, "group").to_owned(),
                version: string_field(resource, "version").to_owned(),
                name: string_field(resource, "resource").to_owned(),
            },
            subresource: string_field(request, "subResource").to_owned(),
            name: string_field(request, "name").to_owned(),
            namespace: string_field(request, "namespace").to_owned(),
            user: user_info(request),
            dry_run: dry_run.unwrap_or_default(),
            labels: object.as_ref().and_then(labels),
            old_labels: old_object.as_ref().and_then(labels),
            object,
            old_object,
        })
    }

    /// Returns the attributes that bindings match.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes {
            operation: self.operation,
            group: &self.resource.group,
            version: &self.resource.version,
            resource: &self.resource.name,
            subresource: &self.subresource,
            name: &self.name,
            namespace: &self.namespace,
            labels: self.labels.as_ref(),
            old_labels: self.old_labels.as_ref(),
        }
    }

    /// Returns the request that a decision is made about.
    #[must_use]
    pub fn admission_request(&self) -> AdmissionRequest<'_> {
        AdmissionRequest {
            attributes: self.attributes(),
            kind: &self.kind,
            user: &self.user,
            dry_run: self.dry_run,
            object: self.object.as_ref(),
            old_object: self.old_object.as_ref(),
        }
    }

    /// Returns the name of the object for people: `web-*` if the API server will generate the rest.
    #[must_use]
    pub fn display_name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let object = self.object.as_ref();
        object.map(|object| object.id().name).unwrap_or_default()
    }
}

/// Returns the request of an `AdmissionReview`, and its uid.
fn request_of(root: Node<'_>) -> Result<(Node<'_>, &str), &'static str> {
    if string_field(root, "kind") != "AdmissionReview"
        || string_field(root, "apiVersion") != "admission.k8s.io/v1"
    {
        return Err("the body is not an AdmissionReview of admission.k8s.io/v1");
    }
    let request = map_field(root, "request").ok_or("the AdmissionReview has no request")?;
    if map_field(root, "response").is_some() {
        return Err("the AdmissionReview has a response already");
    }
    let uid = string_field(request, "uid");
    if uid.is_empty() {
        return Err("the request has no uid");
    }
    if uid.len() > MAX_UID_BYTES {
        return Err("the request has a uid of more than 128 bytes");
    }
    Ok((request, uid))
}

/// Returns the error for a body that cannot be evaluated. Without a uid it is not a review.
fn malformed(body: &[u8], message: String) -> ReviewError {
    match Envelope::scan(body) {
        Some(envelope) => ReviewError::Malformed {
            envelope: Box::new(envelope),
            message,
        },
        None => ReviewError::NotAReview(message),
    }
}

fn is_map(node: Node<'_>) -> bool {
    node.is_map()
}

fn map_field<'a>(node: Node<'a>, key: &str) -> Option<Node<'a>> {
    node.get(key).filter(|field| is_map(*field))
}

fn string_field<'a>(node: Node<'a>, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}

fn user_info(request: Node<'_>) -> UserInfo {
    let Some(user) = request.get("userInfo") else {
        return UserInfo::default();
    };
    let groups = user.get("groups").into_iter().flat_map(Node::elements);
    UserInfo {
        name: string_field(user, "username").to_owned(),
        groups: groups.filter_map(Node::as_str).map(str::to_owned).collect(),
    }
}

/// Returns the labels of an object; `None` if it has no `metadata`, so that no selector matches it.
fn labels(document: &Document) -> Option<Labels> {
    let metadata = map_field(document.root(), "metadata")?;
    let entries = metadata.get("labels").into_iter().flat_map(Node::entries);
    let labels =
        entries.filter_map(|entry| Some((entry.key.to_owned(), entry.value.as_str()?.to_owned())));
    Some(labels.collect())
}

#[cfg(test)]
mod tests;
