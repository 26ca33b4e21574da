//! Bytes → a review: the envelope of `admission.k8s.io/v1`, read over the same flat tape as every object.
//!
//! The envelope comes from the API server, what is in it from anybody. So whatever can be told about a body that cannot
//! be read whole is told: its uid, for an answer by policy. It decides nothing.

use super::envelope::Envelope;
use kubevet_admission::UserInfo;
use kubevet_document::{self as document, Document, Limits, Node};
use kubevet_k8s::matching::{Attributes, Labels};
use kubevet_model::{Kind, Operation};
use std::sync::Arc;

/// The most bytes of a review. The API server takes requests of 3 MiB, which come to at most 27 MB here: control
/// characters grow sixfold, and an UPDATE carries the object twice.
pub const MAX_BODY_BYTES: usize = 64 << 20;
/// Lists and maps inside one another: an object's 512, and the two of the envelope.
const DEPTH: usize = 514;
/// Bytes of a uid, which comes back in the answer. Kubernetes' have 36.
pub(super) const UID_BYTES: usize = 128;

/// A review that was read.
#[derive(Debug, Clone)]
pub struct Review {
    /// The uid that the answer must carry.
    pub uid: String,
    /// What is being done.
    pub operation: Operation,
    /// The group and kind of the object.
    pub kind: Kind,
    /// The resource, as asked for after conversion.
    pub resource: GroupVersionResource,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// The object's name; empty where the server has yet to make one up.
    pub name: String,
    /// The object's namespace; empty for objects of the whole cluster.
    pub namespace: String,
    /// Who asks.
    pub user: UserInfo,
    /// Whether nothing will be kept.
    pub dry_run: bool,
    /// The object; absent for DELETE.
    pub object: Option<Document>,
    /// The object as it was; absent for CREATE and CONNECT.
    pub old_object: Option<Document>,
    /// The labels of `object`.
    pub labels: Option<Labels>,
    /// The labels of `old_object`.
    pub old_labels: Option<Labels>,
}

/// Group, version and plural name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupVersionResource {
    /// The API group, empty for the core group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The plural, such as `pods`.
    pub name: String,
}

/// Why a body gave no review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is a review, or begins like one, and cannot be judged: it is answered by policy.
    Broken {
        /// What can be told of it, the uid that the answer must carry at least.
        glance: Box<Envelope>,
        /// What is wrong.
        why: String,
    },
    /// It is no review at all, so nobody could take an answer: HTTP 400.
    NoReview(String),
}

impl Review {
    /// Reads a body.
    ///
    /// # Errors
    /// What [`Unreadable`] says.
    pub(super) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let file = Arc::from("request");
        let limits = Limits {
            bytes: MAX_BODY_BYTES,
            depth: DEPTH,
            ..Limits::default()
        };
        let mut reading = document::read_json(&file, body, &limits);
        if let Some(problem) = reading.problems.first() {
            let place = problem
                .position
                .map_or_else(String::new, |it| format!("at {it}: "));
            return Err(broken(
                Envelope::of(body),
                format!("{place}{}", problem.message),
            ));
        }
        let (Some(document), None) = (reading.documents.pop(), reading.documents.pop()) else {
            return Err(Unreadable::NoReview(
                "the body is not one JSON document".to_owned(),
            ));
        };
        Self::of(&document, body)
    }

    fn of(document: &Document, body: &[u8]) -> Result<Self, Unreadable> {
        let root = document.root();
        let no = |why: &str| Err(Unreadable::NoReview(why.to_owned()));
        if text(root, "kind") != "AdmissionReview"
            || text(root, "apiVersion") != "admission.k8s.io/v1"
        {
            return no("the body is no AdmissionReview of admission.k8s.io/v1");
        }
        let Some(request) = root.get("request").filter(|it| is_map(*it)) else {
            return no("the AdmissionReview has no request");
        };
        if root.get("response").is_some_and(is_map) {
            return no("the AdmissionReview has a response already");
        }
        let uid = text(request, "uid");
        if uid.is_empty() {
            return no("the request has no uid");
        }
        if uid.len() > UID_BYTES {
            return no("the request has a uid of more than 128 bytes");
        }
        Self::of_request(document, request, uid)
            .map_err(|why| broken(Envelope::of(body), why.to_owned()))
    }

    fn of_request(document: &Document, request: Node<'_>, uid: &str) -> Result<Self, &'static str> {
        let operation =
            Operation::parse(text(request, "operation")).ok_or("the request names no operation")?;
        let named = request
            .get("kind")
            .filter(|it| is_map(*it))
            .ok_or("the request names no kind")?;
        let resource = request
            .get("resource")
            .filter(|it| is_map(*it))
            .ok_or("the request names no resource")?;
        let kind = Kind::new(text(named, "group"), text(named, "kind"));
        let part = |key| {
            request
                .get(key)
                .filter(|it| is_map(*it))
                .and_then(|it| document.part(it))
        };
        let (object, old_object) = (part("object"), part("oldObject"));
        if object.is_none() && operation != Operation::Delete {
            return Err("the request carries no object");
        }
        for carried in object.iter().chain(&old_object) {
            // What is judged by its kind must be of the kind that the API server says it is.
            if carried.id().group_kind() != kind {
                return Err("the object is not of the kind that the request names");
            }
        }
        Ok(Self {
            uid: uid.to_owned(),
            operation,
            kind,
            resource: GroupVersionResource {
                group: text(resource, "group").to_owned(),
                version: text(resource, "version").to_owned(),
                name: text(resource, "resource").to_owned(),
            },
            subresource: text(request, "subResource").to_owned(),
            name: text(request, "name").to_owned(),
            namespace: text(request, "namespace").to_owned(),
            user: user(request),
            dry_run: request
                .get("dryRun")
                .and_then(Node::as_bool)
                .unwrap_or_default(),
            labels: object.as_ref().and_then(labels),
            old_labels: old_object.as_ref().and_then(labels),
            object,
            old_object,
        })
    }

    /// The request as matching sees it.
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

    /// The object's name as a person would say it: the generated ones with `*` for what is yet to come.
    #[must_use]
    pub fn shown_name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        self.object
            .as_ref()
            .map(|it| it.id().name)
            .unwrap_or_default()
    }
}

