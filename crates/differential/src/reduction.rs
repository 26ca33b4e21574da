//! The reduction of disagreements: the first case of each kind is shrunk to the smallest object that
//! shows the same difference between the same subjects.

use super::{
    admission_defaults::has_defaults,
    corpus,
    disagreement::Difference,
    generator::GeneratedCase,
    regression::regression_file,
    report::Disagreement,
    shrink::shrink,
    subject::{SubjectAnswer, SubjectError},
    subject_set::SubjectSet,
    test_case::TestCase,
};
use kubevet_document::{YamlStyle, to_yaml};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{ControlId, KindSelector};
use kubevet_policy::{Library, Params};
use serde_json::Value;
use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

/// A kind of disagreement: the control, and what differs.
type DisagreementKind = (ControlId, Difference);

/// The kinds of disagreement of a run: the first case of each, and the number of its cases.
#[derive(Default)]
pub(super) struct FoundDisagreements(BTreeMap<DisagreementKind, (u64, GeneratedCase)>);

impl FoundDisagreements {
    pub(super) fn add(
        &mut self,
        control: &ControlId,
        difference: Difference,
        generated: &GeneratedCase,
    ) {
        self.0
            .entry((control.clone(), difference))
            .or_insert_with(|| (0, generated.clone()))
            .0 += 1;
    }

    /// Returns the number of cases of all kinds.
    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Reduces the first case of up to `max_kinds` kinds. Differing verdicts come first, then the
    /// most frequent kinds.
    pub(super) fn reduce(
        self,
        subjects: &mut SubjectSet<'_>,
        library: &Library,
        max_kinds: usize,
    ) -> Result<Vec<Disagreement>, SubjectError> {
        let mut kinds: Vec<(DisagreementKind, (u64, GeneratedCase))> = self.0.into_iter().collect();
        kinds.sort_by_key(|((_, difference), (count, _))| {
            (difference.part != "verdicts", Reverse(*count))
        });
        let defaults = library.params.defaults();
        kinds
            .into_iter()
            .take(max_kinds)
            .map(|((control, difference), (count, generated))| {
                let kinds = library
                    .control(control.as_str())
                    .map(|source| source.control.kinds.clone())
                    .unwrap_or_default();
                let mut reduction = Reduction {
                    subjects: &mut *subjects,
                    defaults: &defaults,
                    control,
                    kinds,
                    difference,
                };
                reduction.reduce(generated, count)
            })
            .collect()
    }
}

/// The reduction of one disagreement.
struct Reduction<'a, 's> {
    subjects: &'a mut SubjectSet<'s>,
    defaults: &'a Params,
    control: ControlId,
    /// The kinds that the control selects.
    kinds: Vec<KindSelector>,
    /// The difference that every smaller object must show.
    difference: Difference,
}

impl Reduction<'_, '_> {
    fn reduce(
        &mut self,
        generated: GeneratedCase,
        count: u64,
    ) -> Result<Disagreement, SubjectError> {
        let object = generated.object;
        let case = self.simplest_case(generated.case, &object)?;
        let reduced = self.shrink_object(object, &case)?;
        let reduced_case = with_object(&case, &reduced);
        let answers: Vec<SubjectAnswer> = self
            .subjects
            .evaluate(std::slice::from_ref(&reduced_case))?
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let regression = answers.get(self.difference.trusted).and_then(|expected| {
            regression_file(
                &self.control,
                &reduced,
                &reduced_case,
                self.defaults,
                expected,
            )
        });
        let names = self.subjects.names().iter().cloned();
        Ok(Disagreement {
            control: self.control.clone(),
            difference: self.difference.part,
            yaml: to_yaml(&reduced, &YamlStyle::BLOCK),
            answers: names.zip(answers.iter().map(ToString::to_string)).collect(),
            regression,
            count,
        })
    }

    /// Returns the case with the one control, and with default params if it differs under those.
    ///
    /// Evaluated alone, the control may no longer differ, as with a fault that needs several controls
    /// together. Then no smaller object shows it, and the object stays as it was.
    fn simplest_case(&mut self, case: TestCase, object: &Value) -> Result<TestCase, SubjectError> {
        let case = TestCase {
            controls: vec![self.control.clone()],
            ..case
        };
        if case.params_index == 0 {
            return Ok(case);
        }
        let with_defaults = TestCase {
            params_index: 0,
            params: self.defaults.clone(),
            ..case.clone()
        };
        let shown = self.shows(std::slice::from_ref(object), &with_defaults)?;
        Ok(if shown == [true] { with_defaults } else { case })
    }

    fn shrink_object(&mut self, object: Value, case: &TestCase) -> Result<Value, SubjectError> {
        // An object with the API server's defaults keeps them.
        let must_have_defaults = has_defaults(&object);
        shrink(object, |candidates: &[Value]| {
            let shown = self.shows(candidates, case)?;
            Ok(candidates
                .iter()
                .zip(shown)
                .map(|(candidate, shown)| {
                    shown
                        && self.selects(candidate)
                        && (!must_have_defaults || has_defaults(candidate))
                })
                .collect())
        })
    }

    fn selects(&self, object: &Value) -> bool {
        let kind = corpus::kind_of(object);
        self.kinds.matches(&kind)
    }

    /// Returns for each object whether it shows the difference.
    fn shows(&mut self, objects: &[Value], case: &TestCase) -> Result<Vec<bool>, SubjectError> {
        let cases: Vec<TestCase> = objects
            .iter()
            .map(|object| with_object(case, object))
            .collect();
        let answers = self.subjects.evaluate(&cases)?;
        let shows = |(index, case): (usize, &TestCase)| {
            let of_case: Vec<&SubjectAnswer> = answers
                .iter()
                .filter_map(|of_subject| of_subject.get(index)?.first())
                .collect();
            self.subjects
                .differences(&of_case, &case.object, &mut |_| {})
                .contains(&self.difference)
        };
        Ok(cases.iter().enumerate().map(shows).collect())
    }
}

fn with_object(case: &TestCase, object: &Value) -> TestCase {
    TestCase {
        object: Arc::from(object.to_string()),
        ..case.clone()
    }
}
