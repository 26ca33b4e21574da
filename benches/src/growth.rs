//! Costs as the library and the object grow: the time of a verdict, the time to compile, memory and
//! the cost of CEL, over the number of controls, the number of containers and the object's size.

use crate::{
    kubevet_subject::{KubevetSubject, Part},
    oracle::Oracle,
    peer::{Peer, opa_setup},
    process,
    sample::{Nanos, Samples},
    subject::{Object, Subject},
    table,
};
use kubevet_document::{Limits, Node, read};
use kubevet_engine::Engine;
use kubevet_model::ControlId;
use kubevet_policy::{self as policy, Library};
use serde_json::{Value, json};
use std::{fs, hint::black_box, path::Path, sync::Arc, time::Instant};

/// Evaluations in one sample of the share of a control.
const BATCH_SIZE: u64 = 500;

/// Prints a row for each control that applies to the object: by how much the median time of a
/// verdict falls if the control is left out. What controls share is in no control's row.
pub fn controls(object: &Object, rounds: u64) {
    let (library, _) = policy::embedded();
    let mut all = subject(&library);
    let evaluated = all.evaluated_controls(&object.bytes);
    let mut shares = Vec::new();
    for control in &evaluated {
        let mut without = subject(&without(&library, control));
        let mut samples = [Samples::default(), Samples::default()];
        for _ in 0..rounds {
            for (subject, samples) in [&mut all, &mut without].into_iter().zip(&mut samples) {
                if let Ok(batch) = subject.run_batch(object, BATCH_SIZE) {
                    samples.add(batch.nanos);
                }
            }
        }
        let [with, without] = samples.map(|samples| samples.quantile(0.5).0);
        shares.push((with - without, with, control));
    }
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (share, with, control) in shares {
        let mut samples = Samples::default();
        samples.add([share.max(0.0) as u64]);
        let remarks = format!("of {}", Nanos(with));
        table::print_times(&object.name, control.as_str(), &samples, None, &remarks);
    }
}

/// The numbers of controls that are measured; the last row has all.
const CONTROL_COUNTS: [usize; 6] = [10, 20, 40, 80, 120, 160];
/// The numbers of containers that are measured.
const CONTAINER_COUNTS: [usize; 6] = [1, 3, 10, 30, 60, 100];
/// The sizes of the ConfigMap that are measured, in KiB.
const CONFIG_MAP_KIB: [usize; 4] = [1, 10, 100, 900];

/// The programs and the folder that the measurement of growth uses.
pub struct Growth<'g> {
    pub kubevet: &'g str,
    /// The command of OPA; empty if there is none.
    pub opa: &'g [&'g str],
    pub directory: &'g Path,
    pub rounds: u64,
}

