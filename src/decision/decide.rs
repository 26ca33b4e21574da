//! The decision about one request.

use super::{
    Because, Case, Decision, Judge, Outcome, Rules, Status, Unevaluated, annotations,
    identity::Identities,
    owned::{self, Owner},
    warnings, words,
};
use crate::{
    document::Document,
    matching::{Labels, Matching, NamespaceLabels},
    model::{Action, Finding, OnOwned, OnUnevaluated, OnUpdate, Operation, Severity, Verdict},
    policy::{Binding, Params},
};
use std::{
    cell::{OnceCell, RefCell},
    cmp::Reverse,
    sync::Arc,
};

/// Decides. `namespace` is asked for the labels of the request's namespace only where a binding hangs on them; `None`
/// means that nobody knows. `judge` is asked once for each object and set of params.
#[must_use]
pub fn decide(
    rules: &Rules,
    case: &Case<'_>,
    namespace: &dyn Fn() -> Option<Arc<Labels>>,
    judge: &Judge<'_>,
) -> Decision {
    let mut decision = Decision { allowed: true, ..Decision::default() };
    if case.attributes.operation == Operation::Delete {
        return decision;
    }
    let Some(object) = case.object else { return decision };
    let hearing = Hearing::new(rules, case, object, judge);
    let labels = OnceCell::new();
    for binding in &rules.bindings {
        let known = || match labels.get_or_init(namespace) {
            Some(labels) => NamespaceLabels::Known(labels),
            None => NamespaceLabels::Unknown,
        };
        match binding.match_resources.matches(&case.attributes, known) {
            Matching::No => {}
            Matching::Yes => hearing.hear(binding, &mut decision),
            Matching::Unknown => {
                let message = format!("the labels of the namespace {} are not known", case.attributes.namespace);
                hearing.not_evaluated(binding, None, message, &mut decision);
            }
        }
    }
    conclude(&mut decision, rules, case);
    decision
}

/// What happens under a binding to what could not be judged. `mild`: it must not be denied.
pub(super) fn unevaluated_action(binding: &Binding, mild: bool) -> Option<Action> {
    let denies = binding.actions.contains(&Action::Deny) && !mild;
    match binding.on_unevaluated {
        OnUnevaluated::Allow => None,
        OnUnevaluated::Deny if denies => Some(Action::Deny),
        OnUnevaluated::Warn | OnUnevaluated::Deny => Some(Action::Warn),
    }
}

type Answer = Result<Arc<Verdict>, String>;

/// One request before all bindings: each question is asked once.
struct Hearing<'a> {
    rules: &'a Rules,
    case: &'a Case<'a>,
    object: &'a Document,
    judge: &'a Judge<'a>,
    answers: RefCell<Vec<(Params, Answer)>>,
    before: RefCell<Vec<(Params, Arc<Identities>)>>,
    owner: Option<Owner>,
    going: bool,
}

impl<'a> Hearing<'a> {
    fn new(rules: &'a Rules, case: &'a Case<'a>, object: &'a Document, judge: &'a Judge<'a>) -> Self {
        Self {
            rules,
            case,
            object,
            judge,
            answers: RefCell::default(),
            before: RefCell::default(),
            owner: owned::owner(case),
            going: case.is_going(),
        }
    }

    fn hear(&self, binding: &Binding, decision: &mut Decision) {
        decision.bindings.push(binding.name.clone());
        let verdict = match self.verdict(&binding.params) {
            Ok(verdict) => verdict,
            Err(why) => return self.not_evaluated(binding, None, why, decision),
        };
        decision.judged.extend(verdict.judged.iter().filter(|it| binding.controls.contains(it)).cloned());
        for error in verdict.errors.iter().filter(|it| binding.controls.contains(&it.control)) {
            self.not_evaluated(binding, Some(error.control.clone()), error.message.clone(), decision);
        }
        for finding in verdict.findings.iter().filter(|it| binding.controls.contains(&it.control)) {
            let because = self.because(binding, finding);
            let action = action(binding, because);
            decision.outcomes.push(Outcome {
                finding: finding.clone(),
                action,
                because,
                binding: binding.name.clone(),
            });
        }
    }

