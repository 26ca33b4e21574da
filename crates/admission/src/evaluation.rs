//! The evaluation of one request: its inputs, and the conditions that hold for every finding.
//!
//! It is below `decide`, which iterates over the bindings, and `ruling`, which iterates over
//! findings. It takes no action on a finding.

use super::{
    AdmissionRequest, Callbacks, Enforcement, ExclusionReason, UnevaluatedCause,
    UnevaluatedControl, actions::unevaluated_action, controller_owned::ControllerOwner,
    exclusion::excluding_subject, finding_key::FindingKeyHasher, outcomes::OutcomeCollector,
    prior_state::PriorFindings,
};
use kubevet_document::Document;
use kubevet_model::{ControlId, OnOwned, Operation};
use kubevet_policy::{Binding, Params};

/// A binding with its index among all bindings.
pub(super) type IndexedBinding<'b> = (usize, &'b Binding);

/// The evaluation of one request.
pub(super) struct Evaluation<'a> {
    pub(super) enforcement: &'a Enforcement,
    pub(super) request: &'a AdmissionRequest<'a>,
    pub(super) object: &'a Document,
    pub(super) callbacks: &'a Callbacks<'a>,
    pub(super) key_hasher: FindingKeyHasher<'a>,
    /// The owner, if a built-in controller creates or updates the object.
    pub(super) owner: Option<ControllerOwner<'a>>,
    pub(super) is_being_deleted: bool,
}

impl<'a> Evaluation<'a> {
    /// Prepares the evaluation of `object`, which is the object of `request`.
    pub(super) fn new(
        enforcement: &'a Enforcement,
        request: &'a AdmissionRequest<'a>,
        object: &'a Document,
        callbacks: &'a Callbacks<'a>,
    ) -> Self {
        Self {
            enforcement,
            request,
            object,
            callbacks,
            key_hasher: FindingKeyHasher::new(object, enforcement),
            owner: ControllerOwner::of(request),
            is_being_deleted: request.is_being_deleted(),
        }
    }

    /// Returns true if no request in this namespace is denied.
    pub(super) fn is_exempt(&self) -> bool {
        let namespaces = &self.enforcement.exempt_namespaces;
        namespaces.contains(self.request.attributes.namespace)
    }

    /// Returns true if the binding covers the owner of the object, and only warns of owned objects.
    pub(super) fn is_owner_covered(&self, binding: &Binding) -> bool {
        let is_covered =
            |owner: &ControllerOwner<'_>| owner.is_covered_by(binding, &self.request.attributes);
        binding.on_owned == OnOwned::Warn && self.owner.as_ref().is_some_and(is_covered)
    }

    /// Returns the reason why `binding` excludes the request; `None` if it does not.
    pub(super) fn exclusion_reason(&self, binding: &Binding) -> Option<ExclusionReason> {
        if let Some(subject) = excluding_subject(binding, self.request.user) {
            return Some(ExclusionReason::Subject(subject.clone()));
        }
        let (kind, name) = self.owner.as_ref()?.excluded_workload(binding)?;
        Some(ExclusionReason::Owner {
            kind,
            name: name.to_owned(),
        })
    }

    /// Evaluates the old object of an UPDATE; `None` for other operations.
    pub(super) fn prior_findings(&self, params: &Params) -> Option<PriorFindings> {
        let is_update = self.request.attributes.operation == Operation::Update;
        let old_object = self.request.old_object.filter(|_| is_update)?;
        let result = (self.callbacks.evaluate)(old_object, params);
        Some(PriorFindings::new(&self.key_hasher, old_object, result))
    }

    /// Collects a control, or all controls, that could not be evaluated under a binding.
    pub(super) fn add_unevaluated(
        &self,
        binding: &Binding,
        control: Option<ControlId>,
        cause: UnevaluatedCause,
        outcomes: &mut OutcomeCollector,
    ) {
        let never_deny = self.is_exempt()
            || self.is_being_deleted
            || self.request.writes_status()
            || self.request.is_about_binding()
            || self.is_owner_covered(binding);
        outcomes.add_unevaluated(UnevaluatedControl {
            control,
            cause,
            action: unevaluated_action(binding, never_deny),
            binding: binding.name.clone(),
        });
    }
}
