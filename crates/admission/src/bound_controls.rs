//! The controls of a verdict that a binding contains.
//!
//! Most bindings contain all controls that judge an object. Then the list of the verdict is shared,
//! and nothing is copied.

use super::evaluation::IndexedBinding;
use kubevet_model::{ControlId, ControlIds};
use std::collections::BTreeSet;

/// The controls of a list that one of the bindings contains, in the order of the list.
pub(super) fn bound_controls(judged: &ControlIds, bindings: &[IndexedBinding<'_>]) -> ControlIds {
    let mut controls = bindings.iter().map(|(_, binding)| &binding.controls);
    if controls.any(|controls| contains_all(controls, judged)) {
        return judged.clone();
    }
    let is_bound = |control: &&ControlId| {
        let mut bindings = bindings.iter();
        bindings.any(|(_, binding)| binding.controls.contains(*control))
    };
    judged.iter().filter(is_bound).cloned().collect()
}

/// True if a set contains all ids of a sorted list; may be false for a list that is not sorted. Both
/// are walked once: a search for each id would take longer.
fn contains_all(controls: &BTreeSet<ControlId>, sorted: &[ControlId]) -> bool {
    let mut controls = controls.iter();
    let contains = |id: &ControlId| controls.by_ref().find(|control| *control >= id) == Some(id);
    sorted.iter().all(contains)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<ControlId> {
        names.iter().map(|name| ControlId::from(*name)).collect()
    }

    #[test]
    fn set_contains_a_sorted_list() {
        fn check(controls: &[&str], sorted: &[&str], expected: bool) {
            let controls = ids(controls).into_iter().collect();
            assert_eq!(
                contains_all(&controls, &ids(sorted)),
                expected,
                "{sorted:?}"
            );
        }
        check(&[], &[], true);
        check(&["C-1", "C-2", "C-3"], &["C-1", "C-3"], true);
        check(&["C-1", "C-2", "C-3"], &["C-2"], true);
        check(&["C-1", "C-3"], &["C-2"], false);
        check(&["C-1", "C-3"], &["C-1", "C-3", "C-4"], false);
        check(&[], &["C-1"], false);
    }
}
