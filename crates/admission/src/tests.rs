//! The rules of the decision, each as a request and what comes of it, with the real library.

use super::*;
use kubevet_document::{self as document, Document};
use kubevet_engine::Engine;
use kubevet_k8s::matching::{
    Attributes, LabelOperator, LabelRequirement, LabelSelector, Labels, MatchResources,
    ResourceRule, RuleScope,
};
use kubevet_model::{Action, EvalRequest, Kind, OnOwned, OnUnevaluated, OnUpdate, Operation};
use kubevet_policy::{self as policy, Binding};
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::compile(&policy::embedded().0).0)
}

fn binding(controls: &[&str], actions: &[Action]) -> Binding {
    Binding {
        name: "test".to_owned(),
        controls: controls.iter().map(|it| (*it).into()).collect(),
        match_resources: MatchResources::default(),
        actions: actions.iter().copied().collect(),
        params: policy::embedded().0.params.defaults(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Deny,
    }
}

fn deny(controls: &[&str]) -> Binding {
    binding(controls, &[Action::Deny])
}

fn rules(bindings: impl Into<Vec<Binding>>) -> Rules {
    let controls = policy::embedded()
        .0
        .controls
        .iter()
        .map(|it| (it.control.id.clone(), it.control.clone()))
        .collect();
    let exempt_namespaces = BTreeSet::from(["kubevet".to_owned()]);
    Rules {
        bindings: bindings.into(),
        controls,
        reads: engine().path_reads(),
        exempt_namespaces,
        exceptions: (),
    }
}

fn object(yaml: &str) -> Document {
    let reading = document::read(
        &Arc::from("-"),
        yaml.as_bytes(),
        &document::Limits::default(),
    );
    assert_eq!(reading.problems, []);
    reading.documents.into_iter().next().unwrap()
}

fn pod(containers: &str) -> Document {
    object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec: {{containers: [{containers}]}}"
    ))
}

fn privileged(name: &str) -> String {
    format!("{{name: {name}, securityContext: {{privileged: true}}}}")
}

/// A request, and who is asked about namespaces.
struct Asked<'a> {
    operation: Operation,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    user: &'a str,
    object: Option<Document>,
    old: Option<Document>,
    labels: Option<Labels>,
}

fn create(object: Document) -> Asked<'static> {
    Asked {
        operation: Operation::Create,
        resource: "pods",
        subresource: "",
        namespace: "shop",
        user: "ann",
        object: Some(object),
        old: None,
        labels: None,
    }
}

fn update(old: Document, new: Document) -> Asked<'static> {
    Asked {
        operation: Operation::Update,
        old: Some(old),
        ..create(new)
    }
}

impl Asked<'_> {
    fn decide(&self, rules: &Rules) -> Decision {
        let none = Labels::new();
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
            labels: Some(&none),
            old_labels: None,
        };
        let user = User {
            name: self.user.to_owned(),
            groups: Vec::new(),
        };
        let kind = self
            .object
            .as_ref()
            .map_or_else(|| Kind::new("", "Pod"), |it| it.id().group_kind());
        let case = Case {
            attributes,
            kind: &kind,
            user: &user,
            dry_run: false,
            object: self.object.as_ref(),
            old_object: self.old.as_ref(),
        };
        let request = EvalRequest {
            operation: self.operation,
        };
        let namespace = || self.labels.clone().map(Arc::new);
        let judge = |object: &Document, params: &policy::Params| {
            Ok(Arc::new(engine().judge(object, &request, params)))
        };
        decide(
            rules,
            &case,
            &Callbacks {
                namespace: &namespace,
                judge: &judge,
                is_late: &|| false,
            },
        )
    }
}

/// What was made of each finding: `action because control path`.
fn outcomes(decision: &Decision) -> Vec<String> {
    let line = |it: &Outcome| {
        let action = it.action.map_or("none", Action::name);
        let path = it
            .finding
            .paths
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{action} {:?} {} {path}", it.because, it.finding.control)
    };
    decision.outcomes.iter().map(line).collect()
}

