//! Objects that a built-in controller creates for an owner, such as the Pods of a ReplicaSet.
//!
//! A Deployment that is older than a binding creates Pods whenever it is scaled or a node is
//! drained. Denying those would stop the workload without fixing it, and its owner was evaluated
//! when it was written. An owner that a binding excludes must get its Pods, too. An owner reference
//! alone proves nothing, since any user can write one: the user of the request must be the
//! controller.

use super::AdmissionRequest;
use kubevet_document::Node;
use kubevet_k8s::matching::Attributes;
use kubevet_k8s::workload::{
    CONTROLLER_ACCOUNTS, CONTROLLERS, Controller, POD_TEMPLATE_HASH, SelectKinds as _,
};
use kubevet_model::{Control, Kind, Operation};
use kubevet_policy::Binding;

/// The owner of an object that a built-in controller creates or updates.
pub(super) struct ControllerOwner<'a> {
    controller: &'static Controller,
    version: &'a str,
    name: &'a str,
    /// The label of the object; empty without one.
    pod_template_hash: &'a str,
    /// True if the request creates the object.
    is_creation: bool,
}

/// Returns true if a built-in controller creates the request's object for an owner, such as the Pod
/// of a ReplicaSet.
#[must_use]
pub fn is_controller_owned(request: &AdmissionRequest<'_>) -> bool {
    ControllerOwner::of(request).is_some_and(|owner| owner.is_creation)
}

impl<'a> ControllerOwner<'a> {
    /// Returns the owner of the request's object, if the user is a built-in controller and the
    /// object's controller reference names an owner of the kind that it reconciles.
    pub(super) fn of(request: &AdmissionRequest<'a>) -> Option<Self> {
        let operation = request.attributes.operation;
        if !matches!(operation, Operation::Create | Operation::Update) {
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
        let labels = metadata.get("labels");
        has_controllers_kind.then(|| Self {
            controller,
            version: api_version.rsplit('/').next().unwrap_or_default(),
            name: string_field(reference, "name"),
            pod_template_hash: labels
                .map(|labels| string_field(labels, POD_TEMPLATE_HASH))
                .unwrap_or_default(),
            is_creation: operation == Operation::Create,
        })
    }

    /// Returns true if the object is created for such owners, and `binding` applies to them, given
    /// the attributes of the owned object. A binding that selects objects by their labels does not
    /// count: the labels of the owner are unknown, and need not be those of its Pods.
    pub(super) fn is_covered_by(&self, binding: &Binding, owned: &Attributes<'_>) -> bool {
        if !self.is_creation || !binding.match_resources.object_selector.is_empty() {
            return false;
        }
        let attributes = Attributes {
            group: self.controller.group,
            version: self.version,
            resource: self.controller.resource,
            subresource: "",
            name: self.name,
            ..*owned
        };
        binding.match_resources.matches_rules(&attributes)
    }

    /// Returns true if `control` checks the owner's kind. A control for Pods alone does not.
    pub(super) fn is_checked_by(&self, control: &Control) -> bool {
        let kind = Kind::new(self.controller.group, self.controller.kind);
        control.kinds.matches(&kind)
    }

    /// Returns the workload behind the object that `binding` excludes: its kind and its name.
    pub(super) fn excluded_workload(&self, binding: &Binding) -> Option<(&'static str, &'a str)> {
        let owners = binding.match_resources.excluded_owners(self.controller)?;
        // Controllers write references of this version, and exported policies compare it as a whole.
        if self.version != "v1" {
            return None;
        }
        owners.find(self.name, self.pod_template_hash)
    }
}

fn string_field<'a>(node: Node<'a>, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}
