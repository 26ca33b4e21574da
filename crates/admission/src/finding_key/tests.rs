//! For all controls: whatever a condition reads below an element that a finding names, and that an
//! UPDATE changes from one violating value to another, makes the finding a new one.

use crate::{AdmissionRequest, Callbacks, Enforcement, Reason, UserInfo, decide};
use kubevet_document::{self as document, Document};
use kubevet_engine::Engine;
use kubevet_k8s::{matching::Attributes, workload};
use kubevet_model::{
    ControlId, EvalRequest, FieldPath, FieldPattern, Kind, Operation, PathReads, PatternRoot,
    PatternStep, Verdict,
};
use kubevet_policy::{self as policy, Binding, Library, Params};
use kubevet_testkit::snapshot::assert_matches_file;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// Fields whose change is not seen to make a finding new, one a line: the test data gives no two
/// violating values (one value violates, or the field is the merge key of its element), or the field
/// is in another list of the element. `UPDATE=1` rewrites the file; read the difference.
const UNCONFIRMED: &str = "crates/admission/src/finding_key/unconfirmed_fields.txt";

/// The number of violating values that are tried at one path.
const MAX_VIOLATING_VALUES: usize = 3;

/// A path in JSON, by keys and indexes: `["spec", "containers", "0"]`.
type JsonPath = Vec<String>;

fn document(json: &Value) -> Document {
    let limits = document::Limits::default();
    let reading = document::read_json(&Arc::from("-"), json.to_string().as_bytes(), &limits);
    assert_eq!(reading.problems, []);
    reading.documents.into_iter().next().unwrap()
}

fn json(document: &Document) -> Value {
    let mut json = String::new();
    document.root().write_json(&mut json);
    serde_json::from_str(&json).unwrap()
}

/// Every path in a value, that of the value itself first.
fn paths_in(json: &Value) -> Vec<JsonPath> {
    let mut paths = Vec::new();
    collect_paths(json, &mut Vec::new(), &mut paths);
    paths
}

fn collect_paths(json: &Value, path: &mut JsonPath, paths: &mut Vec<JsonPath>) {
    paths.push(path.clone());
    let children: Vec<(String, &Value)> = match json {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        path.push(key);
        collect_paths(child, path, paths);
        path.pop();
    }
}

/// The JSON pointer of a path (RFC 6901).
fn pointer(path: &[String]) -> String {
    path.iter()
        .map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// The object with each other value at a path that may violate a control too, and without any value
/// there. A scalar that its list already contains is left out: the element would keep its key.
fn changed_objects(object: &Value, path: &[String], strings: &BTreeSet<String>) -> Vec<Value> {
    let value_pointer = pointer(path);
    let (last, parent) = path.split_last().expect("the root is no field");
    let value = object
        .pointer(&value_pointer)
        .expect("a path of the object");
    let siblings = object.pointer(&pointer(parent)).and_then(Value::as_array);
    let candidates: Vec<Value> = match value {
        Value::Bool(bool) => vec![Value::Bool(!bool)],
        Value::Number(_) => [0, 1, 2, 5000].into_iter().map(Value::from).collect(),
        Value::String(_) => strings.iter().map(|s| Value::from(s.clone())).collect(),
        _ => Vec::new(),
    };
    let is_other = |candidate: &&Value| {
        value != *candidate && siblings.is_none_or(|list| !list.contains(candidate))
    };
    let mut objects: Vec<Value> = candidates
        .iter()
        .filter(is_other)
        .map(|candidate| {
            let mut object = object.clone();
            *object
                .pointer_mut(&value_pointer)
                .expect("a path of the object") = candidate.clone();
            object
        })
        .collect();
    let mut without_value = object.clone();
    let parent = without_value
        .pointer_mut(&pointer(parent))
        .and_then(Value::as_object_mut);
    if parent.and_then(|parent| parent.remove(last)).is_some() {
        objects.push(without_value);
    }
    objects
}

/// The steps of a pattern from the root of the object; `None` if it starts at a pod spec and the
/// object has none.
fn absolute_steps(pattern: &FieldPattern, pod_spec: Option<&[&str]>) -> Option<Vec<PatternStep>> {
    let field = |name: &&str| PatternStep::Field((*name).to_owned());
    let mut steps: Vec<PatternStep> = match pattern.root {
        PatternRoot::Object => Vec::new(),
        PatternRoot::PodSpec => pod_spec?.iter().map(field).collect(),
        PatternRoot::PodMetadata => {
            let (_, template) = pod_spec?.split_last()?;
            template.iter().chain([&"metadata"]).map(field).collect()
        }
    };
    steps.extend(pattern.steps.iter().cloned());
    Some(steps)
}

/// True if the steps match the start of a path.
fn match_start(steps: &[PatternStep], path: &[String]) -> bool {
    let matches = |(step, key): (&PatternStep, &String)| match step {
        PatternStep::Each => true,
        PatternStep::Field(name) => name == key,
    };
    steps.iter().zip(path).all(matches)
}

fn json_path(path: &FieldPath) -> JsonPath {
    path.segments()
        .map(|segment| segment.key().into_owned())
        .collect()
}

/// The path of the innermost list element that contains a path.
fn enclosing_element(json: &Value, path: &[String]) -> Option<JsonPath> {
    let is_list = |path: &[String]| json.pointer(&pointer(path)).is_some_and(Value::is_array);
    (1..=path.len())
        .rev()
        .find(|length| is_list(&path[..length - 1]))
        .map(|length| path[..length].to_vec())
}

/// Describes a field that a control reads: `C-0012 data[] reads data[]`. The three lists of
/// containers count as one.
fn label(control: &ControlId, path: &FieldPattern, read: &FieldPattern) -> String {
    let shorten = |pattern: &FieldPattern| {
        pattern
            .to_string()
            .replace("initContainers", "containers")
            .replace("ephemeralContainers", "containers")
    };
    format!("{control} {} reads {}", shorten(path), shorten(read))
        .replace("podSpec.", "")
        .replace("containers[].", "")
}

/// Evaluates an object as an UPDATE writes it.
fn evaluate(engine: &Engine, object: &Document, params: &Params) -> Verdict {
    let request = EvalRequest {
        operation: Operation::Update,
    };
    engine.judge(object, &request, params)
}

/// One control with an object that violates it.
struct Case<'c> {
    control: &'c ControlId,
    params: &'c Params,
    json: &'c Value,
    document: &'c Document,
    /// Strings that may violate the control.
    strings: &'c BTreeSet<String>,
}

