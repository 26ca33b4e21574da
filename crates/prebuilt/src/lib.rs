//! The embedded control library, read and compiled when kubevet is built.
//!
//! Reading and compiling the library takes longer than scanning a file. Here both results are
//! decoded. The crate stands apart because its build script needs the whole compiler. It never
//! compiles, and what it returns equals what `kubevet-policy` and `kubevet-engine` make of the same
//! files; a test checks that.

use kubevet_engine::Precompiled;
use kubevet_ir::{CompiledRule, Program};
use kubevet_model::{ControlId, Problem};
use kubevet_policy::{self as policy, Library};
use std::sync::OnceLock;

/// The library, and the program with the rule of each control, as the build script encoded them. Both are empty if the library had a problem.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/library.bin"));
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/program.bin"));

/// The program, and the rule of each control.
type Compiled = (Program, Vec<(ControlId, CompiledRule)>);

/// The embedded library and its problems. It is decoded once, at the first call; a clone copies
/// pointers.
#[must_use]
pub fn library() -> (Library, Vec<Problem>) {
    match decoded_library() {
        Some(library) => (library.clone(), Vec::new()),
        None => policy::embedded(),
    }
}

/// The compiled controls of the embedded library. A library that extends it can use them again.
#[must_use]
pub fn precompiled() -> Precompiled {
    let compiled: Option<Compiled> = postcard::from_bytes(PROGRAM).ok();
    match decoded_library().zip(compiled) {
        Some((library, (program, rules))) => Precompiled::new(library.clone(), program, rules),
        None => Precompiled::default(),
    }
}

fn decoded_library() -> Option<&'static Library> {
    static DECODED: OnceLock<Option<Library>> = OnceLock::new();
    DECODED
        .get_or_init(|| postcard::from_bytes(LIBRARY).ok())
        .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_engine::Engine;

    #[test]
    fn library_equals_the_one_that_is_read_at_run_time() {
        assert!(!LIBRARY.is_empty(), "the embedded library has a problem");
        assert_eq!(library(), policy::embedded());
    }

    #[test]
    fn program_equals_the_one_that_is_compiled_at_run_time() {
        let (library, _) = policy::embedded();
        let (compiled, _) = Engine::compile(&library);
        let (decoded, problems) = Engine::compile_with(&library, precompiled());
        assert_eq!(problems, []);
        let text = |engine: &Engine| {
            let library = engine.compiled_library();
            let controls = library.controls.iter();
            let controls: Vec<_> = controls
                .map(|compiled| (&compiled.control.id, format!("{:?}", compiled.rule())))
                .collect();
            let terms: Vec<_> = library.program.terms().collect();
            let conditions: Vec<_> = library.program.conditions().collect();
            format!("{controls:?} {terms:?} {conditions:?}")
        };
        assert_eq!(text(&decoded), text(&compiled));
    }
}
