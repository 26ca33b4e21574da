//! The CEL of the controls, evaluated by the API server's own code, against the engine. For every
//! object of the test data and of the public cases the emitted expressions give the same findings,
//! never fail, and give a message of one line. For an UPDATE without a change all findings are
//! existing ones; for any pair of objects the expressions agree with the webhook's decision.

use crate::{
    comparison::Comparison,
    inputs::{as_admitted, compiled_library, json_of, params_with, public_case_objects},
};
use kubevet_admission::{AdmissionRequest, Callbacks, Enforcement, Reason, UserInfo, decide};
use kubevet_cel::{CelBundle, CelTarget, Expr, ObjectSizes, ParamsFrom};
use kubevet_document::{self as document, Document};
use kubevet_engine::Engine;
use kubevet_k8s::{matching::Attributes, workload::SelectKinds as _};
use kubevet_model::{ControlId, EvalRequest, Kind, KindSelector, Operation};
use kubevet_policy::{self as policy, Library, ParamValue, Params};
use kubevet_testkit::{build_output::shared_data, oracle::Oracle};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Controls without CEL: they compare the positions of list elements.
const NOT_IN_CEL: [&str; 1] = ["C-0295"];

/// Controls whose cost is estimated too high: the test objects lack the field at which a condition
/// begins.
const OVERESTIMATED: [&str; 1] = ["K-0206"];

struct Proof {
    oracle: Oracle,
    library: Library,
    engine: Engine,
    bundles: BTreeMap<String, (CelBundle, Value)>,
    comparison: Comparison,
    /// The highest cost of a validation, by control.
    costs: BTreeMap<String, u64>,
}

/// The options kind of each connection, and its resource.
const CONNECTIONS: [(&str, &str); 6] = [
    ("PodExecOptions", "pods/exec"),
    ("PodAttachOptions", "pods/attach"),
    ("PodPortForwardOptions", "pods/portforward"),
    ("PodProxyOptions", "pods/proxy"),
    ("ServiceProxyOptions", "services/proxy"),
    ("NodeProxyOptions", "nodes/proxy"),
];

fn kinds() -> Vec<Kind> {
    let mut kinds = KindSelector::Workloads.all_kinds();
    kinds.push(Kind::new("", "ConfigMap"));
    kinds.extend(CONNECTIONS.map(|(kind, _)| Kind::new("", kind)));
    kinds
}

/// True if telling new findings from existing ones costs more than the API server allows: on an
/// UPDATE of an object with a hundred findings of such a control, which the policy then denies.
fn is_over_cost(control: &str, decision: &Value) -> bool {
    let message = decision["message"].as_str().unwrap_or_default();
    ["C-0306", "K-0216"].contains(&control) && message.contains("actual cost limit exceeded")
}

fn is_without_cel(control: &ControlId) -> bool {
    NOT_IN_CEL.contains(&control.as_str())
}

/// The messages of a control as one expression.
fn message(messages: &Expr) -> String {
    let joined = messages.clone().method("join", [Expr::string(" | ")]);
    Expr::string("said: ").plus(joined).to_lines()
}

/// A policy with three validations per control: no finding, a message of one line, and no new
/// finding against the object itself.
fn policy(bundle: &CelBundle) -> Value {
    let variables: Vec<Value> = bundle
        .variables
        .iter()
        .map(
            |variable| json!({"name": variable.name, "expression": variable.expression.to_lines()}),
        )
        .collect();
    let validations: Vec<Value> = bundle
        .controls
        .iter()
        .flat_map(|control| {
            let message = message(&control.messages);
            let keys = control.keys.as_ref();
            let known = keys.map_or(Expr::Bool(true), |keys| keys.all_in(&keys.old));
            let is_new = Expr::ident("oldObject").equals(Expr::Null);
            let unknown = Expr::any([is_new, control.passes.clone(), known]);
            [
                json!({"expression": control.passes.to_lines(), "messageExpression": message, "message": "no words"}),
                json!({"expression": unknown.to_lines(), "message": "unknown"}),
            ]
        })
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "all"},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": "kubescape.io/v1", "kind": "ControlConfiguration"},
            "matchConstraints": {"resourceRules": [
                {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]},
            ]},
            "variables": variables,
            "validations": validations,
        },
    })
}

impl Proof {
    fn new(test: &str) -> Option<Self> {
        let oracle = Oracle::start(test)?;
        let (library, engine) = compiled_library();
        Some(Self {
            oracle,
            library,
            engine,
            bundles: BTreeMap::new(),
            comparison: Comparison::default(),
            costs: BTreeMap::new(),
        })
    }

