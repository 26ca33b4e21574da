//! Pods of objects, and the way back from their fields.

use super::pod_views;
use kubevet_document::{Document, Limits, read_yaml};
use kubevet_k8s::workload::custom::CustomWorkloads;
use std::sync::Arc;

fn document(yaml: &str) -> Document {
    let file = Arc::from("test.yaml");
    let read = read_yaml(&file, yaml.as_bytes(), &Limits::default());
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    read.documents.into_iter().next().unwrap()
}

/// Checks the pods of an object as JSON, and where paths of the first of them are in the object.
#[track_caller]
fn check(yaml: &str, pods: &[&str], paths: &[(&str, &str)]) {
    let object = document(yaml);
    let id = object.id();
    let kind = id.group_kind();
    let table = CustomWorkloads::shipped();
    let row = table.get(&kind.group, &kind.name).unwrap();
    let views = pod_views(&object, row).unwrap();
    let found: Vec<String> = views
        .iter()
        .map(|view| format!("{:?}", view.document.root()))
        .collect();
    assert_eq!(found, pods);
    for (in_view, in_object) in paths {
        let view = views.first().unwrap();
        let found = view.path_in_object(&object, &in_view.parse().unwrap());
        assert_eq!(found.as_str(), *in_object, "{in_view}");
    }
}

#[test]
fn template_becomes_a_pod_template() {
    check(
        "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: a, managedFields: []}, \
         spec: {template: {metadata: {labels: {b: c}}, spec: {hostPID: true}}}}",
        &[
            r#"{"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"a"},"template":{"metadata":{"labels":{"b":"c"}},"spec":{"hostPID":true}}}"#,
        ],
        &[
            ("metadata.labels.x", "metadata.labels.x"),
            ("template.spec.hostPID", "spec.template.spec.hostPID"),
            (
                "template.metadata.labels[x.y/z]",
                "spec.template.metadata.labels[x.y/z]",
            ),
            (
                "template.spec.containers[0].image",
                "spec.template.spec.containers[0].image",
            ),
        ],
    );
}

#[test]
fn object_without_a_template_has_no_pod() {
    let check = |spec: &str| {
        let yaml = format!("{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {spec}}}");
        check(&yaml, &[], &[]);
    };
    check("{workloadRef: {kind: Deployment, name: a}}");
    check("{template: null}");
    check("{template: text}");
    check("null");
}

#[test]
fn each_item_and_each_value_is_a_pod() {
    check(
        "{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, spec: {replicatedJobs: [\
         {template: {spec: {}}}, {template: {spec: {template: {spec: {a: 1}}}}}, \
         {template: {spec: {template: {spec: {a: 2}}}}}]}}",
        &[
            r#"{"apiVersion":"v1","kind":"PodTemplate","template":{"spec":{"a":1}}}"#,
            r#"{"apiVersion":"v1","kind":"PodTemplate","template":{"spec":{"a":2}}}"#,
        ],
        &[(
            "template.spec.a",
            "spec.replicatedJobs[1].template.spec.template.spec.a",
        )],
    );
    check(
        "{apiVersion: kubeflow.org/v1, kind: TFJob, spec: {tfReplicaSpecs: {Worker: {template: \
         {spec: {restartPolicy: Always, a: 1}}}, PS: {template: {}}}}}",
        &[
            r#"{"apiVersion":"v1","kind":"PodTemplate","template":{"spec":{"a":1,"restartPolicy":"Never"}}}"#,
            r#"{"apiVersion":"v1","kind":"PodTemplate","template":{"spec":{}}}"#,
        ],
        &[(
            "template.spec.a",
            "spec.tfReplicaSpecs.Worker.template.spec.a",
        )],
    );
}

