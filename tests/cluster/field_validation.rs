//! Wrong types and unknown fields against a real API server with `fieldValidation=Strict`: for the
//! same objects, both refuse the same ones for their types, and name the same unknown fields.
//!
//! Each object has an unknown field of its own at the top, so that the server refuses every object
//! and stores none. Where that field is in its answer, it could decode the rest.

use kubevet_document::{self as document, Document, Limits};
use kubevet_model::ProblemCode;
use kubevet_policy::BuiltinCheck;
use kubevet_testkit::{build_output::shared_data, control_plane::ControlPlane};
use kubevet_validation::{SchemaOptions, validate};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Valid objects that have every kind of type: numbers, quantities, times, bytes, maps, any JSON.
const BASES: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: x, namespace: default}
spec:
  nodeSelector: {disk: ssd}
  terminationGracePeriodSeconds: 5
  hostPID: false
  securityContext: {runAsUser: 1, sysctls: [{name: a, value: b}]}
  tolerations: [{key: a, tolerationSeconds: 3}]
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}]
  containers:
  - name: a
    image: a
    command: [a]
    env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: a}}}]
    ports: [{containerPort: 80}]
    resources: {limits: {cpu: 1, memory: 1Gi}}
    securityContext: {privileged: false, capabilities: {drop: [ALL]}, runAsUser: 1}
    livenessProbe: {httpGet: {port: http, httpHeaders: [{name: a, value: b}]}, periodSeconds: 5}
    volumeMounts: [{name: v, mountPath: /a, readOnly: true}]
  volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}, {name: w, projected: {defaultMode: 420, sources: [{configMap: {name: a}}]}}]
status: {startTime: "2024-01-01T00:00:00Z"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: x, namespace: default}
spec:
  replicas: 1
  paused: false
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}}
  selector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}
  template:
    metadata: {labels: {a: b}, annotations: {a: b}}
    spec: {containers: [{name: a, image: a}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: x, namespace: default}
spec: {schedule: "* * * * *", suspend: true, jobTemplate: {spec: {backoffLimit: 1, template: {spec: {containers: []}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: x, namespace: default}
spec: {selector: {a: b}, ports: [{port: 80, targetPort: http, protocol: TCP}], clusterIPs: [None]}
---
apiVersion: v1
kind: Secret
metadata: {name: x, namespace: default}
immutable: true
type: Opaque
data: {a: MTIz}
stringData: {b: c}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, namespace: default}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: a, except: [b]}}], ports: [{port: 80, endPort: 90}]}], policyTypes: [Ingress]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: x, namespace: default}
spec: {maxReplicas: 3, scaleTargetRef: {kind: a, name: b}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 5, value: 1}}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: x}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: x}
spec:
  group: a.b
  scope: Namespaced
  names: {kind: A, plural: as, shortNames: [a]}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: integer, maximum: 1.5, default: {x: 1}, maxLength: 3}}}}}]
"#;

fn documents(text: &str) -> Vec<Document> {
    let parsed = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
    assert_eq!(parsed.problems, []);
    document::expand_lists(parsed.documents).documents
}

fn as_json(document: &Document) -> Value {
    let mut json = String::new();
    document.root().write_json(&mut json);
    serde_json::from_str(&json).expect("a document is JSON")
}

/// Returns an object with each of its values replaced by each of some others, and with an unknown
/// field in each of its maps.
fn mutants(base: &Value) -> Vec<Value> {
    let others = [
        json!(null),
        json!(true),
        json!(5),
        json!(5.5),
        json!(3_000_000_000_u64),
        json!(-1),
        json!("x"),
        json!("5"),
        json!(""),
        json!("1Gi"),
        json!("MTIz"),
        json!("2024-01-01T00:00:00.5+01:00"),
        json!("{{ .x }}"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"1": null}),
    ];
    let mut pointers = Vec::new();
    for (key, value) in base.as_object().into_iter().flatten() {
        if !["apiVersion", "kind", "metadata"].contains(&key.as_str()) {
            collect_pointers(value, format!("/{key}"), &mut pointers);
        }
    }
    let mut mutants = Vec::new();
    for pointer in &pointers {
        for other in &others {
            let mut mutant = base.clone();
            if let Some(value) = mutant.pointer_mut(pointer) {
                *value = other.clone();
            }
            mutants.push(mutant);
        }
        let mut mutant = base.clone();
        if let Some(map) = mutant.pointer_mut(pointer).and_then(Value::as_object_mut) {
            // A value of every type that a map can have.
            map.insert("unknownField".to_owned(), json!("1234"));
            mutants.push(mutant);
        }
    }
    mutants
}