impl Growth<'_> {
    /// Prints the rows of all three dimensions.
    ///
    /// # Errors
    /// A program does not start, or a file cannot be written.
    pub fn run(&self, deployment: &Object) -> Result<(), String> {
        let (library, _) = policy::embedded();
        let all = library.controls.len();
        for count in CONTROL_COUNTS.into_iter().chain([all]) {
            let part = spread(&library, count);
            let name = format!("{} controls", part.controls.len());
            self.verdict(&name, &part, deployment)?;
            self.load(&name, &part)?;
            self.cel(&name, &part, deployment)?;
        }
        for count in CONTAINER_COUNTS {
            let object = self.write("containers", &with_containers(deployment, count)?)?;
            let name = format!("{count} containers, {} B", object.bytes.len());
            self.verdict(&name, &library, &object)?;
            self.cel(&name, &library, &object)?;
        }
        for kib in CONFIG_MAP_KIB {
            let object = self.write("config-map", &config_map(kib))?;
            let name = format!("ConfigMap, {} B", object.bytes.len());
            self.verdict(&name, &library, &object)?;
        }
        Ok(())
    }

    fn write(&self, name: &str, value: &Value) -> Result<Object, String> {
        let path = self.directory.join(format!("{name}.json"));
        let bytes = value.to_string().into_bytes();
        fs::write(&path, &bytes).map_err(|error| error.to_string())?;
        Ok(Object {
            name: name.to_owned(),
            path,
            bytes,
        })
    }

    /// The time from bytes to verdict, beside OPA on the same rules.
    fn verdict(&self, name: &str, library: &Library, object: &Object) -> Result<(), String> {
        let kubevet = subject(library);
        let evaluated = kubevet.evaluated_controls(&object.bytes);
        let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(kubevet)];
        if self.opa.is_empty() {
            table::print_unavailable(name, "OPA", "not run: ORACLE names no oracle");
        } else {
            let setup = opa_setup(library, &evaluated);
            subjects.push(Box::new(Peer::start(
                "OPA",
                self.opa,
                &setup,
                self.directory,
            )?));
        }
        let named = Object {
            name: format!("{name}: verdict"),
            path: object.path.clone(),
            bytes: object.bytes.clone(),
        };
        crate::subject::compare(&named, &mut subjects, self.rounds, true);
        Ok(())
    }

    /// The time to compile, and the peak memory of a process that compiles and evaluates once.
    fn load(&self, name: &str, library: &Library) -> Result<(), String> {
        let mut times = Samples::default();
        for _ in 0..self.rounds {
            let begin = Instant::now();
            black_box(Engine::compile(library));
            times.add([u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)]);
        }
        let ids = ids(library);
        let object = self.directory.join("empty.yaml");
        fs::write(&object, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
            .map_err(|error| error.to_string())?;
        let object = object.to_string_lossy().into_owned();
        let controls = ids.join(",");
        let arguments = ["scan", "control", &controls, &object, "--exit-zero"];
        let run = process::run(self.kubevet, &arguments).map_err(|error| error.to_string())?;
        let remarks = format!("a scan takes {:.1} MiB", run.mebibytes);
        table::print_times(
            &format!("{name}: compile"),
            "kubevet",
            &times,
            None,
            &remarks,
        );
        Ok(())
    }

    /// What the API server counts as the cost of the policies for the object, match conditions
    /// included, and the size of those whose rules match it.
    fn cel(&self, name: &str, library: &Library, object: &Object) -> Result<(), String> {
        let name = format!("{name}: CEL");
        let Some(program) = self.opa.first() else {
            table::print_unavailable(&name, "policies", "not run: ORACLE names no oracle");
            return Ok(());
        };
        let file = self.directory.join("policies.yaml");
        let path = file.to_string_lossy().into_owned();
        let ids = ids(library);
        let mut arguments = vec!["vap", "generate"];
        arguments.extend(ids.iter().map(String::as_str));
        arguments.extend(["--action", "Deny", "-o", &path]);
        let run = process::run(self.kubevet, &arguments).map_err(|error| error.to_string())?;
        if run.code != 0 {
            return Err(format!("vap generate ended with {}", run.code));
        }
        let text = fs::read(&file).map_err(|error| error.to_string())?;
        let mut oracle = Oracle::start(program)?;
        let object: Value =
            serde_json::from_slice(&object.bytes).map_err(|error| error.to_string())?;
        let (mut cost, mut bytes, mut matching) = (0_i64, 0, 0);
        let parsed = read(&"policies.yaml".into(), &text, &Limits::default());
        for policy in parsed
            .documents
            .iter()
            .filter(|document| is_policy(document.root()))
        {
            let mut json = String::new();
            policy.root().write_canonical_json(&mut json);
            let policy: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
            let answer = oracle.ask(&json!({"op": "vap", "policy": policy, "object": object}))?;
            if answer.get("reached").and_then(Value::as_bool) != Some(true) {
                continue;
            }
            matching += 1;
            bytes += json.len();
            let decisions = answer.get("decisions").and_then(Value::as_array);
            let costs = decisions
                .into_iter()
                .flatten()
                .filter_map(|decision| decision.get("cost"));
            let costs = answer.get("matchCost").into_iter().chain(costs);
            cost += costs.filter_map(Value::as_i64).sum::<i64>();
        }
        let remarks = format!("{matching} policies of {bytes} B match");
        table::print_figure(&name, "cost", cost as f64, None, &remarks);
        Ok(())
    }
}

fn is_policy(node: Node<'_>) -> bool {
    let kind = node.get("kind").and_then(Node::as_str);
    kind == Some("ValidatingAdmissionPolicy")
}

fn ids(library: &Library) -> Vec<String> {
    let controls = library.controls.iter();
    controls
        .map(|source| source.control.id.to_string())
        .collect()
}

/// The library with about `count` controls, which are spread over all ids.
fn spread(library: &Library, count: usize) -> Library {
    let (mut part, all) = (library.clone(), library.controls.len());
    let controls = library.controls.iter().enumerate();
    let is_taken = |index: usize| index * count / all != (index + 1) * count / all;
    part.controls = controls
        .filter(|(index, _)| is_taken(*index))
        .map(|(_, source)| source.clone())
        .collect();
    part
}

/// The Deployment with this number of copies of its first container.
fn with_containers(deployment: &Object, count: usize) -> Result<Value, String> {
    let mut object: Value =
        serde_json::from_slice(&deployment.bytes).map_err(|error| error.to_string())?;
    let containers = object
        .pointer_mut("/spec/template/spec/containers")
        .and_then(Value::as_array_mut)
        .ok_or("the Deployment has no containers")?;
    let first = containers.first().cloned().ok_or("the list is empty")?;
    let copy = |index: usize| {
        let mut container = first.clone();
        if let Some(fields) = container.as_object_mut() {
            fields.insert("name".to_owned(), json!(format!("c{index}")));
        }
        container
    };
    *containers = (0..count).map(copy).collect();
    Ok(object)
}

/// A ConfigMap with about this many KiB of settings in values of 1 KiB.
fn config_map(kib: usize) -> Value {
    let value = "setting=value of a program; ".repeat(37);
    let entries = (0..kib).map(|index| (format!("file-{index}.conf"), json!(value)));
    let data: serde_json::Map<String, Value> = entries.collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": data,
    })
}

/// The compiled engine of a library.
fn subject(library: &Library) -> KubevetSubject {
    KubevetSubject::new(
        "kubevet",
        &Arc::new(Engine::compile(library).0),
        library,
        Part::Whole,
    )
}

/// The library without one control.
fn without(library: &Library, control: &ControlId) -> Library {
    let mut library = library.clone();
    library
        .controls
        .retain(|source| source.control.id != *control);
    library
}
