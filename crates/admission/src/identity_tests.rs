//! For all controls: whatever a condition reads below an element that a finding names, and that an UPDATE changes from one
//! violating value to another, makes the finding a new one.

use super::{Because, Callbacks, Case, Rules, User, decide};
use kubevet_document::{self as document, Document};
use kubevet_engine::Engine;
use kubevet_k8s::matching::Attributes;
use kubevet_k8s::workload;
use kubevet_model::{
    ControlId, EvalRequest, FieldPath, FieldPattern, Kind, Operation, PathReads, PatternRoot,
    PatternStep, Segment,
};
use kubevet_policy::{self as policy, Binding, Library};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// Fields for which no two violating values can be made from the test data: one value alone violates, or the field is the
/// element's own name, which is its place.
const ONE_VIOLATING_VALUE: &[&str] = &[
    "C-0012 object.binaryData[] reads object.binaryData[]",
    "C-0012 object.data[] reads object.data[]",
    "C-0013 securityContext.runAsUser reads securityContext.runAsUser",
    "C-0016 securityContext.privileged reads securityContext.privileged",
    "C-0018 readinessProbe reads readinessProbe.exec",
    "C-0018 readinessProbe reads readinessProbe.grpc",
    "C-0018 readinessProbe reads readinessProbe.tcpSocket",
    "C-0020 volumeMounts[] reads volumeMounts[].name",
    "C-0045 volumeMounts[].readOnly reads volumeMounts[].name",
    "C-0045 volumes[] reads volumes[].name",
    "C-0048 volumeMounts[] reads volumeMounts[].name",
    "C-0056 livenessProbe reads livenessProbe.exec",
    "C-0056 livenessProbe reads livenessProbe.grpc",
    "C-0056 livenessProbe reads livenessProbe.tcpSocket",
    "C-0057 securityContext.privileged reads securityContext.privileged",
    "C-0057 securityContext.windowsOptions.hostProcess reads securityContext.windowsOptions.hostProcess",
    "C-0074 volumeMounts[] reads volumeMounts[].name",
    "C-0076 object.metadata.labels[] reads object.metadata.labels[]",
    "C-0076 podMetadata.labels[] reads podMetadata.labels[]",
    "C-0077 object.metadata.labels[] reads object.metadata.labels[]",
    "C-0077 podMetadata.labels[] reads podMetadata.labels[]",
];

/// Violating values that are tried for one place.
const MAX_VALUES: usize = 3;

/// Where a value is in JSON.
type Place = Vec<String>;

fn document(json: &Value) -> Document {
    let reading = document::read_json(
        &Arc::from("-"),
        json.to_string().as_bytes(),
        &document::Limits::default(),
    );
    assert_eq!(reading.problems, []);
    reading.documents.into_iter().next().unwrap()
}

