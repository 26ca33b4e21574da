//! Exported policies under the API server's CEL as a subject, through the external oracle.

use super::{
    cel_policies::{ControlPolicies, NOT_JUDGED_MESSAGE},
    corpus,
    external_oracle::{Pipe, Prepared, evaluate_request, parse_response, prepare},
    subject::{Subject, SubjectAnswer, SubjectError},
    test_case::TestCase,
};
use kubevet_k8s::workload::custom::{CustomWorkload, CustomWorkloads};
use kubevet_model::{ControlId, Kind};
use kubevet_policy::Params;
use kubevet_vap as vap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NAME: &str = "CEL";
/// The most packs that are prepared in a run: the oracle keeps each, of some megabytes. Further ones
/// are not evaluated.
const MAX_PREPARED_PACKS: usize = 64;
/// The reason why the policies of a control for custom kinds are not evaluated with some params.
const OTHER_PARAMS: &str = "policies for custom kinds are evaluated with one set of params";
/// The name of a policy among those that are prepared together, of which there is one.
const POLICY_NAME: &str = "policy";

/// Returns the policies of a control for params; or why it has none. Those for custom kinds
/// are for these, others for all other kinds that the control selects.
pub(super) type PoliciesOf<'a> = Box<
    dyn Fn(&ControlId, &[CustomWorkload], &Params) -> Result<ControlPolicies, String> + Send + 'a,
>;

/// Returns the policy that evaluates a pack of controls for a kind at once.
pub(super) type PackPolicy<'a> = Box<dyn Fn(&[ControlId], &Kind, &Params) -> Value + Send + 'a>;

/// The API server's own evaluation of exported policies. It compares the readable policy of a control
/// with the packed one, and for a case of several controls the policy of their pack with those of the
/// single controls. Only the decisions are compared: the readable policy and the pack word their
/// messages otherwise.
pub(super) struct CelSubject<'a, P> {
    pipe: P,
    /// The custom kinds.
    workloads: CustomWorkloads,
    policies_of: PoliciesOf<'a>,
    pack_policy: PackPolicy<'a>,
    /// The index of the params with which the policies of a control for custom kinds are prepared: the
    /// oracle keeps each, of some megabytes. By control and the first of the kinds.
    custom: BTreeMap<(ControlId, Option<Kind>), usize>,
    /// By control, the first of the custom kinds, and index of the params.
    singles: BTreeMap<(ControlId, Option<Kind>, usize), PreparedControl>,
    /// By controls, kind and index of the params.
    packs: BTreeMap<(Vec<ControlId>, Kind, usize), Vec<PreparedPack>>,
    /// By the policy as JSON: params that a control does not read leave its policy unchanged, and
    /// the oracle keeps everything that it is given.
    prepared: BTreeMap<String, Prepared>,
}

/// The prepared policies of one control.
#[derive(Clone)]
struct PreparedControl {
    packed: Prepared,
    readable: Prepared,
}

impl PreparedControl {
    fn none(reason: &str) -> Self {
        Self {
            packed: Err(reason.to_owned()),
            readable: Err(reason.to_owned()),
        }
    }
}

/// The prepared policy of several controls.
#[derive(Clone)]
struct PreparedPack {
    controls: Vec<ControlId>,
    policy: Prepared,
}

/// The prepared policies of one case: those of each control, and the packs that have each once.
struct PreparedCase {
    controls: Vec<ControlId>,
    singles: Vec<PreparedControl>,
    packs: Vec<PreparedPack>,
}

impl<'a, P: Pipe> CelSubject<'a, P> {
    pub(super) fn new(
        pipe: P,
        workloads: CustomWorkloads,
        policies_of: PoliciesOf<'a>,
        pack_policy: PackPolicy<'a>,
    ) -> Self {
        Self {
            pipe,
            workloads,
            policies_of,
            pack_policy,
            custom: BTreeMap::new(),
            singles: BTreeMap::new(),
            packs: BTreeMap::new(),
            prepared: BTreeMap::new(),
        }
    }

    fn prepare_policy(&mut self, policy: &Value) -> Prepared {
        let key = policy.to_string();
        if let Some(known) = self.prepared.get(&key) {
            return known.clone();
        }
        let request = json!({"op": "prepare", "policies": {POLICY_NAME: policy}});
        let prepared = prepare(&mut self.pipe, &request);
        self.prepared.insert(key, prepared.clone());
        prepared
    }

