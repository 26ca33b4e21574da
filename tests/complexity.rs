//! Bounds on growth: for every control, and for every list and map of the kinds that it
//! applies to, the steps and allocations of an evaluation, and the allocations of a decision about
//! an UPDATE, grow at most as n log n.
//!
//! Objects are generated from the table of types, with n elements in one list, or in each of two.
//! Time is not measured.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a test"
)]

use kubevet_admission::{AdmissionRequest, Callbacks, Enforcement, Reason, UserInfo, decide};
use kubevet_document::{self as document, Document, Limits};
use kubevet_engine::{ConditionCounts, Engine, Explanation};
use kubevet_k8s::{
    matching::Attributes,
    schema::{Schema, SchemaStep, Type, TypeId},
    workload::pod_spec_path,
};
use kubevet_model::{ControlId, EvalError, EvalRequest, Kind, KindSelector, Operation, Verdict};
use kubevet_policy::{self as policy, Binding, Library, ParamValue, Params};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{
    alloc::System,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The smallest number of elements, for single controls, and for all together.
const FEWEST_ALONE: usize = 400;
const FEWEST: usize = 1000;
/// The size of the largest object.
const MAX_BYTES: usize = 3 << 20;
/// The length of a long string for each element of the list beside it.
const LONG_BYTES: usize = 64;
/// Added to a bound, since small numbers jump, for example where an index replaces loops.
const SLACK: f64 = 1000.0;
/// The same in bytes, for outcomes that are kept.
const SLACK_BYTES: f64 = 4e6;
/// The tolerated growth above n log n: buffers double, and long strings are copied when they do.
const TOLERANCE: f64 = 1.15;

/// A path in an object: fields, and `[]` for any element of a list or map.
type Path = Vec<String>;

/// The names of elements.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Names {
    /// Distinct within a list, and equal in both lists.
    Distinct,
    /// The same for all.
    Same,
    /// Distinct within and between lists.
    Apart,
}

/// The shape of an object: a list with n elements, or two.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    lists: Vec<Path>,
    names: Names,
    /// True if the values violate controls.
    is_bad: bool,
    /// A string outside the lists that is as long as they are, and its kind.
    long: Option<(Path, Long)>,
}

/// The kind of a long string.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Long {
    /// Characters appended to it.
    Characters,
    /// Slashes prepended to it, so that the clean path is short.
    Slashes,
    /// A long path that is not clean.
    Steps,
}

impl Long {
    const ALL: [Self; 3] = [Self::Characters, Self::Slashes, Self::Steps];

    /// The placeholder that becomes a long string.
    fn mark(self) -> &'static str {
        match self {
            Self::Characters => "@x@",
            Self::Slashes => "@/@",
            Self::Steps => "@/x@",
        }
    }

    fn around(self, text: &str) -> String {
        match self {
            Self::Characters => format!("{text}{}", self.mark()),
            Self::Slashes => format!("{}{text}", self.mark()),
            Self::Steps => format!("/{}/.aws", self.mark()),
        }
    }
}

/// The costs of an evaluation, and of a decision about an UPDATE.
#[derive(Debug, Clone, Copy)]
struct Cost {
    bytes: usize,
    steps: f64,
    allocations: f64,
    decision_allocations: f64,
    decision_bytes: f64,
}

/// True for the bounds on the findings of an object, of one control and of all.
fn is_bound_on_findings(error: &EvalError) -> bool {
    let text = error.to_string();
    text.contains("over 10000 findings") || text.contains("over 100000 findings")
}

/// An engine, a binding with all its controls, and the params.
struct Bench {
    rules: Enforcement,
    engine: Engine,
    params: Params,
    counts: ConditionCounts,
}

