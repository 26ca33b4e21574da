//! The admission verdict for every object of the corpus, with all fields that the API server
//! defaults, equals the scan of its file; and recorded reviews replay to the same bytes.

use crate::active_webhook::{ActiveWebhook, binding};
use kubevet_document::{self as document, Limits};
use kubevet_model::ObjectId;
use kubevet_testkit::{
    build_output::{kubevet_binary, shared_data},
    control_plane::ControlPlane,
    polling::wait_for,
    process,
    webhook_registration::validating_webhook_configuration,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Kinds that the cluster does not serve, with the number of their objects: custom ones, and an
/// APIService of a removed version (v1beta1).
const UNKNOWN: &[(&str, usize)] = &[
    ("APIService", 1),
    ("Alertmanager", 1),
    ("GrafanaAgent", 1),
    ("MetricsInstance", 1),
    ("Prometheus", 1),
    ("PrometheusRule", 35),
    ("ServiceMonitor", 12),
];
/// Kinds that the API server sends to no webhook, so that none can lock out the owner of the
/// cluster. Together with the unserved ones, no others are left out.
const NEVER_SHOWN: &[(&str, usize)] = &[
    ("MutatingWebhookConfiguration", 4),
    ("ValidatingWebhookConfiguration", 8),
];

/// An object of the corpus.
struct Object {
    file: String,
    id: ObjectId,
    json: String,
}

/// The part of a finding that must be equal in a file and a cluster: control, paths, fixes.
type Found = (String, Vec<String>, Vec<String>);

fn objects(folder: &Path) -> Vec<Object> {
    let entries = fs::read_dir(folder).expect("the corpus can be read");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    let mut objects = Vec::new();
    for path in files {
        let file = path.display().to_string();
        let bytes = fs::read(&path).expect("a file can be read");
        let reading = document::read(&Arc::from(file.as_str()), &bytes, &Limits::default());
        assert_eq!(reading.problems, []);
        for document in document::expand_lists(reading.documents).documents {
            let mut json = String::new();
            document.root().write_json(&mut json);
            objects.push(Object {
                file: file.clone(),
                id: document.id(),
                json,
            });
        }
    }
    objects
}

/// Removes the objects of these kinds, and checks their number.
fn leave_out(objects: &mut Vec<Object>, kinds: &[(&str, usize)]) {
    for (kind, expected) in kinds {
        let before = objects.len();
        objects.retain(|object| object.id.kind != *kind);
        assert_eq!(
            before - objects.len(),
            *expected,
            "objects of the kind {kind}"
        );
    }
}

/// Creates objects in this order, with one kubectl.
fn create(cluster: &ControlPlane, flags: &[&str], objects: &[&Object]) {
    let items: Vec<&str> = objects.iter().map(|object| object.json.as_str()).collect();
    let list = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}",
        items.join(",")
    );
    cluster
        .kubectl(
            &[&["create", "-o", "name", "-f", "-"], flags].concat(),
            &list,
        )
        .ok();
}

/// The findings of a scan of the corpus, by file, kind, namespace and name. Its removed API version
/// is left to the API server, which answers it itself.
fn scanned(folder: &Path) -> BTreeMap<(String, String, String, String), Vec<Found>> {
    let mut command = Command::new(kubevet_binary());
    command
        .args([
            "scan",
            "--all",
            "--exit-zero",
            "--schema",
            "off",
            "-f",
            "json",
        ])
        .arg(folder);
    let report: Value =
        serde_json::from_str(&process::run(&mut command, "").ok()).expect("a report is JSON");
    let mut findings: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let by_control = cluster_controls();
    for finding in report["findings"]
        .as_array()
        .expect("a report has findings")
    {
        if by_control.contains(string(&finding["control"])) {
            let object = &finding["object"];
            let key = (
                string(&finding["source"]["file"]).to_owned(),
                string(&object["kind"]).to_owned(),
                string(&object["namespace"]).to_owned(),
                string(&object["name"]).to_owned(),
            );
            findings.entry(key).or_default().push(found(finding));
        }
    }
    findings
}

/// The controls with the scope `cluster`.
fn cluster_controls() -> BTreeSet<String> {
    let list = process::run(
        Command::new(kubevet_binary()).args(["list", "controls", "-f", "json"]),
        "",
    );
    let list: Value = serde_json::from_str(&list.ok()).expect("a list is JSON");
    let controls = list["controls"]
        .as_array()
        .expect("a list has controls")
        .iter();
    let clusters = controls.filter(|control| {
        control["scope"]
            .as_array()
            .is_some_and(|scope| scope.contains(&"cluster".into()))
    });
    clusters
        .map(|control| string(&control["id"]).to_owned())
        .collect()
}