    fn ids(&self) -> Vec<ControlId> {
        self.library
            .controls
            .iter()
            .map(|control| control.control.id.clone())
            .collect()
    }

    fn bundle(
        &mut self,
        params: &Params,
        kinds: &[Kind],
        written: bool,
        only: Option<&ControlId>,
    ) -> String {
        let params_key = if written {
            params.to_json().to_string()
        } else {
            "resource".to_owned()
        };
        let key = format!("{written} {only:?} {kinds:?} {params_key}");
        if !self.bundles.contains_key(&key) {
            let defaults = self.library.params.defaults();
            let params = if written {
                ParamsFrom::Written(params)
            } else {
                ParamsFrom::Resource(&defaults)
            };
            let target = CelTarget {
                min_kube: 30,
                params,
                kinds,
                custom: &[],
            };
            let chosen = only.map_or_else(|| self.ids(), |only| vec![only.clone()]);
            let mut bundle = kubevet_cel::emit(self.engine.compiled_library(), &chosen, &target);
            bundle
                .unsupported
                .retain(|(id, why)| !why.contains("applies to none") && !is_without_cel(id));
            let is_narrow = kinds.len() == 1 && only.is_some();
            assert!(
                bundle.unsupported.is_empty() || is_narrow,
                "{:?}",
                bundle.unsupported
            );
            let policy = policy(&bundle);
            self.bundles.insert(key.clone(), (bundle, policy));
        }
        key
    }

    /// Compares all controls that apply to an object with the engine.
    fn compare(
        &mut self,
        document: &Document,
        params: &Params,
        kinds: &[Kind],
        only: Option<&ControlId>,
    ) {
        let kind = document.id().group_kind();
        if !kinds.contains(&kind) {
            return;
        }
        let admitted = as_admitted(document);
        let object = json_of(&admitted);
        let connect = kind.name.ends_with("Options");
        let key = self.bundle(params, kinds, false, only);
        let Some((bundle, policy)) = self.bundles.get(&key) else {
            return;
        };
        let settings = json!({"apiVersion": "kubescape.io/v1", "kind": "ControlConfiguration",
            "metadata": {"name": "p"}, "settings": params.to_json()});
        let mut request =
            json!({"op": "vap", "policy": policy, "object": object, "params": settings});
        if connect {
            request["operation"] = json!("CONNECT");
            let resource = CONNECTIONS
                .iter()
                .find(|(connection, _)| *connection == kind.name)
                .map(|(_, resource)| resource);
            request["resource"] = json!(resource);
        } else {
            request["operation"] = json!("UPDATE");
            request["oldObject"] = request["object"].clone();
        }
        let answer = self.oracle.send(&request);
        let position = format!("{}:{}", document.file(), document.position());
        // An object that the API server cannot decode never reaches admission.
        if answer.get("error").is_some() {
            if !answer["error"].as_str().is_some_and(|string| {
                string.contains("json:")
                    || string.contains("decode")
                    || string.contains("parse")
                    || string.contains("unable")
                    || string.contains("must")
            }) {
                self.comparison
                    .differences
                    .push(format!("{position}: {answer}"));
            }
            return;
        }
        let verdict = self
            .engine
            .judge(&admitted, &EvalRequest::default(), params);
        let empty = Vec::new();
        let decisions = answer["decisions"].as_array().unwrap_or(&empty);
        let decision = |at: usize| {
            decisions
                .iter()
                .find(|decision| decision["validation"] == json!(at))
        };
        if decisions
            .iter()
            .any(|decision| decision["validation"].is_null())
        {
            self.comparison
                .differences
                .push(format!("{position}: {answer}"));
        }
        for (at, printed) in bundle.controls.iter().enumerate() {
            let control = &printed.control;
            if !control.kinds.matches(&kind) && decision(at * 2).is_none() {
                continue;
            }
            self.comparison.compared += 1;
            let id = control.id.to_string();
            let found: Vec<_> = verdict
                .violations
                .iter()
                .filter(|finding| finding.control == control.id)
                .collect();
            let Some(clean) = decision(at * 2) else {
                self.comparison
                    .differences
                    .push(format!("{position}: {id}: no decision: {answer}"));
                continue;
            };
            let cost = clean["cost"].as_u64().unwrap_or(0);
            let most = self.costs.entry(id.clone()).or_default();
            *most = cost.max(*most);
            let message = clean["message"].as_str().unwrap_or("");
            let passes = clean["action"] == json!("admit");
            let agrees = passes == found.is_empty() && params.configures(control) | passes;
            if !agrees || !(passes || message.starts_with("said: ") && message.len() > 8) {
                let messages: Vec<&str> = found
                    .iter()
                    .map(|finding| finding.message.as_str())
                    .collect();
                self.comparison.differences.push(format!(
                    "{position}: {id}: printed {clean}, engine {messages:?}"
                ));
            }
            if let Some(known) = decision(at * 2 + 1)
                && known["action"] != json!("admit")
                && !is_over_cost(&id, known)
            {
                self.comparison
                    .differences
                    .push(format!("{position}: {id}: not known: {known}"));
            }
        }
    }
}

