//! Which object is meant, and what is being done with it.

use super::Kind;
use std::fmt;

/// An object's identity as it stands in the object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectId {
    /// `apiVersion`, such as `apps/v1`.
    pub api_version: String,
    /// `kind`, such as `Deployment`.
    pub kind: String,
    /// `metadata.namespace`; empty where absent.
    pub namespace: String,
    /// `metadata.name`, or `metadata.generateName` with `*` for what the server will add; empty where both are absent.
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
    /// `Deployment shop/cart`, `Pod cart` without a namespace.
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

/// What is being done with an object, in the words of an AdmissionReview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operation {
    /// A new object; also every object that is scanned.
    #[default]
    Create,
    /// A change of one that exists.
    Update,
    /// The end of one.
    Delete,
    /// A connection to one that runs: exec, attach, port-forward, proxy.
    Connect,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// The word of an AdmissionReview.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }

    /// The operation of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == word)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// What a judgement may know besides the object. A scan uses the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvalRequest {
    /// What is being done.
    pub operation: Operation,
}