fn found(finding: &Value) -> Found {
    let list = |key: &str| finding[key].as_array().cloned().unwrap_or_default();
    let paths = list("paths")
        .iter()
        .map(|item| string(item).to_owned())
        .collect();
    (
        string(&finding["control"]).to_owned(),
        paths,
        list("fixes").iter().map(Value::to_string).collect(),
    )
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn admission_verdict_equals_scan_of_the_file() {
    let Some(folder) = shared_data("corpus", "corpus") else {
        return;
    };
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("corpus", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let mut objects = objects(&folder);
    leave_out(&mut objects, UNKNOWN);
    leave_out(&mut objects, NEVER_SHOWN);
    let namespaces: BTreeSet<&str> = objects
        .iter()
        .map(|object| object.id.namespace.as_str())
        .collect();
    for namespace in namespaces
        .iter()
        .filter(|namespace| !["", "default", "kube-system"].contains(namespace))
    {
        cluster
            .kubectl(&["create", "namespace", namespace], "")
            .ok();
    }
    let records = dir.path().join("records").display().to_string();
    let all = binding("all", "controls: ['*'], validationActions: [Audit]");
    // Dry runs only: the control plane's own requests must not take part.
    let webhook = ActiveWebhook::start_with(&cluster, &all, &["--record", &records], |process| {
        let mut configuration =
            validating_webhook_configuration("corpus", &process.url(), &process.ca(), "Fail", &[]);
        let webhook = &mut configuration["webhooks"][0];
        webhook["namespaceSelector"] = json!({});
        webhook["rules"][0]["scope"] = "*".into();
        webhook["matchConditions"] =
            json!([{"name": "dry", "expression": "has(request.dryRun) && request.dryRun"}]);
        configuration
    });
    // A Pod is admitted only if its service account exists, and an existing one cannot be created
    // again.
    let (pods, others): (Vec<&Object>, Vec<&Object>) =
        objects.iter().partition(|object| object.id.kind == "Pod");
    create(&cluster, &["--dry-run=server"], &others);
    for account in others
        .iter()
        .filter(|other| other.id.kind == "ServiceAccount")
    {
        let _ = cluster.kubectl(&["create", "-f", "-"], &account.json); // several charts have one with the same name
    }
    create(&cluster, &["--dry-run=server"], &pods);

    let sent: Vec<&Object> = others.into_iter().chain(pods).collect();
    let last = sent.last().expect("the corpus is not empty");
    webhook.decision("of the last object", |decision| {
        decision["name"] == last.id.name.as_str() && decision["kind"] == last.id.kind.as_str()
    });
    let mut decisions = webhook.decisions();
    let answered = decisions.len();
    decisions.retain(|decision| !string(&decision["name"]).starts_with("mark-")); // the probe objects of the registration
    assert_eq!(decisions.len(), sent.len(), "one decision for each object");
    let mut scanned = scanned(&folder);
    let mut differences = Vec::new();
    let mut agreed = 0;
    for (object, decision) in sent.iter().zip(&decisions) {
        assert_eq!(string(&decision["name"]), object.id.name, "{decision}");
        assert_eq!(decision["unevaluated"], json!([]), "{decision}");
        let id = &object.id;
        let key = (
            object.file.clone(),
            id.kind.clone(),
            id.namespace.clone(),
            id.name.clone(),
        );
        let mut file = scanned.remove(&key).unwrap_or_default();
        let mut admitted: Vec<Found> = decision["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(found)
            .collect();
        // A file without a namespace does not say where its object will land; an admitted object has
        // one.
        if id.namespace.is_empty() {
            admitted.retain(|finding| !["C-0061", "C-0212"].contains(&finding.0.as_str()));
        }
        file.sort();
        admitted.sort();
        agreed += file.len();
        let only = |these: &[Found], those: &[Found]| -> Vec<Found> {
            these
                .iter()
                .filter(|finding| !those.contains(finding))
                .cloned()
                .collect()
        };
        if file != admitted {
            differences.push(format!(
                "{key:?}\n  only in the file: {:?}\n  only as admitted: {:?}",
                only(&file, &admitted),
                only(&admitted, &file)
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(agreed > 1000, "only {agreed} findings were compared");
    // The API server asks no webhook about an APIService.
    scanned.retain(|key, _| key.1 != "APIService");
    assert!(
        scanned.is_empty(),
        "nobody was asked about {:?}",
        scanned.keys()
    );
    replay(&webhook, &records, answered);
}

/// Every record gives the same bytes from the webhook and from `kubevet review`.
fn replay(webhook: &ActiveWebhook<'_>, records: &str, count: usize) {
    let records: Vec<PathBuf> = wait_for("all records to be written", || {
        let entries = fs::read_dir(records).expect("the gate made the folder");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        let complete: Vec<_> = paths
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .collect();
        if complete.len() == count {
            Ok(complete)
        } else {
            Err(format!("{} of {count}", complete.len()))
        }
    });
    let next = AtomicUsize::new(0);
    let client = webhook.process.client();
    let bindings = webhook.bindings();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(path) = records.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let body = fs::read(path).expect("a record can be read").into();
                    let answer = runtime
                        .block_on(client.post("/validate", &body))
                        .expect("the gate answers");
                    let mut command = Command::new(kubevet_binary());
                    command
                        .arg("review")
                        .arg("--bindings")
                        .arg(&bindings)
                        .arg(path);
                    let printed = process::run(&mut command, "").ok();
                    assert_eq!(
                        printed.as_bytes(),
                        [&answer.body[..], b"\n"].concat(),
                        "{}",
                        path.display()
                    );
                }
            });
        }
    });
}