/// The folders of the controls, each with its control.
fn folders(library: &Library) -> Vec<(PathBuf, ControlId)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = |file: &str| {
        root.join(file)
            .parent()
            .expect("a file is in a folder")
            .to_owned()
    };
    library
        .controls
        .iter()
        .map(|control| (folder(&control.file), control.control.id.clone()))
        .collect()
}

/// Every object of the test data with its own params, under the policy of its control for all
/// kinds.
#[test]
fn cel_policies_for_all_kinds_with_params_agree_with_the_engine() {
    let Some(mut proof) =
        Proof::new("cel_policies_for_all_kinds_with_params_agree_with_the_engine")
    else {
        return;
    };
    for (folder, id) in folders(&proof.library) {
        let (objects, problems) = policy::read_testdata(&folder);
        assert!(problems.is_empty(), "{problems:?}");
        for object in objects {
            let params = params_with(&proof.library, &object.params);
            proof.compare(&object.document, &params, &kinds(), Some(&id));
        }
    }
    proof.comparison.finish(500);
}

/// The policy of a control for one kind, specialized to these params.
fn written(
    engine: &Engine,
    id: &ControlId,
    kind: &Kind,
    all_kinds: &[Kind],
    params: &Params,
) -> Option<Value> {
    let emit = |kinds: &[Kind]| {
        kubevet_cel::emit(
            engine.compiled_library(),
            std::slice::from_ref(id),
            &CelTarget {
                min_kube: 30,
                params: ParamsFrom::Written(params),
                kinds,
                custom: &[],
            },
        )
    };
    let mut bundle = emit(std::slice::from_ref(kind));
    // Of one kind alone the types may prove too little; the export tries all kinds, too.
    if bundle.controls.is_empty() {
        bundle = emit(all_kinds);
    }
    let printed = bundle.controls.first()?;
    let variables: Vec<Value> = bundle
        .variables
        .iter()
        .map(
            |variable| json!({"name": variable.name, "expression": variable.expression.to_lines()}),
        )
        .collect();
    let message = message(&printed.messages);
    Some(json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "one"},
        "spec": {
            "variables": variables,
            "validations": [{"expression": printed.passes.to_lines(), "messageExpression": message}],
        },
    }))
}

