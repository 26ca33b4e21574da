//! `kubevet scan cluster` against a real API server: what it reads, what it may not read, and what
//! changes after it.

use kubevet_testkit::{
    build_output::kubevet_binary,
    control_plane::ControlPlane,
    polling::wait_for,
    process::{self, ChildProcess, ProcessOutput},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A namespace with a Deployment, whose ReplicaSet and Pods have its findings, and other objects.
const OBJECTS: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: web}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: scanner, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: cart, image: 'nginx:1.29', securityContext: {privileged: true}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: web}
spec:
  schedule: '0 0 1 1 *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: r, image: busybox}]}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: web}
data: {DB_PASSWORD: correct-horse-battery}
";

/// The kinds that the controls of the framework `security` check.
pub(crate) const KINDS: &str = "pods,podtemplates,replicationcontrollers,configmaps,serviceaccounts,nodes,services,\
                     persistentvolumes,mutatingwebhookconfigurations,validatingwebhookconfigurations,\
                     validatingadmissionpolicies,validatingadmissionpolicybindings,customresourcedefinitions,\
                     apiservices,deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs,ingresses,\
                     networkpolicies,clusterrolebindings,rolebindings,clusterroles,roles,resourceclaims,\
                     resourceclaimtemplates,storageclasses";

/// A control plane with the objects, and Pods that their controllers have made.
struct ScannedCluster {
    cluster: ControlPlane,
    dir: tempfile::TempDir,
}

impl ScannedCluster {
    /// `None` where no control plane was built.
    fn start(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let data = dir.path().join("data");
        let cluster = ControlPlane::isolated(test, &data, &["--throw-away"])?;
        let apply = ["apply", "-f", "-"];
        // No Pod is made before a controller has created the service account of the namespace.
        cluster.kubectl(&apply, OBJECTS).ok();
        wait_for("the Pods of the Deployment", || {
            let pods = cluster.kubectl(&["get", "pods", "-n", "shop", "-o", "name"], "");
            let pods = pods.ok();
            if pods.lines().count() == 2 {
                Ok(())
            } else {
                Err(pods)
            }
        });
        Some(Self { cluster, dir })
    }

    fn scan(&self, kubeconfig: &Path, args: &[&str]) -> ProcessOutput {
        process::run(&mut command(kubeconfig, args), "")
    }

    /// Scans as the admin.
    fn scan_as_admin(&self, args: &[&str]) -> ProcessOutput {
        self.scan(&self.cluster.kubeconfig(), args)
    }

    /// Applies objects.
    fn apply(&self, objects: &str) {
        self.cluster.kubectl(&["apply", "-f", "-"], objects).ok();
    }

    /// Returns a kubeconfig of the service account `scanner`, whose context is in `shop`.
    fn scanner_kubeconfig(&self) -> PathBuf {
        let token = ["create", "token", "scanner", "-n", "shop"];
        let token = self.cluster.kubectl(&token, "").ok();
        let view = ["config", "view", "--raw", "--minify", "-o", "json"];
        let mut config: Value =
            serde_json::from_str(&self.cluster.kubectl(&view, "").ok()).expect("it is JSON");
        config["users"][0]["user"] = json!({"token": token.trim()});
        config["contexts"][0]["context"]["namespace"] = json!("shop");
        let file = self.dir.path().join("scanner.kubeconfig");
        fs::write(&file, config.to_string()).expect("it can be written");
        file
    }

    /// Lets the service account do what a ClusterRole grants: in the namespace `shop`, or everywhere.
    fn bind(&self, role: &str, everywhere: bool) {
        let kind = if everywhere {
            "ClusterRoleBinding"
        } else {
            "RoleBinding"
        };
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": {"name": format!("{role}-scanner"), "namespace": if everywhere { None } else { Some("shop") }},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "scanner", "namespace": "shop"}],
        });
        self.apply(&binding.to_string());
    }
}

fn command(kubeconfig: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(kubevet_binary());
    command.args(args).env("KUBECONFIG", kubeconfig);
    command
}

