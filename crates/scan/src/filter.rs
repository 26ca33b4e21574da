//! Which objects a scan is about. A filter that lets nothing through is the caller's to notice: the scan is then empty.

use kubevet_document::Document;
use kubevet_model::ObjectId;

/// Namespaces and kinds to look at; empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only objects of these namespaces; objects without one are of `default`.
    pub include_namespaces: Vec<String>,
    /// No objects of these namespaces.
    pub exclude_namespaces: Vec<String>,
    /// Only these kinds, as `Deployment` or `apps/Deployment`, in any case.
    pub include_kinds: Vec<String>,
}

impl Filter {
    /// Whether an object is looked at.
    #[must_use]
    pub fn allows(&self, document: &Document) -> bool {
        let id = document.id();
        let namespace = if id.namespace.is_empty() {
            "default"
        } else {
            &id.namespace
        };
        let named = |list: &[String]| list.iter().any(|it| it == namespace);
        (self.include_namespaces.is_empty() || named(&self.include_namespaces))
            && !named(&self.exclude_namespaces)
            && (self.include_kinds.is_empty()
                || self.include_kinds.iter().any(|it| is_kind(it, &id)))
    }
}

fn is_kind(wanted: &str, id: &ObjectId) -> bool {
    let kind = id.group_kind();
    match wanted.rsplit_once('/') {
        Some((group, name)) => {
            kind.group.eq_ignore_ascii_case(group) && kind.name.eq_ignore_ascii_case(name)
        }
        None => kind.name.eq_ignore_ascii_case(wanted),
    }
}