    /// Prepares the pack of a case with several controls, or several packs where one would be too
    /// long; none for other cases, and beyond the limit.
    fn prepare_packs(&mut self, case: &TestCase) -> Vec<PreparedPack> {
        let Some(kind) = kind_of(case) else {
            return Vec::new();
        };
        let is_custom = self.workloads.get(&kind.group, &kind.name).is_some();
        if is_custom && self.custom.len() > MAX_PREPARED_PACKS {
            return Vec::new();
        }
        let key = (case.controls.clone(), kind.clone(), case.params_index);
        if let Some(known) = self.packs.get(&key) {
            return known.clone();
        }
        if self.packs.len() >= MAX_PREPARED_PACKS {
            return Vec::new();
        }
        let mut packs = Vec::new();
        let mut waiting = vec![case.controls.clone()];
        while let Some(mut controls) = waiting.pop() {
            if controls.len() < 2 {
                continue;
            }
            let policy = (self.pack_policy)(&controls, &kind, &case.params);
            if vap::is_too_large(&policy) {
                waiting.push(controls.split_off(controls.len() / 2));
                waiting.push(controls);
                continue;
            }
            let policy = self.prepare_policy(&policy);
            packs.push(PreparedPack { controls, policy });
        }
        self.packs.insert(key, packs.clone());
        packs
    }

    /// Returns the custom kinds that share their policies with a kind; none for a built-in kind.
    fn rows_like(&self, kind: &Kind) -> Vec<CustomWorkload> {
        let shape = |row: &CustomWorkload| row.shape(row.pods.first()?.shape().form);
        let Some(row) = self.workloads.get(&kind.group, &kind.name) else {
            return Vec::new();
        };
        let all = self.workloads.rows().iter();
        all.filter(|other| shape(other) == shape(row))
            .cloned()
            .collect()
    }

    fn prepare_single(&mut self, control: &ControlId, case: &TestCase) -> PreparedControl {
        let rows = kind_of(case).map_or_else(Vec::new, |kind| self.rows_like(&kind));
        let shape = rows.first().map(|row| row.kind.clone());
        if shape.is_some() {
            let first = (control.clone(), shape.clone());
            let params = *self.custom.entry(first).or_insert(case.params_index);
            if params != case.params_index {
                return PreparedControl::none(OTHER_PARAMS);
            }
        }
        let key = (control.clone(), shape, case.params_index);
        if let Some(known) = self.singles.get(&key) {
            return known.clone();
        }
        let prepared = match (self.policies_of)(control, &rows, &case.params) {
            Ok(policies) => PreparedControl {
                packed: self.prepare_policy(&policies.packed),
                readable: policies
                    .readable
                    .and_then(|policy| self.prepare_policy(&policy)),
            },
            Err(reason) => PreparedControl::none(&reason),
        };
        self.singles.insert(key, prepared.clone());
        prepared
    }

    fn evaluate_batch(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, String> {
        let mut lines = Vec::new();
        let mut prepared_cases = Vec::new();
        for case in batch {
            let singles: Vec<_> = case
                .controls
                .iter()
                .map(|control| self.prepare_single(control, case))
                .collect();
            let packs = self.prepare_packs(case);
            let targets: Vec<Value> = singles
                .iter()
                .flat_map(|single| [&single.packed, &single.readable])
                .chain(packs.iter().map(|pack| &pack.policy))
                .flatten()
                .map(|number| json!([number, POLICY_NAME]))
                .collect();
            lines.push(evaluate_request(case, "cel", &targets));
            prepared_cases.push(PreparedCase {
                controls: case.controls.clone(),
                singles,
                packs,
            });
        }
        let responses = self.pipe.exchange(&lines)?;
        let mut answers = Vec::new();
        for (prepared, line) in prepared_cases.iter().zip(&responses) {
            answers.push(prepared.parse_answers(&parse_response(line)?));
        }
        Ok(answers)
    }
}

fn kind_of(case: &TestCase) -> Option<Kind> {
    Some(corpus::kind_of(&serde_json::from_str(&case.object).ok()?))
}

impl<P: Pipe> Subject for CelSubject<'_, P> {
    fn name(&self) -> &str {
        NAME
    }