/// Parses a JSON report, whatever the exit status is.
#[track_caller]
fn report(output: &ProcessOutput, code: i32) -> Value {
    assert_eq!(output.code, code, "{output:?}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The parts of a report that do not depend on where the objects were read from.
fn comparable(report: &Value) -> Value {
    let mut findings: Vec<Value> = report["findings"].as_array().expect("a list").clone();
    for finding in &mut findings {
        let finding = finding.as_object_mut().expect("an object");
        finding.remove("source");
        finding.remove("origin");
    }
    findings.sort_by_key(|finding| finding["fingerprint"].to_string());
    let summary = &report["summary"];
    json!({
        "findings": findings,
        "controls": report["controls"],
        "frameworks": report["frameworks"],
        "errors": report["errors"],
        "counts": [summary["objects"], summary["checked"], summary["failedObjects"], summary["defects"],
            summary["findings"], summary["skipped"], summary["notApplicable"]],
    })
}

/// Returns the kinds that a report says were not read.
fn unread_kinds(report: &Value) -> BTreeSet<&str> {
    let unread = report["unread"].as_array().into_iter().flatten();
    unread
        .filter_map(|unread| unread["kind"].as_str())
        .collect()
}

#[test]
fn report_of_a_cluster_equals_that_of_its_objects_as_files() {
    let Some(scanned) = ScannedCluster::start("equal") else {
        return;
    };
    let json = ["get", KINDS, "-A", "-o", "json"];
    let objects = scanned.cluster.kubectl(&json, "").ok();
    let flags = ["--framework", "security", "-f", "json"];
    let files = {
        let args = [&["scan", "-"], flags.as_slice()].concat();
        let mut command = command(&scanned.cluster.kubeconfig(), &args);
        report(&process::run(&mut command, &objects), 1)
    };
    let args = [&["scan", "cluster"], flags.as_slice()].concat();
    let of_cluster = report(&scanned.scan_as_admin(&args), 1);
    assert_eq!(comparable(&of_cluster), comparable(&files));
    // The ReplicaSet and the Pods are reported under their Deployment.
    assert_eq!(of_cluster["summary"]["skipped"], 3, "{of_cluster:#}");
    assert!(
        of_cluster["cluster"]["version"]
            .as_str()
            .is_some_and(|version| version.starts_with("v1.")),
        "{of_cluster:#}"
    );
    // Plain `scan` means the cluster of the kubeconfig.
    let args = [&["scan"], flags.as_slice()].concat();
    assert_eq!(report(&scanned.scan_as_admin(&args), 1), of_cluster);

    let kinds = |args: &[&str]| -> BTreeSet<String> {
        let args = [&["scan", "cluster"], args, flags.as_slice()].concat();
        let report = report(&scanned.scan_as_admin(&args), 1);
        let defects = report["defects"].as_array().expect("a list").iter();
        defects
            .map(|defect| {
                defect["object"]["kind"]
                    .as_str()
                    .expect("a kind")
                    .to_owned()
            })
            .collect()
    };
    let set = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let check = |args: &[&str], expected: &[&str]| {
        let expected: BTreeSet<String> = set(expected);
        assert_eq!(kinds(args), expected, "{args:?}");
    };
    check(&["--namespaces", "web"], &["ConfigMap", "CronJob"]);
    // The ClusterRole is that of the control plane's developer.
    check(
        &["--exclude-namespaces", "web"],
        &["ClusterRole", "Deployment"],
    );
    check(
        &["--include-kinds", "cj,configmaps"],
        &["ConfigMap", "CronJob"],
    );
    check(
        &["--exclude-kinds", "Deployment,ReplicaSet,ConfigMap"],
        &["ClusterRole", "CronJob", "Pod"],
    );
    check(&["-l", "app=cart"], &["Deployment"]);
}

#[test]
fn what_must_not_be_read_is_named_and_the_rest_is_evaluated() {
    let Some(scanned) = ScannedCluster::start("restricted") else {
        return;
    };
    let kubeconfig = scanned.scanner_kubeconfig();
    let scan = |args: &[&str]| {
        let flags = ["--framework", "security", "-f", "json"];
        scanned.scan(&kubeconfig, &[&["scan", "cluster"], args, &flags].concat())
    };
    // No right at all.
    let nothing = report(&scan(&[]), 2);
    assert_eq!(unread_kinds(&nothing).len(), 29, "{nothing:#}");
    assert_eq!(nothing["summary"]["objects"], 0);
    let dry_run = scan(&["--dry-run"]);
    assert_eq!(dry_run.code, 2, "{dry_run:?}");
    assert!(
        dry_run.stdout.contains("missing  list pods  for"),
        "{dry_run:?}"
    );

    // Pods and namespaces alone: workload controls are evaluated for Pods.
    scanned.apply(
        r#"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: pods}, rules: [
            {apiGroups: [""], resources: [pods, namespaces], verbs: [list]}]}"#,
    );
    scanned.bind("pods", true);
    let partial = report(&scan(&[]), 2);
    assert_eq!(unread_kinds(&partial).len(), 28, "{partial:#}");
    assert!(!unread_kinds(&partial).contains("Pod"), "{partial:#}");
    let status = |id: &str| {
        let controls = partial["controls"].as_array().expect("a list");
        let control = controls.iter().find(|control| control["id"] == id);
        control.map(|control| (control["status"].clone(), control["failed"].clone()))
    };
    assert_eq!(status("C-0057"), Some((json!("failed"), json!(2))));
    assert_eq!(status("C-0038"), Some((json!("notEvaluated"), json!(0))));
    assert_eq!(
        report(&scan(&["--allow-partial"]), 1)["unread"],
        partial["unread"]
    );
    assert_eq!(scan(&["--allow-partial", "--exit-zero"]).code, 0);

    // The rights that are printed, in one namespace.
    let role = scanned.scan_as_admin(&["manifests", "scan-rbac", "--framework", "security"]);
    scanned.apply(&role.ok());
    scanned.bind("kubevet-scan", false);
    let delete = ["delete", "clusterrolebinding", "pods-scanner"];
    scanned.cluster.kubectl(&delete, "").ok();
    let own = report(&scan(&["--namespaces", "shop"]), 1);
    assert_eq!(own["unread"], Value::Null, "{own:#}");
    let others_unknown = report(&scan(&[]), 2);
    assert_eq!(
        others_unknown["unread"][0]["namespacesBut"],
        json!(["shop"])
    );
    assert_eq!(others_unknown["defects"], own["defects"]);
    let missing = scan(&["--namespaces", "web"]);
    assert_eq!(unread_kinds(&report(&missing, 2)).len(), 18, "{missing:?}");

    // The same rights everywhere.
    scanned.bind("kubevet-scan", true);
    let whole = report(&scan(&[]), 1);
    assert_eq!(whole["unread"], Value::Null, "{whole:#}");
    let dry_run = scan(&["--dry-run"]).ok();
    assert!(dry_run.ends_with("all 29 rights are there\n"), "{dry_run}");
}

