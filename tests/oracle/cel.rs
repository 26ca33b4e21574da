//! The rules as CEL under the API server's own evaluation: on every object of the test data and of the public cases the
//! printed expressions find what the engine finds, never err, and say a sentence; an object's findings are all known
//! when it is put in place of itself.

use crate::support::{Oracle, shared};
use kubevet::{
    decision::{Because, Case, Rules, User, decide},
    document::{self, Document},
    engine::{
        Engine,
        cel::{ParamsFrom, Sheet, Target},
        is_configured, looks_at,
    },
    matching::Attributes,
    model::{ControlId, Kind, Operation, Request},
    policy::{self, Library, ParamValue, Params},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

struct Proof {
    oracle: Oracle,
    library: Library,
    engine: Engine,
    sheets: BTreeMap<String, (Sheet, Value)>,
    compared: usize,
    denied: BTreeMap<String, usize>,
    passed: BTreeMap<String, usize>,
    unread: usize,
    differences: Vec<String>,
    /// The most that one validation of a control cost.
    costs: BTreeMap<String, u64>,
}

fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = kubevet::workload::WORKLOADS.iter().map(|it| Kind::new(it.group, it.name)).collect();
    kinds.push(Kind::new("", "ConfigMap"));
    kinds.extend(["PodExecOptions", "PodAttachOptions", "PodPortForwardOptions"].map(|it| Kind::new("", it)));
    kinds
}

