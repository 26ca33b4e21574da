//! Results as objects on a real API server: their definitions are accepted, they are stored as they
//! were made, listed by kubectl, skipped where nothing changed, and gone with their subject.

use kubevet_cluster::{
    ApiAccess, Cluster, Fence, ListOptions, ReadEvent, ReadRequest, ResourceRequest, ResultLimits,
    ResultWriter, StoredResults, WriteReport, connect,
};
use kubevet_engine::Engine;
use kubevet_model::{Kind, ObjectResult, ResultKind, ResultObject, ScannedCluster, Thresholds};
use kubevet_results::{ReportApi, ResultBuilder, SummaryMember};
use kubevet_scan::{ClusterOutcome, ScanOptions, SchemaChecks, UnreadLog, run_pages};
use kubevet_testkit::{
    build_output::{kubevet_binary, repository_root},
    control_plane::ControlPlane,
    polling::wait_for,
    process,
};
use regex::Regex;
use serde_json::Value;
use std::{collections::BTreeMap, fs, process::Command};
use tokio::sync::mpsc;

/// A Deployment, whose ReplicaSet and Pods have its findings, and objects outside namespaces.
const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: kubevet}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop, labels: {app.kubernetes.io/instance: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: cart, image: 'nginx:1.29', securityContext: {privileged: true}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {DB_PASSWORD: correct-horse-battery}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: 'shop:everything'}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
"#;

/// The controls of the results: a few, so that a new one does not change what the documents show.
const CONTROLS: &[&str] = &[
    "C-0012", "C-0013", "C-0016", "C-0017", "C-0056", "C-0057", "C-0270", "C-0271", "K-0101",
];

/// A control plane with the definitions of results and the objects.
struct ResultCluster {
    cluster: ControlPlane,
    client: Cluster,
    _dir: tempfile::TempDir,
}

/// The results of a scan, and what they are made with.
struct Scanned {
    builder: ResultBuilder,
    results: Vec<ObjectResult>,
}

impl ResultCluster {
    /// `None` where no control plane was built.
    async fn start(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let data = dir.path().join("data");
        let cluster = ControlPlane::isolated(test, &data, &["--throw-away"])?;
        let mut command = Command::new(kubevet_binary());
        let kinds = "kubescape,policy-reports,open-reports";
        command.args(["manifests", "results-crds", "--kinds", kinds]);
        let definitions = process::run(&mut command, "").ok();
        let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
        cluster.kubectl(&apply, &definitions).ok();
        let established = ["wait", "--for=condition=Established", "crd", "--all"];
        cluster.kubectl(&established, "").ok();
        cluster.kubectl(&["apply", "-f", "-"], OBJECTS).ok();
        wait_for("the Pods of the Deployment", || {
            let pods = cluster.kubectl(&["get", "pods", "-n", "shop", "-o", "name"], "");
            let pods = pods.ok();
            if pods.lines().count() == 2 {
                Ok(())
            } else {
                Err(pods)
            }
        });
        let access = ApiAccess::Kubeconfig(cluster.kubeconfig());
        let client = connect(&access).await.expect("the kubeconfig is right");
        Some(Self {
            cluster,
            client,
            _dir: dir,
        })
    }

