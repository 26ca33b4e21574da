//! The decision about one request.

use super::{
    Because, Callbacks, Case, Decision, Outcome, Rules, Status, Unevaluated, annotations,
    identity::{Identifier, Identities},
    outcomes::{Outcomes, Ruling},
    owned::{self, Owner},
    warnings, words,
};
use kubevet_document::Document;
use kubevet_engine as engine;
use kubevet_k8s::matching::{MatchResult, NamespaceLabels};
use kubevet_model::{
    Action, Control, ControlId, Finding, OnOwned, OnUnevaluated, OnUpdate, Operation, Severity,
    Verdict,
};
use kubevet_policy::{Binding, Params};
use std::{cell::OnceCell, cmp::Reverse, sync::Arc};

/// Decides about a request. Where the caller stops waiting, the bindings that are left are not evaluated.
#[must_use]
pub fn decide(rules: &Rules, case: &Case<'_>, callbacks: &Callbacks<'_>) -> Decision {
    let mut decision = Decision {
        allowed: true,
        ..Decision::default()
    };
    if case.attributes.operation == Operation::Delete {
        return decision;
    }
    let Some(object) = case.object else {
        return decision;
    };
    let mut outcomes = Outcomes::default();
    let decider = Decider::new(rules, case, object, callbacks);
    let meant = decider.bindings_meant(&mut outcomes);
    decision.bindings = meant.iter().map(|(_, it)| it.name.clone()).collect();
    for (params, bindings) in by_params(&meant) {
        decider.decide_group(params, &bindings, &mut decision, &mut outcomes);
    }
    outcomes.write(&mut decision);
    conclude(&mut decision, rules, case);
    decision
}

/// Bindings with the same params: one verdict serves them, and is let go before the next is asked for.
fn by_params<'b>(
    bindings: &[(usize, &'b Binding)],
) -> Vec<(&'b Params, Vec<(usize, &'b Binding)>)> {
    let mut groups: Vec<(&Params, Vec<(usize, &Binding)>)> = Vec::new();
    for (place, binding) in bindings {
        match groups
            .iter_mut()
            .find(|(params, _)| **params == binding.params)
        {
            Some((_, group)) => group.push((*place, binding)),
            None => groups.push((&binding.params, vec![(*place, binding)])),
        }
    }
    groups
}

fn looks_at(binding: &Binding, rules: &Rules, case: &Case<'_>) -> bool {
    let looks = |it: &Control| it.kinds.iter().any(|it| engine::looks_at(it, case.kind));
    binding
        .controls
        .iter()
        .any(|it| rules.controls.get(it).is_some_and(|it| looks(it)))
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

/// Findings between two looks at the clock.
const FINDINGS_A_LOOK: usize = 256;
/// What is said of a binding that was not decided in time.
const LATE: &str = "there was no time left to decide about the request";

/// Whether the old object had a finding.
enum Had {
    Yes,
    No,
    /// Nobody can say, and why.
    Unknown(String),
}

/// What the old object had, and which controls could not say.
struct Before {
    identities: Identities,
    answer: Answer,
}

/// Decides about one request, binding by binding.
struct Decider<'a> {
    rules: &'a Rules,
    case: &'a Case<'a>,
    object: &'a Document,
    callbacks: &'a Callbacks<'a>,
    identifier: Identifier<'a>,
    owner: Option<Owner>,
    is_going: bool,
}

impl<'a> Decider<'a> {
    fn new(
        rules: &'a Rules,
        case: &'a Case<'a>,
        object: &'a Document,
        callbacks: &'a Callbacks<'a>,
    ) -> Self {
        Self {
            rules,
            case,
            object,
            callbacks,
            identifier: Identifier::new(object, &rules.reads),
            owner: owned::owner(case),
            is_going: case.is_going(),
        }
    }

