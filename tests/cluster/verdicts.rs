//! Exported policies and the webhook on a real API server. For the same dry runs, the audit log of
//! the packed policies of the whole library and the decision log must name the same controls;
//! readable policies must deny what the webhook denies. The objects are all test data and a sample of
//! generated ones.

use crate::{
    active_webhook::{ActiveWebhook, binding},
    admission_policies::vap,
};
use kubevet_differential::{
    self as differential, RunConfig, SeedObject, Subject, SubjectAnswer, SubjectError, TestCase,
};
use kubevet_k8s::workload::is_workload;
use kubevet_model::{ControlId, Kind, Scope};
use kubevet_policy::{self as policy, Library};
use kubevet_testkit::{control_plane::ControlPlane, namespace::TestNamespace, polling::wait_for};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The number of generated objects.
const GENERATED_COUNT: u64 = 800;

/// A subject that records the objects it is given.
#[derive(Default)]
struct Listener {
    heard: Vec<Value>,
}

impl Subject for &mut Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn evaluate(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError> {
        let object = |case: &TestCase| {
            serde_json::from_str::<Value>(&case.object).expect("the object is JSON")
        };
        self.heard.extend(batch.iter().map(object));
        Ok(batch
            .iter()
            .map(|case| {
                case.controls
                    .iter()
                    .map(|_| SubjectAnswer::Verdict(None))
                    .collect()
            })
            .collect())
    }
}

fn testdata(library: &Library) -> Vec<SeedObject> {
    let mut seeds = Vec::new();
    for source in &library.controls {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&*source.file);
        let (objects, problems) =
            policy::read_testdata(folder.parent().expect("a file is in a folder"));
        assert_eq!(problems, []);
        seeds.extend(objects.iter().filter_map(|object| {
            differential::seed_object(
                &object.document,
                Some(source.control.id.clone()),
                Vec::new(),
            )
        }));
    }
    seeds
}

/// Test data and generated objects of kinds that every cluster serves, each with a unique name.
fn objects() -> BTreeMap<String, Value> {
    let (library, problems) = policy::embedded();
    assert_eq!(problems, []);
    let seeds = testdata(&library);
    let mut all: Vec<Value> = seeds.iter().map(|seed| seed.object.clone()).collect();
    let workloads: Vec<ControlId> = library
        .controls
        .iter()
        .filter(|control| !control.control.scope.contains(&Scope::Admission))
        .map(|control| control.control.id.clone())
        .collect();
    let config = RunConfig {
        controls: workloads,
        count: GENERATED_COUNT,
        seed: 36,
        invalid_objects: false,
        max_disagreements: 0,
    };
    let mut listener = Listener::default();
    let mut subjects: Vec<Box<dyn Subject + '_>> = vec![Box::new(&mut listener)];
    differential::run(&config, &library, seeds, &mut subjects, None, &mut |_| {})
        .expect("the listener answers");
    drop(subjects);
    all.append(&mut listener.heard);
    let mut named = BTreeMap::new();
    for (number, mut object) in all.into_iter().enumerate() {
        let string = |key: &str| object[key].as_str().unwrap_or_default();
        let kind = Kind::new(Kind::group_of(string("apiVersion")), string("kind"));
        let is_served = ["", "apps", "batch"].contains(&kind.group.as_str());
        if !is_served || !(is_workload(&kind) || kind == Kind::new("", "ConfigMap")) {
            continue;
        }
        let Some(metadata) = object
            .as_object_mut()
            .map(|map| map.entry("metadata").or_insert_with(|| json!({})))
        else {
            continue;
        };
        let Some(metadata) = metadata.as_object_mut() else {
            continue;
        };
        let name = format!("object-{number}");
        metadata.insert("name".to_owned(), json!(name));
        metadata.remove("generateName");
        metadata.remove("namespace");
        named.insert(name, object);
    }
    named
}

