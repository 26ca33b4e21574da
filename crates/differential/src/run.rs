//! The proof itself: questions to all voices, side by side, until enough was compared; what differs is made small.

use super::{
    admission_defaults::has_arrived,
    corpus::{self, Seed},
    disagreement::{self, Difference},
    generator::{Generator, Made},
    message_coverage::Ways,
    regression,
    report::{Condition, ControlReport, Coverage, Disagreement, Report, VoiceReport},
    shrink,
    subject::{Answer, Question, Voice, VoiceError},
    yaml,
};
use kubevet_engine::looks_at;
use kubevet_model::ControlId;
use kubevet_policy::Library;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// How many questions are asked at once.
const BATCH: usize = 256;

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Of which controls; all where it is empty.
    pub controls: Vec<ControlId>,
    /// How many comparisons: objects × controls.
    pub count: u64,
    /// Names the run: the same seed, manifests and library give the same questions.
    pub seed: u64,
    /// Objects that no API server would let through, instead of such that it would.
    pub wrong: bool,
    /// How many sorts of disagreement are made small and kept.
    pub keep: usize,
}

/// A voice at work.
struct Speaker<'a> {
    voice: &'a mut dyn Voice,
    report: VoiceReport,
}

/// One sort of disagreement: the control and what differs.
type Sort = (ControlId, Difference);

