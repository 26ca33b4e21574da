//! The selection of objects that a scan evaluates.
//!
//! A filter that selects nothing gives an empty scan; the caller must notice it.

use kubevet_document::Document;
use kubevet_model::Kind;

/// Namespaces and kinds to evaluate. An empty list selects all.
#[derive(Debug, Clone, Default)]
pub struct ObjectFilter {
    /// The namespaces to evaluate. An object without a namespace counts as one of `default`.
    pub include_namespaces: Vec<String>,
    /// The namespaces to leave out.
    pub exclude_namespaces: Vec<String>,
    /// The kinds to evaluate, as `Deployment` or `apps/Deployment`, in any case.
    pub include_kinds: Vec<String>,
    /// The kinds to leave out, written alike.
    pub exclude_kinds: Vec<String>,
}

impl ObjectFilter {
    /// Returns true if the object is to be evaluated.
    #[must_use]
    pub fn allows(&self, document: &Document) -> bool {
        let id = document.id();
        let namespace = if id.namespace.is_empty() {
            "default"
        } else {
            &id.namespace
        };
        let contains = |names: &[String]| names.iter().any(|name| name == namespace);
        (self.include_namespaces.is_empty() || contains(&self.include_namespaces))
            && !contains(&self.exclude_namespaces)
            && self.allows_kind(&id.group_kind())
    }

    /// Returns true if the objects of a kind are to be evaluated.
    #[must_use]
    pub fn allows_kind(&self, kind: &Kind) -> bool {
        let has_kind = |words: &[String]| words.iter().any(|word| is_kind(word, kind));
        (self.include_kinds.is_empty() || has_kind(&self.include_kinds))
            && !has_kind(&self.exclude_kinds)
    }
}

fn is_kind(wanted: &str, kind: &Kind) -> bool {
    match wanted.rsplit_once('/') {
        Some((group, name)) => {
            kind.group.eq_ignore_ascii_case(group) && kind.name.eq_ignore_ascii_case(name)
        }
        None => kind.name.eq_ignore_ascii_case(wanted),
    }
}