#[track_caller]
fn check(bindings: impl Into<Vec<Binding>>, asked: &Asked<'_>, expected: &[&str]) -> Decision {
    let decision = asked.decide(&rules(bindings));
    assert_eq!(outcomes(&decision), expected);
    let denies = expected.iter().any(|it| it.starts_with("Deny"));
    assert_eq!(
        (decision.allowed, decision.status.is_some()),
        (!denies, denies),
        "{decision:?}"
    );
    decision
}

#[test]
fn the_action_is_the_bindings() {
    let asked = create(pod(&privileged("web")));
    let path = "C-0057 spec.containers[0].securityContext.privileged";
    check([deny(&["C-0057"])], &asked, &[&format!("Deny New {path}")]);
    check(
        [binding(&["C-0057"], &[Action::Warn, Action::Audit])],
        &asked,
        &[&format!("Warn New {path}")],
    );
    let audited = check(
        [binding(&["C-0057"], &[Action::Audit])],
        &asked,
        &[&format!("Audit New {path}")],
    );
    assert!(audited.warnings.is_empty());
    assert_eq!(
        audited.annotations.get("audited").map(String::as_str),
        Some(path)
    );
    let other = check(
        [deny(&["C-0016"])],
        &create(pod(
            "{name: web, securityContext: {allowPrivilegeEscalation: false}}",
        )),
        &[],
    );
    assert_eq!(other.judged, ["C-0016".into()]);
    assert!(other.annotations.is_empty() && other.warnings.is_empty());
}

#[test]
fn of_several_bindings_the_strongest_counts() {
    let warns = Binding {
        name: "a".to_owned(),
        ..binding(&["C-0057"], &[Action::Warn])
    };
    let denies = Binding {
        name: "b".to_owned(),
        ..deny(&["C-0057"])
    };
    let decision = check(
        [warns, denies],
        &create(pod(&privileged("web"))),
        &["Deny New C-0057 spec.containers[0].securityContext.privileged"],
    );
    assert_eq!(decision.bindings, ["a", "b"]);
    assert!(
        decision
            .status
            .is_some_and(|it| it.message.contains("[binding b]"))
    );
}

#[test]
fn an_update_is_held_to_what_it_brings_in() {
    let bad = || pod(&privileged("web"));
    let relabelled = object(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {a: b}}\nspec: {containers: [{name: web, image: new, securityContext: {privileged: true}}]}",
    );
    let existing = ["Warn Existing C-0057 spec.containers[0].securityContext.privileged"];
    let decision = check([deny(&["C-0057"])], &update(bad(), relabelled), &existing);
    assert!(
        decision
            .warnings
            .iter()
            .any(|it| it.ends_with("(already there)")),
        "{:?}",
        decision.warnings
    );
    // A second one, put before the first, is the new one.
    let two = pod(&format!("{}, {}", privileged("first"), privileged("web")));
    check(
        [deny(&["C-0057"])],
        &update(bad(), two),
        &[
            "Deny New C-0057 spec.containers[0].securityContext.privileged",
            "Warn Existing C-0057 spec.containers[1].securityContext.privileged",
        ],
    );
    let all = Binding {
        on_update: OnUpdate::All,
        ..deny(&["C-0057"])
    };
    check(
        [all],
        &update(bad(), bad()),
        &["Deny New C-0057 spec.containers[0].securityContext.privileged"],
    );
}

#[test]
fn a_value_swapped_for_another_is_new() {
    let with = |capability: &str| {
        pod(&format!(
            "{{name: web, securityContext: {{capabilities: {{add: [NET_ADMIN, {capability}]}}}}}}"
        ))
    };
    check(
        [deny(&["C-0046"])],
        &update(with("SYS_ADMIN"), with("SYS_MODULE")),
        &[
            "Deny New C-0046 spec.containers[0].securityContext.capabilities.add[1]",
            "Warn Existing C-0046 spec.containers[0].securityContext.capabilities.add[0]",
        ],
    );
    let swapped =
        pod("{name: web, securityContext: {capabilities: {add: [SYS_ADMIN, NET_ADMIN]}}}");
    let decision = update(with("SYS_ADMIN"), swapped).decide(&rules([deny(&["C-0046"])]));
    assert!(
        decision.allowed,
        "another order is nothing new: {:?}",
        outcomes(&decision)
    );
}

