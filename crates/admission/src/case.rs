//! What is decided upon, the rules that hold, and what comes of it.

use kubevet_document::Document;
use kubevet_k8s::matching::{Attributes, Labels};
use kubevet_model::{Action, Control, ControlId, Finding, Kind, Operation, PathReads, Verdict};
use kubevet_policy::{Binding, Params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The user's name, such as `system:serviceaccount:kube-system:replicaset-controller`.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What is asked for.
    pub attributes: Attributes<'a>,
    /// The group and kind of the object.
    pub kind: &'a Kind,
    /// Who asks.
    pub user: &'a User,
    /// Whether nothing will be kept.
    pub dry_run: bool,
    /// The object; absent for DELETE.
    pub object: Option<&'a Document>,
    /// The object as it was.
    pub old_object: Option<&'a Document>,
}

/// What holds. Swapped as one.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The bindings.
    pub bindings: Vec<Binding>,
    /// The controls that they may name, for their words.
    pub controls: BTreeMap<ControlId, Arc<Control>>,
    /// What the conditions behind each control's paths read, where that is known.
    pub reads: BTreeMap<ControlId, Vec<PathReads>>,
    /// Namespaces in which nothing is denied: the gate's own.
    pub exempt_namespaces: BTreeSet<String>,
    /// The place of accepted findings.
    pub exceptions: (),
}

/// Asked for each object and each set of params. The error says why there is no answer at all.
pub type Judge<'j> = dyn Fn(&Document, &Params) -> Result<Arc<Verdict>, String> + 'j;

/// What a decision asks for while it is made.
pub struct Callbacks<'a> {
    /// The labels of the request's namespace; `None` where nobody knows them. Called only where a binding depends on
    /// them.
    pub namespace: &'a dyn Fn() -> Option<Arc<Labels>>,
    /// Called once for each object and set of params.
    pub judge: &'a Judge<'a>,
    /// Whether the caller no longer waits. What is not decided by then is not evaluated.
    pub is_late: &'a dyn Fn() -> bool,
}

/// What is done about a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Whether it goes through.
    pub allowed: bool,
    /// Why not; absent where it goes through.
    pub status: Option<Status>,
    /// What the client is told, worst first, within the API server's limits.
    pub warnings: Vec<String>,
    /// What the audit log is told.
    pub annotations: BTreeMap<String, String>,
    /// Findings and what was made of each, worst first; the first of each control and action.
    pub outcomes: Vec<Outcome>,
    /// Findings that are not among the outcomes, counted.
    pub dropped: Vec<Dropped>,
    /// What could not be judged.
    pub unevaluated: Vec<Unevaluated>,
    /// The controls that answered.
    pub judged: Vec<ControlId>,
    /// The bindings that are meant for the request.
    pub bindings: Vec<String>,
}

/// Findings of one control, action and binding that a decision counts without keeping them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The control.
    pub control: ControlId,
    /// What was done about them.
    pub action: Option<Action>,
    /// The binding that did it.
    pub binding: String,
    /// How many.
    pub count: usize,
}

impl Decision {
    /// How many findings there are, with those that were not kept.
    #[must_use]
    pub fn findings_count(&self) -> usize {
        self.outcomes.len() + self.dropped.iter().map(|it| it.count).sum::<usize>()
    }

    /// How many findings of an action were not kept: of one control, or of all.
    pub(super) fn dropped_count(&self, action: Action, control: Option<&ControlId>) -> usize {
        let counted = |it: &&Dropped| {
            it.action == Some(action) && control.is_none_or(|control| it.control == *control)
        };
        self.dropped.iter().filter(counted).map(|it| it.count).sum()
    }
}

/// The status of a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The HTTP status that the client gets.
    pub code: u16,
    /// Kubernetes' word for it.
    pub reason: &'static str,
    /// The words. The first line is useful alone.
    pub message: String,
}

/// A finding and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The finding.
    pub finding: Finding,
    /// The strongest that was done.
    pub action: Option<Action>,
    /// Why it was that.
    pub because: Because,
    /// The binding that did it.
    pub binding: String,
}

/// Why a finding is treated as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// The request brings it in.
    New,
    /// The object had it before.
    Existing,
    /// A built-in controller makes the object for an owner that is judged itself.
    Owned,
    /// The namespace is exempt.
    Exempt,
    /// The object is going away.
    Deleting,
    /// Only the status is written.
    StatusWrite,
}

/// Something that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unevaluated {
    /// The control; `None` where it is all of them.
    pub control: Option<ControlId>,
    /// Why.
    pub message: String,
    /// What was done about it.
    pub action: Option<Action>,
    /// The binding that did it.
    pub binding: String,
}

impl Case<'_> {
    /// Whether only the status is written.
    pub(super) fn writes_status(&self) -> bool {
        self.attributes.subresource == "status"
    }

    /// Whether the object is on its way out, and this is a change of it.
    pub(super) fn is_going(&self) -> bool {
        let going = |it: &Document| {
            it.root()
                .get("metadata")
                .and_then(|it| it.get("deletionTimestamp"))
                .is_some_and(|it| it.as_str().is_some())
        };
        self.attributes.operation == Operation::Update
            && self.old_object.or(self.object).is_some_and(going)
    }
}
