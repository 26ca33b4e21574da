//! Reviews of ControlBindings: one that is broken, or has no effect, is rejected when it is applied.
//!
//! A binding that is in the cluster already, and is broken since, never locks its own repair: a write
//! that leaves its `spec` alone, its deletion, and its status pass.

use kubevet_admission::{AdmissionRequest, Decision, DenialStatus};
use kubevet_document::{Document, Node};
use kubevet_model::Operation;
use kubevet_policy::{self as policy, Library};

/// Adds the check of the binding to the decision about a request. Other requests are left alone.
pub(super) fn check_binding(
    request: &AdmissionRequest<'_>,
    library: &Library,
    decision: &mut Decision,
) {
    let Some(document) = request.object.filter(|_| is_checked(request)) else {
        return;
    };
    match policy::read_binding(document, library) {
        Ok(binding) => {
            let check = policy::check_binding(document, &binding, library);
            let problems = check.remarks.iter().map(|remark| &remark.problem);
            let warnings = policy::describe_problems(document, problems);
            decision.warnings.extend(warnings);
        }
        Err(problems) if decision.allowed => {
            decision.allowed = false;
            decision.status = Some(DenialStatus {
                code: 422,
                reason: "Invalid",
                message: policy::describe_problems(document, &problems).join("\n"),
            });
        }
        Err(_) => {}
    }
}

/// True for a request that writes the `spec` of a binding.
fn is_checked(request: &AdmissionRequest<'_>) -> bool {
    let attributes = &request.attributes;
    let writes_spec = match attributes.operation {
        Operation::Create => true,
        Operation::Update => spec(request.object) != spec(request.old_object),
        Operation::Delete | Operation::Connect => false,
    };
    policy::is_binding_resource(attributes.group, attributes.resource)
        && attributes.subresource.is_empty()
        && writes_spec
        && !request.is_being_deleted()
}

/// Returns the `spec` as canonical JSON.
fn spec(object: Option<&Document>) -> Option<String> {
    let spec = object?.root().get("spec")?;
    let mut json = String::new();
    Node::write_canonical_json(spec, &mut json);
    Some(json)
}
