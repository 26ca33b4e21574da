//! The names of kinds that users write, and what they may mean.

use kubevet_k8s::schema::Schema;
use kubevet_policy::nearest;

/// True for the name of a kind of Kubernetes, with or without an API group before it.
pub(super) fn is_built_in(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    let mut kinds = Schema::embedded().kinds();
    kinds.any(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// Returns half a sentence with the built-in kind that a word abbreviates or misspells; `None` if it
/// is one, or resembles none.
pub(super) fn did_you_mean(word: &str) -> Option<String> {
    let name = word
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kinds = || Schema::embedded().kinds().map(|kind| kind.name);
    if name.is_empty() || is_built_in(word) {
        return None;
    }
    let abbreviated = kinds()
        .filter(|kind| kind.to_ascii_lowercase().starts_with(&name))
        .min_by_key(|kind| kind.len());
    let kind = abbreviated.or_else(|| nearest(&name, kinds()))?;
    Some(format!(", did you mean {kind:?}?"))
}
