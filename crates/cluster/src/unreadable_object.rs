//! Objects that exceed a limit of the reader, such as its depth: each is left out and named, and the
//! others in the same page are read. Whoever may create one object must not hide all of its kind.

use super::{ClusterError, api_call::ApiCall, discovery::ApiResource, json_parts};
use kubevet_document::{self as document, Document, Limits};

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnreadableObject {
    /// Its uid.
    pub(super) uid: String,
    /// Its namespace; `None` outside namespaces.
    pub(super) namespace: Option<String>,
    /// The reason.
    pub(super) error: ClusterError,
}

impl UnreadableObject {
    /// Names an object by its bytes; `None` if they have no identity.
    pub(super) fn of(object: &[u8], call: &ApiCall<'_>) -> Option<Self> {
        let text = |key| json_parts::text_at(object, &["metadata", key]);
        let (uid, name) = (text("uid")?, text("name")?);
        let bytes = object.len();
        Some(Self {
            uid,
            namespace: text("namespace").filter(|namespace| !namespace.is_empty()),
            error: call.unusable(&format!(
                "{name} cannot be read: it has {bytes} bytes, and is nested too deeply or has too many values"
            )),
        })
    }
}

/// Returns an object that has only its identity, of one that cannot be read.
pub(super) fn identity(object: &[u8], resource: &ApiResource) -> Option<Document> {
    let mut metadata = serde_json::Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion"] {
        if let Some(text) = json_parts::text_at(object, &["metadata", key]) {
            metadata.insert(key.to_owned(), text.into());
        }
    }
    let identity = serde_json::json!({
        "apiVersion": resource.api_version(), "kind": resource.kind.name, "metadata": metadata,
    });
    let file = resource.plural.as_str().into();
    let parsed = document::read_json(&file, identity.to_string().as_bytes(), &Limits::default());
    parsed.documents.into_iter().next()
}

/// The parts of a list of which some object cannot be read.
pub(super) struct ListParts<'a> {
    before: &'a [u8],
    after: &'a [u8],
    pub(super) items: Vec<&'a [u8]>,
}

impl<'a> ListParts<'a> {
    /// `None` if the bytes are no complete list.
    pub(super) fn of(list: &'a [u8]) -> Option<Self> {
        let range = json_parts::member_range(list, "items")?;
        Some(Self {
            before: list.get(..range.start)?,
            after: list.get(range.end..)?,
            items: json_parts::elements(list.get(range)?)?,
        })
    }

    /// The same list with one of the items, or with none.
    pub(super) fn list_of(&self, item: &[u8]) -> Vec<u8> {
        [self.before, b"[", item, b"]", self.after].concat()
    }
}