#[test]
fn what_goes_away_is_let_go() {
    let going = |finalizers: &str| {
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: {finalizers}}}\nspec: {{containers: [{}]}}",
            privileged("web")
        ))
    };
    let all = || Binding {
        on_update: OnUpdate::All,
        ..deny(&["C-0057"])
    };
    check(
        [all()],
        &update(going("[a]"), going("[]")),
        &["Warn Deleting C-0057 spec.containers[0].securityContext.privileged"],
    );
    // Being on the way out excuses nothing new: its containers still run.
    let clean = object(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web}]}",
    );
    check(
        [all()],
        &update(clean, going("[a]")),
        &["Deny New C-0057 spec.containers[0].securityContext.privileged"],
    );
    let status = Asked {
        subresource: "status",
        ..update(pod("{name: a}"), pod(&privileged("web")))
    };
    check(
        [all()],
        &status,
        &["Warn StatusWrite C-0057 spec.containers[0].securityContext.privileged"],
    );
    let delete = Asked {
        operation: Operation::Delete,
        object: None,
        ..create(pod(&privileged("web")))
    };
    check([all()], &delete, &[]);
}

fn owned(api_version: &str, kind: &str, controller: bool) -> Document {
    object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ownerReferences: [{{apiVersion: {api_version}, kind: {kind}, name: web, controller: {controller}}}]}}\nspec: {{containers: [{}]}}",
        privileged("web")
    ))
}

#[test]
fn pods_of_old_violators_live() {
    let path = "C-0057 spec.containers[0].securityContext.privileged";
    let by = |user| Asked {
        user,
        ..create(owned("apps/v1", "ReplicaSet", true))
    };
    check(
        [deny(&["C-0057"])],
        &by(CONTROLLER),
        &[&format!("Warn Owned {path}")],
    );
    // A reference alone exempts nobody, nor does a controller's name in another namespace, nor another's owner.
    let denied = [format!("Deny New {path}")];
    let denied: Vec<&str> = denied.iter().map(String::as_str).collect();
    for user in [
        "ann",
        "system:serviceaccount:shop:replicaset-controller",
        "system:serviceaccount:kube-system:default",
        "system:serviceaccount:kube-system:job-controller",
    ] {
        check([deny(&["C-0057"])], &by(user), &denied);
    }
    for document in [
        owned("apps/v1", "ReplicaSet", false),
        owned("example.com/v1", "ReplicaSet", true),
        owned("apps/v1", "Deployment", true),
        pod(&privileged("web")),
    ] {
        check(
            [deny(&["C-0057"])],
            &Asked {
                user: CONTROLLER,
                ..create(document)
            },
            &denied,
        );
    }
    let strict = Binding {
        on_owned: OnOwned::Deny,
        ..deny(&["C-0057"])
    };
    check([strict], &by(CONTROLLER), &denied);
}

#[test]
fn an_owner_that_the_binding_does_not_look_at_was_not_judged() {
    let rule = |resources: &[&str], groups: &[&str]| ResourceRule {
        api_groups: groups.iter().map(ToString::to_string).collect(),
        api_versions: vec!["*".to_owned()],
        resources: resources.iter().map(ToString::to_string).collect(),
        operations: Vec::new(),
        scope: RuleScope::All,
        resource_names: Vec::new(),
    };
    let scope = |rules| MatchResources {
        resource_rules: rules,
        ..MatchResources::default()
    };
    let asked = Asked {
        user: CONTROLLER,
        ..create(owned("apps/v1", "ReplicaSet", true))
    };
    let pods_alone = Binding {
        match_resources: scope(vec![rule(&["pods"], &[""])]),
        ..deny(&["C-0057"])
    };
    check(
        [pods_alone],
        &asked,
        &["Deny New C-0057 spec.containers[0].securityContext.privileged"],
    );
    let both = vec![rule(&["pods"], &[""]), rule(&["replicasets"], &["apps"])];
    let both = Binding {
        match_resources: scope(both),
        ..deny(&["C-0057"])
    };
    check(
        [both],
        &asked,
        &["Warn Owned C-0057 spec.containers[0].securityContext.privileged"],
    );
    // Labels are an object's own: the Pod's say nothing about its owner's.
    let requirement = LabelRequirement {
        key: "tier".to_owned(),
        operator: LabelOperator::DoesNotExist,
        values: Vec::new(),
    };
    let labelled = MatchResources {
        object_selector: LabelSelector {
            requirements: vec![requirement],
        },
        ..MatchResources::default()
    };
    let selecting = Binding {
        match_resources: labelled,
        ..deny(&["C-0057"])
    };
    check(
        [selecting],
        &asked,
        &["Deny New C-0057 spec.containers[0].securityContext.privileged"],
    );
}