/// A policy with three validations a control: it finds nothing; what it says is one line; it knows its own findings.
fn policy(sheet: &Sheet) -> Value {
    let variables: Vec<Value> =
        sheet.variables.iter().map(|it| json!({"name": it.name, "expression": it.expression})).collect();
    let validations: Vec<Value> = sheet
        .controls
        .iter()
        .flat_map(|it| {
            let said = format!("'said: ' + ({}).join(' | ')", it.messages);
            let known = it.known_before(&format!("({})", it.identities), &format!("({})", it.old_identities));
            [
                json!({"expression": it.clean, "messageExpression": said, "message": "no words"}),
                json!({"expression": format!("oldObject == null || ({}) || ({known})", it.clean), "message": "unknown"}),
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

fn params_json(params: &Params) -> Value {
    let value = |it: &ParamValue| match it {
        ParamValue::List(items) => json!(items),
        ParamValue::Text(text) => json!(text),
    };
    params.iter().map(|(name, it)| (name.to_owned(), value(it))).collect::<serde_json::Map<_, _>>().into()
}

impl Proof {
    fn new(test: &str) -> Option<Self> {
        let oracle = Oracle::start(test)?;
        let (library, problems) = policy::embedded();
        assert!(problems.is_empty(), "{problems:?}");
        let (engine, problems) = Engine::compile(&library);
        assert!(problems.is_empty(), "{problems:?}");
        Some(Self {
            oracle,
            library,
            engine,
            sheets: BTreeMap::new(),
            compared: 0,
            denied: BTreeMap::new(),
            passed: BTreeMap::new(),
            unread: 0,
            differences: Vec::new(),
            costs: BTreeMap::new(),
        })
    }

    fn ids(&self) -> Vec<ControlId> {
        self.library.controls.iter().map(|it| it.control.id.clone()).collect()
    }

    fn sheet(&mut self, params: &Params, kinds: &[Kind], written: bool, only: Option<&ControlId>) -> String {
        let params_key = if written { params_json(params).to_string() } else { "resource".to_owned() };
        let key = format!("{written} {only:?} {kinds:?} {params_key}");
        if !self.sheets.contains_key(&key) {
            let defaults = self.library.params.defaults();
            let params = if written { ParamsFrom::Written(params) } else { ParamsFrom::Resource(&defaults) };
            let target = Target { min_kube: 30, params, kinds };
            let chosen = only.map_or_else(|| self.ids(), |it| vec![it.clone()]);
            let mut sheet = self.engine.print_cel(&chosen, &target);
            sheet.refused.retain(|(_, why)| !why.contains("looks at none"));
            assert!(sheet.refused.is_empty(), "{:?}", sheet.refused);
            let policy = policy(&sheet);
            self.sheets.insert(key.clone(), (sheet, policy));
        }
        key
    }

    /// Holds all controls that look at an object against the engine.
    fn compare(
        &mut self,
        document: &Document,
        params: &Params,
        kinds: &[Kind],
        written: bool,
        only: Option<&ControlId>,
    ) {
        let kind = document.id().group_kind();
        if !kinds.contains(&kind) {
            return;
        }
        let mut text = String::new();
        document.root().write_json(&mut text);
        let object: Value = serde_json::from_str(&text).expect("documents print as JSON");
        let connect = kind.name.ends_with("Options");
        let key = self.sheet(params, kinds, written, only);
        let Some((sheet, policy)) = self.sheets.get(&key) else { return };
        let settings = json!({"apiVersion": "kubescape.io/v1", "kind": "ControlConfiguration",
            "metadata": {"name": "p"}, "settings": params_json(params)});
        let mut request = json!({"op": "vap", "policy": policy, "object": object, "params": settings});
        if connect {
            request["operation"] = json!("CONNECT");
            let resource = match kind.name.as_str() {
                "PodExecOptions" => "pods/exec",
                "PodAttachOptions" => "pods/attach",
                _ => "pods/portforward",
            };
            request["resource"] = json!(resource);
        } else {
            request["operation"] = json!("UPDATE");
            request["oldObject"] = request["object"].clone();
        }
        let answer = self.oracle.ask(&request);
        let place = format!("{}:{}", document.file(), document.position());
        // What the API server cannot read never reaches admission.
        if answer.get("error").is_some() {
            if !answer["error"].as_str().is_some_and(|it| {
                it.contains("json:")
                    || it.contains("decode")
                    || it.contains("parse")
                    || it.contains("unable")
                    || it.contains("must")
            }) {
                self.differences.push(format!("{place}: {answer}"));
            }
            self.unread += 1;
            return;
        }
        let verdict = self.engine.judge(document, &Request::default(), params);
        let empty = Vec::new();
        let decisions = answer["decisions"].as_array().unwrap_or(&empty);
        let decision = |at: usize| decisions.iter().find(|it| it["validation"] == json!(at));
        if decisions.iter().any(|it| it["validation"].is_null()) {
            self.differences.push(format!("{place}: {answer}"));
        }
        for (at, printed) in sheet.controls.iter().enumerate() {
            let control = &printed.control;
            if !control.kinds.iter().any(|it| looks_at(it, &kind)) && decision(at * 2).is_none() {
                continue;
            }
            self.compared += 1;
            let id = control.id.to_string();
            let found: Vec<_> = verdict.findings.iter().filter(|it| it.control == control.id).collect();
            let Some(clean) = decision(at * 2) else {
                self.differences.push(format!("{place}: {id}: no decision: {answer}"));
                continue;
            };
            let cost = clean["cost"].as_u64().unwrap_or(0);
            let most = self.costs.entry(id.clone()).or_default();
            *most = cost.max(*most);
            let said = clean["message"].as_str().unwrap_or("");
            let passes = clean["action"] == json!("admit");
            *(if passes { &mut self.passed } else { &mut self.denied }).entry(id.clone()).or_default() += 1;
            let agrees = passes == found.is_empty() && is_configured(control, params) | passes;
            if !agrees || !(passes || said.starts_with("said: ") && said.len() > 8) {
                let own: Vec<&str> = found.iter().map(|it| it.message.as_str()).collect();
                self.differences.push(format!("{place}: {id}: printed {clean}, engine {own:?}"));
            }
            if let Some(known) = decision(at * 2 + 1)
                && known["action"] != json!("admit")
            {
                self.differences.push(format!("{place}: {id}: not known: {known}"));
            }
        }
    }

    fn finish(self, at_least: usize) {
        let ids = self.denied.keys().filter(|it| self.passed.contains_key(*it)).count();
        let counts = (self.compared, self.unread, ids);
        let shown: Vec<&String> = self.differences.iter().take(12).collect();
        assert!(shown.is_empty(), "{} differences of {}:\n{shown:#?}", self.differences.len(), self.compared);
        assert!(self.compared >= at_least, "too few (compared, unread, controls seen both ways): {counts:?}");
    }
}

fn with(library: &Library, changes: &[(String, ParamValue)]) -> Params {
    let mut params = library.params.defaults();
    for (name, value) in changes {
        let _ = params.set_unvetted(&library.params, name, value.clone());
    }
    params
}

/// Every object of the test data under its own params: with the policy of its control over all kinds, and over its own.
fn test_data(test: &str, written: bool, at_least: usize) {
    let Some(mut proof) = Proof::new(test) else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/controls");
    let ids = proof.ids();
    for folder in std::fs::read_dir(root).expect("the controls are there") {
        let folder = folder.expect("a folder");
        let name = folder.file_name().to_string_lossy().into_owned();
        let own = ids.iter().find(|it| name.starts_with(it.as_str()));
        let (objects, problems) = policy::read_testdata(&folder.path());
        assert!(problems.is_empty(), "{problems:?}");
        for object in objects {
            let params = with(&proof.library, &object.params);
            if written {
                let kind = object.document.id().group_kind();
                proof.compare(&object.document, &params, &[kind], true, own);
            } else {
                proof.compare(&object.document, &params, &kinds(), false, own);
            }
        }
    }
    proof.finish(at_least);
}

#[test]
fn policies_over_all_kinds_with_params_find_what_the_engine_finds() {
    test_data("policies_over_all_kinds_with_params_find_what_the_engine_finds", false, 500);
}

#[test]
fn policies_over_one_kind_find_what_the_engine_finds() {
    test_data("policies_over_one_kind_find_what_the_engine_finds", true, 400);
}

/// A Pod of a hundred containers costs no control more than half of what the API server allows.
#[test]
fn a_pod_of_a_hundred_containers_stays_within_the_limit() {
    let Some(mut proof) = Proof::new("a_pod_of_a_hundred_containers_stays_within_the_limit") else { return };
    let container = |at: usize| {
        json!({
            "name": format!("container-{at}"), "image": format!("registry.example.com/team/app-{at}:1.2.3"),
            "command": ["/bin/app", "--port", "8080"], "args": ["--verbose"],
            "ports": [{"containerPort": 8000 + at}],
            "env": (0..5).map(|it| json!({"name": format!("NAME_{it}"), "value": "some value"})).collect::<Vec<_>>(),
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000,
                "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}, "seccompProfile": {"type": "RuntimeDefault"}},
            "readinessProbe": {"httpGet": {"port": 8080}}, "livenessProbe": {"httpGet": {"port": 8080}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        })
    };
    let object = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large", "namespace": "apps"},
        "spec": {
            "containers": (0..100).map(container).collect::<Vec<_>>(),
            "volumes": (0..10).map(|it| json!({"name": format!("volume-{it}"), "emptyDir": {}})).collect::<Vec<_>>(),
        },
    });
    let document = document::read(&"pod.yaml".into(), object.to_string().as_bytes(), &document::Limits::default());
    let mut params = proof.library.params.defaults();
    for (name, value) in [
        ("imageRepositoryAllowList", vec!["registry.example.com/team", "quay.io", "ghcr.io/a"]),
        ("publicRegistries", vec!["docker.io", "quay.io", "ghcr.io"]),
        ("untrustedRegistries", vec!["example.org", "example.net"]),
        ("memory_limit_max", vec!["4Gi"]),
        ("cpu_limit_max", vec!["4"]),
    ] {
        let value = ParamValue::List(value.into_iter().map(str::to_owned).collect());
        params.set(&proof.library.params, name, value).expect("a param");
    }
    for document in &document.documents {
        proof.compare(document, &params, &kinds(), false, None);
    }
    let over: Vec<_> = proof.costs.iter().filter(|(_, cost)| **cost > 500_000).collect();
    assert!(over.is_empty(), "{over:?}");
    proof.finish(30);
}

#[test]
fn policies_find_what_the_engine_finds_in_the_public_cases() {
    let test = "policies_find_what_the_engine_finds_in_the_public_cases";
    let (Some(folder), Some(mut proof)) = (shared(test, "facts/cases"), Proof::new(test)) else { return };
    for path in std::fs::read_dir(folder).expect("the cases are there") {
        let (file, problems) = policy::read_cases(&path.expect("a file").path());
        assert!(problems.is_empty(), "{problems:?}");
        for case in file.iter().flat_map(|it| &it.cases) {
            let params = with(&proof.library, &case.params);
            for object in case.objects.iter().cloned().flat_map(document::unfold) {
                proof.compare(&object, &params, &kinds(), false, None);
            }
        }
    }
    proof.finish(2_000);
}

fn json_of(document: &Document) -> Value {
    let mut text = String::new();
    document.root().write_json(&mut text);
    serde_json::from_str(&text).expect("documents print as JSON")
}

/// What an update brings in is told from what was there as the webhook tells it: any two failing objects of a kind.
#[test]
#[ignore = "the webhook is shown files here, not what the API server reads of them: 28 of 903 differ by a null or a `0`"]
fn an_update_brings_in_what_the_webhook_says_it_does() {
    let Some(mut proof) = Proof::new("an_update_brings_in_what_the_webhook_says_it_does") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/controls");
    let params = proof.library.params.defaults();
    let controls: BTreeMap<_, _> =
        proof.library.controls.iter().map(|it| (it.control.id.clone(), it.control.clone())).collect();
    let (mut existing, mut new) = (0, 0);
    let mut differences = Vec::new();
    for (id, control) in &controls {
        let folder = std::fs::read_dir(&root)
            .expect("the controls are there")
            .filter_map(Result::ok)
            .find(|it| it.file_name().to_string_lossy().starts_with(id.as_str()));
        let (objects, _) = policy::read_testdata(&folder.expect("a folder").path());
        let rules = Rules {
            bindings: vec![policy::Binding {
                controls: BTreeSet::from([id.clone()]),
                ..policy::fallback_binding(&proof.library)
            }],
            controls: BTreeMap::from([(id.clone(), control.clone())]),
            exempt_namespaces: BTreeSet::new(),
            exceptions: (),
        };
        for (a, b) in objects.iter().flat_map(|a| objects.iter().map(move |b| (a, b))) {
            let kind = a.document.id().group_kind();
            if b.document.id().group_kind() != kind || kind.name.ends_with("Options") {
                continue;
            }
            let attributes = Attributes {
                operation: Operation::Update,
                group: &kind.group,
                version: "v1",
                resource: "things",
                subresource: "",
                name: "x",
                namespace: "shop",
                labels: None,
                old_labels: None,
            };
            let user = User::default();
            let case = Case {
                attributes,
                kind: &kind,
                user: &user,
                dry_run: false,
                object: Some(&a.document),
                old_object: Some(&b.document),
            };
            let engine = &proof.engine;
            let judge = |object: &Document, params: &Params| {
                Ok(Arc::new(engine.judge(object, &Request { operation: Operation::Update }, params)))
            };
            let decided = decide(&rules, &case, &|| None, &judge);
            if decided.outcomes.is_empty() {
                continue;
            }
            let all_known = decided.outcomes.iter().all(|it| it.because == Because::Existing);
            let key = proof.sheet(&params, std::slice::from_ref(&kind), true, Some(id));
            let Some((sheet, policy)) = proof.sheets.get(&key) else { continue };
            assert_eq!(sheet.controls.len(), 1);
            let request = json!({"op": "vap", "policy": policy, "object": json_of(&a.document),
                "oldObject": json_of(&b.document), "operation": "UPDATE", "params":
                {"apiVersion": "kubescape.io/v1", "kind": "ControlConfiguration", "metadata": {"name": "p"}}});
            let answer = proof.oracle.ask(&request);
            let Some(known) =
                answer["decisions"].as_array().into_iter().flatten().find(|it| it["validation"] == json!(1))
            else {
                continue;
            };
            *(if all_known { &mut existing } else { &mut new }) += 1;
            if (known["action"] == json!("admit")) != all_known {
                differences.push(format!("{id} {} over {}: {known}", a.file, b.file));
            }
        }
    }
    let shown: Vec<_> = differences.iter().take(10).collect();
    assert!(shown.is_empty(), "{} differences: {shown:#?}", differences.len());
    assert!(existing > 200 && new > 300, "{existing} known, {new} new");
}
