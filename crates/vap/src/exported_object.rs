//! An object for the API server, with the parts of it that name it. What it holds is made elsewhere.

use serde_json::Value;
use std::collections::BTreeSet;

/// The annotation of a policy with the ids of its controls, with commas between.
pub const CONTROLS_ANNOTATION: &str = "kubevet.io/controls";

/// An object for the API server.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedObject {
    /// The kind, such as `ValidatingAdmissionPolicy`.
    pub kind: String,
    /// The name in the object's metadata.
    pub name: String,
    /// The whole object.
    pub body: Value,
    /// What stands over it in YAML, without the `#` of each line.
    pub comment: String,
}

impl ExportedObject {
    /// The object with this body.
    #[must_use]
    pub fn new(body: Value) -> Self {
        let string = |path: &str| {
            body.pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            kind: string("/kind"),
            name: string("/metadata/name"),
            body,
            comment: String::new(),
        }
    }

    /// The object with a comment over it.
    #[must_use]
    pub fn with_comment(self, comment: String) -> Self {
        Self { comment, ..self }
    }

    /// True for a policy.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        self.kind == "ValidatingAdmissionPolicy"
    }

    /// The ids of the controls of a policy.
    pub(super) fn controls(&self) -> BTreeSet<&str> {
        let annotation = self
            .body
            .get("metadata")
            .and_then(|metadata| metadata.get("annotations"))
            .and_then(|annotations| annotations.get(CONTROLS_ANNOTATION))
            .and_then(Value::as_str);
        ids_of(annotation.unwrap_or_default())
    }

    /// The kind in the name of a file.
    pub(super) fn short_kind(&self) -> &'static str {
        match self.kind.as_str() {
            "ValidatingAdmissionPolicy" => "policy",
            "ValidatingAdmissionPolicyBinding" => "binding",
            "CustomResourceDefinition" => "crd",
            _ => "params",
        }
    }

    /// True for a policy and the binding of one.
    pub(super) fn is_admission(&self) -> bool {
        self.kind.starts_with("ValidatingAdmissionPolicy")
    }
}

/// The ids in a value of [`CONTROLS_ANNOTATION`].
pub(super) fn ids_of(annotation: &str) -> BTreeSet<&str> {
    annotation
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .collect()
}
