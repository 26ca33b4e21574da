//! OPA and the API server's CEL as voices: what to write to a process that has them, and how to read what it answers.
//! The process itself is the caller's.

use super::{
    cel_policies::UNJUDGED,
    corpus,
    subject::{Answer, Found, Question, Voice, VoiceError, canonical},
};
use kubevet_model::{ControlId, FieldPath, Kind};
use kubevet_policy::{self as policy, Library, ParamValue, Params};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A process that answers a line with a line.
pub trait Pipe: Send {
    /// The answers to these lines, in order.
    ///
    /// # Errors
    /// The process is gone.
    fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String>;
}

/// The most characters of a message that an engine keeps.
const MESSAGE_BYTES: usize = 4096;

/// OPA, which is right about Rego.
pub(super) struct OpaVoice<P> {
    pipe: P,
    modules: Value,
    queries: Value,
    prepared: BTreeMap<usize, u64>,
}

impl<P: Pipe> OpaVoice<P> {
    /// The rules of a library under OPA.
    pub(super) fn new(pipe: P, library: &Library) -> Self {
        let modules = library
            .modules
            .iter()
            .chain(library.controls.iter().map(|it| &it.rule));
        let modules: Map<String, Value> = modules
            .map(|it| (it.file.to_string(), json!(&*it.text)))
            .collect();
        let query = |id: &ControlId| {
            (
                id.to_string(),
                json!(format!("data.{}.deny", policy::package_of(id.as_str()))),
            )
        };
        let queries: Map<String, Value> = library
            .controls
            .iter()
            .map(|it| query(&it.control.id))
            .collect();
        Self {
            pipe,
            modules: modules.into(),
            queries: queries.into(),
            prepared: BTreeMap::new(),
        }
    }
}

impl<P: Pipe> Voice for OpaVoice<P> {
    fn name(&self) -> &str {
        "OPA"
    }

    fn ask(&mut self, batch: &[Question]) -> Result<Vec<Vec<Answer>>, VoiceError> {
        let failed = |reason| VoiceError {
            voice: "OPA".to_owned(),
            reason,
        };
        let mut lines = Vec::new();
        for question in batch {
            let number = if let Some(number) = self.prepared.get(&question.params_number) {
                *number
            } else {
                let request = json!({"op": "prepare", "modules": self.modules, "queries": self.queries,
                    "params": params_json(&question.params)});
                let number = prepare(&mut self.pipe, &request).map_err(failed)?;
                self.prepared.insert(question.params_number, number);
                number
            };
            let asked: Vec<Value> = question
                .controls
                .iter()
                .map(|it| json!([number, it.as_str()]))
                .collect();
            lines.push(request(question, "rego", &asked));
        }
        let answers = self.pipe.exchange(&lines).map_err(failed)?;
        let mut all = Vec::new();
        for (question, line) in batch.iter().zip(&answers) {
            let answer: Value =
                serde_json::from_str(line).map_err(|it| failed(format!("{it}: {line}")))?;
            all.push(
                question
                    .controls
                    .iter()
                    .enumerate()
                    .map(|(at, _)| of_rego(&answer, at))
                    .collect(),
            );
        }
        Ok(all)
    }
}

fn of_rego(answer: &Value, at: usize) -> Answer {
    if let Some(error) = answer.get("error") {
        return Answer::Error(error.to_string());
    }
    let one = answer
        .get("rego")
        .and_then(|it| it.get(at))
        .unwrap_or(&Value::Null);
    if let Some(error) = one.get("error") {
        return Answer::Error(error.as_str().unwrap_or_default().to_owned());
    }
    let Some(deny) = one.get("result").and_then(Value::as_array) else {
        return Answer::Silent;
    };
    let mut found: Vec<Found> = deny.iter().map(found).collect();
    // A rule may find what cannot be told: `data[a]b]` is no field path. Whoever runs it must say so.
    let paths = found
        .iter()
        .flat_map(|it| it.paths.iter().chain(it.fixes.iter().map(|(path, _)| path)));
    if let Some(error) = paths.filter_map(|it| it.parse::<FieldPath>().err()).next() {
        return Answer::Error(error.to_string());
    }
    found.sort();
    found.dedup();
    Answer::Findings(found)
}