impl Bench {
    fn new(library: &Library) -> Self {
        let mut params = library.params.defaults();
        for spec in library
            .params
            .iter()
            .filter(|param| param.default.is_empty())
        {
            let value = ParamValue::List(vec!["x".to_owned()]);
            // A string always has a default, so a rejected value is not a string.
            let _ = params.set(&library.params, &spec.name, value);
        }
        let engine = Engine::compile(library).0;
        let controls = library
            .controls
            .iter()
            .map(|control| control.control.id.clone())
            .collect();
        let binding = Binding {
            controls,
            params: params.clone(),
            ..policy::fallback_binding(library)
        };
        let rules = Enforcement {
            bindings: vec![binding],
            path_reads: engine.path_reads(),
            workloads: engine.workloads().clone(),
            ..Enforcement::default()
        };
        let mut bench = Self {
            rules,
            engine,
            params,
            counts: ConditionCounts::default(),
        };
        // The first evaluation allocates the buffers that are reused.
        bench.measure(r#"{"apiVersion": "v1", "kind": "Pod"}"#);
        bench
    }

    fn measure(&mut self, object: &str) -> Cost {
        let reading =
            document::read_json(&"object.json".into(), object.as_bytes(), &Limits::default());
        let document = reading
            .documents
            .first()
            .unwrap_or_else(|| panic!("{:?}", reading.problems));
        let before = self.counts.steps();
        let region = Region::new(ALLOCATOR);
        let verdict = self.engine.judge_observed(
            document,
            &EvalRequest::default(),
            &self.params,
            &mut self.counts,
        );
        let allocated = region.change();
        assert!(
            verdict
                .errors
                .iter()
                .all(|error| is_bound_on_findings(&error.error)),
            "{:?}",
            verdict.errors
        );
        let allocations = (allocated.allocations + allocated.reallocations) as f64;
        let steps = (self.counts.steps() - before) as f64;
        let (decision_allocations, decision_bytes) = self.decide(document, &Arc::new(verdict));
        Cost {
            bytes: object.len(),
            steps,
            allocations,
            decision_allocations,
            decision_bytes,
        }
    }

    /// Count and bytes of the allocations of a decision about an UPDATE without a change, for an
    /// object with this verdict.
    fn decide(&self, document: &Document, verdict: &Arc<Verdict>) -> (f64, f64) {
        let kind = document.id().group_kind();
        let attributes = Attributes {
            operation: Operation::Update,
            group: &kind.group,
            resource: "objects",
            namespace: "shop",
            ..Attributes::default()
        };
        let user = UserInfo::default();
        let case = AdmissionRequest {
            attributes,
            kind: &kind,
            user: &user,
            dry_run: false,
            object: Some(document),
            old_object: Some(document),
        };
        let evaluate = |_: &Document, _: &Params| Ok(Arc::clone(verdict));
        let callbacks = Callbacks {
            namespace_labels: &|| None,
            evaluate: &evaluate,
            is_past_deadline: &|| false,
        };
        let region = Region::new(ALLOCATOR);
        let decision = decide(&self.rules, &case, &callbacks);
        let allocated = region.change();
        assert_eq!(
            decision.findings_count() > 0,
            !verdict.violations.is_empty()
        );
        assert!(
            decision
                .outcomes
                .iter()
                .all(|outcome| outcome.reason == Reason::Existing)
        );
        let bytes = allocated.bytes_allocated as f64 + allocated.bytes_reallocated.max(0) as f64;
        (
            (allocated.allocations + allocated.reallocations) as f64,
            bytes,
        )
    }

    /// Evaluates objects of a shape with more and more elements; returns a description of what
    /// grows faster than n log n.
    fn grow(&mut self, maker: &Maker<'_>, fewest: usize, most: usize) -> Option<String> {
        let mut count = fewest;
        let mut before = self.measure(&maker.object(count));
        loop {
            let next = count * 4;
            let after = self.measure(&maker.object(next));
            for (measure, a, b, slack) in [
                ("steps", before.steps, after.steps, SLACK),
                ("allocations", before.allocations, after.allocations, SLACK),
                (
                    "allocations of an UPDATE",
                    before.decision_allocations,
                    after.decision_allocations,
                    SLACK,
                ),
                (
                    "bytes of an UPDATE",
                    before.decision_bytes,
                    after.decision_bytes,
                    SLACK_BYTES,
                ),
            ] {
                let bound =
                    a * 4.0 * (next as f64).log2() / (count as f64).log2() * TOLERANCE + slack;
                if b > bound {
                    let (kind, shape) = (&maker.kind.name, maker.shape);
                    return Some(format!(
                        "{kind} {shape:?}: {a} {measure} for {count} elements, {b} for {next}"
                    ));
                }
            }
            // A control that does not read the list is not measured again.
            if after.steps < before.steps * 2.0 || after.bytes * 4 > MAX_BYTES || next * 4 > most {
                return None;
            }
            (count, before) = (next, after);
        }
    }
}

// --- generating objects ---

/// Generates objects of a shape.
struct Maker<'s> {
    kind: &'s Kind,
    shape: &'s Shape,
    /// The object with one element in each list; a placeholder for the elements of the shape's
    /// lists.
    text: String,
    /// One element of each of the shape's lists, with a placeholder for its number.
    elements: Vec<String>,
}

/// The placeholder for an element's number.
const NUMBER: &str = "##";

