//! The identity of an object, and the operation on it.

use super::Kind;
use std::{fmt, str::FromStr as _};
use strum::VariantArray as _;

/// The identity of an object, as the object itself states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectId {
    /// `apiVersion`, such as `apps/v1`.
    pub api_version: String,
    /// `kind`, such as `Deployment`.
    pub kind: String,
    /// `metadata.namespace`; empty where absent.
    pub namespace: String,
    /// `metadata.name`, or `metadata.generateName` with `*` for what the server will add; empty
    /// where both are absent.
    pub name: String,
}

impl ObjectId {
    /// The API group and kind.
    #[must_use]
    pub fn group_kind(&self) -> Kind {
        Kind::new(Kind::group_of(&self.api_version), self.kind.clone())
    }
}

impl fmt::Display for ObjectId {
    /// `Deployment shop/cart`, or `Pod cart` without a namespace.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "(no name)"
        } else {
            &self.name
        };
        match self.namespace.as_str() {
            "" => write!(out, "{} {name}", self.kind),
            namespace => write!(out, "{} {namespace}/{name}", self.kind),
        }
    }
}

/// The operation on an object, by the names of an AdmissionReview.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Operation {
    /// A new object; also every object that is scanned.
    #[default]
    Create,
    /// A change of an existing object.
    Update,
    /// The deletion of an object.
    Delete,
    /// A connection to a running object: exec, attach, port-forward, proxy.
    Connect,
}

impl Operation {
    /// All operations.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in an AdmissionReview, such as `CREATE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The operation of a name; `None` for any other string.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::from_str(name).ok()
    }
}

/// What a rule may read besides the object. A scan uses the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvalRequest {
    /// The operation.
    pub operation: Operation,
}
