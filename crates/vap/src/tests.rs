//! Exports of controls whose CEL is given here.

use super::*;
use kubevet_cel::{
    CelBundle, CelTarget, ControlCel, CostSkip, Expr, FindingKeys, PolicyVariable, ReadableCheck,
    ReadableControl,
};
use kubevet_k8s::{
    matching::{MatchResources, RequestSubject, ResourceRule, RuleScope},
    workload::custom::CustomWorkloads,
};
use kubevet_model::{
    Action, Control, ControlId, Kind, KindSelector, OnOwned, OnUnevaluated, OnUpdate, Scope,
    Severity,
};
use kubevet_policy::{Binding, Params};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

fn control(id: &str, kinds: Vec<KindSelector>) -> Arc<Control> {
    Arc::new(Control {
        id: ControlId::from(id),
        name: format!("Name of {id}"),
        kubescape_name: None,
        risk: String::new(),
        check: String::new(),
        remediation: String::new(),
        example: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
        severity: if id == "C-0057" {
            Severity::High
        } else {
            Severity::Low
        },
        score: 8.0,
        kubescape_score: None,
        cause: None,
        category: String::new(),
        kinds,
        scope: vec![Scope::Cluster],
        params: vec!["allowed".to_owned()],
        requires_any_param: if id == "C-0078" {
            vec!["allowed".to_owned()]
        } else {
            Vec::new()
        },
        public_rules: Vec::new(),
        sensitive: false,
    })
}

fn controls() -> BTreeMap<ControlId, Arc<Control>> {
    let pod = KindSelector::Kind(Kind::new("", "Pod"));
    let exec = KindSelector::Kind(Kind::new("", "PodExecOptions"));
    let all = [
        control("C-0057", vec![KindSelector::Workloads]),
        control("C-0013", vec![KindSelector::Workloads]),
        control(
            "C-0012",
            vec![
                KindSelector::Workloads,
                KindSelector::Kind(Kind::new("", "ConfigMap")),
            ],
        ),
        control("C-0073", vec![pod.clone()]),
        control("C-0129", vec![pod]),
        control("C-0078", vec![KindSelector::Workloads]),
        control("K-0001", vec![exec]),
        control("X-0001", vec![KindSelector::Workloads]),
    ];
    all.into_iter()
        .map(|control| (control.id.clone(), control))
        .collect()
}

/// A stand-in for the emitter: a control passes if the pod spec lacks a field of its name.
struct StandIn(BTreeMap<ControlId, Arc<Control>>);

impl EmitCel for StandIn {
    fn emit(&self, ids: &[ControlId], _: &CelTarget<'_>) -> CelBundle {
        emit(&self.0, ids)
    }

    fn emit_readable(&self, id: &ControlId, _: &CelTarget<'_>) -> Result<ReadableControl, String> {
        let bundle = emit(&self.0, std::slice::from_ref(id));
        let control = bundle.controls.first().ok_or("rule.rego:3:1: walk")?;
        Ok(ReadableControl {
            control: control.control.clone(),
            variables: bundle.variables,
            checks: vec![ReadableCheck {
                passes: control.passes.clone(),
                message: Expr::string(format!("{id}: it is wrong")),
            }],
            reads_params: false,
            skipped: control.skipped.clone(),
        })
    }

    fn rule_name(&self, id: &ControlId) -> Option<String> {
        Some(format!("{id}/rule.rego"))
    }
}

fn emit(all: &BTreeMap<ControlId, Arc<Control>>, ids: &[ControlId]) -> CelBundle {
    let mut bundle = CelBundle {
        variables: vec![PolicyVariable {
            name: "podSpec".to_owned(),
            expression: Expr::ident("object").select("spec"),
        }],
        ..CelBundle::default()
    };
    for id in ids {
        if id.as_str() == "X-0001" {
            let reason = "rule.rego:3:1: walk".to_owned();
            bundle.unsupported.push((id.clone(), reason));
            continue;
        }
        bundle.controls.push(emit_control(&all[id]));
    }
    bundle.passes = Expr::all(bundle.controls.iter().map(|control| control.passes.clone()));
    let skipped = bundle
        .controls
        .iter()
        .filter_map(|control| control.skipped.as_ref());
    bundle.may_be_skipped = Expr::any(skipped.map(|skip| skip.condition.clone()));
    bundle
}