    fn not_evaluated(
        &self,
        binding: &Binding,
        control: Option<crate::model::ControlId>,
        message: String,
        decision: &mut Decision,
    ) {
        let mild = self.is_exempt() || self.going || self.case.writes_status() || self.is_owned(binding);
        decision.unevaluated.push(Unevaluated { control, message, action: unevaluated_action(binding, mild) });
    }

    fn because(&self, binding: &Binding, finding: &Finding) -> Because {
        if self.case.writes_status() {
            return Because::Deleting;
        }
        if self.is_exempt() {
            return Because::Exempt;
        }
        if self.had(binding, finding) {
            // Even where an UPDATE is held to everything, an object must be let go.
            match binding.on_update {
                OnUpdate::New => return Because::Existing,
                OnUpdate::All if self.going => return Because::Deleting,
                OnUpdate::All => {}
            }
        }
        if self.is_owned(binding) { Because::Owned } else { Because::New }
    }

    fn is_exempt(&self) -> bool {
        self.rules.exempt_namespaces.contains(self.case.attributes.namespace)
    }

    fn is_owned(&self, binding: &Binding) -> bool {
        binding.on_owned == OnOwned::Warn && self.owner.as_ref().is_some_and(|it| it.is_judged_by(binding, self.case))
    }

    /// Whether the old object had the finding.
    fn had(&self, binding: &Binding, finding: &Finding) -> bool {
        let Some(old) = self.case.old_object.filter(|_| self.case.attributes.operation == Operation::Update) else {
            return false;
        };
        self.before(old, &binding.params).has(self.object, finding)
    }

    fn before(&self, old: &Document, params: &Params) -> Arc<Identities> {
        if let Some((_, known)) = self.before.borrow().iter().find(|(it, _)| it == params) {
            return Arc::clone(known);
        }
        // An old object without an answer has no findings that could excuse new ones.
        let verdict = (self.judge)(old, params).unwrap_or_default();
        let identities = Arc::new(Identities::of(old, &verdict.findings));
        self.before.borrow_mut().push((params.clone(), Arc::clone(&identities)));
        identities
    }

    fn verdict(&self, params: &Params) -> Answer {
        if let Some((_, answer)) = self.answers.borrow().iter().find(|(it, _)| it == params) {
            return answer.clone();
        }
        let answer = (self.judge)(self.object, params);
        self.answers.borrow_mut().push((params.clone(), answer.clone()));
        answer
    }
}

fn action(binding: &Binding, because: Because) -> Option<Action> {
    let strongest = binding.actions.iter().next_back().copied();
    match strongest {
        Some(Action::Deny) if because != Because::New => Some(Action::Warn),
        other => other,
    }
}

fn conclude(decision: &mut Decision, rules: &Rules, case: &Case<'_>) {
    decision.judged.sort();
    decision.judged.dedup();
    // Of several bindings, the one that does most about a finding counts.
    decision.outcomes.sort_by(|a, b| a.finding.cmp(&b.finding).then(b.action.cmp(&a.action)));
    decision.outcomes.dedup_by(|later, kept| later.finding == kept.finding);
    let severity = |it: &Outcome| rules.controls.get(&it.finding.control).map_or(Severity::Low, |it| it.severity);
    decision.outcomes.sort_by_key(|it| (Reverse(it.action), Reverse(severity(it))));
    decision
        .unevaluated
        .sort_by(|a, b| (&a.control, &a.message).cmp(&(&b.control, &b.message)).then(b.action.cmp(&a.action)));
    decision.unevaluated.dedup_by(|later, kept| later.control == kept.control && later.message == kept.message);
    decision.status = status(decision, rules, case);
    decision.allowed = decision.status.is_none();
    warnings::write(decision, rules);
    annotations::write(decision);
}

fn status(decision: &Decision, rules: &Rules, case: &Case<'_>) -> Option<Status> {
    let denied: Vec<&Outcome> = decision.outcomes.iter().filter(|it| it.action == Some(Action::Deny)).collect();
    if !denied.is_empty() {
        return Some(Status { code: 403, reason: "Forbidden", message: words::denial(&denied, rules, case) });
    }
    let unjudged: Vec<&Unevaluated> =
        decision.unevaluated.iter().filter(|it| it.action == Some(Action::Deny)).collect();
    (!unjudged.is_empty()).then(|| Status {
        code: 503,
        reason: "ServiceUnavailable",
        message: words::unjudged(&unjudged),
    })
}