/// Each object of the test data under the policy of its control, emitted for its kind alone and
/// specialized to its params. Policies are compiled once, and all objects are evaluated in one
/// pass.
#[test]
fn cel_policies_for_one_kind_agree_with_the_engine() {
    let Some(mut proof) = Proof::new("cel_policies_for_one_kind_agree_with_the_engine") else {
        return;
    };
    let mut prepared: BTreeMap<String, Option<u64>> = BTreeMap::new();
    let (mut questions, mut found) = (Vec::new(), Vec::new());
    for (folder, id) in folders(&proof.library) {
        let control = proof
            .library
            .control(id.as_str())
            .expect("a control")
            .control
            .clone();
        for object in policy::read_testdata(&folder).0 {
            let kind = object.document.id().group_kind();
            if !control.kinds.matches(&kind) || is_without_cel(&id) {
                continue;
            }
            let params = params_with(&proof.library, &object.params);
            let key = format!("{id} {kind:?} {}", params.to_json());
            if !prepared.contains_key(&key) {
                let number = written(
                    &proof.engine,
                    &id,
                    &kind,
                    &control.kinds.object_kinds(),
                    &params,
                )
                .and_then(|written| {
                    let answer = proof
                        .oracle
                        .send(&json!({"op": "prepare", "policies": {"one": written}}));
                    answer["prepared"].as_u64()
                });
                if number.is_none() {
                    proof
                        .comparison
                        .differences
                        .push(format!("{key}: no policy"));
                }
                prepared.insert(key.clone(), number);
            }
            let Some(Some(number)) = prepared.get(&key) else {
                continue;
            };
            let connect = kind.name.ends_with("Options");
            let operation = if connect {
                Operation::Connect
            } else {
                Operation::Update
            };
            let admitted = as_admitted(&object.document);
            let question = json!({"op": "judge", "operation": operation.to_string(), "object": json_of(&admitted), "cel": [[number, "one"]]});
            questions.push(question.to_string());
            let verdict = proof
                .engine
                .judge(&admitted, &EvalRequest { operation }, &params);
            let messages: Vec<String> = verdict
                .violations
                .into_iter()
                .filter(|finding| finding.control == id)
                .map(|finding| finding.message.to_string())
                .collect();
            found.push((id.clone(), object.file.clone(), messages));
        }
    }
    for ((id, file, messages), answer) in found.iter().zip(proof.oracle.send_all(&questions)) {
        let answer: Value = serde_json::from_str(&answer).expect("the oracle answers in JSON");
        if answer.get("invalid").is_some() {
            continue;
        }
        proof.comparison.compared += 1;
        let verdict = &answer["cel"][0];
        let denied = verdict["denied"] == json!(true);
        let message = verdict["message"].as_str().unwrap_or("");
        let agrees =
            denied != messages.is_empty() && verdict.get("error").is_none() && verdict.is_object();
        if !agrees || denied && !(message.starts_with("said: ") && message.len() > 8) {
            proof.comparison.differences.push(format!(
                "{file}: {id}: printed {answer}, engine {messages:?}"
            ));
        }
    }
    proof.comparison.finish(450);
}

/// CEL of Kubernetes 1.30 cannot build a map for lookups, so a join costs the product of its lists;
/// docs/vap.md documents the cost.
#[test]
fn cel_join_costs_the_product_of_its_lists() {
    let Some(mut proof) = Proof::new("cel_join_costs_the_product_of_its_lists") else {
        return;
    };
    let params = proof.library.params.defaults();
    let id = ControlId::from("C-0045");
    let mut compare = |count: usize| {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "namespace": "apps"},
            "spec": {
                "containers": [{"name": "a", "image": "a", "volumeMounts": (0..count).map(|index|
                    json!({"name": format!("volume-{index}"), "mountPath": format!("/{index}"), "readOnly": true}))
                    .collect::<Vec<_>>()}],
                "volumes": (0..count).map(|index| json!({"name": format!("volume-{index}"), "hostPath": {"path": "/srv"}}))
                    .collect::<Vec<_>>(),
            },
        });
        let document = document::read(
            &"pod.yaml".into(),
            object.to_string().as_bytes(),
            &document::Limits::default(),
        );
        proof.compare(&document.documents[0], &params, &kinds(), Some(&id));
        (
            proof.costs.get("C-0045").copied().unwrap_or(0),
            std::mem::take(&mut proof.comparison.differences),
        )
    };
    for count in [50, 100, 200, 300] {
        let (cost, differences) = compare(count);
        let pairs = u64::try_from(count * count).expect("it is small");
        assert!(
            (9 * pairs..10 * pairs).contains(&cost),
            "{count} volumes and mounts: {cost}"
        );
        assert!(differences.is_empty(), "{differences:#?}");
    }
    // Beyond the limit the validation is an error, and `failurePolicy: Fail` denies the object.
    let (_, differences) = compare(400);
    assert!(
        differences
            .iter()
            .any(|difference| difference.contains("cost limit")),
        "{differences:#?}"
    );
}

