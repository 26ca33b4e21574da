//! An object for the API server, with the parts of it that name it. What it holds is made elsewhere.

use serde_json::Value;

/// An object for the API server.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedObject {
    /// The kind, such as `ValidatingAdmissionPolicy`.
    pub kind: String,
    /// The name in the object's metadata.
    pub name: String,
    /// The whole object.
    pub body: Value,
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
        }
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