#[test]
fn a_namespace_that_nobody_knows_is_not_a_namespace_without_labels() {
    let requirement = LabelRequirement {
        key: "tier".to_owned(),
        operator: LabelOperator::NotIn,
        values: vec!["x".to_owned()],
    };
    let scope = MatchResources {
        namespace_selector: LabelSelector {
            requirements: vec![requirement],
        },
        ..MatchResources::default()
    };
    let selecting = |on_unevaluated| Binding {
        match_resources: scope.clone(),
        on_unevaluated,
        ..deny(&["C-0057"])
    };
    let clean = || create(pod("{name: web}"));
    let decision = clean().decide(&rules([selecting(OnUnevaluated::Deny)]));
    assert_eq!(decision.status.as_ref().map(|it| it.code), Some(503));
    assert!(decision.status.is_some_and(|it| {
        it.message
            .contains("labels of the namespace shop are not known")
    }));
    let decision = clean().decide(&rules([selecting(OnUnevaluated::Warn)]));
    assert!(decision.allowed && decision.warnings.len() == 1);
    let decision = clean().decide(&rules([selecting(OnUnevaluated::Allow)]));
    assert!(decision.allowed && decision.warnings.is_empty() && decision.unevaluated.len() == 1);
    let known = Asked {
        labels: Some(Labels::new()),
        ..create(pod(&privileged("web")))
    };
    check(
        [selecting(OnUnevaluated::Deny)],
        &known,
        &["Deny New C-0057 spec.containers[0].securityContext.privileged"],
    );
}

#[test]
fn what_is_not_judged_is_denied_only_where_the_binding_denies() {
    let fails = |bindings: Vec<Binding>, namespace: &'static str| {
        let asked = Asked {
            namespace,
            ..create(pod("{name: web}"))
        };
        let rules = rules(bindings);
        let user = User::default();
        let kind = Kind::new("", "Pod");
        let attributes = Attributes {
            operation: Operation::Create,
            group: "",
            version: "v1",
            resource: "pods",
            subresource: "",
            name: "web",
            namespace,
            labels: None,
            old_labels: None,
        };
        let case = Case {
            attributes,
            kind: &kind,
            user: &user,
            dry_run: false,
            object: asked.object.as_ref(),
            old_object: None,
        };
        let judge = |_: &Document, _: &policy::Params| Err("it broke down".to_owned());
        decide(
            &rules,
            &case,
            &Callbacks {
                namespace: &|| None,
                judge: &judge,
                is_late: &|| false,
            },
        )
    };
    let denied = fails(vec![deny(&["C-0057"])], "shop");
    assert_eq!(
        denied.status.map(|it| (it.code, it.reason)),
        Some((503, "ServiceUnavailable"))
    );
    let warned = fails(vec![binding(&["C-0057"], &[Action::Warn])], "shop");
    assert!(
        warned.allowed && warned.warnings == ["not judged: it broke down"],
        "{:?}",
        warned.warnings
    );
    assert!(fails(vec![deny(&["C-0057"])], "kubevet").allowed);
}