fn collect_pointers(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect_pointers(element, format!("{pointer}/{index}"), pointers);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                collect_pointers(value, format!("{pointer}/{key}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

/// Returns the unknown fields of each object as the server names them; an object whose types it
/// refuses is not there.
fn server_answers(cluster: &ControlPlane, objects: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    // kubectl itself validates a List, and leaves single objects to the server.
    let stream: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let create = [
        "create",
        "--dry-run=server",
        "--validate=strict",
        "-o",
        "name",
        "-f",
        "-",
    ];
    let output = cluster.kubectl(&create, &stream);
    let mut answers = BTreeMap::new();
    for line in output.stderr.lines() {
        let unknown: BTreeSet<String> = line
            .split("unknown field \"")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect();
        let marker = unknown.iter().find(|field| field.starts_with("marker"));
        if let Some(marker) = marker.cloned() {
            answers.insert(marker, unknown);
        }
    }
    answers
}

/// Returns the unknown fields of an object as we name them; `None` if we refuse its types.
fn our_answer(object: &Value) -> Option<BTreeSet<String>> {
    let documents = documents(&object.to_string());
    let found = validate(&documents[0], &SchemaOptions::default());
    let is_refused = found
        .problems
        .iter()
        .any(|problem| problem.code == ProblemCode::InputWrongType);
    let unknown = found
        .findings
        .iter()
        .filter(|finding| finding.check == BuiltinCheck::UnknownFields);
    (!is_refused).then(|| unknown.map(|finding| finding.path.to_string()).collect())
}

/// Gives each object an unknown field of its own, and compares both answers. Returns the number of
/// objects that are refused for their types.
#[track_caller]
fn check(cluster: &ControlPlane, objects: &mut [Value]) -> usize {
    let mut refused = 0;
    let mut differences = Vec::new();
    for (number, object) in objects.iter_mut().enumerate() {
        object[format!("marker{number}")] = json!(1);
    }
    for (chunk, part) in objects.chunks(500).enumerate() {
        let answers = server_answers(cluster, part);
        assert!(!answers.is_empty(), "the server answered nothing");
        for (index, object) in part.iter().enumerate() {
            let theirs = answers
                .get(&format!("marker{}", chunk * 500 + index))
                .cloned();
            refused += usize::from(theirs.is_none());
            let ours = our_answer(object);
            if ours != theirs {
                differences.push(format!("{object}\n  we {ours:?}\n  server {theirs:?}"));
            }
        }
    }
    let shown = differences[..differences.len().min(20)].join("\n");
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{shown}",
        differences.len(),
        objects.len()
    );
    refused
}

#[test]
fn wrong_types_and_unknown_fields_are_those_of_the_server() {
    let Some(cluster) = ControlPlane::shared("field validation") else {
        return;
    };
    let mut objects: Vec<Value> = Vec::new();
    for base in documents(BASES) {
        let base = as_json(&base);
        objects.extend(mutants(&base));
        objects.push(base);
    }
    let refused = check(cluster, &mut objects);
    println!("{refused} of {} objects have a wrong type", objects.len());
    assert!(
        objects.len() > 2_000 && refused > 1_000,
        "{refused} of {}",
        objects.len()
    );
}

#[test]
fn corpus_has_the_unknown_fields_that_the_server_names() {
    let Some(folder) = shared_data("field validation", "corpus") else {
        return;
    };
    let Some(cluster) = ControlPlane::shared("field validation of the corpus") else {
        return;
    };
    let mut objects = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus can be read") {
        let text =
            fs::read_to_string(entry.expect("it can be read").path()).expect("a file can be read");
        let documents = documents(&text);
        let is_compared = |document: &&Document| {
            let found = validate(document, &SchemaOptions::default());
            found.judged.contains(&BuiltinCheck::UnknownFields)
        };
        objects.extend(documents.iter().filter(is_compared).map(as_json));
    }
    assert!(objects.len() > 300, "{}", objects.len());
    assert_eq!(check(cluster, &mut objects), 0);
}
