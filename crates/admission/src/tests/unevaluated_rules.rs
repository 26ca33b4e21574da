//! Requests and controls that could not be evaluated.

use super::*;
use kubevet_k8s::matching::{LabelOperator, LabelRequirement, LabelSelector};
use kubevet_model::{EvalError, EvalTier};

#[test]
fn unknown_namespace_labels_are_not_taken_for_no_labels() {
    let requirement = LabelRequirement {
        key: "tier".to_owned(),
        operator: LabelOperator::NotIn,
        values: vec!["x".to_owned()],
    };
    let match_resources = MatchResources {
        namespace_selector: LabelSelector {
            requirements: vec![requirement],
        },
        ..MatchResources::default()
    };
    let selecting = |on_unevaluated| {
        enforcement([Binding {
            match_resources: match_resources.clone(),
            on_unevaluated,
            ..denying(&["C-0057"])
        }])
    };
    let clean = || create(pod("{name: web}"));
    let status = clean()
        .decide(&selecting(OnUnevaluated::Deny))
        .status
        .unwrap();
    assert_eq!(status.code, 503);
    assert!(
        status
            .message
            .contains("labels of the namespace shop are not known"),
        "{}",
        status.message
    );
    let decision = clean().decide(&selecting(OnUnevaluated::Warn));
    assert!(decision.allowed && decision.warnings.len() == 1);
    let decision = clean().decide(&selecting(OnUnevaluated::Allow));
    assert!(decision.allowed && decision.warnings.is_empty() && decision.unevaluated.len() == 1);
    let known = Scenario {
        namespace_labels: Some(Labels::new()),
        ..create(pod(&privileged("web")))
    };
    assert_eq!(
        described(&known.decide(&selecting(OnUnevaluated::Deny))),
        [format!("Deny New C-0057 {PRIVILEGED_PATH}")]
    );
}

#[test]
fn failed_evaluation_is_denied_only_if_the_binding_denies() {
    let decide_failing = |binding: Binding, namespace: &'static str| {
        let scenario = Scenario {
            namespace,
            ..create(pod("{name: web}"))
        };
        let evaluate =
            |_: &Document, _: &Params| Err(EvalError::RuleFailed("it broke down".to_owned()));
        scenario.decide_with(&enforcement([binding]), &evaluate, &|| false)
    };
    let denied = decide_failing(denying(&["C-0057"]), "shop");
    let status = denied.status.unwrap();
    assert_eq!((status.code, status.reason), (503, "ServiceUnavailable"));
    let warned = decide_failing(binding(&["C-0057"], &[Action::Warn]), "shop");
    assert!(warned.allowed);
    assert_eq!(warned.warnings, ["not checked: it broke down"]);
    assert!(decide_failing(denying(&["C-0057"]), "kubevet").allowed);
}

#[test]
fn unreadable_request_follows_the_strictest_binding() {
    let code = |bindings: Vec<Binding>, failure: &ReadFailure| {
        let decision =
            decide_unreadable(&enforcement(bindings), None, &UserInfo::default(), failure);
        decision.status.map(|status| status.code)
    };
    let warns = || binding(&["C-0057"], &[Action::Warn]);
    let denies = || denying(&["C-0057"]);
    let malformed = ReadFailure::Malformed("x".to_owned());
    assert_eq!(code(vec![warns()], &ReadFailure::TooLarge), None);
    assert_eq!(
        code(vec![warns(), denies()], &ReadFailure::TooLarge),
        Some(413)
    );
    assert_eq!(code(vec![denies()], &ReadFailure::Overloaded), Some(429));
    assert_eq!(code(vec![denies()], &malformed), Some(400));
    let lenient = Binding {
        on_unevaluated: OnUnevaluated::Allow,
        ..denies()
    };
    assert_eq!(code(vec![lenient], &ReadFailure::TimedOut), None);
    assert_eq!(code(vec![], &ReadFailure::Panicked), None);
}

#[test]
fn unreadable_request_is_not_denied_if_it_never_is() {
    let is_denied = |operation, subresource, namespace| {
        let requirement = LabelRequirement {
            key: "a".to_owned(),
            operator: LabelOperator::Exists,
            values: Vec::new(),
        };
        let match_resources = MatchResources {
            object_selector: LabelSelector {
                requirements: vec![requirement],
            },
            exclude_namespaces: vec!["free".to_owned()],
            ..MatchResources::default()
        };
        let binding = Binding {
            match_resources,
            ..denying(&["C-0057"])
        };
        let attributes = Attributes {
            operation,
            group: "",
            version: "v1",
            resource: "pods",
            subresource,
            name: "web",
            namespace,
            labels: None,
            old_labels: None,
        };
        let enforcement = enforcement([binding]);
        !decide_unreadable(
            &enforcement,
            Some(&attributes),
            &UserInfo::default(),
            &ReadFailure::Overloaded,
        )
        .allowed
    };
    assert!(
        is_denied(Operation::Create, "", "shop"),
        "a selector excludes nothing while the labels are unknown"
    );
    assert!(!is_denied(Operation::Delete, "", "shop"));
    assert!(!is_denied(Operation::Update, "status", "shop"));
    assert!(!is_denied(Operation::Create, "", "kubevet"));
    assert!(!is_denied(Operation::Create, "", "free"));
}

#[test]
fn unknown_prior_state_makes_no_finding_new() {
    let decide_update = |old: Document, new: Document, binding: Binding| {
        let evaluate = |object: &Document, params: &Params| {
            if object.id().name == "old" {
                Err(EvalError::Deadline(EvalTier::Compiled))
            } else {
                Ok(update_verdict(object, params))
            }
        };
        update(old, new).decide_with(&enforcement([binding]), &evaluate, &|| false)
    };
    let named = |name: &str| privileged_pod(&format!("name: {name}"));
    let decision = decide_update(named("old"), named("web"), denying(&["C-0057"]));
    let status = decision.status.as_ref();
    assert_eq!(status.map(|status| status.code), Some(503), "{decision:?}");
    assert!(decision.outcomes.is_empty() && decision.unevaluated.len() == 1);
    let lenient = Binding {
        on_unevaluated: OnUnevaluated::Warn,
        ..denying(&["C-0057"])
    };
    assert!(decide_update(named("old"), named("web"), lenient).allowed);
    // An object that is being deleted is not held up.
    let deleting = |name: &str| {
        privileged_pod(&format!(
            "name: {name}, deletionTimestamp: '2026-01-01T00:00:00Z'"
        ))
    };
    let denies = denying(&["C-0057"]);
    assert!(decide_update(deleting("old"), deleting("web"), denies).allowed);
}
