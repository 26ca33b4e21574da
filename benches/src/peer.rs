//! Peers that are processes: OPA, and CEL in Rust. They get their set-up as a file, say in a first line what they made
//! of it, then answer `COUNT PATH` with the times of so many evaluations, measured by their own clock from bytes on.

use crate::{
    contestant::{Contestant, Object, Turn},
    rego,
};
use kubevet::{
    cel::{ParamsFrom, CelTarget},
    engine::{
        Engine,
    },
    model::{ControlId, Kind},
    policy::Library,
};
use serde_json::{Map, Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

pub struct Peer {
    name: String,
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it made of its set-up.
    about: String,
}

impl Peer {
    /// Starts it: `command` is a program and its arguments, to which the file of the set-up is added.
    ///
    /// # Errors
    /// Why it did not start, or what it said of its set-up.
    pub fn start(
        name: &str,
        command: &[&str],
        set_up: &Value,
        folder: &Path,
    ) -> Result<Self, String> {
        let file = folder.join(format!("{}.json", name.replace(' ', "-")));
        fs::write(&file, set_up.to_string()).map_err(|it| it.to_string())?;
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let mut started = Command::new(program);
        started
            .args(arguments)
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = started.spawn().map_err(|it| format!("{program}: {it}"))?;
        let asks = child.stdin.take().ok_or("no stdin")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut peer = Self {
            name: name.to_owned(),
            child,
            asks,
            answers,
            about: String::new(),
        };
        let first = peer.line()?;
        peer.about = first
            .get("about")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Ok(peer)
    }

    fn line(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .map_err(|it| it.to_string())?;
        let line: Value =
            serde_json::from_str(&line).map_err(|it| format!("{} ended: {it}", self.name))?;
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

impl Contestant for Peer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn turn(&mut self, object: &Object, count: u64) -> Result<Turn, String> {
        writeln!(self.asks, "{count} {}", object.path.display()).map_err(|it| it.to_string())?;
        let answer = self.line()?;
        let number = |it: &Value| it.as_u64().unwrap_or_default();
        let said = answer
            .get("remarks")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Ok(Turn {
            failing: answer.get("failing").map_or(0, |it| number(it) as usize),
            remarks: [self.about.as_str(), said]
                .iter()
                .filter(|it| !it.is_empty())
                .map(|it| format!("; {it}"))
                .collect(),
            nanos: answer
                .get("nanos")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(number)
                .collect(),
        })
    }
}

/// What OPA is told: modules, the entry rule, and the input without the object.
pub fn for_opa(library: &Library, asked: &[ControlId]) -> Value {
    let modules: Map<_, _> = rego::modules(library, asked)
        .into_iter()
        .map(|(file, text)| (file, text.into()))
        .collect();
    json!({"modules": modules, "query": rego::ENTRY, "input": rego::input(&library.params.defaults())})
}

/// What a CEL peer is told: the variables and the conditions that `kubevet vap generate` writes, params written in.
pub fn for_cel(engine: &Engine, library: &Library, asked: &[ControlId], kind: &Kind) -> Value {
    let params = library.params.defaults();
    let kinds = [kind.clone()];
    let target = CelTarget {
        min_kube: 30,
        params: ParamsFrom::Written(&params),
        kinds: &kinds,
    };
    let bundle = kubevet::cel::emit(engine.compiled_library(), asked, &target);
    let variables: Vec<_> = bundle
        .variables
        .iter()
        .map(|it| json!([it.name, it.expression.to_string()]))
        .collect();
    let controls: Vec<_> = bundle
        .controls
        .iter()
        .map(|it| json!([it.control.id.as_str(), it.passes.to_string()]))
        .collect();
    json!({"variables": variables, "controls": controls})
}