/// The findings that a changed field concerns.
struct ReadField<'f> {
    path: &'f JsonPath,
    /// The paths of each finding.
    findings: &'f [&'f Vec<JsonPath>],
    /// The first path of each finding of the object.
    first_paths: &'f [&'f JsonPath],
    label: &'f str,
}

struct Checker<'e> {
    engine: &'e Engine,
    library: &'e Library,
    path_reads: BTreeMap<ControlId, Vec<PathReads>>,
    /// Labels of fields whose change made a finding new.
    confirmed: BTreeSet<String>,
    errors: Vec<String>,
}

impl Checker<'_> {
    /// Returns the paths and the reason of each finding of the UPDATE to `new`.
    fn outcomes_of_update(&self, case: &Case<'_>, new: &Document) -> Vec<(Vec<JsonPath>, Reason)> {
        let source = self.library.control(case.control.as_str()).unwrap();
        let binding = Binding {
            controls: BTreeSet::from([case.control.clone()]),
            params: case.params.clone(),
            ..policy::fallback_binding(self.library)
        };
        let enforcement = Enforcement {
            bindings: vec![binding],
            controls: BTreeMap::from([(case.control.clone(), source.control.clone())]),
            path_reads: self.path_reads.clone(),
            ..Enforcement::default()
        };
        let kind = new.id().group_kind();
        let attributes = Attributes {
            operation: Operation::Update,
            group: &kind.group,
            resource: "things",
            namespace: "shop",
            ..Attributes::default()
        };
        let request = AdmissionRequest {
            attributes,
            kind: &kind,
            user: &UserInfo::default(),
            dry_run: false,
            object: Some(new),
            old_object: Some(case.document),
        };
        let evaluate = |object: &Document, params: &Params| {
            Ok(Arc::new(evaluate(self.engine, object, params)))
        };
        let callbacks = Callbacks {
            namespace_labels: &|| None,
            evaluate: &evaluate,
            is_past_deadline: &|| false,
        };
        let outcomes = decide(&enforcement, &request, &callbacks).outcomes;
        let outcomes = outcomes.iter().map(|outcome| {
            let paths = outcome.finding.paths.iter().map(json_path).collect();
            (paths, outcome.reason)
        });
        outcomes.collect()
    }

    /// Changes every field that the conditions behind a finding's paths read at or below the
    /// elements on them.
    fn check(&mut self, case: &Case<'_>) {
        let kind: Kind = case.document.id().group_kind();
        let pod_spec = workload::pod_spec_path(&kind);
        let verdict = evaluate(self.engine, case.document, case.params);
        let findings: Vec<Vec<JsonPath>> = verdict
            .violations
            .iter()
            .filter(|finding| finding.control == *case.control)
            .map(|finding| finding.paths.iter().map(json_path).collect())
            .collect();
        let first_paths: Vec<&JsonPath> =
            findings.iter().filter_map(|paths| paths.first()).collect();
        let paths = paths_in(case.json);
        for (pattern, reads) in self.engine.fields_read(case.control).unwrap() {
            let Some(steps) = absolute_steps(&pattern, pod_spec) else {
                continue;
            };
            for read in reads {
                let Some(read_steps) = absolute_steps(&read, pod_spec) else {
                    continue;
                };
                let label = label(case.control, &pattern, &read);
                for path in &paths {
                    if path.len() < read_steps.len() || !match_start(&read_steps, path) {
                        continue;
                    }
                    let Some(element) = enclosing_element(case.json, path) else {
                        continue;
                    };
                    let is_in_element = |finding_path: &JsonPath| {
                        finding_path.len() == steps.len()
                            && match_start(&steps, finding_path)
                            && finding_path.starts_with(&element)
                    };
                    let findings: Vec<_> = findings
                        .iter()
                        .filter(|paths| paths.iter().any(is_in_element))
                        .collect();
                    if !findings.is_empty() {
                        let field = ReadField {
                            path,
                            findings: &findings,
                            first_paths: &first_paths,
                            label: &label,
                        };
                        self.check_field(case, &field);
                    }
                }
            }
        }
    }

    fn check_field(&mut self, case: &Case<'_>, field: &ReadField<'_>) {
        let mut violating_values = 0;
        for changed in changed_objects(case.json, field.path, case.strings) {
            for (paths, reason) in self.outcomes_of_update(case, &document(&changed)) {
                if field.findings.iter().all(|finding| **finding != paths) {
                    continue;
                }
                violating_values += 1;
                if reason == Reason::Existing && is_other_finding(case, field, &changed, &paths) {
                    continue;
                }
                if reason == Reason::Existing {
                    let value = changed.pointer(&pointer(field.path));
                    self.errors.push(format!(
                        "{}: {} := {value:?} is existing",
                        field.label,
                        field.path.join(".")
                    ));
                } else {
                    self.confirmed.insert(field.label.to_owned());
                }
            }
            if violating_values >= MAX_VIOLATING_VALUES {
                return;
            }
        }
    }
}

