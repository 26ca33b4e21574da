//! regorus' virtual machine on the same rules.

use crate::{
    contestant::{Contestant, Object, Turn, timed},
    rego,
};
use kubevet::{model::ControlId, policy::Library};
use regorus::{Value, languages::rego::compiler::Compiler, rvm::RegoVM};
use std::collections::BTreeMap;

/// A bundle of that many rules takes more than the 25,000 instructions that the machine allows by itself.
const INSTRUCTIONS: usize = 100_000_000;

pub struct Rvm {
    machine: RegoVM,
    input: BTreeMap<Value, Value>,
}

impl Rvm {
    /// # Errors
    /// Why the machine does not take the rules.
    pub fn new(library: &Library, asked: &[ControlId]) -> Result<Self, String> {
        let refused = |error: &dyn std::fmt::Display| first_line(&error.to_string());
        let mut engine = regorus::Engine::new();
        engine.set_strict_builtin_errors(false);
        for (file, text) in rego::modules(library, asked) {
            engine.add_policy(file, text).map_err(|it| refused(&it))?;
        }
        let compiled = engine
            .compile_with_entrypoint(&rego::ENTRY.into())
            .map_err(|it| refused(&it))?;
        let program =
            Compiler::compile_from_policy(&compiled, &[rego::ENTRY]).map_err(|it| refused(&it))?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine
            .set_data(Value::new_object())
            .map_err(|it| refused(&it))?;
        machine.set_max_instructions(INSTRUCTIONS);
        let mut input = BTreeMap::new();
        for (key, value) in rego::input(&library.params.defaults()) {
            let value = Value::from_json_str(&value.to_string()).map_err(|it| refused(&it))?;
            input.insert(Value::from(key), value);
        }
        Ok(Self { machine, input })
    }

    /// How many controls found something, from bytes on.
    ///
    /// # Errors
    /// The machine's own.
    pub fn once(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let text = std::str::from_utf8(bytes).map_err(|it| it.to_string())?;
        let object = Value::from_json_str(text).map_err(|it| it.to_string())?;
        let mut input = self.input.clone();
        input.insert(Value::from("object"), object);
        self.machine.set_input(Value::from(input));
        let all = self
            .machine
            .execute()
            .map_err(|it| first_line(&it.to_string()))?;
        let all = all
            .as_array()
            .map_err(|_| "the entry rule is undefined".to_owned())?;
        Ok(all
            .iter()
            .filter(|it| it.as_set().is_ok_and(|it| !it.is_empty()))
            .count())
    }
}

impl Contestant for Rvm {
    fn name(&self) -> String {
        "regorus RVM".to_owned()
    }

    fn turn(&mut self, object: &Object, count: u64) -> Result<Turn, String> {
        self.once(&object.bytes)?;
        Ok(timed(count, || self.once(&object.bytes).unwrap_or(0)))
    }
}

fn first_line(text: &str) -> String {
    text.lines()
        .find(|it| !it.trim().is_empty())
        .unwrap_or_default()
        .to_owned()
}
