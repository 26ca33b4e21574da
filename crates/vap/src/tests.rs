//! Tests of exports, on controls that are written out in CEL here.

use super::*;
use kubevet_cel::{Printed, Sheet, Target, Unjudged, Variable};
use kubevet_k8s::matching::{MatchResources, ResourceRule, RuleScope};
use kubevet_model::{
    Action, Control, ControlId, Kind, KindSelector, OnOwned, OnUnevaluated, OnUpdate, Operation,
    Scope, Severity,
};
use kubevet_policy::{Binding, Params};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

fn control(id: &str, kinds: Vec<KindSelector>) -> Arc<Control> {
    Arc::new(Control {
        id: ControlId::from(id),
        name: format!("Name of {id}"),
        description: String::new(),
        remediation: String::new(),
        severity: if id == "C-0057" {
            Severity::High
        } else {
            Severity::Low
        },
        score: 8.0,
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
        control("C-0073", vec![pod]),
        control("C-0078", vec![KindSelector::Workloads]),
        control("K-0001", vec![exec]),
        control("X-0001", vec![KindSelector::Workloads]),
    ];
    all.into_iter().map(|it| (it.id.clone(), it)).collect()
}

/// What a printer would make of them.
fn print(ids: &[ControlId], _: &Target<'_>) -> Sheet {
    let all = controls();
    let mut sheet = Sheet {
        variables: vec![Variable {
            name: "podSpec".to_owned(),
            expression: "object.spec".to_owned(),
        }],
        ..Sheet::default()
    };
    for id in ids {
        if id.as_str() == "X-0001" {
            sheet
                .refused
                .push((id.clone(), "rule.rego:3:1: walk".to_owned()));
            continue;
        }
        sheet.controls.push(Printed {
            control: all[id].clone(),
            clean: format!("!has(variables.podSpec.{})", id.as_str().replace('-', "_")),
            silent: "false".to_owned(),
            always_tells: true,
            messages: "['it is wrong']".to_owned(),
            identities: format!("[['{id}']]"),
            old_identities: format!("[['{id}', 1]]"),
            identity_depth: 1,
            reads_params: false,
            unjudged: (id.as_str() == "C-0012").then(|| Unjudged {
                condition: "size(object.data) > 100".to_owned(),
                message: "its data is over 100".to_owned(),
            }),
        });
    }
    let clean: Vec<&str> = sheet.controls.iter().map(|it| it.clean.as_str()).collect();
    sheet.clean = clean.join(" && ");
    sheet
}

fn binding(ids: &[&str], actions: &[Action]) -> Binding {
    Binding {
        name: "nsa".to_owned(),
        controls: ids.iter().map(|it| ControlId::from(*it)).collect(),
        match_resources: MatchResources::default(),
        actions: actions.iter().copied().collect(),
        params: Params::default(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Deny,
    }
}

fn options() -> Options {
    Options {
        packing: Packing::Packed,
        params: ParamsIn::Policies,
        min_kube: 30,
        exempt: vec!["kube-system".to_owned()],
        named: true,
        bound: true,
    }
}

fn exported(binding: Binding, options: &Options) -> Export {
    export(&[binding], &controls(), options, &print)
}

/// The objects in short: kind, name, and what a policy covers or a binding does.
#[track_caller]
fn check(export: &Export, expected: &[&str]) {
    let line = |it: &Object| {
        let text = |path: &str| {
            it.body
                .pointer(path)
                .map(|it| it.to_string().replace('"', ""))
                .unwrap_or_default()
        };
        let rules = it
            .body
            .pointer("/spec/matchConstraints/resourceRules")
            .and_then(Value::as_array);
        let resources: Vec<String> = rules
            .into_iter()
            .flatten()
            .map(|it| it["resources"].to_string().replace('"', ""))
            .collect();
        let what = text("/metadata/annotations/kubevet.io~1controls");
        let actions = text("/spec/validationActions");
        let short = it.kind.trim_start_matches("ValidatingAdmission");
        format!("{short} {} {what}{actions} {}", it.name, resources.concat())
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
        .find(|it| it.name == name && it.kind == "ValidatingAdmissionPolicy")
        .unwrap()
        .body
}

fn variable(policy: &Value, name: &str) -> String {
    let all = policy["spec"]["variables"].as_array().unwrap();
    all.iter().find(|it| it["name"] == name).unwrap()["expression"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn each_kind_of_object_meets_one_policy_of_a_pack() {
    let export = exported(
        binding(&["C-0057", "C-0013", "C-0073", "K-0001"], &[Action::Deny]),
        &options(),
    );
    check(
        &export,
        &[
            "Policy kubevet-nsa-workloads C-0013,C-0057 [podtemplates,replicationcontrollers][daemonsets,deployments,replicasets,statefulsets][cronjobs,jobs]",
            "Policy kubevet-nsa-workloads-excused C-0013,C-0057 [podtemplates][replicationcontrollers][replicasets][daemonsets,deployments,statefulsets][jobs][cronjobs]",
            "Policy kubevet-nsa-pods C-0013,C-0057,C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-nsa-pods-excused C-0013,C-0057,C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-nsa-connections K-0001 [pods/exec]",
            "PolicyBinding kubevet-nsa-workloads [Deny]",
            "PolicyBinding kubevet-nsa-workloads-excused [Warn]",
            "PolicyBinding kubevet-nsa-pods [Deny]",
            "PolicyBinding kubevet-nsa-pods-excused [Warn]",
            "PolicyBinding kubevet-nsa-connections [Deny]",
        ],
    );
}

#[test]
fn a_policy_a_control_is_named_after_it() {
    let options = Options {
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
            "Policy kubevet-c-0073 C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-c-0073-excused C-0073 [pods,pods/ephemeralcontainers,pods/resize]",
            "Policy kubevet-k-0001 K-0001 [pods/exec]",
            "PolicyBinding kubevet-c-0073 [Warn,Audit]",
            "PolicyBinding kubevet-c-0073-excused [Warn]",
            "PolicyBinding kubevet-k-0001 [Warn,Audit]",
        ],
    );
    assert_eq!(
        only(&export, "kubevet-c-0073")["metadata"]["labels"]["controlId"],
        "C-0073"
    );
}

#[test]
fn what_is_not_judged_is_told() {
    let rule = ResourceRule {
        api_groups: vec![String::new()],
        api_versions: vec!["*".to_owned()],
        resources: vec!["configmaps".to_owned()],
        operations: Vec::new(),
        scope: RuleScope::All,
        resource_names: Vec::new(),
    };
    let scope = MatchResources {
        resource_rules: vec![rule],
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
            "Policy kubevet-nsa-configmaps C-0012 [configmaps]",
            "Policy kubevet-nsa-configmaps-excused C-0012 [configmaps]",
            "Policy kubevet-nsa-configmaps-unjudged C-0012 [configmaps]",
            "PolicyBinding kubevet-nsa-configmaps [Audit]",
            "PolicyBinding kubevet-nsa-configmaps-excused [Audit]",
            "PolicyBinding kubevet-nsa-configmaps-unjudged [Warn]",
        ],
    );
    let words: Vec<String> = export
        .left_out
        .iter()
        .map(|it| format!("{} {}", it.control, it.words))
        .collect();
    assert_eq!(
        words,
        [
            "C-0073 looks at nothing that the binding nsa takes",
            "C-0078 is not configured: give allowed a value",
            "X-0001 looks at nothing that the binding nsa takes",
        ]
    );
    assert_eq!(
        variable(only(&export, "kubevet-nsa-configmaps-unjudged"), "found"),
        "[\n  (size(object.data) > 100) ? 'C-0012 Name of C-0012 was not judged: its data is over 100' : ''\n].filter(s, s != '')"
    );
}

#[test]
fn what_cannot_be_said_is_missed() {
    let export = exported(binding(&["X-0001"], &[Action::Deny]), &options());
    check(&export, &[]);
    assert!(export.left_out[0].is_missed());
    assert_eq!(
        export.left_out[0].words,
        "cannot be said in CEL: rule.rego:3:1: walk"
    );
}

#[test]
fn the_rules_of_the_decision_stand_in_the_policy() {
    let of = |binding| {
        let export = exported(binding, &options());
        variable(only(&export, "kubevet-nsa-workloads"), "C_0057")
    };
    let plain = binding(&["C-0057", "C-0073"], &[Action::Deny]);
    assert_eq!(
        of(plain.clone()),
        "[string((['it is wrong']).join(', '))].map(w, w == ''\n|| (request.operation == 'UPDATE' && \
         [[['C-0057', 1]]].exists(before, ([['C-0057']]).all(i, i in before))) || size(variables.owners) > 0\n? '' : \
         'C-0057 Name of C-0057: ' + w)[0]"
    );
    let strict = of(Binding {
        on_update: OnUpdate::All,
        on_owned: OnOwned::Deny,
        ..plain
    });
    assert!(strict.contains(
        "|| request.operation == 'UPDATE' && oldObject.metadata.?deletionTimestamp.hasValue() && ["
    ));
    assert!(!strict.contains("owners"), "{strict}");
}

#[test]
fn an_owner_that_was_not_judged_excuses_nobody() {
    let rule = |group: &str, resource: &str, names: &[&str]| ResourceRule {
        api_groups: vec![group.to_owned()],
        api_versions: vec!["*".to_owned()],
        resources: vec![resource.to_owned()],
        operations: vec![Operation::Create],
        scope: RuleScope::All,
        resource_names: names.iter().map(|it| (*it).to_owned()).collect(),
    };
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
            .find(|it| it["name"] == "owners")
            .map(|it| it["expression"].as_str().unwrap().to_owned())
    };
    assert_eq!(owners(vec![rule("", "pods", &[])]), None);
    let both = owners(vec![
        rule("", "pods", &[]),
        rule("apps", "replicasets", &["it's"]),
    ])
    .unwrap();
    assert!(
        both.contains("{'apps/ReplicaSet': 'replicaset-controller'}[?k]"),
        "{both}"
    );
    assert!(
        both.contains(".filter(o, o.kind != 'ReplicaSet' || (o.name in ['it\\'s']))"),
        "{both}"
    );
}

#[test]
fn many_controls_become_several_policies() {
    let many: BTreeMap<ControlId, Arc<Control>> = (0..130)
        .map(|it| {
            control(
                &format!("Z-{it:04}"),
                vec![KindSelector::Kind(Kind::new("", "Pod"))],
            )
        })
        .map(|it| (it.id.clone(), it))
        .collect();
    let print = |ids: &[ControlId], _: &Target<'_>| Sheet {
        controls: ids
            .iter()
            .map(|id| Printed {
                control: many[id].clone(),
                ..print(&[ControlId::from("C-0057")], &target())
                    .controls
                    .remove(0)
            })
            .collect(),
        ..Sheet::default()
    };
    let binding = Binding {
        controls: many.keys().cloned().collect(),
        ..binding(&[], &[Action::Deny])
    };
    let export = export(&[binding], &many, &options(), &print);
    let names: Vec<&str> = export
        .objects
        .iter()
        .filter(|it| it.kind.ends_with("Policy"))
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names.len(), 8);
    assert_eq!(
        names[..3],
        [
            "kubevet-nsa-pods",
            "kubevet-nsa-pods-excused",
            "kubevet-nsa-pods-2"
        ]
    );
    let all: BTreeSet<String> = export
        .objects
        .iter()
        .flat_map(|it| {
            it.body["metadata"]["annotations"]["kubevet.io/controls"]
                .as_str()
                .unwrap_or("")
                .split(',')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|it| !it.is_empty())
        .collect();
    assert_eq!(all.len(), 130);
}

fn target() -> Target<'static> {
    static NONE: std::sync::LazyLock<Params> = std::sync::LazyLock::new(Params::default);
    Target {
        min_kube: 30,
        params: kubevet_cel::ParamsFrom::Written(&NONE),
        kinds: &[],
    }
}

#[test]
fn what_the_api_server_reads_from_files_has_its_names() {
    let export = exported(binding(&["K-0001"], &[Action::Deny]), &options());
    let text = static_manifests(&export.objects).unwrap();
    assert_eq!(
        text.matches("  name: kubevet-nsa-connections.static.k8s.io\n")
            .count(),
        2,
        "{text}"
    );
    assert!(
        text.contains("  policyName: kubevet-nsa-connections.static.k8s.io\n"),
        "{text}"
    );
    let params = Object::new(configuration_crd());
    assert!(
        static_manifests(&[params])
            .unwrap_err()
            .contains("--params written")
    );
}
