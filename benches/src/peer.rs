//! Peers that are processes: OPA, and CEL in Rust. A peer reads its setup from a file and prints a
//! first line about it. It then answers each line `COUNT PATH` with the times of that many
//! evaluations of the file, measured by its own clock, parsing included.

use crate::{
    rego,
    subject::{Batch, Object, Subject},
};
use kubevet_cel::{CelTarget, ParamsFrom};
use kubevet_engine::Engine;
use kubevet_model::{ControlId, Kind};
use kubevet_policy::Library;
use serde_json::{Map, Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A running peer.
pub struct Peer {
    name: String,
    child: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
    /// Its remark on the setup, as `parses 31 of 31 controls`.
    about: String,
}

impl Peer {
    /// Starts a peer. `command` is a program and its arguments; the path of the setup file is
    /// appended.
    ///
    /// # Errors
    /// The reason why it did not start, or its error on the setup.
    pub fn start(
        name: &str,
        command: &[&str],
        setup: &Value,
        directory: &Path,
    ) -> Result<Self, String> {
        let file = directory.join(format!("{}.json", name.replace(' ', "-")));
        fs::write(&file, setup.to_string()).map_err(|error| error.to_string())?;
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let requests = child.stdin.take().ok_or("no stdin")?;
        let responses = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut peer = Self {
            name: name.to_owned(),
            child,
            requests,
            responses,
            about: String::new(),
        };
        let first = peer.read_line()?;
        peer.about = first
            .get("about")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Ok(peer)
    }

    fn read_line(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.responses
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        let line: Value =
            serde_json::from_str(&line).map_err(|error| format!("{} ended: {error}", self.name))?;
        match line.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(line),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Subject for Peer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn run_batch(&mut self, object: &Object, count: u64) -> Result<Batch, String> {
        writeln!(self.requests, "{count} {}", object.path.display())
            .map_err(|error| error.to_string())?;
        let response = self.read_line()?;
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let remarks = response
            .get("remarks")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Ok(Batch {
            failing: response
                .get("failing")
                .map_or(0, |value| number(value) as usize),
            remarks: [self.about.as_str(), remarks]
                .iter()
                .filter(|remark| !remark.is_empty())
                .map(|remark| format!("; {remark}"))
                .collect(),
            nanos: response
                .get("nanos")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(number)
                .collect(),
        })
    }
}

/// The setup of OPA: modules, the entry rule, and the input without the object.
pub fn opa_setup(library: &Library, controls: &[ControlId]) -> Value {
    let modules: Map<_, _> = rego::modules(library, controls)
        .into_iter()
        .map(|(file, source)| (file, source.into()))
        .collect();
    json!({"modules": modules, "query": rego::ENTRY, "input": rego::input(&library.params.defaults())})
}

/// The setup of a CEL peer: the variables and conditions that `kubevet vap generate` emits, with
/// params as literals.
pub fn cel_setup(engine: &Engine, library: &Library, controls: &[ControlId], kind: &Kind) -> Value {
    let params = library.params.defaults();
    let kinds = [kind.clone()];
    let target = CelTarget {
        min_kube: 30,
        params: ParamsFrom::Written(&params),
        kinds: &kinds,
        custom: &[],
    };
    let bundle = kubevet_cel::emit(engine.compiled_library(), controls, &target);
    let variables: Vec<_> = bundle
        .variables
        .iter()
        .map(|variable| json!([variable.name, variable.expression.to_string()]))
        .collect();
    let controls: Vec<_> = bundle
        .controls
        .iter()
        .map(|control| json!([control.control.id.as_str(), control.passes.to_string()]))
        .collect();
    json!({"variables": variables, "controls": controls})
}