/// Compares voices, those trusted most first, on objects made from `seeds`. `progress` is told how many were compared.
///
/// # Errors
/// A voice is gone.
pub fn run(
    plan: &Plan,
    library: &Library,
    seeds: Vec<Seed>,
    voices: &mut [Box<dyn Voice + '_>],
    coverage: Option<&dyn Coverage>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, VoiceError> {
    let chosen: Vec<ControlId> = library
        .controls
        .iter()
        .map(|it| it.control.id.clone())
        .filter(|it| plan.controls.is_empty() || plan.controls.contains(it))
        .collect();
    let mut run = Run::new(library, &chosen, voices);
    let mut generator = Generator::new(library, &chosen, seeds, plan.seed, plan.wrong);
    let mut compared = 0;
    let mut first: BTreeMap<Sort, (u64, Made)> = BTreeMap::new();
    while compared < plan.count {
        let batch: Vec<Made> = (0..BATCH).map_while(|_| generator.make()).collect();
        if batch.is_empty() {
            break;
        }
        let questions: Vec<Question> = batch.iter().map(|it| it.question.clone()).collect();
        let answers = run.ask(&questions)?;
        for (at, made) in batch.into_iter().enumerate() {
            let of_each: Vec<&Vec<Answer>> = answers.iter().filter_map(|it| it.get(at)).collect();
            for (place, control) in questions
                .get(at)
                .into_iter()
                .flat_map(|it| it.controls.iter().enumerate())
            {
                let said: Vec<&Answer> = of_each.iter().filter_map(|it| it.get(place)).collect();
                let (way, differences) = run.take(control, &said, &made.question.object);
                compared += 1;
                if let Some(way) = way {
                    generator.denied(control, &way, &made);
                }
                for difference in differences {
                    let made = || Made {
                        object: made.object.clone(),
                        question: made.question.clone(),
                    };
                    first
                        .entry((control.clone(), difference))
                        .or_insert_with(|| (0, made()))
                        .0 += 1;
                }
            }
        }
        progress(compared);
    }
    let defaults = library.params.defaults();
    // The most telling first: verdicts before words.
    let mut sorts: Vec<(Sort, (u64, Made))> = first.into_iter().collect();
    sorts.sort_by_key(|((_, it), (count, _))| (it.sort.2 != "verdicts", std::cmp::Reverse(*count)));
    for ((control, difference), (count, made)) in sorts {
        run.report.differing += count;
        if run.report.disagreements.len() < plan.keep {
            let small = run.small(&control, &difference, count, made, &defaults)?;
            run.report.disagreements.push(small);
        }
    }
    Ok(run.finish(coverage, &generator))
}

struct Run<'a> {
    speakers: Vec<Speaker<'a>>,
    names: Vec<String>,
    ways: BTreeMap<ControlId, Ways>,
    controls: BTreeMap<ControlId, ControlReport>,
    library: &'a Library,
    report: Report,
}

impl<'a> Run<'a> {
    fn new(
        library: &'a Library,
        chosen: &[ControlId],
        voices: &'a mut [Box<dyn Voice + '_>],
    ) -> Self {
        let speaker = |voice: &'a mut Box<dyn Voice + '_>| {
            let name = voice.name().to_owned();
            let report = VoiceReport {
                name,
                answers: 0,
                invalid: 0,
                abstains: BTreeMap::new(),
                took: Duration::ZERO,
            };
            Speaker {
                voice: voice.as_mut(),
                report,
            }
        };
        let speakers: Vec<Speaker<'a>> = voices.iter_mut().map(speaker).collect();
        let names = speakers.iter().map(|it| it.report.name.clone()).collect();
        let mut ways = BTreeMap::new();
        let mut controls = BTreeMap::new();
        for source in library
            .controls
            .iter()
            .filter(|it| chosen.contains(&it.control.id))
        {
            let id = &source.control.id;
            let own = Ways::of(&source.rule);
            let condition = |it: &str| Condition {
                what: it.to_owned(),
                held: 0,
                failed: 0,
            };
            let messages = own.templates().map(condition).collect();
            ways.insert(id.clone(), own);
            let (control, asked) = (id.clone(), Vec::new());
            let report = ControlReport {
                control,
                compared: 0,
                denied: 0,
                invalid: 0,
                messages,
                asked,
            };
            controls.insert(id.clone(), report);
        }
        Self {
            speakers,
            names,
            ways,
            controls,
            library,
            report: Report::default(),
        }
    }

    /// All voices' answers, each voice in a thread of its own.
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<Vec<Vec<Answer>>>, VoiceError> {
        thread::scope(|scope| {
            let threads: Vec<_> = self
                .speakers
                .iter_mut()
                .map(|speaker| {
                    let name = speaker.report.name.clone();
                    (name, scope.spawn(|| speaker.ask(questions)))
                })
                .collect();
            let panicked = |voice| VoiceError {
                voice,
                reason: "it panicked".to_owned(),
            };
            threads
                .into_iter()
                .map(|(name, it)| it.join().unwrap_or_else(|_| Err(panicked(name))))
                .collect()
        })
    }

    /// Counts one control's answers. Gives the way in which it denied, and what differs.
    fn take(
        &mut self,
        control: &ControlId,
        answers: &[&Answer],
        object: &str,
    ) -> (Option<String>, Vec<Difference>) {
        for (speaker, answer) in self.speakers.iter_mut().zip(answers) {
            match answer {
                Answer::Invalid(_) => speaker.report.invalid += 1,
                Answer::Abstains(why) => {
                    drop(speaker.report.abstains.insert(control.clone(), why.clone()))
                }
                _ => speaker.report.answers += 1,
            }
        }
        let mut way = None;
        if let (Some(report), Some(ways)) = (self.controls.get_mut(control), self.ways.get(control))
        {
            report.compared += 1;
            report.invalid += u64::from(answers.iter().any(|it| matches!(it, Answer::Invalid(_))));
            if let Some(found) = answers.iter().find_map(|it| {
                if let Answer::Findings(all) = it {
                    Some(all)
                } else {
                    None
                }
            }) {
                let met = ways.met(found);
                for (place, condition) in report.messages.iter_mut().enumerate() {
                    let counter = if met.contains(&place) {
                        &mut condition.held
                    } else {
                        &mut condition.failed
                    };
                    *counter += 1;
                }
                if !found.is_empty() {
                    report.denied += 1;
                    way = Some(format!("{met:?} {}", found.len().min(3)));
                }
            }
        }
        let mut known = |name| *self.report.known.entry(name).or_default() += 1;
        (
            way,
            disagreement::differences(&self.names, answers, object, &mut known),
        )
    }

    /// A disagreement as small as it will go.
    fn small(
        &mut self,
        control: &ControlId,
        difference: &Difference,
        count: u64,
        made: Made,
        defaults: &kubevet_policy::Params,
    ) -> Result<Disagreement, VoiceError> {
        let mut question = Question {
            controls: vec![control.clone()],
            ..made.question
        };
        let kinds = self
            .library
            .control(control.as_str())
            .map(|it| it.control.kinds.clone())
            .unwrap_or_default();
        // Asked alone, it may agree again, as a fault of many controls together would: then it is shown as it was.
        if question.params_number != 0 {
            let plain = Question {
                params_number: 0,
                params: defaults.clone(),
                ..question.clone()
            };
            if self.show(std::slice::from_ref(&made.object), &plain, difference)? == [true] {
                question = plain;
            }
        }
        // What has arrived stays so while it gets smaller.
        let arrived = has_arrived(&made.object);
        let small = shrink::shrink(made.object, |objects: &[Value]| {
            let arrives = |it: &Value| !arrived || has_arrived(it);
            let looks = |it: &Value| {
                kinds
                    .iter()
                    .any(|kind| looks_at(kind, &corpus::kind_of(it)))
            };
            let shown = self.show(objects, &question, difference)?;
            Ok(objects
                .iter()
                .zip(shown)
                .map(|(it, shown)| shown && looks(it) && arrives(it))
                .collect())
        })?;
        let asked = Question {
            object: small.to_string().into(),
            ..question.clone()
        };
        let answers: Vec<Answer> = self
            .ask(std::slice::from_ref(&asked))?
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let regression = answers
            .get(difference.trusted)
            .and_then(|it| regression::regression(control, &small, &asked, defaults, it));
        let shown = self
            .names
            .iter()
            .cloned()
            .zip(answers.iter().map(ToString::to_string))
            .collect();
        let what = difference.sort.2;
        Ok(Disagreement {
            control: control.clone(),
            what,
            yaml: yaml::write(&small),
            answers: shown,
            regression,
            count,
        })
    }

    /// Which objects show the same difference between the same voices.
    fn show(
        &mut self,
        objects: &[Value],
        like: &Question,
        wanted: &Difference,
    ) -> Result<Vec<bool>, VoiceError> {
        let question = |it: &Value| Question {
            object: Arc::from(it.to_string()),
            ..like.clone()
        };
        let questions: Vec<Question> = objects.iter().map(question).collect();
        let answers = self.ask(&questions)?;
        let shows = |(at, question): (usize, &Question)| {
            let said: Vec<&Answer> = answers
                .iter()
                .filter_map(|it| it.get(at)?.first())
                .collect();
            disagreement::differences(&self.names, &said, &question.object, &mut |_| {})
                .contains(wanted)
        };
        Ok(questions.iter().enumerate().map(shows).collect())
    }

    fn finish(mut self, coverage: Option<&dyn Coverage>, generator: &Generator) -> Report {
        for report in self.controls.values_mut() {
            if let Some(coverage) = coverage {
                report.asked = coverage.conditions(&report.control);
            }
        }
        for mute in generator.mute() {
            self.controls.remove(&mute);
        }
        self.report.controls = self.controls.into_values().collect();
        self.report.voices = self.speakers.into_iter().map(|it| it.report).collect();
        self.report
    }
}

impl Speaker<'_> {
    fn ask(&mut self, questions: &[Question]) -> Result<Vec<Vec<Answer>>, VoiceError> {
        let begun = Instant::now();
        let answers = self.voice.ask(questions)?;
        self.report.took += begun.elapsed();
        let complete = answers.len() == questions.len()
            && answers
                .iter()
                .zip(questions)
                .all(|(answer, question)| answer.len() == question.controls.len());
        if !complete {
            return Err(VoiceError {
                voice: self.report.name.clone(),
                reason: "an answer is missing".to_owned(),
            });
        }
        Ok(answers)
    }
}
