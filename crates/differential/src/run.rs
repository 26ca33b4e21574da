//! A run: test cases for all subjects in parallel, until enough was compared. Each kind of
//! disagreement is shrunk.

use super::{
    admission_defaults::has_defaults,
    corpus::{self, SeedObject},
    disagreement::{self, Difference},
    generator::{GeneratedCase, Generator},
    message_coverage::RuleMessages,
    regression,
    report::{
        ControlReport, CoverageSource, DifferentialReport, Disagreement, ObservedCondition,
        SubjectReport,
    },
    shrink,
    subject::{Subject, SubjectAnswer, SubjectError},
    test_case::TestCase,
    yaml,
};
use kubevet_engine::looks_at;
use kubevet_model::ControlId;
use kubevet_policy::{ControlSource, Library, Params};
use serde_json::Value;
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The number of cases that are evaluated at once.
const BATCH_SIZE: usize = 256;
/// Findings beyond this number belong to the same outcome.
const MAX_OUTCOME_FINDINGS: usize = 3;

/// The configuration of a run.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// The controls; empty for all.
    pub controls: Vec<ControlId>,
    /// The number of comparisons, each of one object and one control.
    pub count: u64,
    /// The seed. The same seed, seed objects and library give the same cases.
    pub seed: u64,
    /// True for objects that no API server accepts, instead of such that it may.
    pub invalid_objects: bool,
    /// The number of kinds of disagreement that are shrunk and kept.
    pub max_disagreements: usize,
}

/// A subject with its counts.
struct TimedSubject<'a> {
    subject: &'a mut dyn Subject,
    report: SubjectReport,
}

/// A kind of disagreement: the control, and what differs.
type DisagreementKind = (ControlId, Difference);

/// The first case of each kind of disagreement, and the number of its cases.
type FirstCases = BTreeMap<DisagreementKind, (u64, GeneratedCase)>;

/// Compares subjects, most trusted first, on objects generated from `seeds`. `on_progress` is called
/// with the number of comparisons so far.
///
/// # Errors
/// A subject is gone.
pub fn run(
    config: &RunConfig,
    library: &Library,
    seeds: Vec<SeedObject>,
    subjects: &mut [Box<dyn Subject + '_>],
    coverage: Option<&dyn CoverageSource>,
    on_progress: &mut dyn FnMut(u64),
) -> Result<DifferentialReport, SubjectError> {
    let chosen: Vec<ControlId> = library
        .controls
        .iter()
        .map(|source| source.control.id.clone())
        .filter(|id| config.controls.is_empty() || config.controls.contains(id))
        .collect();
    let mut run = Run::new(library, &chosen, subjects);
    let mut generator =
        Generator::new(library, &chosen, seeds, config.seed, config.invalid_objects);
    let mut compared = 0;
    let mut first_cases = FirstCases::new();
    while compared < config.count {
        let batch: Vec<GeneratedCase> = (0..BATCH_SIZE)
            .map_while(|_| generator.next_case())
            .collect();
        if batch.is_empty() {
            break;
        }
        compared += run.compare_batch(batch, &mut generator, &mut first_cases)?;
        on_progress(compared);
    }
    run.shrink_disagreements(first_cases, config.max_disagreements)?;
    Ok(run.finish(coverage, &generator))
}

struct Run<'a> {
    subjects: Vec<TimedSubject<'a>>,
    names: Vec<String>,
    messages: BTreeMap<ControlId, RuleMessages>,
    controls: BTreeMap<ControlId, ControlReport>,
    library: &'a Library,
    report: DifferentialReport,
}