    fn evaluate(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError> {
        self.evaluate_batch(batch).map_err(|reason| SubjectError {
            subject: NAME.to_owned(),
            reason,
        })
    }
}

impl PreparedCase {
    /// Parses the response for a case. It has a result for each policy that is prepared, in their
    /// order, the packs last.
    fn parse_answers(&self, response: &Value) -> Vec<SubjectAnswer> {
        let mut index = 0;
        let mut answer = |prepared: &Prepared| match prepared {
            Err(reason) if reason == OTHER_PARAMS => SubjectAnswer::Invalid(reason.clone()),
            Err(reason) => SubjectAnswer::Unsupported(reason.clone()),
            Ok(_) => {
                index += 1;
                parse_answer(response, index - 1)
            }
        };
        let mut answers = Vec::new();
        for single in &self.singles {
            let packed = answer(&single.packed);
            let readable = answer(&single.readable);
            answers.push(compare_with_readable(packed, &readable));
        }
        for pack in &self.packs {
            let of_pack = match answer(&pack.policy) {
                SubjectAnswer::Unsupported(reason) => {
                    SubjectAnswer::Error(format!("the pack is not taken: {reason}"))
                }
                other => other,
            };
            let controls = self.controls.iter().zip(&mut answers);
            let packed = controls.filter(|(control, _)| pack.controls.contains(control));
            compare_with_pack(packed.map(|(_, answer)| answer).collect(), &of_pack);
        }
        answers
    }
}

/// Turns the answer of a control's packed policy into an error if its readable policy does not deny
/// exactly when it does, or denies without a message.
fn compare_with_readable(packed: SubjectAnswer, readable: &SubjectAnswer) -> SubjectAnswer {
    let Some(denies) = packed.denies() else {
        // Neither gives a verdict: the control has no CEL, or the object is not for admission or too
        // large to be searched.
        return packed;
    };
    let says_nothing =
        matches!(readable, SubjectAnswer::Verdict(Some(message)) if message.is_empty());
    if readable.denies() == Some(denies) && !says_nothing {
        return packed;
    }
    SubjectAnswer::Error(format!("the readable policy says: {readable}"))
}

/// Turns the answers of single controls into errors if their pack does not deny exactly when one of
/// them does. Controls that cannot be exported are not in the pack, and a pack without a control
/// says nothing: not even that the object is not for admission.
fn compare_with_pack(mut answers: Vec<&mut SubjectAnswer>, pack: &SubjectAnswer) {
    answers.retain(|answer| !matches!(answer, SubjectAnswer::Unsupported(_)));
    let verdicts: Option<Vec<bool>> = answers.iter().map(|answer| answer.denies()).collect();
    let Some(verdicts) = verdicts.filter(|verdicts| !verdicts.is_empty()) else {
        return;
    };
    // Of an object that is too large for all together, single controls have verdicts.
    if matches!(pack, SubjectAnswer::Invalid(reason) if reason == NOT_JUDGED_MESSAGE) {
        return;
    }
    if pack.denies() != Some(verdicts.contains(&true)) {
        for answer in answers {
            *answer = SubjectAnswer::Error(format!("the pack of all says: {pack}"));
        }
    }
}

/// Parses the answer of the policy at an index among those that are prepared.
fn parse_answer(response: &Value, index: usize) -> SubjectAnswer {
    if let Some(error) = response.get("error") {
        return SubjectAnswer::Error(error.to_string());
    }
    if let Some(reason) = response.get("invalid") {
        return SubjectAnswer::Invalid(reason.as_str().unwrap_or_default().to_owned());
    }
    let Some(result) = response.get("cel").and_then(|results| results.get(index)) else {
        return SubjectAnswer::Missing;
    };
    let message = result
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (
        result.get("error").and_then(Value::as_str),
        result.get("denied").and_then(Value::as_bool),
    ) {
        (Some(error), _) => SubjectAnswer::Error(error.to_owned()),
        // The policy skipped the object for its size, so it gave no verdict.
        (None, Some(true)) if message == NOT_JUDGED_MESSAGE => {
            SubjectAnswer::Invalid(message.to_owned())
        }
        (None, Some(true)) => SubjectAnswer::Verdict(Some(message.to_owned())),
        (None, _) => SubjectAnswer::Verdict(None),
    }
}
