//! The bounds on the labels `binding` and `namespace`: the first values have series of their own,
//! all further ones share one.
//!
//! Users create namespaces, and every new value of a label is a new series, which costs memory here
//! and in Prometheus. A value is known until the process ends.

use kubevet_model::escape_hidden;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The number of characters of a label's value.
pub(super) const MAX_LABEL_CHARS: usize = 253;
/// The number of bindings with series of their own.
pub(super) const MAX_BINDINGS: usize = 100;
/// The number of pairs of a binding and a namespace with series of their own.
pub(super) const MAX_PAIRS: usize = 1000;
/// The value that all further bindings and namespaces share.
pub(super) const OTHER: &str = "other";

/// The values that have series of their own.
#[derive(Default)]
pub(super) struct LabelBounds(Mutex<KnownValues>);

#[derive(Default)]
struct KnownValues {
    bindings: BTreeSet<String>,
    pairs: BTreeSet<(String, String)>,
}

impl LabelBounds {
    /// Returns the values of the labels for a binding and a namespace.
    pub(super) fn values(&self, binding: &str, namespace: &str) -> (String, String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let binding = escape_hidden(binding, MAX_LABEL_CHARS).into_owned();
        let binding = known_or_other(&mut known.bindings, binding, MAX_BINDINGS, |_| {
            OTHER.to_owned()
        });
        let namespace = escape_hidden(namespace, MAX_LABEL_CHARS).into_owned();
        known_or_other(
            &mut known.pairs,
            (binding, namespace),
            MAX_PAIRS,
            |(binding, _)| (binding, OTHER.to_owned()),
        )
    }
}

/// Returns the value if it is known or there is room for it, and what stands for all others if not.
fn known_or_other<T: Ord + Clone>(
    known: &mut BTreeSet<T>,
    value: T,
    max: usize,
    other: impl FnOnce(T) -> T,
) -> T {
    if known.contains(&value) {
        return value;
    }
    if known.len() >= max {
        return other(value);
    }
    known.insert(value.clone());
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bounds: &LabelBounds, binding: &str, namespace: &str, expected: (&str, &str)) {
        let (binding, namespace) = bounds.values(binding, namespace);
        assert_eq!((binding.as_str(), namespace.as_str()), expected);
    }

    #[test]
    fn further_namespaces_share_a_series_of_their_binding() {
        let bounds = LabelBounds::default();
        for number in 0..MAX_PAIRS {
            let name = format!("n-{number}");
            check(&bounds, "b", &name, ("b", &name));
        }
        check(&bounds, "b", "late", ("b", OTHER));
        check(&bounds, "late", "n-0", ("late", OTHER));
        check(&bounds, "b", "n-0", ("b", "n-0"));
    }

    #[test]
    fn further_bindings_share_a_series() {
        let bounds = LabelBounds::default();
        for number in 0..MAX_BINDINGS {
            let name = format!("b-{number}");
            check(&bounds, &name, "shop", (&name, "shop"));
        }
        check(&bounds, "late", "shop", (OTHER, "shop"));
        check(&bounds, "b-0", "", ("b-0", ""));
    }

    #[test]
    fn value_is_escaped_and_truncated() {
        let (binding, namespace) = LabelBounds::default().values("a\nb", &"n".repeat(1000));
        assert_eq!(binding, "a\\nb");
        // The ellipsis of a truncated value comes on top.
        assert_eq!(namespace.chars().count(), MAX_LABEL_CHARS + 1);
    }
}
