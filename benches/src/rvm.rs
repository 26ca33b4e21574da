//! The virtual machine of regorus on the same rules.

use crate::{
    rego,
    subject::{Batch, Object, Subject, time_each},
};
use kubevet_model::ControlId;
use kubevet_policy::Library;
use regorus::{Value, languages::rego::compiler::Compiler, rvm::RegoVM};
use std::collections::BTreeMap;

/// The instruction limit. A bundle of all rules needs more than the machine's default of 25,000.
const MAX_INSTRUCTIONS: usize = 100_000_000;

/// The machine with its program, and the input without the object.
pub struct Rvm {
    machine: RegoVM,
    input: BTreeMap<Value, Value>,
}

impl Rvm {
    /// Compiles the rules of the controls.
    ///
    /// # Errors
    /// The first line of the machine's error.
    pub fn new(library: &Library, controls: &[ControlId]) -> Result<Self, String> {
        let mut engine = regorus::Engine::new();
        engine.set_strict_builtin_errors(false);
        for (file, source) in rego::modules(library, controls) {
            engine
                .add_policy(file, source)
                .map_err(|error| first_line(&error.to_string()))?;
        }
        let compiled = engine
            .compile_with_entrypoint(&rego::ENTRY.into())
            .map_err(|error| first_line(&error.to_string()))?;
        let program = Compiler::compile_from_policy(&compiled, &[rego::ENTRY])
            .map_err(|error| first_line(&error.to_string()))?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine
            .set_data(Value::new_object())
            .map_err(|error| first_line(&error.to_string()))?;
        machine.set_max_instructions(MAX_INSTRUCTIONS);
        let mut input = BTreeMap::new();
        for (key, value) in rego::input(&library.params.defaults()) {
            let value = Value::from_json_str(&value.to_string())
                .map_err(|error| first_line(&error.to_string()))?;
            input.insert(Value::from(key), value);
        }
        Ok(Self { machine, input })
    }

    /// Parses and evaluates an object. Returns the number of controls that found something.
    ///
    /// # Errors
    /// The first line of the machine's error.
    pub fn once(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let json = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let object = Value::from_json_str(json).map_err(|error| error.to_string())?;
        let mut input = self.input.clone();
        input.insert(Value::from("object"), object);
        self.machine.set_input(Value::from(input));
        let findings = self
            .machine
            .execute()
            .map_err(|error| first_line(&error.to_string()))?;
        let findings = findings
            .as_array()
            .map_err(|_| "the entry rule is undefined".to_owned())?;
        Ok(findings
            .iter()
            .filter(|control| control.as_set().is_ok_and(|set| !set.is_empty()))
            .count())
    }
}

impl Subject for Rvm {
    fn name(&self) -> String {
        "regorus RVM".to_owned()
    }

    fn run_batch(&mut self, object: &Object, count: u64) -> Result<Batch, String> {
        self.once(&object.bytes)?;
        Ok(time_each(count, || self.once(&object.bytes).unwrap_or(0)))
    }
}

/// The first line that is not blank.
fn first_line(message: &str) -> String {
    message
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .to_owned()
}
