//! The subjects of a run with their counts. They evaluate in parallel, each in a thread of its own.

use super::{
    disagreement::{self, Difference},
    report::SubjectReport,
    subject::{Subject, SubjectAnswer, SubjectError},
    test_case::TestCase,
};
use kubevet_model::ControlId;
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

/// The subjects of a run, most trusted first.
pub(super) struct SubjectSet<'a> {
    subjects: Vec<CountedSubject<'a>>,
    names: Vec<String>,
}

/// A subject with its counts.
struct CountedSubject<'a> {
    subject: &'a mut dyn Subject,
    report: SubjectReport,
}

impl<'a> SubjectSet<'a> {
    pub(super) fn new(subjects: &'a mut [Box<dyn Subject + '_>]) -> Self {
        let subjects: Vec<CountedSubject<'a>> = subjects
            .iter_mut()
            .map(|subject| CountedSubject::new(subject.as_mut()))
            .collect();
        let names = subjects
            .iter()
            .map(|subject| subject.report.name.clone())
            .collect();
        Self { subjects, names }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Evaluates cases with all subjects. Returns the answers by subject, case and control.
    pub(super) fn evaluate(
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

    /// Counts the answers for one control, one of each subject.
    pub(super) fn count_answers(&mut self, control: &ControlId, answers: &[&SubjectAnswer]) {
        for (subject, answer) in self.subjects.iter_mut().zip(answers) {
            subject.count(control, answer);
        }
    }

    /// Compares the answers for one control, one of each subject. `on_known` is called with the
    /// names of known deviations.
    pub(super) fn differences(
        &self,
        answers: &[&SubjectAnswer],
        object: &str,
        on_known: &mut dyn FnMut(&'static str),
    ) -> Vec<Difference> {
        disagreement::differences(&self.names, answers, object, on_known)
    }

    pub(super) fn into_reports(self) -> Vec<SubjectReport> {
        self.subjects
            .into_iter()
            .map(|subject| subject.report)
            .collect()
    }
}

impl<'a> CountedSubject<'a> {
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

    fn count(&mut self, control: &ControlId, answer: &SubjectAnswer) {
        match answer {
            SubjectAnswer::Invalid(_) => self.report.invalid += 1,
            SubjectAnswer::Unsupported(reason) => {
                let reasons = &mut self.report.unsupported;
                reasons.insert(control.clone(), reason.clone());
            }
            _ => self.report.answers += 1,
        }
    }
}