fn emit_control(control: &Arc<Control>) -> ControlCel {
    let id = control.id.as_str();
    let key = |items: Vec<Expr>| Expr::List(vec![Expr::List(items)]);
    let data = Expr::ident("object").select("data");
    ControlCel {
        control: control.clone(),
        passes: Expr::variable("podSpec")
            .opt_select(&id.replace('-', "_"))
            .has_value()
            .negated(),
        not_applicable: Expr::Bool(false),
        message_iff_finding: true,
        messages: Expr::strings(["it is wrong"]),
        only_message: (id == "C-0129").then(|| "a flag is wrong".to_owned()),
        keys: (id != "C-0129").then(|| FindingKeys {
            new: key(vec![Expr::string(id)]),
            old: key(vec![Expr::string(id), Expr::Int(1)]),
            depth: 1,
        }),
        reads_params: false,
        skipped: (id == "C-0012").then(|| CostSkip {
            condition: Expr::call("size", data.clone()).exceeds(Expr::Int(100)),
            message: "its data is over 100".to_owned(),
            product: Expr::call("size", data),
        }),
        lacks_params: Expr::Bool(false),
        none_found: Expr::Bool(true),
        is_other_kind: Expr::Bool(false),
    }
}

pub(crate) fn binding(ids: &[&str], actions: &[Action]) -> Binding {
    Binding {
        name: "nsa".to_owned(),
        controls: ids.iter().map(|id| ControlId::from(*id)).collect(),
        match_resources: MatchResources::default(),
        exclude_subjects: Vec::new(),
        actions: actions.iter().copied().collect(),
        params: Params::default(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Deny,
    }
}

/// A rule for resources of a group, of these names if there are any.
pub(crate) fn rule_for(group: &str, resource: &str, names: &[&str]) -> ResourceRule {
    ResourceRule {
        api_groups: vec![group.to_owned()],
        api_versions: vec!["*".to_owned()],
        resources: vec![resource.to_owned()],
        operations: Vec::new(),
        scope: RuleScope::All,
        resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn options() -> ExportOptions {
    ExportOptions {
        packing: Packing::Packed,
        params: ParamsIn::Policies,
        min_kube: 30,
        exempt: vec!["kube-system".to_owned()],
        custom: CustomWorkloads::default(),
        named: true,
        bound: true,
    }
}

fn exported(binding: Binding, options: &ExportOptions) -> Export {
    export(&[binding], &controls(), options, &StandIn(controls()))
}

/// The objects in short: kind, name, and what a policy covers or a binding does.
#[track_caller]
fn check(export: &Export, expected: &[&str]) {
    let line = |object: &ExportedObject| {
        let text = |path: &str| {
            object
                .body
                .pointer(path)
                .map(|value| value.to_string().replace('"', ""))
                .unwrap_or_default()
        };
        let rules = object
            .body
            .pointer("/spec/matchConstraints/resourceRules")
            .and_then(Value::as_array);
        let resources: Vec<String> = rules
            .into_iter()
            .flatten()
            .map(|rule| rule["resources"].to_string().replace('"', ""))
            .collect();
        let what = text("/metadata/annotations/kubevet.io~1controls");
        let actions = text("/spec/validationActions");
        let short = object.kind.trim_start_matches("ValidatingAdmission");
        format!(
            "{short} {} {what}{actions} {}",
            object.name,
            resources.concat()
        )
        .trim_end()
        .to_owned()
    };
    assert_eq!(
        export.objects.iter().map(line).collect::<Vec<_>>(),
        expected
    );
}

fn only<'e>(export: &'e Export, name: &str) -> &'e Value {
    &export
        .objects
        .iter()
        .find(|object| object.name == name && object.kind == "ValidatingAdmissionPolicy")
        .unwrap()
        .body
}

fn variable(policy: &Value, name: &str) -> String {
    let all = policy["spec"]["variables"].as_array().unwrap();
    all.iter()
        .find(|variable| variable["name"] == name)
        .unwrap()["expression"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn control_that_no_update_fails_is_about_creation() {
    let export = exported(binding(&["C-0129"], &[Action::Deny]), &options());
    check(
        &export,
        &[
            "Policy kubevet-binding-nsa-pods C-0129 [pods]",
            "PolicyBinding kubevet-binding-nsa-pods [Deny]",
        ],
    );
    let both = exported(binding(&["C-0073", "C-0129"], &[Action::Deny]), &options());
    check(
        &both,
        &[
            "Policy kubevet-binding-nsa-pods C-0073,C-0129 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-binding-nsa-pods-excused C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "PolicyBinding kubevet-binding-nsa-pods [Deny]",
            "PolicyBinding kubevet-binding-nsa-pods-excused [Warn]",
        ],
    );
    assert_eq!(
        variable(only(&both, "kubevet-binding-nsa-pods"), "C_0129"),
        "!variables.podSpec.?C_0129.hasValue() || request.operation == 'UPDATE'\n  ? []\n  : ['C-0129', 'a flag is wrong']"
    );
}

#[test]
fn workloads_share_a_policy_and_a_control_of_pods_alone_has_another() {
    let export = exported(
        binding(&["C-0057", "C-0013", "C-0073", "K-0001"], &[Action::Deny]),
        &options(),
    );
    check(
        &export,
        &[
            "Policy kubevet-binding-nsa-workloads C-0013,C-0057 [pods,pods/ephemeralcontainers,pods/resize,podtemplates,replicationcontrollers][daemonsets,deployments,replicasets,statefulsets][cronjobs,jobs]",
            "Policy kubevet-binding-nsa-workloads-excused C-0013,C-0057 [pods,pods/ephemeralcontainers,pods/resize,podtemplates][replicationcontrollers][replicasets][daemonsets,deployments,statefulsets][jobs][cronjobs]",
            "Policy kubevet-binding-nsa-pods C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-binding-nsa-pods-excused C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-binding-nsa-connections K-0001 [pods/exec]",
            "PolicyBinding kubevet-binding-nsa-workloads [Deny]",
            "PolicyBinding kubevet-binding-nsa-workloads-excused [Warn]",
            "PolicyBinding kubevet-binding-nsa-pods [Deny]",
            "PolicyBinding kubevet-binding-nsa-pods-excused [Warn]",
            "PolicyBinding kubevet-binding-nsa-connections [Deny]",
        ],
    );
}

#[test]
fn kinds_of_other_software_have_policies_of_their_own() {
    let options = ExportOptions {
        custom: CustomWorkloads::shipped(),
        ..options()
    };
    let rule = |group: &str, resource: &str| rule_for(group, resource, &[]);
    let scoped = Binding {
        match_resources: MatchResources {
            resource_rules: vec![
                rule("argoproj.io", "rollouts"),
                rule("argoproj.io", "workflows"),
                rule("serving.knative.dev", "revisions"),
                rule("tekton.dev", "tasks"),
            ],
            ..MatchResources::default()
        },
        ..binding(&["C-0057", "C-0073"], &[Action::Deny])
    };
    let export = exported(scoped, &options);
    let names: Vec<&str> = export.objects.iter().map(|object| &*object.name).collect();
    let policies = [
        "kubevet-binding-nsa-custom.podtemplates",
        "kubevet-binding-nsa-custom.podtemplates-excused",
        "kubevet-binding-nsa-custom.pods",
        "kubevet-binding-nsa-custom.pods-excused",
        "kubevet-binding-nsa-custom.workflows",
        "kubevet-binding-nsa-custom.workflows-excused",
    ];
    assert_eq!(names, [policies, policies].concat());
    let rules =
        |name: &str| only(&export, name)["spec"]["matchConstraints"]["resourceRules"].clone();
    assert_eq!(
        rules("kubevet-binding-nsa-custom.podtemplates"),
        json!([{"apiGroups": ["argoproj.io"], "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE"], "resources": ["rollouts"]}])
    );
    // No built-in controller creates such an object.
    assert_eq!(
        rules("kubevet-binding-nsa-custom.pods-excused"),
        json!([{"apiGroups": ["serving.knative.dev"], "apiVersions": ["*"],
            "operations": ["UPDATE"], "resources": ["revisions"]}])
    );
}

#[test]
fn policy_of_one_control_of_several_is_named_after_it() {
    let options = ExportOptions {
        packing: Packing::OnePerControl,
        named: false,
        ..options()
    };
    let export = exported(
        binding(&["C-0073", "K-0001"], &[Action::Warn, Action::Audit]),
        &options,
    );
    check(
        &export,
        &[
            "Policy kubevet-nsa.c-0073-pods C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-nsa.c-0073-pods-excused C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-nsa.k-0001-connections K-0001 [pods/exec]",
            "PolicyBinding kubevet-nsa.c-0073-pods [Warn,Audit]",
            "PolicyBinding kubevet-nsa.c-0073-pods-excused [Warn]",
            "PolicyBinding kubevet-nsa.k-0001-connections [Warn,Audit]",
        ],
    );
    assert_eq!(
        only(&export, "kubevet-nsa.c-0073-pods")["metadata"]["labels"]["controlId"],
        "C-0073"
    );
}

#[test]
fn packing_changes_nothing_about_one_control() {
    let of = |packing| {
        let options = ExportOptions {
            packing,
            named: false,
            ..options()
        };
        let mut one = binding(&["C-0073"], &[Action::Deny]);
        one.name = "c-0073".to_owned();
        exported(one, &options)
    };
    check(
        &of(Packing::OnePerControl),
        &[
            "Policy kubevet-c-0073-pods C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-c-0073-pods-excused C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "PolicyBinding kubevet-c-0073-pods [Deny]",
            "PolicyBinding kubevet-c-0073-pods-excused [Warn]",
        ],
    );
    assert_eq!(
        of(Packing::OnePerControl).objects,
        of(Packing::Packed).objects
    );
}

#[test]
fn unbound_policy_is_named_after_its_control_alone() {
    let options = ExportOptions {
        packing: Packing::OnePerControl,
        named: false,
        bound: false,
        ..options()
    };
    check(
        &exported(binding(&["K-0001", "C-0073"], &[Action::Warn]), &options),
        &[
            "Policy kubevet-c-0073 C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-c-0073-excused C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-k-0001 K-0001 [pods/exec]",
        ],
    );
}

#[test]
fn skipped_object_is_reported_by_a_policy() {
    let scope = MatchResources {
        resource_rules: vec![rule_for("", "configmaps", &[])],
        ..MatchResources::default()
    };
    let ids = ["C-0012", "C-0073", "C-0078", "X-0001"];
    let export = exported(
        Binding {
            match_resources: scope,
            ..binding(&ids, &[Action::Audit])
        },
        &options(),
    );
    check(
        &export,
        &[
            "Policy kubevet-binding-nsa-configmaps C-0012 [configmaps]",
            "Policy kubevet-binding-nsa-configmaps-excused C-0012 [configmaps]",
            "Policy kubevet-binding-nsa-configmaps-unjudged C-0012 [configmaps]",
            "PolicyBinding kubevet-binding-nsa-configmaps [Audit]",
            "PolicyBinding kubevet-binding-nsa-configmaps-excused [Audit]",
            "PolicyBinding kubevet-binding-nsa-configmaps-unjudged [Warn]",
        ],
    );
    let words: Vec<String> = export
        .skipped
        .iter()
        .map(|skipped| format!("{} {}", skipped.control, skipped.message))
        .collect();
    assert_eq!(
        words,
        [
            "C-0073 applies to nothing that the binding nsa takes",
            "C-0078 is not configured: give allowed a value",
            "X-0001 applies to nothing that the binding nsa takes",
        ]
    );
    assert_eq!(
        variable(
            only(&export, "kubevet-binding-nsa-configmaps-unjudged"),
            "found"
        ),
        "[size(object.data) > 100 ? ['C-0012', 'not checked: its data is over 100'] : []].filter(f, f != [])"
    );
}

#[test]
fn unsupported_control_is_missed() {
    let export = exported(binding(&["X-0001"], &[Action::Deny]), &options());
    check(&export, &[]);
    assert!(export.skipped[0].is_missed());
    assert_eq!(
        export.skipped[0].message,
        "cannot be written in CEL: rule.rego:3:1: walk"
    );
}

#[test]
fn exemptions_are_in_the_policy() {
    let of = |binding| {
        let export = exported(binding, &options());
        variable(only(&export, "kubevet-binding-nsa-workloads"), "C_0057")
    };
    let plain = binding(&["C-0057", "C-0073"], &[Action::Deny]);
    assert_eq!(
        of(plain.clone()),
        "\
[['it is wrong'].filter(s, s != '')].map(w,
  w == []
  || request.operation == 'UPDATE'
    && [[['C-0057', 1]]].exists(before, [['C-0057']].all(i, i in before))
  || size(variables.owners) > 0
    ? []
    : ['C-0057'] + w
)[0]"
    );
    let strict = of(Binding {
        on_update: OnUpdate::All,
        on_owned: OnOwned::Deny,
        ..plain
    });
    assert!(
        strict.contains(
            "  || request.operation == 'UPDATE'\n    \
             && oldObject.metadata.?deletionTimestamp.hasValue()\n    && ["
        ),
        "{strict}"
    );
    assert!(!strict.contains("owners"), "{strict}");
}

#[test]
fn every_policy_of_a_binding_has_its_exclusions() {
    let scope = MatchResources {
        exclude_resource_rules: vec![rule_for("apps", "deployments", &["web"])],
        ..MatchResources::default()
    };
    let export = exported(
        Binding {
            match_resources: scope,
            exclude_subjects: vec![RequestSubject::User("ann".to_owned())],
            ..binding(&["C-0012"], &[Action::Deny])
        },
        &options(),
    );
    let policies = export
        .objects
        .iter()
        .filter(|object| object.kind == "ValidatingAdmissionPolicy");
    let conditions: Vec<String> = policies
        .map(|policy| {
            let conditions = policy.body["spec"]["matchConditions"].as_array().unwrap();
            let names = conditions.iter().map(|condition| &condition["name"]);
            let names: Vec<String> = names
                .map(|name| name.to_string().replace('"', ""))
                .collect();
            format!("{} {}", policy.name, names.join(" "))
        })
        .collect();
    let both = "subject-is-not-excluded owner-is-not-excluded";
    assert_eq!(
        conditions,
        [
            format!("kubevet-binding-nsa-objects {both} finds-something"),
            format!("kubevet-binding-nsa-objects-excused {both} may-excuse-something"),
            format!("kubevet-binding-nsa-objects-unjudged {both} leaves-something-unjudged"),
        ]
    );
}

#[test]
fn owner_that_was_not_evaluated_exempts_nothing() {
    let owners = |rules: Vec<ResourceRule>| {
        let scope = MatchResources {
            resource_rules: rules,
            ..MatchResources::default()
        };
        let export = exported(
            Binding {
                match_resources: scope,
                ..binding(&["C-0057"], &[Action::Deny])
            },
            &options(),
        );
        let policy = export.objects[0].body.clone();
        let all = policy["spec"]["variables"].as_array().unwrap().clone();
        all.iter()
            .find(|variable| variable["name"] == "owners")
            .map(|variable| variable["expression"].as_str().unwrap().to_owned())
    };
    assert_eq!(owners(vec![rule_for("", "pods", &[])]), None);
    let both = owners(vec![
        rule_for("", "pods", &[]),
        rule_for("apps", "replicasets", &["it's"]),
    ])
    .unwrap();
    assert!(
        both.contains("{'apps/ReplicaSet': 'replicaset-controller'}[?k]"),
        "{both}"
    );
    assert!(
        both.contains(".filter(o, o.kind != 'ReplicaSet' || o.name in ['it\\'s'])"),
        "{both}"
    );
}

#[test]
fn policy_has_no_twin_where_only_deletion_is_exempt() {
    let strict = Binding {
        on_update: OnUpdate::All,
        on_owned: OnOwned::Deny,
        ..binding(&["C-0073"], &[Action::Deny])
    };
    check(
        &exported(strict, &options()),
        &[
            "Policy kubevet-binding-nsa-pods C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "PolicyBinding kubevet-binding-nsa-pods [Deny]",
        ],
    );
}

#[test]
fn readable_policy_has_one_control_and_no_exemptions() {
    let options = ExportOptions {
        packing: Packing::Readable,
        named: false,
        ..options()
    };
    let ids = ["C-0012", "C-0073", "C-0078", "K-0001", "X-0001"];
    let export = exported(binding(&ids, &[Action::Audit]), &options);
    check(
        &export,
        &[
            "Policy kubevet-nsa.c-0012-objects C-0012 [configmaps,pods,pods/ephemeralcontainers,pods/resize,podtemplates,replicationcontrollers][daemonsets,deployments,replicasets,statefulsets][cronjobs,jobs]",
            "Policy kubevet-nsa.c-0073-pods C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-nsa.k-0001-connections K-0001 [pods/exec]",
            "PolicyBinding kubevet-nsa.c-0012-objects [Audit]",
            "PolicyBinding kubevet-nsa.c-0073-pods [Audit]",
            "PolicyBinding kubevet-nsa.k-0001-connections [Audit]",
        ],
    );
    let skipped: Vec<&str> = export
        .skipped
        .iter()
        .map(|skipped| skipped.control.as_str())
        .collect();
    assert_eq!(skipped, ["C-0078", "X-0001"]);
    let pods = &only(&export, "kubevet-nsa.c-0073-pods")["spec"];
    assert_eq!(
        pods["validations"],
        json!([{
            "expression": "!variables.podSpec.?C_0073.hasValue()",
            "message": "C-0073: it is wrong",
            "reason": "Forbidden",
        }])
    );
    assert_eq!(pods["matchConditions"][0]["name"], "not-being-deleted");
    let connections = &only(&export, "kubevet-nsa.k-0001-connections")["spec"];
    assert_eq!(connections["matchConditions"], Value::Null);
    let large = &only(&export, "kubevet-nsa.c-0012-objects")["spec"]["auditAnnotations"];
    assert_eq!(large[0]["key"], "unjudged");
    let comment = &export.objects[1].comment;
    assert!(
        comment.starts_with("C-0073 Name of C-0073 (low)\nRule: C-0073/rule.rego\n\n"),
        "{comment}"
    );
}

#[test]
fn too_many_controls_are_split_into_several_policies() {
    let many: BTreeMap<ControlId, Arc<Control>> = (0..130)
        .map(|number| {
            control(
                &format!("Z-{number:04}"),
                vec![KindSelector::Kind(Kind::new("", "Pod"))],
            )
        })
        .map(|control| (control.id.clone(), control))
        .collect();
    let binding = Binding {
        controls: many.keys().cloned().collect(),
        ..binding(&[], &[Action::Deny])
    };
    let export = export(&[binding], &many, &options(), &StandIn(many.clone()));
    let names: Vec<&str> = export
        .objects
        .iter()
        .filter(|object| object.kind.ends_with("Policy"))
        .map(|object| object.name.as_str())
        .collect();
    assert_eq!(names.len(), 8);
    assert_eq!(
        names[..3],
        [
            "kubevet-binding-nsa-pods",
            "kubevet-binding-nsa-pods-excused",
            "kubevet-binding-nsa-pods-2"
        ]
    );
    let all: BTreeSet<String> = export
        .objects
        .iter()
        .flat_map(|object| {
            object.body["metadata"]["annotations"]["kubevet.io/controls"]
                .as_str()
                .unwrap_or("")
                .split(',')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|id| !id.is_empty())
        .collect();
    assert_eq!(all.len(), 130);
}

#[test]
fn static_manifest_has_the_names_of_the_api_server() {
    let export = exported(binding(&["K-0001"], &[Action::Deny]), &options());
    let text = static_manifests(&export.objects, "").unwrap();
    assert_eq!(
        text.matches("  name: kubevet-binding-nsa-connections.static.k8s.io\n")
            .count(),
        2,
        "{text}"
    );
    assert!(
        text.contains("  policyName: kubevet-binding-nsa-connections.static.k8s.io\n"),
        "{text}"
    );
    let params = ExportedObject::new(configuration_crd());
    assert!(
        static_manifests(&[params], "")
            .unwrap_err()
            .to_string()
            .contains("--params written")
    );
}