impl<'a> Run<'a> {
    fn new(
        library: &'a Library,
        chosen: &[ControlId],
        subjects: &'a mut [Box<dyn Subject + '_>],
    ) -> Self {
        let subjects: Vec<TimedSubject<'a>> = subjects
            .iter_mut()
            .map(|subject| TimedSubject::new(subject.as_mut()))
            .collect();
        let names = subjects
            .iter()
            .map(|subject| subject.report.name.clone())
            .collect();
        let mut messages = BTreeMap::new();
        let mut controls = BTreeMap::new();
        for source in library
            .controls
            .iter()
            .filter(|source| chosen.contains(&source.control.id))
        {
            let id = &source.control.id;
            let rule_messages = RuleMessages::of_rule(&source.rule);
            controls.insert(id.clone(), empty_report(source, &rule_messages));
            messages.insert(id.clone(), rule_messages);
        }
        Self {
            subjects,
            names,
            messages,
            controls,
            library,
            report: DifferentialReport::default(),
        }
    }

    /// Evaluates a batch, and counts and compares all answers. Returns the number of comparisons.
    fn compare_batch(
        &mut self,
        batch: Vec<GeneratedCase>,
        generator: &mut Generator,
        first_cases: &mut FirstCases,
    ) -> Result<u64, SubjectError> {
        let cases: Vec<TestCase> = batch
            .iter()
            .map(|generated| generated.case.clone())
            .collect();
        let answers = self.evaluate(&cases)?;
        let mut compared = 0;
        for (case_index, generated) in batch.into_iter().enumerate() {
            let of_case: Vec<&Vec<SubjectAnswer>> = answers
                .iter()
                .filter_map(|of_subject| of_subject.get(case_index))
                .collect();
            for (control_index, control) in generated.case.controls.iter().enumerate() {
                let of_control: Vec<&SubjectAnswer> = of_case
                    .iter()
                    .filter_map(|of_subject| of_subject.get(control_index))
                    .collect();
                let object = &generated.case.object;
                let outcome = self.count_answers(control, &of_control);
                let differences = self.differences(&of_control, object);
                compared += 1;
                if let Some(outcome) = outcome {
                    generator.record_denied(control, &outcome, &generated);
                }
                for difference in differences {
                    first_cases
                        .entry((control.clone(), difference))
                        .or_insert_with(|| (0, generated.clone()))
                        .0 += 1;
                }
            }
        }
        Ok(compared)
    }

    /// Evaluates cases with all subjects, each in a thread of its own. Returns the answers by
    /// subject, case and control.
    fn evaluate(
        &mut self,
        cases: &[TestCase],
    ) -> Result<Vec<Vec<Vec<SubjectAnswer>>>, SubjectError> {
        thread::scope(|scope| {
            let threads: Vec<_> = self
                .subjects
                .iter_mut()
                .map(|subject| {
                    let name = subject.report.name.clone();
                    (name, scope.spawn(|| subject.evaluate(cases)))
                })
                .collect();
            let panicked = |subject| SubjectError {
                subject,
                reason: "it panicked".to_owned(),
            };
            threads
                .into_iter()
                .map(|(name, thread)| thread.join().unwrap_or_else(|_| Err(panicked(name))))
                .collect()
        })
    }

    /// Counts the answers for one control. Returns the outcome if they deny: the indices of the
    /// messages that were met, and the number of findings, such as `[0, 2] 3`.
    fn count_answers(&mut self, control: &ControlId, answers: &[&SubjectAnswer]) -> Option<String> {
        for (subject, answer) in self.subjects.iter_mut().zip(answers) {
            subject.report.count(control, answer);
        }
        let report = self.controls.get_mut(control)?;
        let messages = self.messages.get(control)?;
        report.compared += 1;
        let is_invalid = answers
            .iter()
            .any(|answer| matches!(answer, SubjectAnswer::Invalid(_)));
        report.invalid += u64::from(is_invalid);
        let findings = answers.iter().find_map(|answer| match answer {
            SubjectAnswer::Findings(findings) => Some(findings),
            _ => None,
        })?;
        let met = messages.met_by(findings);
        for (index, condition) in report.messages.iter_mut().enumerate() {
            let counter = if met.contains(&index) {
                &mut condition.held
            } else {
                &mut condition.failed
            };
            *counter += 1;
        }
        if findings.is_empty() {
            return None;
        }
        report.denied += 1;
        Some(format!(
            "{met:?} {}",
            findings.len().min(MAX_OUTCOME_FINDINGS)
        ))
    }

    /// Compares the answers for one control, and counts known deviations.
    fn differences(&mut self, answers: &[&SubjectAnswer], object: &str) -> Vec<Difference> {
        let mut on_known = |name| *self.report.known.entry(name).or_default() += 1;
        disagreement::differences(&self.names, answers, object, &mut on_known)
    }

    /// Shrinks the first case of each kind of disagreement. Differing verdicts come first, then the
    /// most frequent kinds.
    fn shrink_disagreements(
        &mut self,
        first_cases: FirstCases,
        max_disagreements: usize,
    ) -> Result<(), SubjectError> {
        let defaults = self.library.params.defaults();
        let mut kinds: Vec<(DisagreementKind, (u64, GeneratedCase))> =
            first_cases.into_iter().collect();
        kinds.sort_by_key(|((_, difference), (count, _))| {
            (difference.part != "verdicts", Reverse(*count))
        });
        for ((control, difference), (count, generated)) in kinds {
            self.report.differing += count;
            if self.report.disagreements.len() < max_disagreements {
                let shrunk =
                    self.shrink_disagreement(&control, &difference, count, generated, &defaults)?;
                self.report.disagreements.push(shrunk);
            }
        }
        Ok(())
    }

    fn shrink_disagreement(
        &mut self,
        control: &ControlId,
        difference: &Difference,
        count: u64,
        generated: GeneratedCase,
        defaults: &Params,
    ) -> Result<Disagreement, SubjectError> {
        let object = generated.object;
        // Evaluated alone, the control may no longer differ, as with a fault that needs several
        // controls together. Then the object stays as it was.
        let mut case = TestCase {
            controls: vec![control.clone()],
            ..generated.case
        };
        if case.params_index != 0 {
            let with_defaults = TestCase {
                params_index: 0,
                params: defaults.clone(),
                ..case.clone()
            };
            if self.shows(std::slice::from_ref(&object), &with_defaults, difference)? == [true] {
                case = with_defaults;
            }
        }
        let shrunk = self.shrink_object(object, control, &case, difference)?;
        let shrunk_case = TestCase {
            object: shrunk.to_string().into(),
            ..case
        };
        let answers: Vec<SubjectAnswer> = self
            .evaluate(std::slice::from_ref(&shrunk_case))?
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let regression = answers.get(difference.trusted).and_then(|expected| {
            regression::regression_file(control, &shrunk, &shrunk_case, defaults, expected)
        });
        let answers = self
            .names
            .iter()
            .cloned()
            .zip(answers.iter().map(ToString::to_string))
            .collect();
        Ok(Disagreement {
            control: control.clone(),
            difference: difference.part,
            yaml: yaml::write(&shrunk),
            answers,
            regression,
            count,
        })
    }

    fn shrink_object(
        &mut self,
        object: Value,
        control: &ControlId,
        case: &TestCase,
        difference: &Difference,
    ) -> Result<Value, SubjectError> {
        let kinds = self
            .library
            .control(control.as_str())
            .map(|source| source.control.kinds.clone())
            .unwrap_or_default();
        let is_selected = |candidate: &Value| {
            let kind = corpus::kind_of(candidate);
            kinds.iter().any(|selector| looks_at(selector, &kind))
        };
        // An object with the API server's defaults keeps them.
        let must_have_defaults = has_defaults(&object);
        shrink::shrink(object, |candidates: &[Value]| {
            let shown = self.shows(candidates, case, difference)?;
            Ok(candidates
                .iter()
                .zip(shown)
                .map(|(candidate, shown)| {
                    shown
                        && is_selected(candidate)
                        && (!must_have_defaults || has_defaults(candidate))
                })
                .collect())
        })
    }

    /// Returns for each object whether it shows the same difference between the same subjects.
    fn shows(
        &mut self,
        objects: &[Value],
        template: &TestCase,
        difference: &Difference,
    ) -> Result<Vec<bool>, SubjectError> {
        let cases: Vec<TestCase> = objects
            .iter()
            .map(|object| TestCase {
                object: Arc::from(object.to_string()),
                ..template.clone()
            })
            .collect();
        let answers = self.evaluate(&cases)?;
        let shows = |(index, case): (usize, &TestCase)| {
            let of_case: Vec<&SubjectAnswer> = answers
                .iter()
                .filter_map(|of_subject| of_subject.get(index)?.first())
                .collect();
            disagreement::differences(&self.names, &of_case, &case.object, &mut |_| {})
                .contains(difference)
        };
        Ok(cases.iter().enumerate().map(shows).collect())
    }

    fn finish(
        mut self,
        coverage: Option<&dyn CoverageSource>,
        generator: &Generator,
    ) -> DifferentialReport {
        if let Some(coverage) = coverage {
            for report in self.controls.values_mut() {
                report.conditions = coverage.conditions(&report.control);
            }
        }
        for control in generator.unconfigured_controls() {
            self.controls.remove(&control);
        }
        self.report.controls = self.controls.into_values().collect();
        self.report.subjects = self
            .subjects
            .into_iter()
            .map(|subject| subject.report)
            .collect();
        self.report
    }
}