/// A Pod with a hundred containers costs every control at most half of the API server's limit.
#[test]
fn cel_cost_of_100_containers_stays_within_the_limit() {
    let Some(mut proof) = Proof::new("cel_cost_of_100_containers_stays_within_the_limit") else {
        return;
    };
    let container = |at: usize| {
        json!({
            "name": format!("container-{at}"), "image": format!("registry.example.com/team/app-{at}:1.2.3"),
            "command": ["/bin/app", "--port", "8080", "--quiet"], "args": ["--verbose", "--a", "--b", "--c"],
            "ports": (0..4).map(|index| json!({"containerPort": 8000 + at * 4 + index})).collect::<Vec<_>>(),
            "env": (0..4).map(|index| json!({"name": format!("NAME_{index}"), "value": "some value"})).collect::<Vec<_>>(),
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000,
                "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "KILL", "SETUID", "SETGID"]}, "seccompProfile": {"type": "RuntimeDefault"}},
            "readinessProbe": {"httpGet": {"port": 8080}}, "livenessProbe": {"httpGet": {"port": 8080}},
            "volumeMounts": (0..4).map(|index| json!({"name": format!("volume-{index}"), "mountPath": format!("/{index}")})).collect::<Vec<_>>(),
        })
    };
    let object = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "namespace": "apps"},
        "spec": {
            "containers": (0..100).map(container).collect::<Vec<_>>(),
            "volumes": (0..10).map(|index| json!({"name": format!("volume-{index}"), "emptyDir": {}})).collect::<Vec<_>>(),
        },
    });
    let document = document::read(
        &"pod.yaml".into(),
        object.to_string().as_bytes(),
        &document::Limits::default(),
    );
    let mut params = proof.library.params.defaults();
    for (name, value) in [
        (
            "imageRepositoryAllowList",
            vec!["registry.example.com/team", "quay.io", "ghcr.io/a"],
        ),
        ("publicRegistries", vec!["docker.io", "quay.io", "ghcr.io"]),
        ("untrustedRegistries", vec!["example.org", "example.net"]),
        ("memory_limit_max", vec!["4Gi"]),
        ("cpu_limit_max", vec!["4"]),
    ] {
        let value = ParamValue::List(value.into_iter().map(str::to_owned).collect());
        params
            .set(&proof.library.params, name, value)
            .expect("a param");
    }
    for document in &document.documents {
        proof.compare(document, &params, &kinds(), None);
    }
    let over: Vec<_> = proof
        .costs
        .iter()
        .filter(|(_, cost)| **cost > 500_000)
        .collect();
    assert!(over.is_empty(), "{over:?}");
    // The estimate of `policy explain` has the same order of magnitude.
    let sizes = ObjectSizes {
        containers: 100,
        volumes: 10,
        entries: 4,
        chars: 20,
    };
    let estimated = |id: &str| {
        kubevet_cel::estimate_cost(proof.engine.compiled_library(), &id.into(), &params, sizes)
            .unwrap_or(0)
    };
    let far: Vec<_> = proof
        .costs
        .iter()
        .map(|(id, cost)| (id, *cost, estimated(id)))
        .filter(|(id, cost, estimated)| {
            *cost > 1_000
                && !OVERESTIMATED.contains(&id.as_str())
                && (estimated * 3 < *cost || *cost * 3 < *estimated)
        })
        .collect();
    assert!(far.is_empty(), "{far:?}");
    assert!(
        proof.costs.values().filter(|value| **value > 1_000).count() > 15,
        "{:?}",
        proof.costs
    );
    proof.comparison.finish(30);
}

#[test]
fn cel_policies_agree_with_the_engine_on_public_cases() {
    let test = "cel_policies_agree_with_the_engine_on_public_cases";
    let (Some(folder), Some(mut proof)) = (shared_data(test, "facts/cases"), Proof::new(test))
    else {
        return;
    };
    for (object, params) in public_case_objects(&folder, &proof.library) {
        proof.compare(&object, &params, &kinds(), None);
    }
    proof.comparison.finish(2_000);
}

/// Two objects as the API server decodes them and sends them to a webhook; `None` if it cannot
/// decode one of them.
fn decoded(answer: &str) -> Option<[Document; 2]> {
    let answer: Value = serde_json::from_str(answer).expect("the oracle answers in JSON");
    let read = |value: &Value| {
        let found = document::read(
            &"sent.json".into(),
            value.to_string().as_bytes(),
            &document::Limits::default(),
        );
        found.documents.into_iter().next()
    };
    Some([
        read(answer.get("object")?)?,
        read(answer.get("oldObject")?)?,
    ])
}

/// The webhook's decision about an update under one control: true if all findings are existing
/// ones, `None` without findings.
fn decision_of(proof: &Proof, rules: &Enforcement, [new, old]: &[Document; 2]) -> Option<bool> {
    let kind = new.id().group_kind();
    let attributes = Attributes {
        operation: Operation::Update,
        group: &kind.group,
        resource: "things",
        namespace: "shop",
        ..Attributes::default()
    };
    let user = UserInfo::default();
    let case = AdmissionRequest {
        attributes,
        kind: &kind,
        user: &user,
        dry_run: false,
        object: Some(new),
        old_object: Some(old),
    };
    let evaluate = |object: &Document, params: &Params| {
        Ok(Arc::new(proof.engine.judge(
            object,
            &EvalRequest {
                operation: Operation::Update,
            },
            params,
        )))
    };
    let decided = decide(
        rules,
        &case,
        &Callbacks {
            namespace_labels: &|| None,
            evaluate: &evaluate,
            is_past_deadline: &|| false,
        },
    );
    let known = decided
        .outcomes
        .iter()
        .all(|outcome| outcome.reason == Reason::Existing);
    (!decided.outcomes.is_empty()).then_some(known)
}

