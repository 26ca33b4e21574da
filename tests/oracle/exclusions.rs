//! The exclusions of bindings: the webhook and the exported policies, evaluated by the API server's
//! own code, decide the same about each request.

use crate::inputs::compiled_library;
use kubevet_admission::Enforcement;
use kubevet_cel::{CelBundle, CelTarget, ReadableControl};
use kubevet_engine::Engine;
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::{ControlId, OnOwned, OnUpdate};
use kubevet_policy::{self as policy, Binding, Library};
use kubevet_testkit::oracle::Oracle;
use kubevet_vap::{self as vap, EmitCel, ExportOptions, Packing, ParamsIn};
use kubevet_webhook::{AnswerContext, PolicySnapshot};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

const SYSTEM: &str = "system:serviceaccount:kube-system:";

/// The bindings: `matchResources`, and other fields of `spec`.
const BINDINGS: &[(&str, &str)] = &[
    ("{}", ""),
    ("{}", ", onOwned: Deny"),
    (
        "{excludeResourceRules: [{resources: [deployments], resourceNames: [web, 'x.y']}, {resources: [cronjobs], \
         resourceNames: [backup]}, {resources: [daemonsets, jobs], resourceNames: [agent]}]}",
        ", onOwned: Deny",
    ),
    (
        "{excludeResourceRules: [{resources: [deployments, cronjobs, statefulsets]}]}",
        ", onOwned: Deny",
    ),
    (
        "{resourceRules: [{resources: [pods, deployments, jobs]}], \
         excludeResourceRules: [{resources: [deployments, cronjobs], resourceNames: [web, backup]}]}",
        "",
    ),
    (
        "{excludeResourceRules: [{resources: [replicasets, replicationcontrollers], operations: [CREATE]}]}",
        ", onUpdate: All",
    ),
    (
        "{excludeResourceRules: [{apiGroups: [apps], resources: ['*'], resourceNames: [web]}], \
         objectSelector: {matchLabels: {app: web}}}",
        ", onOwned: Deny",
    ),
    (
        "{}",
        ", excludeSubjects: [{kind: User, name: ann}, {kind: Group, name: \"it's ops\"}, \
         {kind: ServiceAccount, namespace: cd, name: robot}], onOwned: Deny",
    ),
];

/// Users, each with a group.
const USERS: &[(&str, &str)] = &[
    ("ann", "dev"),
    ("bob", "it's ops"),
    ("bob", "dev"),
    ("system:serviceaccount:cd:robot", "dev"),
];

/// The controller reference of an object: API version, kind and name.
const OWNERS: &[(&str, &str, &str)] = &[
    ("apps/v1", "ReplicaSet", "web-5d4f"),
    ("apps/v1", "ReplicaSet", "x.y-5d4f"),
    ("apps/v1", "ReplicaSet", "xzy-5d4f"),
    ("apps/v1", "ReplicaSet", "other-5d4f"),
    ("apps/v1", "ReplicaSet", "web"),
    ("example.com/v1", "ReplicaSet", "web-5d4f"),
    ("apps/v1", "Deployment", "web"),
    ("apps/v1", "DaemonSet", "agent"),
    ("apps/v1", "DaemonSet", "other"),
    ("apps/v1", "StatefulSet", "db"),
    ("batch/v1", "Job", "backup-29371234"),
    ("batch/v1", "Job", "backup-now"),
    ("batch/v1", "Job", "other-29371234"),
    ("batch/v1", "Job", "agent"),
    ("batch/v1", "CronJob", "backup"),
    ("v1", "ReplicationController", "old"),
];

const ACCOUNTS: &[&str] = &[
    "replicaset-controller",
    "deployment-controller",
    "daemon-set-controller",
    "statefulset-controller",
    "job-controller",
    "cronjob-controller",
    "replication-controller",
    "default",
];

fn privileged() -> Value {
    json!({"containers": [{"name": "web", "image": "nginx:1", "securityContext": {"privileged": true}}]})
}

