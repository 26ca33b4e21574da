//! The inputs of a decision besides the request: the bindings in force, and callbacks.

use kubevet_document::Document;
use kubevet_k8s::{matching::Labels, workload::custom::CustomWorkloads};
use kubevet_model::{Control, ControlId, EvalError, PathReads, Verdict};
use kubevet_policy::{Binding, Params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Everything that is enforced. It is replaced as a whole.
#[derive(Debug, Clone, Default)]
pub struct Enforcement {
    /// The bindings, in the order of their files or of the cluster.
    pub bindings: Vec<Binding>,
    /// The controls that bindings may name, for their severity and their messages.
    pub controls: BTreeMap<ControlId, Arc<Control>>,
    /// The fields that the conditions behind each control's paths read. A control of which this is
    /// not known has no entry.
    pub path_reads: BTreeMap<ControlId, Vec<PathReads>>,
    /// The kinds of other software with pod specs.
    pub workloads: CustomWorkloads,
    /// Namespaces in which no request is denied: the webhook's own.
    pub exempt_namespaces: BTreeSet<String>,
}

/// The verdict about one object, or the error of its evaluation as a whole.
pub type EvaluationResult = Result<Arc<Verdict>, EvalError>;

/// Evaluates all controls for an object under params.
pub type EvaluateFn<'f> = dyn Fn(&Document, &Params) -> EvaluationResult + 'f;

/// The functions that a decision calls.
pub struct Callbacks<'a> {
    /// Returns the labels of the request's namespace; `None` if they are unknown. It is called only
    /// if a binding depends on them, and at most once.
    pub namespace_labels: &'a dyn Fn() -> Option<Arc<Labels>>,
    /// Evaluates an object. It is called once for each pair of object and params.
    pub evaluate: &'a EvaluateFn<'a>,
    /// Returns true if the caller no longer waits for the decision. Bindings that are not decided
    /// by then count as not evaluated.
    pub is_past_deadline: &'a dyn Fn() -> bool,
}