/// The controls that the policies report, by the name of the object.
fn policy_results(cluster: &ControlPlane, namespace: &str) -> BTreeMap<String, BTreeSet<String>> {
    let entries = cluster.audit_entries(namespace, "creates", |entry| entry.verb() == "create");
    let mut policy_results: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in entries {
        let failed = policy_results.entry(entry.name().to_owned()).or_default();
        for (key, ids) in entry.annotations() {
            if key.ends_with("/failed") {
                failed.extend(ids.split(", ").map(str::to_owned));
            }
        }
    }
    policy_results
}

#[test]
fn policies_and_webhook_agree_on_test_data_and_generated_objects() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("verdicts", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let shop = cluster.namespace("verdicts");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    vap(&["apply", "--action", "Audit", "--kubeconfig", &kubeconfig]).ok();
    let all = binding("all", "controls: ['*'], validationActions: [Audit]");
    let webhook = ActiveWebhook::start(&cluster, &[&shop], &all, &[]);
    let create = |objects: &[&Value]| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        // An invalid object is rejected before any policy runs, and does not stop the others.
        shop.kubectl(
            &[
                "create",
                "--dry-run=server",
                "--validate=false",
                "-o",
                "name",
                "-f",
                "-",
            ],
            &list.to_string(),
        )
    };
    // An object for each policy.
    let spec = json!({"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": true}}]});
    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": spec});
    let selector = json!({"matchLabels": {"app": "a"}});
    let marks = [
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mark-pod"}, "spec": spec}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mark-deployment"},
            "spec": {"selector": selector, "template": template}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mark-map"}, "data": {"password": "x"}}),
    ];
    wait_for("the policies to be in force", || {
        create(&marks.iter().collect::<Vec<_>>()).ok();
        let policy_results = policy_results(&cluster, shop.name());
        let silent = policy_results
            .iter()
            .find(|(name, failed)| name.starts_with("mark-") && failed.is_empty());
        if silent.is_none() && policy_results.len() >= marks.len() {
            Ok(())
        } else {
            Err(format!("{policy_results:?}"))
        }
    });

    let objects = objects();
    create(&objects.values().collect::<Vec<_>>());
    let last = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "last"}, "data": {"password": "x"}});
    create(&[&last]).ok();
    webhook.decision("of the last object", |decision| decision["name"] == "last");
    let policy_results = wait_for("the last object in the audit log", || {
        let policy_results = policy_results(&cluster, shop.name());
        if policy_results.contains_key("last") {
            Ok(policy_results)
        } else {
            Err("it is not there".to_owned())
        }
    });
    let (mut differences, mut controls, mut findings, mut compared) =
        (Vec::new(), BTreeSet::new(), 0, 0);
    for decision in webhook.decisions() {
        let name = decision["name"].as_str().unwrap_or_default();
        let Some(object) = objects.get(name) else {
            continue;
        };
        assert_eq!(decision["unevaluated"], json!([]), "{decision}");
        let found = decision["findings"].as_array().into_iter().flatten();
        let by_webhook: BTreeSet<String> = found
            .map(|finding| finding["control"].as_str().unwrap_or_default().to_owned())
            .collect();
        let by_policies = policy_results.get(name).cloned().unwrap_or_default();
        compared += 1;
        findings += by_webhook.len();
        // C-0295 has no CEL: it compares the positions of list elements.
        let mut by_webhook = by_webhook;
        by_webhook.remove("C-0295");
        // A line of the decision log lists a bounded number of findings.
        let is_cut = decision["moreFindings"]
            .as_u64()
            .is_some_and(|more| more > 0);
        let agrees = if is_cut {
            by_webhook.is_subset(&by_policies)
        } else {
            by_webhook == by_policies
        };
        if !agrees {
            differences.push(format!(
                "{object}\n  webhook {by_webhook:?}\n  policies {by_policies:?}"
            ));
        }
        controls.extend(by_webhook);
    }
    let shown = differences[..differences.len().min(10)].join("\n");
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{shown}",
        differences.len()
    );
    // Two controls have no params, and most generated objects are invalid for an API server.
    println!(
        "{compared} objects of {}, {findings} findings of {} controls",
        objects.len(),
        controls.len()
    );
    assert!(
        compared > 500 && findings > 2_000 && controls.len() >= 30,
        "{compared}, {findings}, {controls:?}"
    );
}