impl<'s> Maker<'s> {
    fn new(kind: &'s Kind, reads: &[Path], shape: &'s Shape) -> Self {
        let info = Schema::embedded().kind(kind).unwrap();
        let mut object = json!({
            "apiVersion": info.api_version(),
            "kind": info.name,
            "metadata": {"name": "x"},
        });
        for path in reads.iter().chain(&shape.lists) {
            fill(
                shape,
                &mut object,
                Type::Struct(info.root),
                path,
                &mut Path::new(),
            );
        }
        let mark = |index: usize| format!("@{index}@");
        let mut elements = Vec::new();
        for (index, list) in shape.lists.iter().enumerate() {
            let list = find(&mut object, list);
            elements.push(match &*list {
                Value::Array(all) => all[0].to_string(),
                map => {
                    let text = map.to_string();
                    text[1..text.len() - 1].to_owned()
                }
            });
            *list = match list {
                Value::Array(_) => json!([mark(index)]),
                _ => json!({(mark(index)): 0}),
            };
        }
        let mut text = object.to_string();
        for index in 0..elements.len() {
            let mark = mark(index);
            text = text
                .replace(&format!("\"{mark}\":0"), &mark)
                .replace(&format!("\"{mark}\""), &mark);
        }
        Self {
            kind,
            shape,
            text,
            elements,
        }
    }

    /// The object as JSON.
    fn object(&self, count: usize) -> String {
        let mut text = self.text.clone();
        for long in Long::ALL {
            let piece = long.mark().trim_matches('@');
            text = text.replace(long.mark(), &piece.repeat(count * LONG_BYTES / piece.len()));
        }
        for (index, element) in self.elements.iter().enumerate() {
            let all: Vec<String> = (0..count)
                .map(|index| element.replace(NUMBER, &index.to_string()))
                .collect();
            text = text.replace(&format!("@{index}@"), &all.join(","));
        }
        text
    }
}

/// The value at a path.
fn find<'v>(object: &'v mut Value, path: &Path) -> &'v mut Value {
    path.iter()
        .fold(object, |at, step| match (at, step.as_str()) {
            (Value::Array(all), _) => &mut all[0],
            (Value::Object(map), "[]") => map.values_mut().next().unwrap(),
            (at, field) => &mut at[field],
        })
}

/// Adds the values on a path where they are missing. `at` is the path so far.
fn fill(shape: &Shape, value: &mut Value, ty: Type, path: &[String], at: &mut Path) {
    let schema = Schema::embedded();
    let remaining = path.get(1..).unwrap_or_default();
    match ty {
        Type::List(inner) => {
            if !value.is_array() {
                *value = json!([null]);
            }
            at.push("[]".to_owned());
            fill(shape, &mut value[0], schema.resolve(inner), remaining, at);
            at.pop();
        }
        Type::Map(inner) => {
            if !value.is_object() {
                *value = json!({format!("key{NUMBER}"): null});
            }
            at.push("[]".to_owned());
            fill(
                shape,
                value.as_object_mut().unwrap().values_mut().next().unwrap(),
                schema.resolve(inner),
                remaining,
                at,
            );
            at.pop();
        }
        Type::Struct(of) => {
            if !value.is_object() {
                *value = json!({});
            }
            let Some(name) = path.first() else { return };
            let Some(field) = schema.field(of, name) else {
                return;
            };
            at.push(name.clone());
            fill(shape, &mut value[name.as_str()], field.ty, remaining, at);
            at.pop();
        }
        _ if value.is_null() => {
            let leaf = leaf(shape, ty, at);
            *value = match (&shape.long, &leaf) {
                (Some((path, long)), Value::String(text)) if path == at => {
                    Value::from(long.around(text))
                }
                _ => leaf,
            };
        }
        _ => {}
    }
}

/// A value of a scalar type.
fn leaf(shape: &Shape, ty: Type, at: &Path) -> Value {
    let name = at
        .iter()
        .rev()
        .find(|at| *at != "[]")
        .map_or("", String::as_str);
    let either = |bad: &str, good: &str| Value::from(if shape.is_bad { bad } else { good });
    match (ty, name) {
        // Fields that are safe when true violate controls when false.
        (Type::Bool, "readOnly" | "runAsNonRoot" | "readOnlyRootFilesystem") => {
            Value::from(!shape.is_bad)
        }
        (Type::Bool, _) => Value::from(shape.is_bad),
        (Type::Int32 | Type::Int64 | Type::Number | Type::IntOrString, _) => Value::from(8080),
        (Type::Quantity, _) => either("0", "100m"),
        (_, "path") => either("/run", "/srv"),
        (_, "image" | "reference") => either("gcr.io/google-containers/a:latest", "a/b@sha256:0"),
        (_, "add" | "drop") => either("CAP_SYS_ADMIN", "NET_BIND_SERVICE"),
        (_, "value" | "data" | "binaryData") => either("AKIAIOSFODNN7EXAMPLE", "x"),
        (_, "command" | "args") => either("sudo", "sh"),
        _ => match (
            shape.names,
            shape
                .lists
                .get(1)
                .is_some_and(|lists| at.starts_with(lists)),
        ) {
            (Names::Same, _) => Value::from("same"),
            (Names::Apart, true) => Value::from(format!("b{NUMBER}")),
            _ => Value::from(format!("a{NUMBER}")),
        },
    }
}