/// New findings of an update are told from existing ones as in the webhook: for any two failing
/// objects of a kind, both in the form in which the API server decodes them.
#[test]
fn cel_update_findings_agree_with_the_webhook() {
    let Some(mut proof) = Proof::new("cel_update_findings_agree_with_the_webhook") else {
        return;
    };
    let params = proof.library.params.defaults();
    let settings = json!({"apiVersion": "kubescape.io/v1", "kind": "ControlConfiguration", "metadata": {"name": "p"}});
    let (mut existing, mut new) = (0, 0);
    let mut differences = Vec::new();
    for (folder, id) in folders(&proof.library) {
        if is_without_cel(&id) {
            continue;
        }
        let (objects, problems) = policy::read_testdata(&folder);
        assert!(problems.is_empty(), "{problems:?}");
        let control = proof
            .library
            .control(id.as_str())
            .expect("a control")
            .control
            .clone();
        let all_kinds = control.kinds.object_kinds();
        let rules = Enforcement {
            bindings: vec![policy::Binding {
                controls: BTreeSet::from([id.clone()]),
                ..policy::fallback_binding(&proof.library)
            }],
            controls: BTreeMap::from([(id.clone(), control)]),
            path_reads: proof.engine.path_reads(),
            workloads: proof.engine.workloads().clone(),
            exempt_namespaces: BTreeSet::new(),
        };
        let pairs: Vec<_> = objects
            .iter()
            .flat_map(|a| objects.iter().map(move |b| (a, b)))
            .filter(|(a, b)| {
                let kind = a.document.id().group_kind();
                b.document.id().group_kind() == kind && !kind.name.ends_with("Options")
            })
            .collect();
        let update = |op: &str, object: Value, old_object: Value| json!({"op": op, "operation": "UPDATE", "object": object, "oldObject": old_object});
        let questions: Vec<String> = pairs
            .iter()
            .map(|(a, b)| update("decode", json_of(&a.document), json_of(&b.document)).to_string())
            .collect();
        let answers = proof.oracle.send_all(&questions);
        let (mut questions, mut decisions) = (Vec::new(), Vec::new());
        for ((a, b), answer) in pairs.iter().zip(&answers) {
            let Some(both) = decoded(answer) else {
                continue;
            };
            let Some(known) = decision_of(&proof, &rules, &both) else {
                continue;
            };
            let kind = both[0].id().group_kind();
            let mut key = proof.bundle(&params, &[kind], true, Some(&id));
            // Of one kind alone the types may prove too little; the export tries all kinds, too.
            if proof.bundles[&key].0.controls.is_empty() {
                key = proof.bundle(&params, &all_kinds, true, Some(&id));
            }
            let Some((bundle, policy)) = proof.bundles.get(&key) else {
                continue;
            };
            assert_eq!(bundle.controls.len(), 1);
            // The API server accepts no update of what the control reads.
            if a.file != b.file && bundle.controls.iter().all(|control| control.keys.is_none()) {
                continue;
            }
            let mut question = update("vap", json_of(&both[0]), json_of(&both[1]));
            question["policy"] = policy.clone();
            question["params"] = settings.clone();
            questions.push(question.to_string());
            decisions.push((format!("{id} {} over {}", a.file, b.file), known));
        }
        for ((position, known), answer) in decisions.iter().zip(proof.oracle.send_all(&questions)) {
            let answer: Value = serde_json::from_str(&answer).expect("the oracle answers in JSON");
            let decision = answer["decisions"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|decision| decision["validation"] == json!(1));
            // The oracle has no types of other software, and no conversion of an old version.
            let text = answer["status"]["message"].as_str().unwrap_or_default();
            if text.contains("is registered for version") || text.contains("unknown conversion") {
                continue;
            }
            *(if *known { &mut existing } else { &mut new }) += 1;
            if decision.is_none_or(|decision| (decision["action"] == json!("admit")) != *known) {
                differences.push(format!("{position}: {answer}"));
            }
        }
    }
    let shown: Vec<_> = differences.iter().take(10).collect();
    assert!(
        shown.is_empty(),
        "{} differences: {shown:#?}",
        differences.len()
    );
    assert!(existing > 200 && new > 300, "{existing} known, {new} new");
}