fn found(entry: &Value) -> Found {
    let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    let list = |name: &str| {
        entry
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    let mut message = entry.get("message").map(text).unwrap_or_default();
    let end = (0..=MESSAGE_BYTES.min(message.len()))
        .rev()
        .find(|it| message.is_char_boundary(*it))
        .unwrap_or(0);
    message.truncate(end);
    let fix = |it: &Value| {
        (
            it.get("path").map(text).unwrap_or_default(),
            it.get("value").map(canonical),
        )
    };
    let mut fixes: Vec<_> = list("fixes").iter().map(fix).collect();
    fixes.sort();
    Found {
        message,
        paths: list("paths").iter().map(text).collect(),
        fixes,
    }
}

/// The policy of a control for params, a ValidatingAdmissionPolicy; or why it has none.
pub(super) type PolicyOf<'a> =
    Box<dyn Fn(&ControlId, &Params) -> Result<Value, String> + Send + 'a>;

/// The question of a pack of controls for a kind, as such a policy.
pub(super) type PackOf<'a> = Box<dyn Fn(&[ControlId], &Kind, &Params) -> Value + Send + 'a>;

/// The API server's own evaluation of exported policies. Who asks of several controls is told if their pack says otherwise
/// than they do one by one.
pub(super) struct CelVoice<'a, P> {
    pipe: P,
    policy_of: PolicyOf<'a>,
    pack_of: PackOf<'a>,
    singles: BTreeMap<(ControlId, usize), Result<u64, String>>,
    packs: BTreeMap<(Vec<ControlId>, Kind, usize), Result<u64, String>>,
    /// By their text: params that a control does not read leave its policy as it is, and the oracle keeps what it is given.
    prepared: BTreeMap<String, Result<u64, String>>,
}

/// The most packs that are prepared in a run: the oracle keeps each, of some megabytes. Others are not asked.
const PACKS: usize = 64;
/// The name of a policy among those prepared together, which it is alone.
const POLICY: &str = "policy";

impl<'a, P: Pipe> CelVoice<'a, P> {
    /// The policies of controls under the API server's CEL.
    pub(super) fn new(pipe: P, policy_of: PolicyOf<'a>, pack_of: PackOf<'a>) -> Self {
        let (singles, packs, prepared) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            pipe,
            policy_of,
            pack_of,
            singles,
            packs,
            prepared,
        }
    }

    /// The number of a policy that is prepared.
    fn prepare(&mut self, policy: &Value) -> Result<u64, String> {
        let text = policy.to_string();
        if let Some(known) = self.prepared.get(&text) {
            return known.clone();
        }
        let made = prepare(
            &mut self.pipe,
            &json!({"op": "prepare", "policies": {POLICY: policy}}),
        );
        self.prepared.insert(text, made.clone());
        made
    }

    /// The number of the pack that a question of several controls asks.
    fn pack(&mut self, question: &Question) -> Option<Result<u64, String>> {
        if question.controls.len() < 2 {
            return None;
        }
        let kind = corpus::kind_of(&serde_json::from_str(&question.object).ok()?);
        let key = (
            question.controls.clone(),
            kind.clone(),
            question.params_number,
        );
        if let Some(known) = self.packs.get(&key) {
            return Some(known.clone());
        }
        if self.packs.len() >= PACKS {
            return None;
        }
        let policy = (self.pack_of)(&question.controls, &kind, &question.params);
        let made = self.prepare(&policy);
        self.packs.insert(key, made.clone());
        Some(made)
    }

    fn number(&mut self, control: &ControlId, question: &Question) -> Result<u64, String> {
        let key = (control.clone(), question.params_number);
        if let Some(known) = self.singles.get(&key) {
            return known.clone();
        }
        let made = match (self.policy_of)(control, &question.params) {
            Ok(policy) => self.prepare(&policy),
            Err(why) => Err(why),
        };
        self.singles.insert(key, made.clone());
        made
    }
}