/// The names of the objects that are admitted in a namespace.
fn admitted(shop: &TestNamespace<'_>, objects: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": objects.values().collect::<Vec<_>>()});
    let args = [
        "create",
        "--dry-run=server",
        "--validate=false",
        "-o",
        "name",
        "-f",
        "-",
    ];
    let output = shop.kubectl(&args, &list.to_string());
    let names = output.stdout.lines();
    names
        .filter_map(|name| name.rsplit('/').next().map(str::to_owned))
        .collect()
}

#[test]
fn readable_policies_deny_what_the_webhook_denies() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("readable", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let free = cluster.namespace("free");
    let with_webhook = cluster.namespace("webhook");
    let with_policies = cluster.namespace("policies");
    let exempt = format!("kube-system,{},{}", free.name(), with_webhook.name());
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let controls = ["C-0012", "C-0041", "C-0045", "C-0046", "C-0057", "C-0074"];
    // An object from before the policies, with the same name in each namespace.
    let spec = json!({"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": true}}]});
    let old = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "old", "finalizers": ["example.com/wait"]},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": spec},
        },
    });
    for namespace in [&with_webhook, &with_policies] {
        let args = ["create", "-f", "-"];
        namespace.kubectl(&args, &old.to_string()).ok();
    }
    vap(&[
        &["apply", "--style", "readable", "--action", "Deny"][..],
        &["--kubeconfig", &kubeconfig, "--exempt-namespaces", &exempt],
        &controls[..],
    ]
    .concat())
    .ok();
    let strict = format!(
        "controls: [{}], validationActions: [Deny], onUpdate: All, onOwned: Deny",
        controls.join(", ")
    );
    let strict = binding("strict", &strict);
    let _webhook = ActiveWebhook::start(&cluster, &[&with_webhook], &strict, &[]);
    let pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mark"}, "spec": spec});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mark-map"}, "data": {"password": "x"}});
    let marks = BTreeMap::from([("pod".to_owned(), pod), ("map".to_owned(), map)]);
    for namespace in [&with_webhook, &with_policies] {
        wait_for("denials", || {
            let admitted = admitted(namespace, &marks);
            if admitted.is_empty() {
                Ok(())
            } else {
                Err(format!("{admitted:?}"))
            }
        });
    }

    let objects = objects();
    let valid = admitted(&free, &objects);
    let by_webhook = admitted(&with_webhook, &objects);
    let by_policies = admitted(&with_policies, &objects);
    let differences: Vec<_> = by_webhook.symmetric_difference(&by_policies).collect();
    assert!(differences.is_empty(), "{differences:?}");
    let denied = valid.len() - by_policies.len();
    println!("{} valid objects, {denied} denied", valid.len());
    assert!(
        denied > 100 && by_policies.len() > 100,
        "{denied} of {}",
        valid.len()
    );

    // An UPDATE is held to all findings, and an object can be deleted.
    for namespace in [&with_webhook, &with_policies] {
        let patch = |yaml: &str| {
            let args = ["patch", "deployment", "old", "--type=merge", "-p", yaml];
            namespace.kubectl(&args, "")
        };
        let label = patch(r#"{"metadata":{"labels":{"a":"b"}}}"#);
        assert!(
            label.code != 0 && label.stderr.contains("container a is privileged"),
            "{label:?}"
        );
        let args = ["delete", "deployment", "old", "--wait=false"];
        namespace.kubectl(&args, "").ok();
        patch(r#"{"metadata":{"finalizers":null}}"#).ok();
    }
}