#[test]
fn requests_that_were_not_read_follow_the_strictest_binding() {
    let code = |bindings: Vec<Binding>, why: &Unread| {
        decide_unread(&rules(bindings), None, why)
            .status
            .map(|it| it.code)
    };
    let warns = || binding(&["C-0057"], &[Action::Warn]);
    assert_eq!(code(vec![warns()], &Unread::TooLarge), None);
    assert_eq!(
        code(vec![warns(), deny(&["C-0057"])], &Unread::TooLarge),
        Some(413)
    );
    assert_eq!(
        code(vec![deny(&["C-0057"])], &Unread::Overloaded),
        Some(429)
    );
    assert_eq!(
        code(vec![deny(&["C-0057"])], &Unread::Broken("x".to_owned())),
        Some(400)
    );
    let lenient = Binding {
        on_unevaluated: OnUnevaluated::Allow,
        ..deny(&["C-0057"])
    };
    assert_eq!(code(vec![lenient], &Unread::TimedOut), None);
    assert_eq!(code(vec![], &Unread::Panicked), None);
}

#[test]
fn the_gates_own_namespace_is_told_and_not_denied() {
    let asked = Asked {
        namespace: "kubevet",
        ..create(pod(&privileged("web")))
    };
    check(
        [deny(&["C-0057"])],
        &asked,
        &["Warn Exempt C-0057 spec.containers[0].securityContext.privileged"],
    );
}

#[test]
fn an_ephemeral_container_is_what_the_update_brings_in() {
    let debugged = object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{}], ephemeralContainers: [{}]}}",
        privileged("web"),
        privileged("debug")
    ));
    let asked = Asked {
        subresource: "ephemeralcontainers",
        ..update(pod(&privileged("web")), debugged)
    };
    check(
        [deny(&["C-0057"])],
        &asked,
        &[
            "Deny New C-0057 spec.ephemeralContainers[0].securityContext.privileged",
            "Warn Existing C-0057 spec.containers[0].securityContext.privileged",
        ],
    );
}

#[test]
fn a_denials_first_line_is_useful_alone() {
    let decision = create(pod(&privileged("web"))).decide(&rules([deny(&["C-0057"])]));
    assert_eq!(
        decision.status.unwrap().message,
        "C-0057 Privileged container: container web is privileged: it can do everything that the node can \
         (spec.containers[0].securityContext.privileged): set it to false [binding test]"
    );
}

#[test]
fn words_stay_within_their_bounds() {
    let hostile = format!("w\\e[1m\\n\\u202e{}", "é🦀".repeat(5000));
    let containers: Vec<String> = (0..500)
        .map(|it| format!("{{\"name\": \"{it}{hostile}\", securityContext: {{privileged: true}}}}"))
        .collect();
    let asked = create(pod(&containers.join(", ")));
    let denied = asked.decide(&rules([deny(&["C-0057", "C-0013", "C-0016"])]));
    let message = denied.status.unwrap().message;
    assert!(message.len() <= 4096, "{}", message.len());
    assert!(
        message.lines().count() <= 22 && message.lines().all(|it| it.chars().count() <= 300),
        "{message}"
    );
    assert!(!message.contains(['\u{1b}', '\u{202e}']) && message.contains("more"));
    let warned = asked.decide(&rules([binding(
        &["C-0057", "C-0013", "C-0016"],
        &[Action::Warn],
    )]));
    assert!(
        warned.warnings.len() <= 13 && warned.warnings.iter().all(|it| it.chars().count() <= 120)
    );
    assert!(
        warned
            .warnings
            .iter()
            .map(|it| it.chars().count())
            .sum::<usize>()
            < 4096
    );
    assert!(
        warned
            .warnings
            .first()
            .is_some_and(|it| it.contains("C-0057") && it.contains("(500 times)")),
        "{:?}",
        warned.warnings
    );
    assert!(
        warned
            .annotations
            .values()
            .all(|it| it.chars().count() <= 8192)
    );
}

/// A request about a Pod in `shop`, decided with answers made up here.
fn decide_with(
    bindings: Vec<Binding>,
    operation: Operation,
    old: Option<&Document>,
    object: &Document,
    judge: &Judge<'_>,
) -> Decision {
    let rules = rules(bindings);
    let (user, kind) = (User::default(), Kind::new("", "Pod"));
    let attributes = Attributes {
        operation,
        group: "",
        version: "v1",
        resource: "pods",
        subresource: "",
        name: "web",
        namespace: "shop",
        labels: None,
        old_labels: None,
    };
    let case = Case {
        attributes,
        kind: &kind,
        user: &user,
        dry_run: false,
        object: Some(object),
        old_object: old,
    };
    decide(
        &rules,
        &case,
        &Callbacks {
            namespace: &|| None,
            judge,
            is_late: &|| false,
        },
    )
}

