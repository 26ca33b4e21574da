//! Kinds of other software with pod specs. `workloads/` has a clean object of each shipped kind,
//! valid by the CRD of the module that the table names.

use super::check;
use kubevet_k8s::workload::custom::SHIPPED;
use kubevet_testkit::test_dir::TestDir;
use std::{collections::BTreeSet, fs, path::Path};

const CONTROLS: &str = "C-0038,C-0041,C-0057";

/// The container's field that C-0057 names.
const PRIVILEGED: &str = "securityContext.privileged";

/// Scans a shipped object with the given replacements, and checks the paths of the findings.
#[track_caller]
fn check_shipped(file: &str, replacements: &[(&str, &str)], expected: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/public_cases/workloads")
        .join(file);
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in replacements {
        text = text.replace(from, to);
    }
    let dir = TestDir::new().file(file, text);
    assert_eq!(
        paths(&dir, &["scan", "control", CONTROLS, file]),
        expected,
        "{file}"
    );
}

/// The controls and first paths of the findings of a scan, sorted.
#[track_caller]
fn paths(dir: &TestDir, arguments: &[&str]) -> Vec<String> {
    let json = dir.run(&[arguments, &["-f", "json"]].concat()).json();
    assert_eq!(json["summary"]["notApplicable"], serde_json::json!({}));
    assert_eq!(json["summary"]["checked"], json["summary"]["objects"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let findings = json["findings"].as_array().unwrap().iter();
    let found: BTreeSet<String> = findings
        .map(|finding| {
            format!(
                "{} {}",
                text(&finding["control"]),
                text(&finding["paths"][0])
            )
        })
        .collect();
    found.into_iter().collect()
}

#[test]
fn pods_of_every_shipped_kind_are_judged_at_their_paths() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        (
            "advancedcronjob",
            &["C-0038 spec.template.jobTemplate.spec.template.spec.hostPID"],
            &["spec.template.jobTemplate.spec.template.spec.containers[0]"],
        ),
        (
            "broadcastjob",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        (
            "cloneset",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        ("clustertask", &[], &["spec.steps[0]"]),
        (
            "clusterworkflowtemplate",
            &["C-0041 spec.hostNetwork"],
            &[
                "spec.templates[1].container",
                "spec.templates[2].script",
                "spec.templates[3].containerSet.containers[0]",
            ],
        ),
        (
            "configuration",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        (
            "cronworkflow",
            &["C-0041 spec.workflowSpec.hostNetwork"],
            &[
                "spec.workflowSpec.templates[1].container",
                "spec.workflowSpec.templates[2].script",
                "spec.workflowSpec.templates[3].containerSet.containers[0]",
            ],
        ),
        (
            "daemonset",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        (
            "deploymentconfig",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        (
            "experiment",
            &["C-0038 spec.templates[0].template.spec.hostPID"],
            &["spec.templates[0].template.spec.containers[0]"],
        ),
        (
            "jaxjob",
            &["C-0038 spec.jaxReplicaSpecs.Worker.template.spec.hostPID"],
            &["spec.jaxReplicaSpecs.Worker.template.spec.containers[0]"],
        ),
        (
            "jobset",
            &["C-0038 spec.replicatedJobs[0].template.spec.template.spec.hostPID"],
            &["spec.replicatedJobs[0].template.spec.template.spec.containers[0]"],
        ),
        (
            "leaderworkerset",
            &[
                "C-0038 spec.leaderWorkerTemplate.leaderTemplate.spec.hostPID",
                "C-0038 spec.leaderWorkerTemplate.workerTemplate.spec.hostPID",
            ],
            &[
                "spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0]",
                "spec.leaderWorkerTemplate.workerTemplate.spec.containers[0]",
            ],
        ),
        (
            "mpijob",
            &["C-0038 spec.mpiReplicaSpecs.Launcher.template.spec.hostPID"],
            &["spec.mpiReplicaSpecs.Launcher.template.spec.containers[0]"],
        ),
        (
            "mxjob",
            &["C-0038 spec.mxReplicaSpecs.Worker.template.spec.hostPID"],
            &["spec.mxReplicaSpecs.Worker.template.spec.containers[0]"],
        ),
        (
            "paddlejob",
            &["C-0038 spec.paddleReplicaSpecs.Worker.template.spec.hostPID"],
            &["spec.paddleReplicaSpecs.Worker.template.spec.containers[0]"],
        ),
        ("pipeline", &[], &["spec.tasks[0].taskSpec.steps[0]"]),
        (
            "pipelinerun",
            &["C-0041 spec.taskRunTemplate.podTemplate.hostNetwork"],
            &["spec.pipelineSpec.tasks[0].taskSpec.steps[0]"],
        ),
        (
            "pytorchjob",
            &["C-0038 spec.pytorchReplicaSpecs.Worker.template.spec.hostPID"],
            &["spec.pytorchReplicaSpecs.Worker.template.spec.containers[0]"],
        ),
        (
            "revision",
            &["C-0038 spec.hostPID"],
            &["spec.containers[0]"],
        ),
        (
            "rollout",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        (
            "scaledjob",
            &["C-0038 spec.jobTargetRef.template.spec.hostPID"],
            &["spec.jobTargetRef.template.spec.containers[0]"],
        ),
        (
            "service",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        (
            "statefulset",
            &["C-0038 spec.template.spec.hostPID"],
            &["spec.template.spec.containers[0]"],
        ),
        ("task", &[], &["spec.steps[0]"]),
        (
            "taskrun",
            &["C-0041 spec.podTemplate.hostNetwork"],
            &["spec.taskSpec.steps[0]"],
        ),
        (
            "tfjob",
            &["C-0038 spec.tfReplicaSpecs.Worker.template.spec.hostPID"],
            &["spec.tfReplicaSpecs.Worker.template.spec.containers[0]"],
        ),
        (
            "uniteddeployment",
            &["C-0038 spec.template.cloneSetTemplate.spec.template.spec.hostPID"],
            &["spec.template.cloneSetTemplate.spec.template.spec.containers[0]"],
        ),
        (
            "workflow",
            &["C-0041 spec.hostNetwork"],
            &[
                "spec.templates[1].container",
                "spec.templates[2].script",
                "spec.templates[3].containerSet.containers[0]",
            ],
        ),
        (
            "workflowtemplate",
            &["C-0041 spec.hostNetwork"],
            &[
                "spec.templates[1].container",
                "spec.templates[2].script",
                "spec.templates[3].containerSet.containers[0]",
            ],
        ),
        (
            "xgboostjob",
            &["C-0038 spec.xgbReplicaSpecs.Worker.template.spec.hostPID"],
            &["spec.xgbReplicaSpecs.Worker.template.spec.containers[0]"],
        ),
    ];
    let kinds: BTreeSet<String> = SHIPPED.iter().map(|row| row.kind.to_lowercase()).collect();
    let files: BTreeSet<String> = rows.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(files, kinds);
    for (name, host, containers) in rows {
        let file = format!("{name}.yaml");
        check_shipped(&file, &[], &[]);
        let host = host.iter().map(|path| (*path).to_owned());
        let containers = containers.iter();
        let containers = containers.map(|path| format!("C-0057 {path}.{PRIVILEGED}"));
        let expected: Vec<String> = host.chain(containers).collect();
        let unsafe_values = [
            ("privileged: false", "privileged: true"),
            ("hostPID: false", "hostPID: true"),
            ("hostNetwork: false", "hostNetwork: true"),
        ];
        check_shipped(&file, &unsafe_values, &expected);
    }
}

#[test]
fn shipped_object_is_of_a_version_that_its_module_serves() {
    for row in SHIPPED {
        let file = format!(
            "tests/public_cases/workloads/{}.yaml",
            row.kind.to_lowercase()
        );
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let is_served = row.versions.iter().any(|version| {
            text.starts_with(&format!(
                "apiVersion: {}/{version}\nkind: {}\n",
                row.group, row.kind
            ))
        });
        assert!(is_served, "{file}");
    }
}

#[test]
fn kind_without_a_pod_beside_one_that_has_it_is_counted() {
    let object = |kind: &str, spec: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: ferry}}\nspec: {{{spec}}}\n"
        )
    };
    let dir = TestDir::new()
        .file(
            "a.yaml",
            object(
                "Rollout",
                "workloadRef: {kind: Deployment, name: a, apiVersion: apps/v1}",
            ),
        )
        .file(
            "b.yaml",
            object("AppProject", "template: {spec: {hostPID: true}}"),
        );
    check(
        &dir,
        &["scan", "control", "C-0038", "a.yaml", "b.yaml"],
        0,
        &["+1 of 2 objects checked; 1 to which no control applies: AppProject 1"],
    );
}

const FARM: &str = "apiVersion: example.com/v1
kind: Farm
metadata: {name: meadow}
spec:
  barn: {spec: {hostPID: true}}
  workers: [{pod: {containers: [{name: a, image: b, securityContext: {privileged: true}}]}}]
";
const FARM_ROW: &str = "- apiVersion: example.com/v1
  kind: Farm
  podTemplate: spec.barn
  podSpec: spec.workers[*].pod
";

#[test]
fn user_adds_kinds() {
    let dir = TestDir::new()
        .file("farm.yaml", FARM)
        .file("w.yaml", FARM_ROW);
    check(
        &dir,
        &["scan", "control", CONTROLS, "farm.yaml"],
        2,
        &["+nothing was checked", "+Farm 1"],
    );
    let arguments = [
        "scan",
        "control",
        CONTROLS,
        "farm.yaml",
        "--workloads",
        "w.yaml",
    ];
    let expected = [
        "C-0038 spec.barn.spec.hostPID",
        "C-0057 spec.workers[0].pod.containers[0].securityContext.privileged",
    ];
    assert_eq!(paths(&dir, &arguments), expected);
}

#[test]
fn wrong_row_is_a_problem_at_its_place() {
    let dir = TestDir::new()
        .file("farm.yaml", FARM)
        .file(
            "w.yaml",
            "- apiVersion: example.com/v1\n  kind: Farm\n  podTemplat: spec.barn\n",
        )
        .file(
            "known.yaml",
            "- {apiVersion: argoproj.io/v1alpha1, kind: Rollout, podTemplate: spec.template}\n",
        );
    let scan = |file: &str, expected| {
        check(
            &dir,
            &[
                "scan",
                "control",
                "C-0038",
                "farm.yaml",
                "--workloads",
                file,
            ],
            2,
            expected,
        );
    };
    scan("w.yaml", &["+w.yaml:3:3", "+did you mean \"podTemplate\"?"]);
    scan(
        "known.yaml",
        &[
            "+known.yaml:1:44",
            "+argoproj.io/Rollout is in the table already",
        ],
    );
    scan("missing.yaml", &["+cannot read missing.yaml"]);
}

#[test]
fn list_shows_every_kind_with_pods() {
    let dir = TestDir::new().file("w.yaml", FARM_ROW);
    check(
        &dir,
        &["list", "workloads", "--workloads", "w.yaml"],
        0,
        &[
            "+apps/Deployment",
            "+spec.replicatedJobs[*].template.spec.template",
            "+spec.pytorchReplicaSpecs{*}.template",
            "+example.com/Farm",
            "+spec.barn, spec.workers[*].pod",
        ],
    );
    let json = dir.run(&["list", "workloads", "-f", "json"]).json();
    let workloads = json["workloads"].as_array().unwrap();
    assert_eq!(workloads.len(), 9 + SHIPPED.len());
}