/// True if the finding at these paths of the changed object is another one of the old object, at
/// another place: the change repeated the value that has the other finding.
fn is_other_finding(
    case: &Case<'_>,
    field: &ReadField<'_>,
    changed: &Value,
    paths: &[JsonPath],
) -> bool {
    let Some(path) = paths.first() else {
        return false;
    };
    let value = changed.pointer(&pointer(path));
    let mut others = field.first_paths.iter();
    others.any(|other| *other != path && case.json.pointer(&pointer(other)) == value)
}

/// The labels of all fields that a control reads within an element on a path of its findings.
fn expected_labels(engine: &Engine, control: &ControlId) -> Vec<String> {
    let mut labels = Vec::new();
    for (path, reads) in engine.fields_read(control).unwrap() {
        let shares_element = |read: &&FieldPattern| {
            let steps = read.steps.iter().zip(&path.steps);
            let mut shared = steps.take_while(|(a, b)| a == b);
            read.root == path.root && shared.any(|(step, _)| *step == PatternStep::Each)
        };
        let reads = reads.iter().filter(shares_element);
        labels.extend(reads.map(|read| label(control, &path, read)));
    }
    labels
}

#[test]
fn finding_is_new_if_a_value_that_its_conditions_read_changes() {
    let (library, _) = policy::embedded();
    let (engine, _) = Engine::compile(&library);
    let mut checker = Checker {
        engine: &engine,
        library: &library,
        path_reads: engine.path_reads(),
        confirmed: BTreeSet::new(),
        errors: Vec::new(),
    };
    let mut expected = BTreeSet::new();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    for source in &library.controls {
        let control = &source.control.id;
        let folder = root.join(source.file.as_ref());
        let (objects, problems) = policy::read_testdata(folder.parent().unwrap());
        assert_eq!(problems, []);
        let mut strings: BTreeSet<String> = ["other", "/", "SYS_MODULE"].map(str::to_owned).into();
        for object in &objects {
            let json = json(&object.document);
            let paths = paths_in(&json);
            let values = paths.iter().filter_map(|path| json.pointer(&pointer(path)));
            strings.extend(values.filter_map(Value::as_str).map(str::to_owned));
        }
        for object in &objects {
            if object.expected != policy::Expected::Fail {
                continue;
            }
            let mut params = library.params.defaults();
            for (name, value) in &object.params {
                params
                    .set_unchecked(&library.params, name, value.clone())
                    .unwrap();
            }
            let json = json(&object.document);
            checker.check(&Case {
                control,
                params: &params,
                json: &json,
                document: &document(&json),
                strings: &strings,
            });
        }
        expected.extend(expected_labels(&engine, control));
    }
    assert_eq!(checker.errors, [] as [&str; 0]);
    let unconfirmed: Vec<&str> = expected
        .difference(&checker.confirmed)
        .map(String::as_str)
        .collect();
    let unconfirmed = unconfirmed.join("\n") + "\n";
    assert_matches_file(UNCONFIRMED, &unconfirmed);
}