#[test]
fn workflow_template_with_a_container_is_a_pod() {
    check(
        "{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {generateName: a-}, spec: {\
         hostNetwork: true, securityContext: {a: 1}, volumes: [{name: w}], templates: [\
         {steps: [[{name: s}]]}, {container: {name: m}, securityContext: {b: 2}, volumes: [{name: t}], \
         sidecars: [{name: s}], initContainers: [{name: i}]}]}}",
        &[
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"},"spec":{"restartPolicy":"Never","containers":[{"name":"m"},{"name":"s"}],"initContainers":[{"name":"i"}],"hostNetwork":true,"securityContext":{"b":2},"volumes":[{"name":"t"},{"name":"w"}]}}"#,
        ],
        &[
            ("spec.hostNetwork", "spec.hostNetwork"),
            (
                "spec.automountServiceAccountToken",
                "spec.automountServiceAccountToken",
            ),
            (
                "spec.securityContext.b",
                "spec.templates[1].securityContext.b",
            ),
            (
                "spec.containers[0].image",
                "spec.templates[1].container.image",
            ),
            (
                "spec.containers[1].image",
                "spec.templates[1].sidecars[0].image",
            ),
            (
                "spec.initContainers[0].name",
                "spec.templates[1].initContainers[0].name",
            ),
            ("spec.volumes[0].name", "spec.templates[1].volumes[0].name"),
            ("spec.volumes[1].name", "spec.volumes[0].name"),
            ("metadata.namespace", "metadata.namespace"),
        ],
    );
}

#[test]
fn step_template_is_merged_into_the_steps() {
    check(
        "{apiVersion: tekton.dev/v1, kind: Task, spec: {stepTemplate: {env: [{name: B}], image: d, \
         computeResources: {limits: {cpu: 1}}, securityContext: {privileged: true, runAsUser: 1}}, \
         steps: [{name: s, image: null, env: [{name: A}], computeResources: {limits: {memory: 1Gi}}, \
         securityContext: {runAsUser: 2}}], sidecars: [{name: t}]}}",
        &[
            r#"{"apiVersion":"v1","kind":"Pod","spec":{"restartPolicy":"Never","containers":[{"name":"s","env":[{"name":"A"},{"name":"B"}],"resources":{"limits":{"memory":"1Gi","cpu":1}},"securityContext":{"runAsUser":2,"privileged":true},"image":"d"},{"name":"t"}],"initContainers":[],"volumes":[]}}"#,
        ],
        &[
            (
                "spec.containers[0].securityContext.privileged",
                "spec.stepTemplate.securityContext.privileged",
            ),
            (
                "spec.containers[0].securityContext.runAsUser",
                "spec.steps[0].securityContext.runAsUser",
            ),
            (
                "spec.containers[0].securityContext.capabilities.drop",
                "spec.steps[0].securityContext.capabilities.drop",
            ),
            (
                "spec.containers[0].resources.limits.cpu",
                "spec.stepTemplate.computeResources.limits.cpu",
            ),
            (
                "spec.containers[0].resources.requests.cpu",
                "spec.steps[0].computeResources.requests.cpu",
            ),
            (
                "spec.containers[0].env[0].value",
                "spec.steps[0].env[0].value",
            ),
            (
                "spec.containers[0].env[1].value",
                "spec.stepTemplate.env[0].value",
            ),
            ("spec.containers[0].image", "spec.stepTemplate.image"),
            (
                "spec.containers[1].resources.limits.cpu",
                "spec.sidecars[0].computeResources.limits.cpu",
            ),
            ("spec.hostPID", "spec.hostPID"),
        ],
    );
    check(
        "{apiVersion: tekton.dev/v1beta1, kind: Task, spec: {steps: [{resources: {limits: {}}}]}}",
        &[
            r#"{"apiVersion":"v1","kind":"Pod","spec":{"restartPolicy":"Never","containers":[{"resources":{"limits":{}}}],"initContainers":[],"volumes":[]}}"#,
        ],
        &[(
            "spec.containers[0].resources.limits.cpu",
            "spec.steps[0].resources.limits.cpu",
        )],
    );
}

#[test]
fn copies_are_bounded() {
    let templates = "{container: {name: m}},".repeat(3_000);
    let yaml = format!(
        "{{apiVersion: argoproj.io/v1alpha1, kind: Workflow, spec: {{volumes: [{}], templates: [{templates}]}}}}",
        "{name: volume},".repeat(1_000)
    );
    let object = document(&yaml);
    let table = CustomWorkloads::shipped();
    let row = table.get("argoproj.io", "Workflow").unwrap();
    assert!(pod_views(&object, row).is_err());
}
