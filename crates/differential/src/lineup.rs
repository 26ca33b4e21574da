//! The lineup of a run: its library, and the subjects that are compared. It is the one place that
//! creates subjects.

use super::{
    cel_policies::{control_policies, pack_policy},
    cel_subject::CelSubject,
    engine_subjects::{CoverageRecorder, EngineSubject},
    external_oracle::Pipe,
    known_deviations::INTERPRETER,
    opa_subject::OpaSubject,
    subject::Subject,
};
use kubevet_engine::Engine;
use kubevet_k8s::workload::custom::CustomWorkload;
use kubevet_model::{ControlId, Kind};
use kubevet_policy::{Library, Params};
use std::sync::Arc;

/// The library of a run, and the choice of its subjects.
#[derive(Clone, Copy)]
pub struct Lineup<'p> {
    /// The library with the evaluated controls.
    pub library: &'p Library,
    /// The library compiled.
    pub engine: &'p Arc<Engine>,
    /// True if the interpreter is a subject.
    pub includes_interpreter: bool,
    /// True if exported policies are a subject.
    pub includes_policies: bool,
}

impl<'p> Lineup<'p> {
    /// Returns the controls that are compiled, which all subjects support.
    #[must_use]
    pub fn compiled_controls(&self) -> Vec<ControlId> {
        let is_compiled = |id: &&ControlId| {
            !self
                .engine
                .interpreted()
                .any(|(interpreted, _)| interpreted == *id)
        };
        self.library
            .controls
            .iter()
            .map(|source| &source.control.id)
            .filter(is_compiled)
            .cloned()
            .collect()
    }

    /// Creates the subjects, most trusted first, and the recorder of the compiled program's
    /// coverage. `start_oracle` starts a process for OPA and one for policies; where it returns
    /// `None`, they are left out.
    ///
    /// # Errors
    /// Those of `start_oracle`.
    pub fn subjects<P: Pipe + 'p, E>(
        &self,
        start_oracle: impl Fn() -> Result<Option<P>, E>,
    ) -> Result<(Vec<Box<dyn Subject + 'p>>, CoverageRecorder), E> {
        let (library, engine) = (self.library, self.engine);
        let mut subjects: Vec<Box<dyn Subject + 'p>> = Vec::new();
        if let Some(pipe) = start_oracle()? {
            subjects.push(Box::new(OpaSubject::new(pipe, library, engine)));
        }
        let (program, recorder) = EngineSubject::combined("program", Arc::clone(engine));
        subjects.push(Box::new(program));
        if self.includes_interpreter {
            subjects.push(Box::new(EngineSubject::per_control(
                INTERPRETER,
                library,
                Engine::compile_interpreted,
            )));
        }
        if self.includes_policies
            && let Some(pipe) = start_oracle()?
        {
            let single =
                move |id: &ControlId, rows: &[CustomWorkload], params: &Params| match library
                    .control(id.as_str())
                {
                    Some(source) => control_policies(engine, &source.control, rows, params),
                    None => Err("there is no such control".to_owned()),
                };
            let pack = move |controls: &[ControlId], kind: &Kind, params: &Params| {
                let row = library.workloads.get(&kind.group, &kind.name);
                pack_policy(engine, controls, kind, row, params)
            };
            subjects.push(Box::new(CelSubject::new(
                pipe,
                library.workloads.clone(),
                Box::new(single),
                Box::new(pack),
            )));
        }
        Ok((subjects, recorder))
    }
}
