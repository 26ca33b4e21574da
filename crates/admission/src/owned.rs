//! Objects that a built-in controller makes for an owner.
//!
//! A Deployment that was there before the binding makes Pods by CREATE whenever it is scaled or a node is drained;
//! denying those would lose the workload without mending it. Its owner was judged when it was written. An
//! `ownerReference` alone proves nothing, since anybody can write one: it is the user that makes the difference.

use super::Case;
use kubevet_document::Node;
use kubevet_engine as engine;
use kubevet_k8s::matching::Attributes;
use kubevet_k8s::workload::{CONTROLLER_ACCOUNTS, CONTROLLERS};
use kubevet_model::{Control, Kind, Operation};
use kubevet_policy::Binding;

/// The owner for which a built-in controller makes the object.
pub(super) struct Owner {
    kind: Kind,
    version: String,
    resource: &'static str,
    name: String,
}

/// The owner, where a built-in controller makes the object for one of its own.
pub(super) fn owner(case: &Case<'_>) -> Option<Owner> {
    if case.attributes.operation != Operation::Create {
        return None;
    }
    let account = case.user.name.strip_prefix(CONTROLLER_ACCOUNTS)?;
    let controller = CONTROLLERS.iter().find(|it| it.account == account)?;
    let references = case
        .object?
        .root()
        .get("metadata")?
        .get("ownerReferences")?;
    let text = |node: Node<'_>, key: &str| {
        node.get(key)
            .and_then(Node::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let reference = references
        .elements()
        .find(|it| it.get("controller").and_then(Node::as_bool) == Some(true))?;
    let api_version = text(reference, "apiVersion");
    let right = text(reference, "kind") == controller.kind
        && Kind::group_of(&api_version) == controller.group;
    let version = api_version
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    right.then(|| Owner {
        kind: Kind::new(controller.group, controller.kind),
        version,
        resource: controller.resource,
        name: text(reference, "name"),
    })
}

impl Owner {
    /// Whether a binding judges such owners. One that looks at Pods alone has judged none, and of one that selects
    /// objects by their labels nobody knows: an owner need not bear the labels of its Pods.
    pub(super) fn is_judged_by(&self, binding: &Binding, case: &Case<'_>) -> bool {
        if !binding.match_resources.object_selector.is_empty() {
            return false;
        }
        let attributes = Attributes {
            group: &self.kind.group,
            version: &self.version,
            resource: self.resource,
            subresource: "",
            name: &self.name,
            ..case.attributes
        };
        binding.match_resources.matches_rules(&attributes)
    }

    /// Whether a control looks at such owners. One for Pods alone has judged none.
    pub(super) fn is_asked_by(&self, control: &Control) -> bool {
        control
            .kinds
            .iter()
            .any(|it| engine::looks_at(it, &self.kind))
    }
}