fn real(object: &Document, params: &policy::Params) -> Arc<kubevet_model::Verdict> {
    Arc::new(engine().judge(
        object,
        &EvalRequest {
            operation: Operation::Update,
        },
        params,
    ))
}

#[test]
fn where_nobody_can_say_what_was_there_nothing_is_called_new() {
    let going = |it: &str| {
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {it}, deletionTimestamp: '2026-01-01T00:00:00Z'}}\nspec: {{containers: [{}]}}",
            privileged("web")
        ))
    };
    let decided = |old: Document, new: Document, bindings: Vec<Binding>| {
        let judge = |object: &Document, params: &policy::Params| {
            if object.id().name == "old" {
                Err("no time was left".to_owned())
            } else {
                Ok(real(object, params))
            }
        };
        decide_with(bindings, Operation::Update, Some(&old), &new, &judge)
    };
    let named = |name: &str| {
        let containers = privileged("web");
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{containers}]}}"
        ))
    };
    let (old, new) = (named("old"), named("web"));
    let decision = decided(old.clone(), new.clone(), vec![deny(&["C-0057"])]);
    assert_eq!(
        decision.status.as_ref().map(|it| it.code),
        Some(503),
        "{decision:?}"
    );
    assert!(decision.outcomes.is_empty() && decision.unevaluated.len() == 1);
    let lenient = Binding {
        on_unevaluated: OnUnevaluated::Warn,
        ..deny(&["C-0057"])
    };
    assert!(decided(old, new, vec![lenient]).allowed);
    // What goes away is let go all the same.
    assert!(decided(going("old"), going("web"), vec![deny(&["C-0057"])]).allowed);
}

#[test]
fn each_question_is_asked_once() {
    let asked = std::cell::Cell::new(0);
    let judge = |object: &Document, params: &policy::Params| {
        asked.set(asked.get() + 1);
        Ok(real(object, params))
    };
    let count = |bindings: Vec<Binding>, containers: &str| {
        asked.set(0);
        let object = pod(containers);
        decide_with(bindings, Operation::Update, Some(&object), &object, &judge);
        asked.get()
    };
    let other = || {
        let schema = policy::embedded().0.params;
        let mut params = schema.defaults();
        params
            .set(
                &schema,
                "insecureCapabilities",
                policy::ParamValue::List(vec!["X".to_owned()]),
            )
            .unwrap();
        Binding {
            params,
            ..deny(&["C-0057"])
        }
    };
    assert_eq!(
        count(vec![deny(&["C-0057"]), deny(&["C-0057"])], "{name: web}"),
        1,
        "a clean object needs no old one"
    );
    assert_eq!(
        count(
            vec![deny(&["C-0057"]), deny(&["C-0057"])],
            &privileged("web")
        ),
        2
    );
    assert_eq!(
        count(vec![deny(&["C-0057"]), other()], &privileged("web")),
        4
    );
}

#[test]
fn a_denial_tells_findings_and_what_was_not_judged() {
    let judge = |object: &Document, params: &policy::Params| {
        let mut verdict = (*real(object, params)).clone();
        let (control, message) = ("C-0016".into(), "it takes too long".to_owned());
        verdict
            .errors
            .push(kubevet_model::RuleError { control, message });
        Ok(Arc::new(verdict))
    };
    let object = pod(&privileged("web"));
    let decision = decide_with(
        vec![deny(&["C-0016", "C-0057"])],
        Operation::Create,
        None,
        &object,
        &judge,
    );
    let status = decision.status.unwrap();
    assert_eq!(status.code, 403);
    assert!(status.message.starts_with("C-0057 "), "{}", status.message);
    assert!(
        status
            .message
            .contains("\nC-0016 could not be judged: it takes too long"),
        "{}",
        status.message
    );
    let clean = decide_with(
        vec![deny(&["C-0013"])],
        Operation::Create,
        None,
        &object,
        &|_, _| Ok(Arc::default()),
    );
    assert!(
        clean.allowed,
        "errors of other controls are another binding's"
    );
}

