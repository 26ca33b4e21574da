//! A run: test cases are evaluated by all subjects until enough was compared, and each kind of
//! disagreement is reduced.

use super::{
    corpus::SeedObject,
    generator::{GeneratedCase, Generator},
    message_coverage::RuleMessages,
    reduction::FoundDisagreements,
    report::{ControlReport, CoverageSource, DifferentialReport, ObservedCondition},
    subject::{Subject, SubjectAnswer, SubjectError},
    subject_set::SubjectSet,
    test_case::TestCase,
};
use kubevet_model::ControlId;
use kubevet_policy::{ControlSource, Library};
use std::collections::BTreeMap;

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
    /// The number of kinds of disagreement that are reduced and kept.
    pub max_disagreements: usize,
}

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
    while compared < config.count {
        let batch: Vec<GeneratedCase> = (0..BATCH_SIZE)
            .map_while(|_| generator.next_case())
            .collect();
        if batch.is_empty() {
            break;
        }
        compared += run.compare_batch(batch, &mut generator)?;
        on_progress(compared);
    }
    run.finish(library, config.max_disagreements, coverage, &generator)
}

/// The state of a run.
struct Run<'a> {
    subjects: SubjectSet<'a>,
    messages: BTreeMap<ControlId, RuleMessages>,
    controls: BTreeMap<ControlId, ControlReport>,
    known_deviations: BTreeMap<&'static str, u64>,
    disagreements: FoundDisagreements,
}

impl<'a> Run<'a> {
    fn new(
        library: &Library,
        chosen: &[ControlId],
        subjects: &'a mut [Box<dyn Subject + '_>],
    ) -> Self {
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
            subjects: SubjectSet::new(subjects),
            messages,
            controls,
            known_deviations: BTreeMap::new(),
            disagreements: FoundDisagreements::default(),
        }
    }

    /// Evaluates a batch, and counts and compares all answers. Returns the number of comparisons.
    fn compare_batch(
        &mut self,
        batch: Vec<GeneratedCase>,
        generator: &mut Generator,
    ) -> Result<u64, SubjectError> {
        let cases: Vec<TestCase> = batch
            .iter()
            .map(|generated| generated.case.clone())
            .collect();
        let answers = self.subjects.evaluate(&cases)?;
        let mut compared = 0;
        for (case_index, generated) in batch.iter().enumerate() {
            let of_case: Vec<&Vec<SubjectAnswer>> = answers
                .iter()
                .filter_map(|of_subject| of_subject.get(case_index))
                .collect();
            for (control_index, control) in generated.case.controls.iter().enumerate() {
                let of_control: Vec<&SubjectAnswer> = of_case
                    .iter()
                    .filter_map(|of_subject| of_subject.get(control_index))
                    .collect();
                if let Some(outcome) = self.count_answers(control, &of_control) {
                    generator.record_denied(control, &outcome, generated);
                }
                self.compare_answers(control, &of_control, generated);
                compared += 1;
            }
        }
        Ok(compared)
    }

    /// Counts the answers for one control. Returns the outcome if they deny: the indices of the
    /// messages that were met, and the number of findings, such as `[0, 2] 3`.
    fn count_answers(&mut self, control: &ControlId, answers: &[&SubjectAnswer]) -> Option<String> {
        self.subjects.count_answers(control, answers);
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
        for (index, message) in report.messages.iter_mut().enumerate() {
            let counter = if met.contains(&index) {
                &mut message.held
            } else {
                &mut message.failed
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

    /// Compares the answers for one control, and records disagreements and known deviations.
    fn compare_answers(
        &mut self,
        control: &ControlId,
        answers: &[&SubjectAnswer],
        generated: &GeneratedCase,
    ) {
        let known_deviations = &mut self.known_deviations;
        let mut on_known = |name| *known_deviations.entry(name).or_default() += 1;
        let differences = self
            .subjects
            .differences(answers, &generated.case.object, &mut on_known);
        for difference in differences {
            self.disagreements.add(control, difference, generated);
        }
    }

    fn finish(
        mut self,
        library: &Library,
        max_disagreements: usize,
        coverage: Option<&dyn CoverageSource>,
        generator: &Generator,
    ) -> Result<DifferentialReport, SubjectError> {
        let differing = self.disagreements.count();
        let disagreements =
            self.disagreements
                .reduce(&mut self.subjects, library, max_disagreements)?;
        if let Some(coverage) = coverage {
            for report in self.controls.values_mut() {
                report.conditions = coverage.conditions(&report.control);
            }
        }
        for control in generator.unconfigured_controls() {
            self.controls.remove(&control);
        }
        Ok(DifferentialReport {
            controls: self.controls.into_values().collect(),
            subjects: self.subjects.into_reports(),
            differing,
            disagreements,
            known: self.known_deviations,
        })
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