#[test]
fn one_object_is_scanned_by_kind_and_name() {
    let Some(scanned) = ScannedCluster::start("workload") else {
        return;
    };
    let scan = |args: &[&str]| {
        let args = [&["scan", "workload"], args].concat();
        scanned.scan_as_admin(&args)
    };
    let found = report(&scan(&["deploy/cart", "-n", "shop", "-f", "json"]), 1);
    assert_eq!(found["summary"]["objects"], 1);
    assert_eq!(found["defects"][0]["object"]["name"], "cart");
    for (args, expected) in [
        (["deploy/none", "-n", "shop"], "\"none\" not found"),
        (["nonsense/cart", "-n", "shop"], "no kind `nonsense`"),
        (["cart", "-n", "shop"], "write KIND/NAME"),
        (["secret/cart", "-n", "shop"], "--read-secrets"),
    ] {
        let output = scan(&args);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.contains(expected), "{output:?}");
    }
    let typo = scanned.scan_as_admin(&["scan", "cluster", "--namespaces", "shpo"]);
    assert_eq!(typo.code, 2, "{typo:?}");
    assert!(typo.stderr.contains("no namespace shpo"), "{typo:?}");
    let typo = scanned.scan_as_admin(&["scan", "cluster", "--include-kinds", "Deploymnet"]);
    assert_eq!(typo.code, 2, "{typo:?}");
    assert!(
        typo.stdout.contains("did you mean \"Deployment\""),
        "{typo:?}"
    );
}

#[test]
fn watch_prints_findings_that_come_and_go() {
    let Some(scanned) = ScannedCluster::start("watch") else {
        return;
    };
    let args = [
        "scan",
        "cluster",
        "--watch",
        "--control",
        "C-0057",
        "-f",
        "json",
        "-o",
    ];
    let file = scanned.dir.path().join("report.json");
    let file = file.to_string_lossy();
    let args = [args.as_slice(), &[&file]].concat();
    let child = ChildProcess::start(&mut command(&scanned.cluster.kubeconfig(), &args));
    let wait = |change: &str, object: &str| {
        wait_for(&format!("{change} {object}"), || {
            let printed = child.stdout();
            let lines = printed
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let mut lines = lines.map(|line: Value| {
                format!("{} {}", line["change"], line["object"]["name"]).replace('"', "")
            });
            let wanted = format!("{change} {object}");
            if lines.any(|line| line == wanted) {
                Ok(())
            } else {
                Err(format!("{printed}{}", child.stderr()))
            }
        });
    };
    wait_for("the watch", || {
        let stderr = child.stderr();
        if stderr.contains("watching") {
            Ok(())
        } else {
            Err(stderr)
        }
    });
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: web}, \
               spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}}";
    scanned.apply(pod);
    wait("new", "bad");
    let delete = ["delete", "pod", "bad", "-n", "web", "--force"];
    scanned.cluster.kubectl(&delete, "").ok();
    wait("deleted", "bad");
    let patch =
        "[{\"op\": \"remove\", \"path\": \"/spec/template/spec/containers/0/securityContext\"}]";
    let patch = [
        "patch",
        "deployment",
        "cart",
        "-n",
        "shop",
        "--type",
        "json",
        "-p",
        patch,
    ];
    scanned.cluster.kubectl(&patch, "").ok();
    wait("fixed", "cart");
    // The objects of the old revision are no news.
    assert!(
        !child.stdout().contains("\"ReplicaSet\""),
        "{}",
        child.stdout()
    );
}