fn broken(glance: Option<Envelope>, why: String) -> Unreadable {
    match glance {
        Some(glance) => Unreadable::Broken {
            glance: Box::new(glance),
            why,
        },
        None => Unreadable::NoReview(why),
    }
}

fn is_map(node: Node<'_>) -> bool {
    matches!(node.value(), document::Value::Map(_))
}

fn text<'a>(node: Node<'a>, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}

fn user(request: Node<'_>) -> UserInfo {
    let info = request.get("userInfo");
    let name = info
        .map(|it| text(it, "username"))
        .unwrap_or_default()
        .to_owned();
    let groups = info.and_then(|it| it.get("groups"));
    let groups = groups
        .into_iter()
        .flat_map(Node::elements)
        .filter_map(Node::as_str)
        .map(str::to_owned)
        .collect();
    UserInfo { name, groups }
}

/// An object without a `metadata` map has no labels that anything could select.
fn labels(document: &Document) -> Option<Labels> {
    let metadata = document.root().get("metadata").filter(|it| is_map(*it))?;
    let labels = metadata.get("labels").into_iter().flat_map(Node::entries);
    Some(
        labels
            .filter_map(|it| Some((it.key.to_owned(), it.value.as_str()?.to_owned())))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(request: &str) -> String {
        format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{request}}}"#
        )
    }

    fn pod(more: &str) -> String {
        review(&format!(
            r#"{{"uid":"u-1","kind":{{"group":"","version":"v1","kind":"Pod"}},
            "resource":{{"group":"","version":"v1","resource":"pods"}},"name":"web","namespace":"shop",
            "operation":"CREATE","userInfo":{{"username":"ann","groups":["a","b"]}},{more}}}"#
        ))
    }

    const OBJECT: &str =
        r#""object":{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app":"web"}}}"#;

    #[test]
    fn a_review_is_read_with_everything_that_decides() {
        let read =
            Review::read(pod(&format!("{OBJECT},\"oldObject\":null,\"dryRun\":true")).as_bytes())
                .unwrap();
        assert_eq!(
            (read.uid.as_str(), read.operation, read.kind.name.as_str()),
            ("u-1", Operation::Create, "Pod")
        );
        assert_eq!(
            (
                read.user.name.as_str(),
                read.user.groups.len(),
                read.dry_run
            ),
            ("ann", 2, true)
        );
        assert_eq!(read.attributes().resource, "pods");
        assert_eq!(
            read.labels
                .as_ref()
                .and_then(|it| it.get("app"))
                .map(String::as_str),
            Some("web")
        );
        assert!(read.object.is_some() && read.old_object.is_none());
    }

    #[track_caller]
    fn broken(body: &str, expected: &str) {
        match Review::read(body.as_bytes()) {
            Err(Unreadable::Broken { glance, why }) => {
                assert_eq!(glance.uid(), "u-1");
                assert!(why.contains(expected), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_judged_keeps_its_uid() {
        broken(&pod(r#""object":null"#), "carries no object");
        broken(
            &pod(r#""object":{"apiVersion":"v1","kind":"Service"}"#),
            "not of the kind",
        );
        broken(&pod(OBJECT).replace("CREATE", "PATCH"), "no operation");
        broken(
            &pod(OBJECT).replace("}}}}", "}}}"),
            "found the end of the text",
        );
        let deep = format!(
            r#""object":{{"apiVersion":"v1","kind":"Pod","x":{}1{}}}"#,
            "[".repeat(9999),
            "]".repeat(9999)
        );
        broken(&pod(&deep), "more than 514 deep");
    }

    #[track_caller]
    fn no_review(body: &str, expected: &str) {
        match Review::read(body.as_bytes()) {
            Err(Unreadable::NoReview(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_review_is_none() {
        no_review("", "not one JSON document");
        no_review("[]", "no AdmissionReview");
        no_review("{}{}", "not one JSON document");
        no_review(
            &pod(OBJECT).replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
            "no AdmissionReview",
        );
        no_review(&pod(OBJECT).replace("u-1", ""), "no uid");
        no_review(
            &pod(OBJECT).replace("u-1", &"u".repeat(UID_BYTES + 1)),
            "more than 128 bytes",
        );
        no_review(&review("null"), "no request");
        no_review(
            &pod(OBJECT).replace(r#""request":"#, r#""response":{},"request":"#),
            "a response already",
        );
        no_review("hello", "");
    }
}
