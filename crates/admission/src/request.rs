//! The admission request that a decision is made about.
//!
//! It borrows everything from the review that carried it, and knows no binding.

use kubevet_document::{Document, Node};
use kubevet_k8s::matching::Attributes;
use kubevet_model::{Kind, Operation};
use kubevet_policy as policy;

/// The user who sent a request: `userInfo` of an `AdmissionReview`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserInfo {
    /// The name, such as `system:serviceaccount:kube-system:replicaset-controller`.
    pub name: String,
    /// The groups that the user is a member of.
    pub groups: Vec<String>,
}

/// One admission request.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionRequest<'a> {
    /// The attributes that bindings match: operation, resource, name, namespace and labels.
    pub attributes: Attributes<'a>,
    /// The group and kind of the object.
    pub kind: &'a Kind,
    /// The user who sent the request.
    pub user: &'a UserInfo,
    /// True if the API server will not persist the object.
    pub dry_run: bool,
    /// The object after the request; absent for DELETE.
    pub object: Option<&'a Document>,
    /// The object before the request; absent for CREATE and CONNECT.
    pub old_object: Option<&'a Document>,
}

impl AdmissionRequest<'_> {
    /// True if the request writes the `status` subresource only.
    pub(super) fn writes_status(&self) -> bool {
        self.attributes.subresource == "status"
    }

    /// True if the object is a ControlBinding. A request that could not be evaluated is not denied
    /// then: an outage must not lock the repair of the bindings that decide about it.
    pub(super) fn is_about_binding(&self) -> bool {
        policy::is_binding_resource(self.attributes.group, self.attributes.resource)
    }

    /// True for an UPDATE of an object that has a deletion timestamp.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        let has_deletion_timestamp = |object: &Document| {
            object
                .root()
                .get("metadata")
                .and_then(|metadata| metadata.get("deletionTimestamp"))
                .and_then(Node::as_str)
                .is_some()
        };
        self.attributes.operation == Operation::Update
            && self
                .old_object
                .or(self.object)
                .is_some_and(has_deletion_timestamp)
    }
}