// --- selecting lists ---

/// The kinds to test for a control: a Pod represents all workloads, which have the same pod spec.
fn kinds(selectors: &[KindSelector]) -> Vec<Kind> {
    let of = |kind_selector: &KindSelector| match kind_selector {
        KindSelector::Workloads => vec![Kind::new("", "Pod")],
        KindSelector::Kind(kind) | KindSelector::CustomWorkload(kind) => vec![kind.clone()],
    };
    let all: BTreeSet<Kind> = selectors.iter().flat_map(of).collect();
    all.into_iter()
        .filter(|entry| Schema::embedded().kind(entry).is_some())
        .collect()
}

/// The fields that a control reads in a kind, as paths from the root.
fn reads(engine: &Engine, control: &ControlId, kind: &Kind) -> Vec<Path> {
    let Some(Explanation::Compiled { reads, .. }) = engine.explain(control) else {
        panic!("{control} is not compiled")
    };
    let paths = reads
        .iter()
        .filter(|read| !read.starts_with("params."))
        .map(|read| path(read, kind));
    let root = Schema::embedded().kind(kind).unwrap().root;
    paths
        .flatten()
        .filter(|path| walk(root, path).is_some())
        .collect()
}

fn path(read: &str, kind: &Kind) -> Option<Path> {
    let mut path = Path::new();
    for (at, name) in read.split('.').enumerate() {
        let (name, elements) = name.split_at(name.find(['[', '{']).unwrap_or(name.len()));
        let owned = |value: &&str| (*value).to_owned();
        match (at, name) {
            (0, "podSpec") => path.extend(pod_spec_path(kind)?.iter().map(owned)),
            (0, "podMetadata") => {
                let (_, template) = pod_spec_path(kind)?.split_last()?;
                path.extend(template.iter().map(owned).chain(["metadata".to_owned()]));
            }
            _ => path.push(name.to_owned()),
        }
        path.extend(elements.matches(['[', '{']).map(|_| "[]".to_owned()));
    }
    Some(path)
}

fn walk(root: TypeId, path: &Path) -> Option<Type> {
    let steps: Vec<SchemaStep<'_>> = path
        .iter()
        .map(|path| {
            if path == "[]" {
                SchemaStep::Any
            } else {
                SchemaStep::Field(path)
            }
        })
        .collect();
    Schema::embedded().walk(root, &steps).map(|found| found.ty)
}

fn is_collection(root: TypeId, path: &Path) -> bool {
    matches!(walk(root, path), Some(Type::List(_) | Type::Map(_)))
}

/// The lists and maps on these paths.
fn lists_of(root: TypeId, paths: &[Path]) -> Vec<Path> {
    let prefixes = paths
        .iter()
        .flat_map(|path| (1..=path.len()).map(|len| path[..len].to_vec()));
    let all: BTreeSet<Path> = prefixes
        .filter(|prefix| is_collection(root, prefix))
        .collect();
    all.into_iter().collect()
}

/// Every list and map of a type.
fn all_lists(of: TypeId, at: &Path, around: &mut Vec<TypeId>, found: &mut Vec<Path>) {
    let schema = Schema::embedded();
    if around.contains(&of) {
        return;
    }
    around.push(of);
    for field in schema.fields(of) {
        let mut path = at.clone();
        path.push(field.name.to_owned());
        let mut ty = field.ty;
        while let Type::List(inner) | Type::Map(inner) = ty {
            found.push(path.clone());
            path.push("[]".to_owned());
            ty = schema.resolve(inner);
        }
        if let Type::Struct(inner) = ty {
            all_lists(inner, &path, around, found);
        }
    }
    around.pop();
}

/// Each of these lists with n elements.
fn singles(lists: &[Path]) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for list in lists {
        for is_bad in [false, true] {
            for names in [Names::Distinct, Names::Same] {
                shapes.push(Shape {
                    lists: vec![list.clone()],
                    names,
                    is_bad,
                    long: None,
                });
            }
        }
    }
    shapes
}

