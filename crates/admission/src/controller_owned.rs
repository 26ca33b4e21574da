//! Objects that a built-in controller creates for an owner, such as the Pods of a ReplicaSet.
//!
//! A Deployment that is older than a binding creates Pods whenever it is scaled or a node is
//! drained. Denying those would stop the workload without fixing it, and its owner was evaluated
//! when it was written. An owner reference alone proves nothing, since any user can write one: the
//! user of the request must be the controller.

use super::AdmissionRequest;
use kubevet_document::Node;
use kubevet_k8s::matching::Attributes;
use kubevet_k8s::workload::{CONTROLLER_ACCOUNTS, CONTROLLERS, SelectKinds as _};
use kubevet_model::{Control, Kind, Operation};
use kubevet_policy::Binding;

/// The owner that a built-in controller creates an object for.
pub(super) struct ControllerOwner {
    kind: Kind,
    version: String,
    /// The plural name of the owner's resource, such as `replicasets`.
    resource: &'static str,
    name: String,
}

/// Returns true if a built-in controller creates the request's object for an owner, such as the Pod
/// of a ReplicaSet.
#[must_use]
pub fn is_controller_owned(request: &AdmissionRequest<'_>) -> bool {
    ControllerOwner::of(request).is_some()
}

impl ControllerOwner {
    /// Returns the owner of the request's object, if the user is a built-in controller and the
    /// object's controller reference names an owner of the kind that it reconciles.
    pub(super) fn of(request: &AdmissionRequest<'_>) -> Option<Self> {
        if request.attributes.operation != Operation::Create {
            return None;
        }
        let account = request.user.name.strip_prefix(CONTROLLER_ACCOUNTS)?;
        let controller = CONTROLLERS
            .iter()
            .find(|controller| controller.account == account)?;
        let metadata = request.object?.root().get("metadata")?;
        let reference = metadata.get("ownerReferences")?.elements().find(|owner| {
            let is_controller = owner.get("controller").and_then(Node::as_bool);
            is_controller == Some(true)
        })?;
        let api_version = string_field(reference, "apiVersion");
        let has_controllers_kind = string_field(reference, "kind") == controller.kind
            && Kind::group_of(api_version) == controller.group;
        let version = api_version.rsplit('/').next().unwrap_or_default();
        has_controllers_kind.then(|| Self {
            kind: Kind::new(controller.group, controller.kind),
            version: version.to_owned(),
            resource: controller.resource,
            name: string_field(reference, "name").to_owned(),
        })
    }

    /// Returns true if `binding` applies to such owners, given the attributes of the owned object.
    /// A binding that selects objects by their labels does not count: the labels of the owner are
    /// unknown, and need not be those of its Pods.
    pub(super) fn is_covered_by(&self, binding: &Binding, owned: &Attributes<'_>) -> bool {
        if !binding.match_resources.object_selector.is_empty() {
            return false;
        }
        let attributes = Attributes {
            group: &self.kind.group,
            version: &self.version,
            resource: self.resource,
            subresource: "",
            name: &self.name,
            ..*owned
        };
        binding.match_resources.matches_rules(&attributes)
    }

    /// Returns true if `control` checks the owner's kind. A control for Pods alone does not.
    pub(super) fn is_checked_by(&self, control: &Control) -> bool {
        control.kinds.matches(&self.kind)
    }
}

fn string_field<'a>(node: Node<'a>, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}