#[test]
fn connections_are_refused_where_a_binding_says_so() {
    let exec = object("apiVersion: v1\nkind: PodExecOptions\ncontainer: web\ncommand: [sh]\n");
    let asked = Asked {
        operation: Operation::Connect,
        subresource: "exec",
        ..create(exec)
    };
    let decision = check([deny(&["K-0001"])], &asked, &["Deny New K-0001 command"]);
    assert!(decision.status.unwrap().message.contains("(pod shop/web)"));
    check([deny(&["C-0057"])], &asked, &[]);
    let proxy = object("apiVersion: v1\nkind: NodeProxyOptions\npath: /exec/shop/web/main\n");
    let asked = Asked {
        operation: Operation::Connect,
        subresource: "proxy",
        ..create(proxy)
    };
    check([deny(&["K-0001"])], &asked, &["Deny New K-0001 path"]);
}

#[test]
fn what_is_never_denied_is_not_denied_unread_either() {
    let attributes = |operation, subresource, namespace| Attributes {
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
    let denied = |operation, subresource, namespace| {
        let selecting = MatchResources {
            object_selector: LabelSelector {
                requirements: vec![LabelRequirement {
                    key: "a".to_owned(),
                    operator: LabelOperator::Exists,
                    values: Vec::new(),
                }],
            },
            exclude_namespaces: vec!["free".to_owned()],
            ..MatchResources::default()
        };
        let binding = Binding {
            match_resources: selecting,
            ..deny(&["C-0057"])
        };
        let request = attributes(operation, subresource, namespace);
        !decide_unread(&rules([binding]), Some(&request), &Unread::Overloaded).allowed
    };
    assert!(
        denied(Operation::Create, "", "shop"),
        "labels that nobody knows take nothing out"
    );
    assert!(!denied(Operation::Delete, "", "shop"));
    assert!(!denied(Operation::Update, "status", "shop"));
    assert!(!denied(Operation::Create, "", "kubevet"));
    assert!(!denied(Operation::Create, "", "free"));
}

#[test]
fn places_are_named_by_what_their_lists_are_merged_by() {
    let with = |env: &str, ports: &str, list: &str| {
        let first = if list == "containers" {
            ""
        } else {
            "containers: [{name: app}], "
        };
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{{first}{list}: [{{name: web, env: [{env}], ports: [{ports}], securityContext: {{privileged: true}}}}]}}"
        ))
    };
    let allowed = |controls: &[&str], old: Document, new: Document| {
        update(old, new).decide(&rules([deny(controls)])).allowed
    };
    let port = |number: u16| format!("{{containerPort: 80, hostPort: {number}}}");
    let ports = |ports: &str| with("", ports, "containers");
    let two = format!("{{containerPort: 81}}, {}", port(80));
    assert!(
        allowed(&["C-0044"], ports(&port(80)), ports(&two)),
        "another port before it is no other port"
    );
    assert!(
        !allowed(&["C-0044"], ports(&port(80)), ports(&port(81))),
        "another host port is"
    );
    assert!(
        !allowed(
            &["C-0057"],
            with("", "", "containers"),
            with("", "", "initContainers")
        ),
        "another list is"
    );
}

/// Another node path behind the same mount, or another volume of the node under it, is another way to the node's files.
#[test]
fn a_mount_that_leads_elsewhere_is_new() {
    let mounting = |volume: &str, first: &str| {
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: web, volumeMounts: [{{name: {volume}, mountPath: /a}}]}}], volumes: [{{name: one, hostPath: {{path: {first}}}}}, {{name: two, hostPath: {{path: /var/log}}}}]}}"
        ))
    };
    for control in ["C-0045", "C-0048"] {
        let denied = |old: Document, new: Document| {
            !update(old, new).decide(&rules([deny(&[control])])).allowed
        };
        assert!(
            !denied(mounting("one", "/var/log"), mounting("one", "/var/log")),
            "{control}"
        );
        assert!(
            denied(mounting("one", "/var/log"), mounting("one", "/")),
            "{control}: the volume's path"
        );
        assert!(
            denied(mounting("one", "/var/log"), mounting("two", "/var/log")),
            "{control}: the volume"
        );
    }
}