    /// Scans the kinds of the objects, apart from those of Kubernetes itself.
    async fn scan(&self) -> Scanned {
        let kinds = [
            Kind::new("apps", "Deployment"),
            Kind::new("apps", "ReplicaSet"),
            Kind::new("", "Pod"),
            Kind::new("", "ConfigMap"),
            Kind::new("rbac.authorization.k8s.io", "ClusterRole"),
        ];
        let resources = self.client.discover().await.expect("it answers");
        let resources = kinds.iter().map(|kind| ResourceRequest {
            resource: resources.find(kind).expect("it is built in").clone(),
            metadata_only: false,
        });
        let request = ReadRequest {
            resources: resources.collect(),
            namespaces: Vec::new(),
            own_namespace: "kubevet".to_owned(),
            options: ListOptions {
                excluded_namespaces: vec!["kube-system".to_owned()],
                ..ListOptions::default()
            },
        };
        let (sender, mut events) = mpsc::channel(100);
        self.client.read_objects(request, sender).await;
        let mut pages = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                ReadEvent::Page { objects, .. } => pages.push(objects),
                ReadEvent::Listed(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let (mut library, _) = kubevet_prebuilt::library();
        library
            .controls
            .retain(|source| CONTROLS.contains(&source.control.id.as_str()));
        let (engine, _) = Engine::compile_with(&library, kubevet_prebuilt::precompiled());
        let controls = library.metadata();
        let params = library.params.defaults();
        let options = ScanOptions {
            engine: &engine,
            params: &params,
            controls: controls.clone(),
            schema: SchemaChecks::default(),
            frameworks: Vec::new(),
            unavailable: Vec::new(),
            not_run: None,
            thresholds: Thresholds::default(),
        };
        let (scan, _) = run_pages(options, kinds.into(), |add| {
            pages.iter().for_each(|page| add(page));
            ClusterOutcome {
                cluster: ScannedCluster::default(),
                unread: UnreadLog::default(),
                problems: Vec::new(),
            }
        });
        let is_ours = |result: &ObjectResult| {
            let object = &result.object;
            object.namespace == "shop" || object.name.starts_with("shop:")
        };
        Scanned {
            builder: ResultBuilder::new(controls, "demo", "kubevet"),
            results: scan.objects.into_iter().filter(is_ours).collect(),
        }
    }

    fn writer(&self) -> ResultWriter {
        ResultWriter::new(self.client.clone(), Fence::always_open())
    }

    fn kubectl(&self, args: &[&str]) -> String {
        self.cluster.kubectl(args, "").ok()
    }

    /// The names of the objects of a kind in all namespaces.
    fn names(&self, kind: &str) -> Vec<String> {
        let list = self.kubectl(&["get", kind, "-A", "-o", "name"]);
        let names = list.lines().filter_map(|line| line.split('/').next_back());
        names.map(str::to_owned).collect()
    }

    fn wait_for_names(&self, kind: &str, expected: &[&str]) {
        wait_for(&format!("{kind} to be {expected:?}"), || {
            let names = self.names(kind);
            if names == expected {
                Ok(())
            } else {
                Err(format!("{names:?}"))
            }
        });
    }
}

impl Scanned {
    /// All objects of all results, and the sums of each namespace.
    fn objects(&self) -> Vec<ResultObject> {
        let mut objects = Vec::new();
        let mut members: BTreeMap<String, Vec<SummaryMember>> = BTreeMap::new();
        for result in &self.results {
            let summary = self.builder.configuration_scan_summary(result);
            let of_namespace = members.entry(summary.key.namespace.clone()).or_default();
            of_namespace.push(SummaryMember {
                name: summary.key.name.clone(),
                failed: self.builder.failed_controls(result),
            });
            objects.push(summary);
            objects.push(self.builder.configuration_scan(result));
            for api in [ReportApi::PolicyReports, ReportApi::OpenReports] {
                objects.push(self.builder.policy_report(api, result));
            }
        }
        for (namespace, members) in members {
            objects.push(self.builder.namespace_summary(&namespace, None, &members));
        }
        objects
    }
}

/// Returns the output of kubectl as docs/results.md shows it. Ages and uids differ from run to run.
fn tables(test: &ResultCluster) -> Vec<String> {
    let uid = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").expect("it is valid");
    let age = Regex::new("(?m) [0-9]+[sm]$").expect("it is valid");
    let commands = [
        "get workloadconfigurationscansummaries -A",
        "get configurationscansummaries",
        "get policyreports -A",
        "get clusterpolicyreports",
    ];
    let tables = commands.map(|command| {
        let words: Vec<&str> = command.split(' ').collect();
        let table = test.kubectl(&words);
        let table = uid.replace_all(&table, "0b6f1c1e-3d1f-4a7b-9a53-3a2f6f0d9a11");
        let table = age.replace_all(&table, " 5s");
        // Reports are listed by uid.
        let (head, rows) = table.split_once('\n').expect("there is a head");
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.sort_unstable();
        format!("$ kubectl {command}\n{head}\n{}\n", rows.join("\n"))
    });
    tables.into()
}

fn check_documented(tables: &[String]) {
    let page = repository_root().join("docs/results.md");
    let page = fs::read_to_string(page).expect("the page can be read");
    let is_missing = |table: &&String| !page.contains(table.as_str());
    let missing: Vec<&str> = tables
        .iter()
        .filter(is_missing)
        .map(String::as_str)
        .collect();
    assert!(
        missing.is_empty(),
        "docs/results.md lacks\n{}",
        missing.join("\n")
    );
}

#[track_caller]
fn check_report(report: &WriteReport, written: usize, unchanged: usize) {
    let expected = WriteReport {
        written,
        unchanged,
        ..WriteReport::default()
    };
    assert_eq!(*report, expected);
}

/// Returns a value whose numbers are all of one form: the API server stores 8.0 as 8.
fn normalized(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(list) => list.iter().map(normalized).collect(),
        Value::Object(map) => {
            let entries = map.iter();
            let mut entries: Vec<(String, Value)> = entries
                .map(|(key, value)| (key.clone(), normalized(value)))
                .collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_stored_listed_skipped_and_removed_with_their_subject() {
    let Some(test) = ResultCluster::start("results").await else {
        return;
    };
    let scanned = test.scan().await;
    let objects = scanned.objects();
    // The ReplicaSet and the Pods have no results of their own.
    let subjects: Vec<String> = scanned
        .results
        .iter()
        .map(|result| result.object.to_string())
        .collect();
    let expected = [
        "ClusterRole shop:everything",
        "ConfigMap shop/settings",
        "Deployment shop/cart",
    ];
    assert_eq!(subjects, expected);
    assert_eq!(objects.len(), 3 * 4 + 2);

    let writer = test.writer();
    let mut stored = StoredResults::new(ResultLimits::default());
    check_report(
        &writer.write(&mut stored, objects.clone()).await,
        objects.len(),
        0,
    );
    for object in &objects {
        let sent: Value = serde_json::from_str(&object.json).expect("it is JSON");
        let (kind, name) = (object.key.kind, object.key.name.as_str());
        let resource = format!("{}.{}", kind.plural(), kind.group());
        let namespace = ["-n", &object.key.namespace];
        let namespace = if kind.is_namespaced() {
            &namespace[..]
        } else {
            &[]
        };
        let get = [&["get", &resource, name, "-o", "json"], namespace].concat();
        let mut found: Value = serde_json::from_str(&test.kubectl(&get)).expect("it is JSON");
        let metadata = found["metadata"].as_object_mut().expect("an object");
        for added in ["creationTimestamp", "generation", "resourceVersion", "uid"] {
            metadata.remove(added);
        }
        // Nothing was dropped, and nothing defaulted.
        assert_eq!(normalized(&found), normalized(&sent));
    }
    let tables = tables(&test);
    assert!(!tables.concat().contains("replicaset"), "{tables:?}");
    let configmap = ["get", "wcs,polr,reps", "-n", "shop", "-o", "json"];
    assert!(!test.kubectl(&configmap).contains("correct-horse"));

    // Nothing has changed: no call is made, also by a process that has just started.
    check_report(
        &writer.write(&mut stored, objects.clone()).await,
        0,
        objects.len(),
    );
    let mut restarted = StoredResults::new(ResultLimits::default());
    let swept = writer
        .sweep(&mut restarted, ResultKind::ALL, |_| true)
        .await;
    check_report(&swept.expect("the kinds are served"), 0, 0);
    assert_eq!(restarted.totals(), stored.totals());
    let again = test.scan().await.objects();
    check_report(&writer.write(&mut restarted, again).await, 0, objects.len());

    // The subject changes, and its results with it.
    let patch = r#"[{"op": "remove", "path": "/spec/template/spec/containers/0/securityContext"}]"#;
    test.kubectl(&[
        "patch",
        "deploy",
        "cart",
        "-n",
        "shop",
        "--type=json",
        "-p",
        patch,
    ]);
    let repaired = test.scan().await;
    let report = writer.write(&mut stored, repaired.objects()).await;
    assert!(
        report.written >= 4 && report.errors.is_empty(),
        "{report:?}"
    );

    // The subjects go, and the garbage collector of Kubernetes removes their results.
    test.kubectl(&["delete", "deploy", "cart", "-n", "shop"]);
    test.kubectl(&["delete", "clusterrole", "shop:everything"]);
    for (kind, expected) in [
        ("workloadconfigurationscans", &["configmap-settings"][..]),
        (
            "workloadconfigurationscansummaries",
            &["configmap-settings"],
        ),
        ("clusterpolicyreports", &[]),
        ("clusterreports.openreports.io", &[]),
    ] {
        test.wait_for_names(kind, expected);
    }
    assert_eq!(test.names("policyreports").len(), 1);
    assert_eq!(test.names("reports.openreports.io").len(), 1);

    // What has no owner is removed by a sweep, which leaves what is not ours.
    let foreign = "{apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1, \
        kind: ConfigurationScanSummary, metadata: {name: foreign}, spec: {}}";
    test.cluster.kubectl(&["apply", "-f", "-"], foreign).ok();
    let swept = writer.sweep(&mut stored, ResultKind::ALL, |key| {
        key.kind != ResultKind::ConfigurationScanSummary || key.name == "kubevet"
    });
    let swept = swept.await.expect("the kinds are served");
    assert_eq!((swept.removed, swept.errors.len()), (1, 0), "{swept:?}");
    assert_eq!(
        test.names("configurationscansummaries"),
        ["foreign", "kubevet"]
    );

    // Results do not keep a namespace from going.
    test.kubectl(&["delete", "namespace", "shop"]);
    assert_eq!(test.names("workloadconfigurationscans"), [""; 0]);
    let late = writer.write(&mut stored, scanned.objects()).await;
    assert!(late.gone > 0 && late.errors.is_empty(), "{late:?}");
    check_documented(&tables);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_results_are_errors_with_a_reason() {
    let Some(test) = ResultCluster::start("refused-results").await else {
        return;
    };
    let policy = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-reports}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [openreports.io], apiVersions: ['*'], resources: [reports], operations: [CREATE]}]
  validations: [{expression: "false", message: no reports here}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-reports}
spec: {policyName: no-reports, validationActions: [Deny]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few, namespace: shop}
spec: {hard: {count/policyreports.wgpolicyk8s.io: '0'}}
"#;
    test.cluster.kubectl(&["apply", "-f", "-"], policy).ok();
    test.kubectl(&["delete", "crd", "clusterpolicyreports.wgpolicyk8s.io"]);
    let probe = "{apiVersion: openreports.io/v1alpha1, kind: Report, metadata: {name: probe, namespace: shop}}";
    wait_for("the policy to be in force", || {
        let dry_run = ["create", "--dry-run=server", "-f", "-"];
        let output = test.cluster.kubectl(&dry_run, probe);
        if output.code == 0 {
            Err(output.stdout)
        } else {
            Ok(())
        }
    });
    wait_for("the quota to be in force", || {
        let quota = test.kubectl(&[
            "get",
            "quota",
            "few",
            "-n",
            "shop",
            "-o",
            "jsonpath={.status.hard}",
        ]);
        if quota.contains("policyreports") {
            Ok(())
        } else {
            Err(quota)
        }
    });
    let objects = test.scan().await.objects();
    let mut stored = StoredResults::new(ResultLimits::default());
    let report = test.writer().write(&mut stored, objects).await;
    let expected = BTreeMap::from([("denied", 2), ("quota", 2), ("not_installed", 1)]);
    assert_eq!(report.failures, expected, "{report:#?}");
    assert_eq!(report.written, 3 * 4 + 2 - 5);
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    assert!(
        errors.iter().any(|error| error.contains("no reports here")),
        "{errors:?}"
    );
}
