//! The rules of the decision, each as a request and its outcomes, with the embedded library.

mod action_rules;
mod callback_rules;
mod deadline_rules;
mod exclusion_rules;
mod message_rules;
mod owner_rules;
mod unevaluated_rules;
mod update_rules;
mod would_deny_rules;

use super::*;
use kubevet_document::{self as document, Document};
use kubevet_engine::Engine;
use kubevet_k8s::{
    matching::{Attributes, Labels, MatchResources},
    workload::custom::CustomWorkloads,
};
use kubevet_model::{
    Action, EvalRequest, Kind, OnOwned, OnUnevaluated, OnUpdate, Operation, Verdict,
};
use kubevet_policy::{self as policy, Binding, Params};
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

/// The path of the one finding of C-0057 in a Pod whose first container is privileged.
const PRIVILEGED_PATH: &str = "spec.containers[0].securityContext.privileged";

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::compile(&library()).0)
}

/// The embedded library, for the pods of other software, too.
fn library() -> policy::Library {
    let mut library = policy::embedded().0;
    library.set_workloads(CustomWorkloads::shipped());
    library
}

fn binding(controls: &[&str], actions: &[Action]) -> Binding {
    Binding {
        name: "test".to_owned(),
        controls: controls.iter().map(|id| (*id).into()).collect(),
        match_resources: MatchResources::default(),
        exclude_subjects: Vec::new(),
        actions: actions.iter().copied().collect(),
        params: policy::embedded().0.params.defaults(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Deny,
    }
}

fn denying(controls: &[&str]) -> Binding {
    binding(controls, &[Action::Deny])
}

/// Default params but for one, so that a binding with them is in a group of its own.
fn other_params() -> Params {
    let schema = policy::embedded().0.params;
    let mut params = schema.defaults();
    let value = policy::ParamValue::List(vec!["X".to_owned()]);
    params.set(&schema, "insecureCapabilities", value).unwrap();
    params
}

/// These bindings over the embedded library. The namespace `kubevet` is exempt.
fn enforcement(bindings: impl Into<Vec<Binding>>) -> Enforcement {
    let library = library();
    let controls = library.controls.iter().map(|source| &source.control);
    Enforcement {
        bindings: bindings.into(),
        controls: controls
            .map(|control| (control.id.clone(), control.clone()))
            .collect(),
        path_reads: engine().path_reads(),
        workloads: engine().workloads().clone(),
        exempt_namespaces: BTreeSet::from(["kubevet".to_owned()]),
    }
}

fn object(yaml: &str) -> Document {
    let limits = document::Limits::default();
    let reading = document::read(&Arc::from("-"), yaml.as_bytes(), &limits);
    assert_eq!(reading.problems, []);
    reading.documents.into_iter().next().unwrap()
}

/// A Pod with these containers, separated by commas.
fn pod(containers: &str) -> Document {
    object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{containers: [{containers}]}}"
    ))
}

/// A Pod with one privileged container, and this metadata.
fn privileged_pod(metadata: &str) -> Document {
    let container = privileged("web");
    object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{{metadata}}}\nspec: {{containers: [{container}]}}"
    ))
}

fn privileged(name: &str) -> String {
    format!("{{name: {name}, securityContext: {{privileged: true}}}}")
}

/// A request, with the labels of its namespace.
struct Scenario<'a> {
    operation: Operation,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    user: &'a str,
    object: Option<Document>,
    old_object: Option<Document>,
    /// `None`: they are unknown.
    namespace_labels: Option<Labels>,
}

fn create(object: Document) -> Scenario<'static> {
    Scenario {
        operation: Operation::Create,
        resource: "pods",
        subresource: "",
        namespace: "shop",
        user: "ann",
        object: Some(object),
        old_object: None,
        namespace_labels: None,
    }
}

fn update(old_object: Document, object: Document) -> Scenario<'static> {
    Scenario {
        operation: Operation::Update,
        old_object: Some(old_object),
        ..create(object)
    }
}

impl Scenario<'_> {
    /// Decides with the real engine.
    fn decide(&self, enforcement: &Enforcement) -> Decision {
        let request = EvalRequest {
            operation: self.operation,
        };
        let evaluate = |object: &Document, params: &Params| {
            Ok(Arc::new(engine().judge(object, &request, params)))
        };
        self.decide_with(enforcement, &evaluate, &|| false)
    }

    fn decide_with(
        &self,
        enforcement: &Enforcement,
        evaluate: &EvaluateFn<'_>,
        is_past_deadline: &dyn Fn() -> bool,
    ) -> Decision {
        let no_labels = Labels::new();
        let group = if self.resource == "deployments" {
            "apps"
        } else {
            ""
        };
        let attributes = Attributes {
            operation: self.operation,
            group,
            version: "v1",
            resource: self.resource,
            subresource: self.subresource,
            name: "web",
            namespace: self.namespace,
            labels: Some(&no_labels),
            old_labels: None,
        };
        let user = UserInfo {
            name: self.user.to_owned(),
            groups: Vec::new(),
        };
        let kind = match &self.object {
            Some(object) => object.id().group_kind(),
            None => Kind::new("", "Pod"),
        };
        let request = AdmissionRequest {
            attributes,
            kind: &kind,
            user: &user,
            dry_run: false,
            object: self.object.as_ref(),
            old_object: self.old_object.as_ref(),
        };
        let namespace_labels = || self.namespace_labels.clone().map(Arc::new);
        let callbacks = Callbacks {
            namespace_labels: &namespace_labels,
            evaluate,
            is_past_deadline,
        };
        decide(enforcement, &request, &callbacks)
    }
}

/// The real verdict about an object that an UPDATE writes.
fn update_verdict(object: &Document, params: &Params) -> Arc<Verdict> {
    let request = EvalRequest {
        operation: Operation::Update,
    };
    Arc::new(engine().judge(object, &request, params))
}

/// Describes each outcome as `action reason control path`.
fn described(decision: &Decision) -> Vec<String> {
    let describe = |outcome: &FindingOutcome| {
        let action = outcome.action.map_or("none", Action::name);
        let path = outcome.finding.paths.first().map(ToString::to_string);
        format!(
            "{action} {:?} {} {}",
            outcome.reason,
            outcome.finding.control,
            path.unwrap_or_default()
        )
    };
    decision.outcomes.iter().map(describe).collect()
}

#[track_caller]
fn check(
    bindings: impl Into<Vec<Binding>>,
    scenario: &Scenario<'_>,
    expected: &[&str],
) -> Decision {
    let decision = scenario.decide(&enforcement(bindings));
    assert_eq!(described(&decision), expected);
    let denies = expected.iter().any(|outcome| outcome.starts_with("Deny"));
    assert_eq!(
        (decision.allowed, decision.status.is_some()),
        (!denies, denies),
        "{decision:?}"
    );
    decision
}

/// Checks a scenario with one finding: that of C-0057 in the first container.
#[track_caller]
fn check_privileged(binding: Binding, scenario: &Scenario<'_>, expected: &str) -> Decision {
    let expected = format!("{expected} C-0057 {PRIVILEGED_PATH}");
    check([binding], scenario, &[&expected])
}