/// However many findings lead to a value, it is read once.
#[test]
fn identities_of_many_findings_of_one_value_read_it_once() {
    let mounts: Vec<String> = (0..2_000)
        .map(|it| format!("{{name: v, mountPath: /m{it}}}"))
        .collect();
    let path = "a".repeat(100_000);
    let pod = object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{{name: web, volumeMounts: [{}]}}], volumes: [{{name: v, hostPath: {{path: /{path}}}}}]}}",
        mounts.join(", ")
    ));
    let verdict = real(&pod, &policy::embedded().0.params.defaults());
    let findings: Vec<_> = verdict
        .findings
        .iter()
        .filter(|it| it.control == "C-0048".into())
        .collect();
    assert_eq!(findings.len(), 2_000);
    let reads = engine().path_reads();
    let identifier = identity::Identifier::new(&pod, &reads);
    drop(identity::Identities::of(&identifier, findings));
    assert!(
        identifier.hashed_bytes() < 500_000,
        "{} bytes",
        identifier.hashed_bytes()
    );
}

/// A decision that is late says so for every binding that is left, and what it has found still counts.
#[test]
fn bindings_that_are_not_decided_in_time_are_not_evaluated() {
    let schema = policy::embedded().0.params;
    let mut params = schema.defaults();
    params
        .set(
            &schema,
            "insecureCapabilities",
            policy::ParamValue::List(vec!["X".to_owned()]),
        )
        .unwrap();
    let second = Binding {
        name: "second".to_owned(),
        params,
        ..deny(&["C-0057"])
    };
    let decided = |after: usize, bindings: Vec<Binding>| {
        let (rules, user, kind) = (rules(bindings), User::default(), Kind::new("", "Pod"));
        let object = pod(&privileged("web"));
        let attributes = Attributes {
            operation: Operation::Create,
            group: "",
            version: "v1",
            resource: "pods",
            subresource: "",
            name: "web",
            namespace: "shop",
            labels: None,
            old_labels: None,
        };
        let case = Case {
            attributes,
            kind: &kind,
            user: &user,
            dry_run: false,
            object: Some(&object),
            old_object: None,
        };
        let looks = std::cell::Cell::new(0);
        let is_late = || {
            looks.set(looks.get() + 1);
            looks.get() > after
        };
        let judge = |object: &Document, params: &policy::Params| Ok(real(object, params));
        decide(
            &rules,
            &case,
            &Callbacks {
                namespace: &|| None,
                judge: &judge,
                is_late: &is_late,
            },
        )
    };
    let late = decided(0, vec![deny(&["C-0057"]), second.clone()]);
    assert_eq!(
        (late.outcomes.len(), late.unevaluated.len()),
        (0, 1),
        "one message for all bindings: {late:?}"
    );
    assert_eq!(late.status.map(|it| it.code), Some(503));
    let half = decided(2, vec![deny(&["C-0057"]), second.clone()]);
    assert_eq!(
        (half.outcomes.len(), half.unevaluated.len()),
        (1, 1),
        "{half:?}"
    );
    assert_eq!(half.status.map(|it| it.code), Some(403));
    let lenient = Binding {
        on_unevaluated: OnUnevaluated::Warn,
        ..second
    };
    assert!(decided(0, vec![lenient]).allowed);
}

/// Outcomes are bounded over all bindings, and what is not kept is counted.
#[test]
fn outcomes_are_bounded_and_the_rest_is_counted() {
    let containers: Vec<String> = (0..3_000).map(|it| privileged(&format!("c{it}"))).collect();
    let bindings: Vec<Binding> = (0..20)
        .map(|it| Binding {
            name: format!("b{it}"),
            ..binding(&["C-0057"], &[Action::Warn])
        })
        .collect();
    let decision = create(pod(&containers.join(", "))).decide(&rules(bindings));
    assert_eq!(
        (decision.outcomes.len(), decision.findings_count()),
        (500, 3_000)
    );
    assert!(
        decision
            .warnings
            .iter()
            .any(|it| it.contains("(3000 times)")),
        "{:?}",
        decision.warnings
    );
}