/// Every place in a value, the value itself first.
fn places(json: &Value, at: &mut Place, found: &mut Vec<Place>) {
    found.push(at.clone());
    let children: Vec<(String, &Value)> = match json {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(place, value)| (place.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        at.push(key);
        places(child, at, found);
        at.pop();
    }
}

fn pointer(place: &[String]) -> String {
    place
        .iter()
        .map(|it| format!("/{}", it.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// The object with another value at a place, once for each that may be violating too, and once without it. A scalar that
/// its list already has is no other: its value is its place.
fn changed(object: &Value, place: &[String], pool: &BTreeSet<String>) -> Vec<Value> {
    let at = pointer(place);
    let (last, parent) = place.split_last().expect("the root is no field");
    let siblings = object.pointer(&pointer(parent)).and_then(Value::as_array);
    let others: Vec<Value> = match object.pointer(&at).expect("a place of the object") {
        Value::Bool(it) => vec![Value::Bool(!it)],
        Value::Number(_) => [0, 1, 2, 5000].into_iter().map(Value::from).collect(),
        Value::String(_) => pool.iter().map(|it| Value::from(it.clone())).collect(),
        _ => Vec::new(),
    };
    let is_other = |it: &&Value| {
        object.pointer(&at) != Some(*it) && siblings.is_none_or(|list| !list.contains(it))
    };
    let mut objects: Vec<Value> = others
        .iter()
        .filter(is_other)
        .map(|value| {
            let mut object = object.clone();
            *object.pointer_mut(&at).expect("as before") = value.clone();
            object
        })
        .collect();
    let mut without = object.clone();
    if without
        .pointer_mut(&pointer(parent))
        .and_then(Value::as_object_mut)
        .and_then(|it| it.remove(last))
        .is_some()
    {
        objects.push(without);
    }
    objects
}

fn is_list(json: &Value, place: &[String]) -> bool {
    json.pointer(&pointer(place)).is_some_and(Value::is_array)
}

fn absolute(pattern: &FieldPattern, pod_spec: Option<&[&str]>) -> Option<Vec<PatternStep>> {
    let field = |it: &&str| PatternStep::Field((*it).to_owned());
    let root: Vec<PatternStep> = match pattern.root {
        PatternRoot::Object => Vec::new(),
        PatternRoot::PodSpec => pod_spec?.iter().map(field).collect(),
        PatternRoot::PodMetadata => pod_spec?
            .split_last()?
            .1
            .iter()
            .chain([&"metadata"])
            .map(field)
            .collect(),
    };
    Some(
        root.into_iter()
            .chain(pattern.steps.iter().cloned())
            .collect(),
    )
}

fn leads_to(pattern: &[PatternStep], place: &[String]) -> bool {
    let agree = |(step, key): (&PatternStep, &String)| match step {
        PatternStep::Each => true,
        PatternStep::Field(name) => name == key,
    };
    pattern.iter().zip(place).all(agree)
}

fn place_of(path: &FieldPath) -> Place {
    path.segments()
        .iter()
        .map(Segment::text)
        .map(ToOwned::to_owned)
        .collect()
}

/// The innermost list element that leads to a place.
fn element(json: &Value, place: &[String]) -> Option<Place> {
    (1..=place.len())
        .rev()
        .filter(|it| is_list(json, &place[..it - 1]))
        .map(|it| place[..it].to_vec())
        .next()
}

/// All lists of containers are one.
fn label(control: &ControlId, path: &FieldPattern, read: &FieldPattern) -> String {
    let one = |it: &FieldPattern| {
        it.to_string()
            .replace("initContainers", "containers")
            .replace("ephemeralContainers", "containers")
    };
    format!("{control} {} reads {}", one(path), one(read))
        .replace("podSpec.", "")
        .replace("containers[].", "")
}

struct Checked<'e> {
    engine: &'e Engine,
    library: &'e Library,
    reads: BTreeMap<ControlId, Vec<PathReads>>,
    /// Control, path and field that were seen to make a finding new.
    seen: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Checked<'_> {
    /// What the UPDATE makes of a control's findings: each with why.
    fn update(
        &self,
        control: &ControlId,
        params: &policy::Params,
        old: &Document,
        new: &Document,
    ) -> Vec<(Vec<Place>, Because)> {
        let source = self.library.control(control.as_str()).unwrap();
        let binding = Binding {
            controls: BTreeSet::from([control.clone()]),
            params: params.clone(),
            ..policy::fallback_binding(self.library)
        };
        let rules = Rules {
            bindings: vec![binding],
            controls: BTreeMap::from([(control.clone(), source.control.clone())]),
            reads: self.reads.clone(),
            ..Rules::default()
        };
        let kind = new.id().group_kind();
        let attributes = Attributes {
            operation: Operation::Update,
            group: &kind.group,
            version: "v1",
            resource: "things",
            subresource: "",
            name: "web",
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
            object: Some(new),
            old_object: Some(old),
        };
        let judge = |object: &Document, params: &policy::Params| {
            Ok(Arc::new(self.engine.judge(
                object,
                &EvalRequest {
                    operation: Operation::Update,
                },
                params,
            )))
        };
        let decision = decide(
            &rules,
            &case,
            &Callbacks {
                namespace: &|| None,
                judge: &judge,
                is_late: &|| false,
            },
        );
        decision
            .outcomes
            .iter()
            .map(|it| (it.finding.paths.iter().map(place_of).collect(), it.because))
            .collect()
    }

    /// Changes everything that the conditions behind the findings' paths read at or below the elements that they name.
    fn check(
        &mut self,
        control: &ControlId,
        params: &policy::Params,
        object: &Value,
        pool: &BTreeSet<String>,
    ) {
        let old = document(object);
        let kind: Kind = old.id().group_kind();
        let pod_spec = workload::pod_spec_path(&kind);
        let verdict = self.engine.judge(
            &old,
            &EvalRequest {
                operation: Operation::Update,
            },
            params,
        );
        let own = verdict.findings.iter().filter(|it| it.control == *control);
        let findings: Vec<Vec<Place>> = own
            .map(|it| it.paths.iter().map(place_of).collect())
            .collect();
        let mut all = Vec::new();
        places(object, &mut Vec::new(), &mut all);
        for (path, reads) in self.engine.fields_read(control).unwrap() {
            let Some(steps) = absolute(&path, pod_spec) else {
                continue;
            };
            for read in reads {
                let Some(read_steps) = absolute(&read, pod_spec) else {
                    continue;
                };
                for place in all
                    .iter()
                    .filter(|it| it.len() >= read_steps.len() && leads_to(&read_steps, it))
                {
                    let Some(at) = element(object, place) else {
                        continue;
                    };
                    let is_path = |it: &&Place| {
                        it.len() == steps.len() && leads_to(&steps, it) && it.starts_with(&at)
                    };
                    let named: Vec<_> = findings
                        .iter()
                        .filter(|it| it.iter().any(|it| is_path(&it)))
                        .collect();
                    if !named.is_empty() {
                        let label = label(control, &path, &read);
                        self.check_place(
                            control,
                            params,
                            (object, &old),
                            place,
                            &named,
                            &label,
                            pool,
                        );
                    }
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one question of a table")]
    fn check_place(
        &mut self,
        control: &ControlId,
        params: &policy::Params,
        (object, old): (&Value, &Document),
        place: &Place,
        named: &[&Vec<Place>],
        label: &str,
        pool: &BTreeSet<String>,
    ) {
        let mut violating = 0;
        for changed in changed(object, place, pool) {
            for (paths, because) in self.update(control, params, old, &document(&changed)) {
                if named.iter().all(|it| **it != paths) {
                    continue;
                }
                violating += 1;
                if because == Because::Existing {
                    let value = changed.pointer(&pointer(place));
                    self.wrong.push(format!(
                        "{label}: {} := {value:?} is called existing",
                        place.join(".")
                    ));
                } else {
                    self.seen.insert(label.to_owned());
                }
            }
            if violating >= MAX_VALUES {
                return;
            }
        }
    }
}

#[test]
fn a_value_that_a_condition_reads_and_that_changes_makes_the_finding_new() {
    let (library, _) = policy::embedded();
    let (engine, _) = Engine::compile(&library);
    let mut checked = Checked {
        engine: &engine,
        library: &library,
        reads: engine.path_reads(),
        seen: BTreeSet::new(),
        wrong: Vec::new(),
    };
    let mut expected = BTreeSet::new();
    for source in &library.controls {
        let id = &source.control.id;
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .join(source.file.as_ref())
            .parent()
            .unwrap()
            .to_owned();
        let (objects, problems) = policy::read_testdata(&folder);
        assert_eq!(problems, []);
        let mut pool: BTreeSet<String> = ["other", "/", "SYS_MODULE"]
            .into_iter()
            .map(str::to_owned)
            .collect();
        let json = |it: &Document| {
            let mut text = String::new();
            it.root().write_json(&mut text);
            serde_json::from_str::<Value>(&text).unwrap()
        };
        for object in &objects {
            let value = json(&object.document);
            let mut all = Vec::new();
            places(&value, &mut Vec::new(), &mut all);
            pool.extend(
                all.iter()
                    .filter_map(|it| value.pointer(&pointer(it))?.as_str().map(str::to_owned)),
            );
        }
        for object in objects
            .iter()
            .filter(|it| it.expected == policy::Expected::Fail)
        {
            let mut params = library.params.defaults();
            for (name, value) in &object.params {
                params
                    .set_unchecked(&library.params, name, value.clone())
                    .unwrap();
            }
            checked.check(id, &params, &json(&object.document), &pool);
        }
        for (path, reads) in engine.fields_read(id).unwrap() {
            let elements = |it: &FieldPattern| {
                let shared = it.steps.iter().zip(&path.steps).take_while(|(a, b)| a == b);
                it.root == path.root
                    && shared
                        .into_iter()
                        .any(|(step, _)| *step == PatternStep::Each)
            };
            expected.extend(
                reads
                    .iter()
                    .filter(|it| elements(it))
                    .map(|it| label(id, &path, it)),
            );
        }
    }
    assert_eq!(checked.wrong, [] as [&str; 0]);
    let unseen: Vec<&str> = expected
        .difference(&checked.seen)
        .map(String::as_str)
        .collect();
    assert_eq!(unseen, ONE_VIOLATING_VALUE, "{unseen:#?}");
}