    /// The bindings that are meant for the request, each with its place among all. Those of which nobody can say it are
    /// not evaluated.
    fn bindings_meant(&self, outcomes: &mut Outcomes) -> Vec<(usize, &'a Binding)> {
        let labels = OnceCell::new();
        let mut meant = Vec::new();
        for (place, binding) in self.rules.bindings.iter().enumerate() {
            // The namespace does not matter for an object that no control of the binding looks at.
            if binding.match_resources.needs_namespaces()
                && !looks_at(binding, self.rules, self.case)
            {
                continue;
            }
            let known = || match labels.get_or_init(self.callbacks.namespace) {
                Some(labels) => NamespaceLabels::Known(labels),
                None => NamespaceLabels::Unknown,
            };
            match binding
                .match_resources
                .matches(&self.case.attributes, known)
            {
                MatchResult::No => {}
                MatchResult::Yes => meant.push((place, binding)),
                MatchResult::Unknown => {
                    let namespace = self.case.attributes.namespace;
                    let message = format!("the labels of the namespace {namespace} are not known");
                    self.not_evaluated(binding, None, message, outcomes);
                }
            }
        }
        meant
    }

    /// Decides for bindings that share their params.
    fn decide_group(
        &self,
        params: &Params,
        bindings: &[(usize, &Binding)],
        decision: &mut Decision,
        outcomes: &mut Outcomes,
    ) {
        let none_in_time = |outcomes: &mut Outcomes| {
            for (_, binding) in bindings {
                self.not_evaluated(binding, None, LATE.to_owned(), outcomes);
            }
        };
        if (self.callbacks.is_late)() {
            return none_in_time(outcomes);
        }
        let verdict = match (self.callbacks.judge)(self.object, params) {
            Ok(verdict) => verdict,
            Err(why) => {
                for (_, binding) in bindings {
                    self.not_evaluated(binding, None, why.clone(), outcomes);
                }
                return;
            }
        };
        let is_bound =
            |control: &ControlId| bindings.iter().any(|(_, it)| it.controls.contains(control));
        decision
            .judged
            .extend(verdict.judged.iter().filter(|it| is_bound(it)).cloned());
        for error in &verdict.errors {
            for (_, binding) in bindings
                .iter()
                .filter(|(_, it)| it.controls.contains(&error.control))
            {
                self.not_evaluated(
                    binding,
                    Some(error.control.clone()),
                    error.message.clone(),
                    outcomes,
                );
            }
        }
        let before = OnceCell::new();
        for (number, finding) in verdict
            .findings
            .iter()
            .filter(|it| is_bound(&it.control))
            .enumerate()
        {
            if number.is_multiple_of(FINDINGS_A_LOOK) && (self.callbacks.is_late)() {
                return none_in_time(outcomes);
            }
            self.decide_finding(finding, params, bindings, &before, outcomes);
        }
    }

    /// What the bindings make of a finding: the strongest action counts.
    fn decide_finding(
        &self,
        finding: &Finding,
        params: &Params,
        bindings: &[(usize, &Binding)],
        before: &OnceCell<Option<Before>>,
        outcomes: &mut Outcomes,
    ) {
        let mut strongest: Option<Ruling<'_>> = None;
        let had = OnceCell::new();
        for (place, binding) in bindings
            .iter()
            .filter(|(_, it)| it.controls.contains(&finding.control))
        {
            let had = || {
                had.get_or_init(|| {
                    self.had(finding, before.get_or_init(|| self.before(params)).as_ref())
                })
            };
            match self.because(binding, finding, had) {
                Ok(because) => {
                    let ruling = Ruling {
                        place: *place,
                        binding,
                        action: action(binding, because),
                        because,
                    };
                    if strongest.is_none_or(|it| it.action < ruling.action) {
                        strongest = Some(ruling);
                    }
                }
                Err(why) => {
                    let message = format!(
                        "{}, and whether that is new cannot be said: {why}",
                        finding.message
                    );
                    self.not_evaluated(binding, Some(finding.control.clone()), message, outcomes);
                }
            }
        }
        if let Some(ruling) = strongest {
            outcomes.add(finding, ruling);
        }
    }

    fn not_evaluated(
        &self,
        binding: &Binding,
        control: Option<ControlId>,
        message: String,
        outcomes: &mut Outcomes,
    ) {
        let mild = self.is_exempt()
            || self.is_going
            || self.case.writes_status()
            || self.is_owned(binding);
        let action = unevaluated_action(binding, mild);
        outcomes.add_unevaluated(Unevaluated {
            control,
            message,
            action,
            binding: binding.name.clone(),
        });
    }