/// A privileged object of a kind, with a controller reference if there is one.
fn object(kind: &str, owner: Option<&(&str, &str, &str)>, hash: &str) -> Value {
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": privileged()});
    let (api_version, spec) = match kind {
        "Pod" => ("v1", privileged()),
        "Job" => ("batch/v1", json!({"template": template})),
        _ => (
            "apps/v1",
            json!({"selector": {"matchLabels": {"app": "web"}}, "template": template}),
        ),
    };
    let mut labels = json!({"app": "web"});
    if !hash.is_empty() {
        labels["pod-template-hash"] = json!(hash);
    }
    let mut object = json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "labels": labels}, "spec": spec,
    });
    if let Some((api_version, kind, name)) = owner {
        object["metadata"]["ownerReferences"] = json!([
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "web", "uid": "1"},
            {"apiVersion": api_version, "kind": kind, "name": name, "uid": "2", "controller": true},
        ]);
    }
    object
}

/// A request: the object, the user and the group, and true for an UPDATE that changes nothing.
struct Request {
    object: Value,
    user: String,
    group: &'static str,
    is_update: bool,
}

fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for is_update in [false, true] {
        for kind in ["Pod", "ReplicaSet", "Job", "Deployment"] {
            for (user, group) in USERS {
                requests.push(Request {
                    object: object(kind, None, ""),
                    user: (*user).to_owned(),
                    group,
                    is_update,
                });
            }
        }
        for owner in OWNERS {
            let kind = match owner.1 {
                "Deployment" => "ReplicaSet",
                "CronJob" => "Job",
                _ => "Pod",
            };
            for (user, hash) in ACCOUNTS
                .iter()
                .map(|account| (format!("{SYSTEM}{account}"), "5d4f"))
                .chain([
                    (format!("{SYSTEM}replicaset-controller"), ""),
                    ("bob".to_owned(), "5d4f"),
                ])
            {
                requests.push(Request {
                    object: object(kind, Some(owner), hash),
                    user,
                    group: "dev",
                    is_update,
                });
            }
        }
    }
    requests
}

impl Request {
    fn operation(&self) -> &'static str {
        if self.is_update { "UPDATE" } else { "CREATE" }
    }

    fn old_object(&self) -> Value {
        if self.is_update {
            self.object.clone()
        } else {
            Value::Null
        }
    }

    fn user_info(&self) -> Value {
        json!({"username": self.user, "groups": [self.group, "system:authenticated"]})
    }

    /// The webhook's decision.
    fn is_admitted_by_webhook(&self, snapshot: &PolicySnapshot) -> bool {
        let api_version = self.object["apiVersion"].as_str().expect("a version");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = self.object["kind"].as_str().expect("a kind");
        let resource = format!("{}s", kind.to_lowercase());
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
                "uid": "1", "kind": {"group": group, "version": version, "kind": kind},
                "resource": {"group": group, "version": version, "resource": resource},
                "name": "web", "namespace": "shop", "operation": self.operation(),
                "userInfo": self.user_info(), "object": self.object, "oldObject": self.old_object(),
            },
        });
        let context = AnswerContext {
            deadline: Instant::now() + Duration::from_secs(60),
            namespace_labels: &|_| None,
        };
        let outcome = snapshot.answer(review.to_string().as_bytes(), &context);
        outcome.expect("a review").decision.allowed
    }

    /// The requests to the oracle, one for each policy.
    fn questions(&self, policies: &[(Value, Value)]) -> Vec<String> {
        let question = |(policy, binding): &(Value, Value)| {
            json!({
                "op": "vap", "policy": policy, "binding": binding, "operation": self.operation(),
                "object": self.object, "oldObject": self.old_object(), "userInfo": self.user_info(),
            })
            .to_string()
        };
        policies.iter().map(question).collect()
    }
}

fn read(library: &Library, match_resources: &str, fields: &str) -> Binding {
    let yaml = format!(
        "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: strict}}\n\
         spec: {{controls: [C-0057], validationActions: [Deny], matchResources: {match_resources}{fields}}}\n"
    );
    let mut loaded = policy::read_bindings(&"b.yaml".into(), yaml.as_bytes(), library);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    loaded.bindings.remove(0)
}

/// The CEL of the controls of an engine.
struct LibraryCel<'e>(&'e Engine);

