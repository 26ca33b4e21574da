//! The decision about one request.

use super::{
    Because, Case, Decision, Judge, Outcome, Rules, Status, Unevaluated, annotations,
    identity::Identities,
    owned::{self, Owner},
    warnings, words,
};
use crate::{
    document::Document,
    engine,
    matching::{Labels, Matching, NamespaceLabels},
    model::{Action, Control, ControlId, Finding, OnOwned, OnUnevaluated, OnUpdate, Operation, Severity, Verdict},
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
        // Nobody need know a namespace for an object that no control of the binding looks at.
        if binding.match_resources.needs_namespaces() && !looks_at(binding, rules, case) {
            continue;
        }
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

fn looks_at(binding: &Binding, rules: &Rules, case: &Case<'_>) -> bool {
    let looks = |it: &Control| it.kinds.iter().any(|it| engine::looks_at(it, case.kind));
    binding.controls.iter().any(|it| rules.controls.get(it).is_some_and(|it| looks(it)))
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

/// What the old object had, and which controls could not say.
type Before = Arc<(Identities, Answer)>;

/// Whether the old object had a finding.
enum Had {
    Yes,
    No,
    /// Nobody could say, and why.
    Unknown(String),
}

/// One request before all bindings: each question is asked once.
struct Hearing<'a> {
    rules: &'a Rules,
    case: &'a Case<'a>,
    object: &'a Document,
    judge: &'a Judge<'a>,
    answers: RefCell<Vec<(Params, Answer)>>,
    before: RefCell<Vec<(Params, Before)>>,
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
            let because = match self.because(binding, finding) {
                Ok(because) => because,
                Err(why) => {
                    let message = format!("{}, and whether that is new cannot be said: {why}", finding.message);
                    self.not_evaluated(binding, Some(finding.control.clone()), message, decision);
                    continue;
                }
            };
            let action = action(binding, because);
            decision.outcomes.push(Outcome {
                finding: finding.clone(),
                action,
                because,
                binding: binding.name.clone(),
            });
        }
    }

    fn not_evaluated(&self, binding: &Binding, control: Option<ControlId>, message: String, decision: &mut Decision) {
        let mild = self.is_exempt() || self.going || self.case.writes_status() || self.is_owned(binding);
        let action = unevaluated_action(binding, mild);
        decision.unevaluated.push(Unevaluated { control, message, action, binding: binding.name.clone() });
    }

    /// Why a finding is treated as it is; the error says why that cannot be known.
    fn because(&self, binding: &Binding, finding: &Finding) -> Result<Because, String> {
        if self.case.writes_status() {
            return Ok(Because::StatusWrite);
        }
        if self.is_exempt() {
            return Ok(Because::Exempt);
        }
        match (self.had(binding, finding), binding.on_update) {
            (Had::Yes, OnUpdate::New) => return Ok(Because::Existing),
            // Even where an UPDATE is held to everything, an object must be let go.
            (Had::Yes | Had::Unknown(_), _) if self.going => return Ok(Because::Deleting),
            (Had::Unknown(why), OnUpdate::New) => return Err(why),
            _ => {}
        }
        Ok(if self.is_excused_by_owner(binding, finding) { Because::Owned } else { Because::New })
    }

    fn is_exempt(&self) -> bool {
        self.rules.exempt_namespaces.contains(self.case.attributes.namespace)
    }

    fn is_owned(&self, binding: &Binding) -> bool {
        binding.on_owned == OnOwned::Warn && self.owner.as_ref().is_some_and(|it| it.is_judged_by(binding, self.case))
    }

    fn is_excused_by_owner(&self, binding: &Binding, finding: &Finding) -> bool {
        let control = self.rules.controls.get(&finding.control);
        let asked = |it: &Owner| control.is_some_and(|control| it.is_asked_by(control));
        self.owner.as_ref().is_some_and(asked) && self.is_owned(binding)
    }

    fn had(&self, binding: &Binding, finding: &Finding) -> Had {
        let Some(old) = self.case.old_object.filter(|_| self.case.attributes.operation == Operation::Update) else {
            return Had::No;
        };
        let before = self.before(old, &binding.params);
        let (identities, answer) = &*before;
        match answer {
            _ if identities.has(self.object, finding) => Had::Yes,
            Err(why) => Had::Unknown(why.clone()),
            Ok(verdict) => match verdict.errors.iter().find(|it| it.control == finding.control) {
                Some(error) => Had::Unknown(error.message.clone()),
                None => Had::No,
            },
        }
    }

    fn before(&self, old: &Document, params: &Params) -> Before {
        once(&self.before, params, || {
            let answer = (self.judge)(old, params);
            let findings = answer.as_ref().map(|it| it.findings.as_slice()).unwrap_or_default();
            Arc::new((Identities::of(old, findings), answer.clone()))
        })
    }

    fn verdict(&self, params: &Params) -> Answer {
        once(&self.answers, params, || (self.judge)(self.object, params))
    }
}

/// What was answered for these params, or is now.
fn once<T: Clone>(answered: &RefCell<Vec<(Params, T)>>, params: &Params, ask: impl FnOnce() -> T) -> T {
    if let Some((_, known)) = answered.borrow().iter().find(|(it, _)| it == params) {
        return known.clone();
    }
    let answer = ask();
    answered.borrow_mut().push((params.clone(), answer.clone()));
    answer
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
    let unjudged: Vec<&Unevaluated> =
        decision.unevaluated.iter().filter(|it| it.action == Some(Action::Deny)).collect();
    let (code, reason) = match (denied.is_empty(), unjudged.is_empty()) {
        (true, true) => return None,
        (false, _) => (403, "Forbidden"),
        (true, false) => (503, "ServiceUnavailable"),
    };
    let mut message = words::denial(&denied, rules, case);
    words::add_unjudged(&unjudged, &mut message);
    Some(Status { code, reason, message })
}
