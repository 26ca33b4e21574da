//! The CustomResourceDefinition of `ControlBinding`, which is the same in every cluster.
//!
//! Its schema rejects what can be rejected by form alone. The reader in `policy` decides the
//! meaning of a binding.

use super::template::{Slots, render};

/// Returns the template of the CustomResourceDefinition. Some parts of the schema occur twice in it.
pub(crate) fn template() -> String {
    let rule = include_str!("../templates/crd-resource-rule.yaml");
    let selector = include_str!("../templates/crd-label-selector.yaml");
    let numbers = include_str!("../templates/crd-object-numbers.yaml");
    let parts = [("rule", rule), ("selector", selector), ("numbers", numbers)];
    let parts: Slots = parts.map(|(name, text)| (name, text.to_owned())).into();
    render(include_str!("../templates/crd.yaml"), &parts)
}