    /// Why a finding is treated as it is; the error says why that cannot be known.
    fn because<'h>(
        &self,
        binding: &Binding,
        finding: &Finding,
        had: impl FnOnce() -> &'h Had,
    ) -> Result<Because, String> {
        if self.case.writes_status() {
            return Ok(Because::StatusWrite);
        }
        if self.is_exempt() {
            return Ok(Because::Exempt);
        }
        match (had(), binding.on_update) {
            (Had::Yes, OnUpdate::New) => return Ok(Because::Existing),
            // Even where an UPDATE is held to everything, an object must be let go.
            (Had::Yes | Had::Unknown(_), _) if self.is_going => return Ok(Because::Deleting),
            (Had::Unknown(why), OnUpdate::New) => return Err(why.clone()),
            _ => {}
        }
        Ok(if self.is_excused_by_owner(binding, finding) {
            Because::Owned
        } else {
            Because::New
        })
    }

    fn is_exempt(&self) -> bool {
        self.rules
            .exempt_namespaces
            .contains(self.case.attributes.namespace)
    }

    fn is_owned(&self, binding: &Binding) -> bool {
        binding.on_owned == OnOwned::Warn
            && self
                .owner
                .as_ref()
                .is_some_and(|it| it.is_judged_by(binding, self.case))
    }

    fn is_excused_by_owner(&self, binding: &Binding, finding: &Finding) -> bool {
        let control = self.rules.controls.get(&finding.control);
        let asked = |it: &Owner| control.is_some_and(|control| it.is_asked_by(control));
        self.owner.as_ref().is_some_and(asked) && self.is_owned(binding)
    }

    fn had(&self, finding: &Finding, before: Option<&Before>) -> Had {
        let Some(before) = before else { return Had::No };
        match &before.answer {
            _ if before.identities.has(&self.identifier, finding) => Had::Yes,
            Err(why) => Had::Unknown(why.clone()),
            Ok(verdict) => match verdict
                .errors
                .iter()
                .find(|it| it.control == finding.control)
            {
                Some(error) => Had::Unknown(error.message.clone()),
                None => Had::No,
            },
        }
    }

    /// What the old object had under these params; `None` where there is no old object that counts.
    fn before(&self, params: &Params) -> Option<Before> {
        let old = self
            .case
            .old_object
            .filter(|_| self.case.attributes.operation == Operation::Update)?;
        let answer = (self.callbacks.judge)(old, params);
        let findings = answer
            .as_ref()
            .map(|it| it.findings.as_slice())
            .unwrap_or_default();
        let identities = Identities::of(&self.identifier.for_document(old), findings);
        Some(Before { identities, answer })
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
    let severity = |it: &Outcome| {
        rules
            .controls
            .get(&it.finding.control)
            .map_or(Severity::Low, |it| it.severity)
    };
    decision
        .outcomes
        .sort_by_key(|it| (Reverse(it.action), Reverse(severity(it))));
    decision.status = status(decision, rules, case);
    decision.allowed = decision.status.is_none();
    warnings::write(decision, rules);
    annotations::write(decision);
}

fn status(decision: &Decision, rules: &Rules, case: &Case<'_>) -> Option<Status> {
    let denied: Vec<&Outcome> = decision
        .outcomes
        .iter()
        .filter(|it| it.action == Some(Action::Deny))
        .collect();
    let unjudged: Vec<&Unevaluated> = decision
        .unevaluated
        .iter()
        .filter(|it| it.action == Some(Action::Deny))
        .collect();
    let (code, reason) = match (denied.is_empty(), unjudged.is_empty()) {
        (true, true) => return None,
        (false, _) => (403, "Forbidden"),
        (true, false) => (503, "ServiceUnavailable"),
    };
    let more = decision.dropped_count(Action::Deny, None);
    let mut message = words::denial(&denied, more, rules, case);
    words::add_unjudged(&unjudged, &mut message);
    Some(Status {
        code,
        reason,
        message,
    })
}