impl EmitCel for LibraryCel<'_> {
    fn emit(&self, controls: &[ControlId], target: &CelTarget<'_>) -> CelBundle {
        kubevet_cel::emit(self.0.compiled_library(), controls, target)
    }

    fn emit_readable(
        &self,
        control: &ControlId,
        target: &CelTarget<'_>,
    ) -> Result<ReadableControl, String> {
        kubevet_cel::emit_readable(self.0.compiled_library(), control, target)
    }

    fn rule_name(&self, _: &ControlId) -> Option<String> {
        None
    }
}

/// The exported policies, each with its binding.
fn exported(snapshot: &PolicySnapshot, packing: Packing) -> Vec<(Value, Value)> {
    let options = ExportOptions {
        packing,
        params: ParamsIn::Policies,
        min_kube: 30,
        exempt: Vec::new(),
        custom: CustomWorkloads::default(),
        named: true,
        bound: true,
    };
    let export = vap::export(
        &snapshot.enforcement.bindings,
        &snapshot.enforcement.controls,
        &options,
        &LibraryCel(&snapshot.engine),
    );
    let of_kind = |kind: &'static str| {
        let objects = export.objects.iter();
        objects.filter(move |object| object.kind == kind)
    };
    of_kind("ValidatingAdmissionPolicy")
        .map(|policy| {
            let binding = of_kind("ValidatingAdmissionPolicyBinding")
                .find(|binding| binding.name == policy.name)
                .expect("each policy is bound");
            (policy.body.clone(), binding.body.clone())
        })
        .collect()
}

#[test]
fn policies_exclude_what_the_webhook_excludes() {
    let Some(mut oracle) = Oracle::start("policies_exclude_what_the_webhook_excludes") else {
        return;
    };
    let (library, engine) = compiled_library();
    let library = Arc::new(library);
    let path_reads = engine.path_reads();
    let workloads = engine.workloads().clone();
    let engine = Arc::new(engine);
    let controls = library.controls.iter();
    let controls = controls.map(|source| (source.control.id.clone(), source.control.clone()));
    let enforcement = Enforcement {
        bindings: Vec::new(),
        controls: controls.collect(),
        path_reads,
        workloads,
        exempt_namespaces: BTreeSet::new(),
    };
    let requests = requests();
    let mut differences = Vec::new();
    let mut admitted = Vec::new();
    let packed = BINDINGS.iter().map(|binding| (binding, Packing::Packed));
    let readable = BINDINGS.iter().map(|binding| (binding, Packing::Readable));
    for ((match_resources, fields), packing) in packed.chain(readable) {
        let mut binding = read(&library, match_resources, fields);
        if packing == Packing::Readable {
            // Readable policies behave so, whatever the binding says.
            (binding.on_update, binding.on_owned) = (OnUpdate::All, OnOwned::Deny);
        }
        let snapshot = PolicySnapshot {
            library: Arc::clone(&library),
            engine: Arc::clone(&engine),
            enforcement: Enforcement {
                bindings: vec![binding],
                ..enforcement.clone()
            },
            generation: 1,
        };
        let policies = exported(&snapshot, packing);
        let questions: Vec<String> = requests
            .iter()
            .flat_map(|request| request.questions(&policies))
            .collect();
        let answers = oracle.send_all(&questions);
        let mut count = 0;
        for (request, answers) in requests.iter().zip(answers.chunks(policies.len())) {
            let by_webhook = request.is_admitted_by_webhook(&snapshot);
            let answers = answers.iter().map(|answer| {
                let answer: Value = serde_json::from_str(answer).expect("an answer in JSON");
                assert!(answer["error"].is_null(), "{answer}");
                answer["allowed"] == json!(true)
            });
            let by_policies = answers.fold(true, |all, allowed| all & allowed);
            count += usize::from(by_webhook);
            if by_webhook != by_policies {
                differences.push(format!(
                    "{packing:?} {match_resources}{fields}: {} of {} by {}: webhook {by_webhook}, policies {by_policies}",
                    request.operation(),
                    request.object["metadata"],
                    request.user
                ));
            }
        }
        admitted.push(count);
    }
    assert!(differences.is_empty(), "{differences:#?}");
    // Each exclusion under `onOwned: Deny` admits something that the binding without exclusions
    // denies.
    let without = admitted[1];
    assert!(
        [2, 3, 6, 7].iter().all(|index| admitted[*index] > without),
        "{admitted:?}"
    );
}