/// Each pair of these lists with n elements in both. Nested lists are left out, since their object
/// would grow as the product.
fn pairs(lists: &[Path]) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (index, list) in lists.iter().enumerate() {
        let others = lists[index + 1..]
            .iter()
            .filter(|item| !item.starts_with(list) && !list.starts_with(item));
        for other in others {
            for is_bad in [false, true] {
                for names in [Names::Distinct, Names::Same, Names::Apart] {
                    shapes.push(Shape {
                        lists: vec![list.clone(), other.clone()],
                        names,
                        is_bad,
                        long: None,
                    });
                }
            }
        }
    }
    shapes
}

/// Each of these lists with n elements, beside each string that is read and is as long as the list.
fn beside_long_strings(lists: &[Path], reads: &[Path]) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for list in lists {
        for path in reads.iter().filter(|read| !read.starts_with(list)) {
            let is_path = path.ends_with(&["path".to_owned()]);
            for long in Long::ALL
                .into_iter()
                .filter(|entry| is_path || *entry == Long::Characters)
            {
                for names in [Names::Distinct, Names::Same] {
                    let long = Some((path.clone(), long));
                    shapes.push(Shape {
                        lists: vec![list.clone()],
                        names,
                        is_bad: true,
                        long,
                    });
                }
            }
        }
    }
    shapes
}

/// True if no list is in an element of another.
fn is_outer(shape: &Shape) -> bool {
    shape.lists.iter().flatten().all(|step| step != "[]")
}

fn root(kind: &Kind) -> TypeId {
    Schema::embedded().kind(kind).unwrap().root
}

#[test]
fn evaluation_grows_at_most_as_n_log_n() {
    let (library, _) = policy::embedded();
    let mut whole = Bench::new(&library);
    let (mut faults, mut evaluated) = (Vec::new(), 0);
    let mut kinds_read: BTreeMap<Kind, (BTreeSet<Path>, Vec<Shape>)> = BTreeMap::new();
    for source in &library.controls {
        let id = &source.control.id;
        let mut alone = library.clone();
        alone.controls.retain(|control| control.control.id == *id);
        let mut bench = Bench::new(&alone);
        for kind in kinds(&source.control.kinds) {
            let reads = reads(&bench.engine, id, &kind);
            let lists = lists_of(root(&kind), &reads);
            let (all, all_pairs) = kinds_read.entry(kind.clone()).or_default();
            all.extend(reads.iter().cloned());
            all_pairs.extend(pairs(&lists));
            for shape in singles(&lists)
                .into_iter()
                .chain(pairs(&lists))
                .chain(beside_long_strings(&lists, &reads))
            {
                evaluated += 1;
                let fault = bench.grow(&Maker::new(&kind, &reads, &shape), FEWEST_ALONE, 0);
                faults.extend(fault.map(|fault| format!("{id}: {fault}")));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {evaluated}:\n{}",
        faults.len(),
        faults.join("\n")
    );
    // All controls together, over violating objects, and joined ones that pass. Lists of the root or of
    // a pod spec grow up to the maximum size.
    for (kind, (reads, pairs)) in &kinds_read {
        let reads: Vec<Path> = reads.iter().cloned().collect();
        let singles = singles(&lists_of(root(kind), &reads)).into_iter();
        let found = singles.filter(|sample| sample.is_bad && sample.names == Names::Distinct);
        let joined = pairs.iter().filter(|pair| {
            is_outer(pair)
                && pair.is_bad == (pair.names == Names::Distinct)
                && pair.names != Names::Apart
        });
        let mut measured: Vec<Shape> = Vec::new();
        for shape in found.chain(joined.cloned()) {
            if !measured.contains(&shape) {
                evaluated += 1;
                let (fewest, most) = if is_outer(&shape) {
                    (FEWEST, usize::MAX)
                } else {
                    (FEWEST_ALONE, 0)
                };
                faults.extend(whole.grow(&Maker::new(kind, &reads, &shape), fewest, most));
                measured.push(shape);
            }
        }
        // Lists that no control reads.
        let mut lists = Vec::new();
        all_lists(root(kind), &Path::new(), &mut Vec::new(), &mut lists);
        for list in lists {
            evaluated += 1;
            let shape = Shape {
                lists: vec![list],
                names: Names::Distinct,
                is_bad: true,
                long: None,
            };
            faults.extend(whole.grow(&Maker::new(kind, &[], &shape), FEWEST_ALONE, 0));
        }
    }
    println!("{evaluated} shapes");
    assert!(evaluated > 500, "only {evaluated} shapes");
    assert!(
        faults.is_empty(),
        "{} of {evaluated}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
