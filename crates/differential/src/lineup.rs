//! Who is asked in a run, of which library: the one place that puts voices together.

use super::{
    cel_policies::{exported, packed},
    engine_subjects::{EngineVoice, Watcher},
    external_oracle::{CelVoice, OpaVoice, Pipe},
    known_deviations::REFERENCE,
    subject::Voice,
};
use kubevet_engine::Engine;
use kubevet_model::{ControlId, Kind};
use kubevet_policy::{Library, Params};
use std::sync::Arc;

/// The voices of a run.
#[derive(Clone, Copy)]
pub struct Panel<'p> {
    /// Whose controls they judge by.
    pub library: &'p Library,
    /// The library compiled.
    pub engine: &'p Arc<Engine>,
    /// Whether the interpreter is among them.
    pub reference: bool,
    /// Whether exported policies are.
    pub policies: bool,
}

impl<'p> Panel<'p> {
    /// The controls that are compiled, which are those that all voices speak for.
    #[must_use]
    pub fn compiled(&self) -> Vec<ControlId> {
        let compiled = |id: &&ControlId| !self.engine.interpreted().any(|(it, _)| it == *id);
        self.library
            .controls
            .iter()
            .map(|it| &it.control.id)
            .filter(compiled)
            .cloned()
            .collect()
    }

    /// The voices, those trusted most first, and what the program will have seen. `oracle` gives a process for OPA and one
    /// for policies; where it gives none, they are missing.
    ///
    /// # Errors
    /// Those of `oracle`.
    pub fn voices<P: Pipe + 'p, E>(
        &self,
        oracle: impl Fn() -> Result<Option<P>, E>,
    ) -> Result<(Vec<Box<dyn Voice + 'p>>, Watcher), E> {
        let (library, engine) = (self.library, self.engine);
        let mut voices: Vec<Box<dyn Voice + 'p>> = Vec::new();
        if let Some(pipe) = oracle()? {
            voices.push(Box::new(OpaVoice::new(pipe, library)));
        }
        let (program, watcher) = EngineVoice::together("program", Arc::clone(engine));
        voices.push(Box::new(program));
        if self.reference {
            voices.push(Box::new(EngineVoice::apart(
                REFERENCE,
                library,
                Engine::compile_interpreted,
            )));
        }
        if self.policies
            && let Some(pipe) = oracle()?
        {
            let policy_of =
                move |id: &ControlId, params: &Params| match library.control(id.as_str()) {
                    Some(source) => exported(engine, &source.control, params),
                    None => Err("there is no such control".to_owned()),
                };
            let pack_of = move |controls: &[ControlId], kind: &Kind, params: &Params| {
                packed(engine, controls, kind, params)
            };
            voices.push(Box::new(CelVoice::new(
                pipe,
                Box::new(policy_of),
                Box::new(pack_of),
            )));
        }
        Ok((voices, watcher))
    }
}