impl<P: Pipe> Voice for CelVoice<'_, P> {
    fn name(&self) -> &str {
        "CEL"
    }

    fn ask(&mut self, batch: &[Question]) -> Result<Vec<Vec<Answer>>, VoiceError> {
        let failed = |reason| VoiceError {
            voice: "CEL".to_owned(),
            reason,
        };
        let mut lines = Vec::new();
        let mut asked = Vec::new();
        for question in batch {
            let numbers: Vec<_> = question
                .controls
                .iter()
                .map(|it| self.number(it, question))
                .collect();
            let pack = self.pack(question);
            let names: Vec<Value> = numbers
                .iter()
                .chain(&pack)
                .flatten()
                .map(|number| json!([number, POLICY]))
                .collect();
            lines.push(request(question, "cel", &names));
            asked.push((numbers, pack));
        }
        let answers = self.pipe.exchange(&lines).map_err(failed)?;
        let mut all = Vec::new();
        for ((numbers, pack), line) in asked.iter().zip(&answers) {
            let answer: Value =
                serde_json::from_str(line).map_err(|it| failed(format!("{it}: {line}")))?;
            let mut at = 0;
            let of = |number: &Result<u64, String>| match number {
                Err(why) => Answer::Abstains(why.clone()),
                Ok(_) => {
                    at += 1;
                    of_cel(&answer, at - 1)
                }
            };
            let mut each: Vec<Answer> = numbers.iter().map(of).collect();
            match pack {
                Some(Ok(_)) => compare_with_pack(&mut each, &of_cel(&answer, at)),
                Some(Err(why)) => each.fill(Answer::Error(format!("the pack is not taken: {why}"))),
                None => {}
            }
            all.push(each);
        }
        Ok(all)
    }
}

/// Turns the answers into errors where they do not come to what the pack says.
fn compare_with_pack(each: &mut [Answer], pack: &Answer) {
    let speaking = each.iter().filter(|it| !matches!(it, Answer::Abstains(_)));
    let Some(verdicts) = speaking.map(Answer::denies).collect::<Option<Vec<bool>>>() else {
        return;
    };
    if pack.denies() != Some(verdicts.contains(&true)) {
        each.fill(Answer::Error(format!("the pack of all says: {pack}")));
    }
}

fn of_cel(answer: &Value, at: usize) -> Answer {
    if let Some(error) = answer.get("error") {
        return Answer::Error(error.to_string());
    }
    if let Some(why) = answer.get("invalid") {
        return Answer::Invalid(why.as_str().unwrap_or_default().to_owned());
    }
    let Some(one) = answer.get("cel").and_then(|it| it.get(at)) else {
        return Answer::Silent;
    };
    // Of one that was unjudged nothing follows.
    let message = one
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (
        one.get("error").and_then(Value::as_str),
        one.get("denied").and_then(Value::as_bool),
    ) {
        (Some(error), _) => Answer::Error(error.to_owned()),
        (None, Some(true)) if message == UNJUDGED => Answer::Invalid(message.to_owned()),
        (None, Some(true)) => Answer::Verdict(Some(message.to_owned())),
        (None, _) => Answer::Verdict(None),
    }
}

/// Objects are JSON already: they go into the line as they are.
fn request(question: &Question, voice: &str, names: &[Value]) -> String {
    let (names, operation) = (Value::from(names.to_vec()), question.operation);
    format!(
        r#"{{"op":"judge","operation":"{operation}","{voice}":{names},"object":{}}}"#,
        question.object
    )
}

fn prepare(pipe: &mut dyn Pipe, request: &Value) -> Result<u64, String> {
    let answers = pipe.exchange(&[request.to_string()])?;
    let answer: Value = answers
        .first()
        .and_then(|it| serde_json::from_str(it).ok())
        .unwrap_or_default();
    answer
        .get("prepared")
        .and_then(Value::as_u64)
        .ok_or_else(|| answer.to_string())
}

fn params_json(params: &Params) -> Value {
    let value = |it: &ParamValue| match it {
        ParamValue::List(items) => json!(items),
        ParamValue::String(text) => json!(text),
    };
    params
        .iter()
        .map(|(name, it)| (name.to_owned(), value(it)))
        .collect::<Map<_, _>>()
        .into()
}