/// Returns the report of a control before any case.
fn empty_report(source: &ControlSource, messages: &RuleMessages) -> ControlReport {
    let unobserved = |template: &str| ObservedCondition {
        description: template.to_owned(),
        held: 0,
        failed: 0,
    };
    ControlReport {
        control: source.control.id.clone(),
        compared: 0,
        denied: 0,
        invalid: 0,
        messages: messages.templates().map(unobserved).collect(),
        conditions: Vec::new(),
    }
}

impl SubjectReport {
    /// Counts one answer.
    fn count(&mut self, control: &ControlId, answer: &SubjectAnswer) {
        match answer {
            SubjectAnswer::Invalid(_) => self.invalid += 1,
            SubjectAnswer::Unsupported(reason) => {
                self.unsupported.insert(control.clone(), reason.clone());
            }
            _ => self.answers += 1,
        }
    }
}

impl<'a> TimedSubject<'a> {
    fn new(subject: &'a mut (dyn Subject + '_)) -> Self {
        let report = SubjectReport {
            name: subject.name().to_owned(),
            answers: 0,
            invalid: 0,
            unsupported: BTreeMap::new(),
            elapsed: Duration::ZERO,
        };
        Self { subject, report }
    }

    /// Evaluates cases, and checks that no answer is missing.
    fn evaluate(&mut self, cases: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError> {
        let begun_at = Instant::now();
        let answers = self.subject.evaluate(cases)?;
        self.report.elapsed += begun_at.elapsed();
        let is_complete = answers.len() == cases.len()
            && answers
                .iter()
                .zip(cases)
                .all(|(answers, case)| answers.len() == case.controls.len());
        if !is_complete {
            return Err(SubjectError {
                subject: self.report.name.clone(),
                reason: "an answer is missing".to_owned(),
            });
        }
        Ok(answers)
    }
}
