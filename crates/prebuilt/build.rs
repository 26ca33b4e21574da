//! Reads and compiles the embedded library, and writes both for the crate to decode.
//!
//! A library with a problem is not written: kubevet then reads and compiles it at each start, and
//! reports the problem.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script writes what the crate includes"
)]

use kubevet_engine::Engine;
use kubevet_policy as policy;
use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    // A change of the library changes `kubevet-policy`, which makes cargo run this again.
    println!("cargo:rerun-if-changed=build.rs");
    let (library, problems) = policy::embedded();
    let (engine, compile_problems) = Engine::compile(&library);
    for problem in problems.iter().chain(&compile_problems) {
        println!("cargo:warning={problem}");
    }
    let is_valid = problems.is_empty() && compile_problems.is_empty();
    let compiled = engine.compiled_library();
    let rules: Vec<_> = compiled
        .controls
        .iter()
        .map(|compiled| (&compiled.control.id, compiled.rule()))
        .collect();
    write(
        "library.bin",
        is_valid.then(|| postcard::to_allocvec(&library)),
    )?;
    write(
        "program.bin",
        is_valid.then(|| postcard::to_allocvec(&(&compiled.program, rules))),
    )
}

/// Writes encoded bytes, or an empty file, which cannot be decoded.
fn write(
    name: &str,
    encoded: Option<Result<Vec<u8>, postcard::Error>>,
) -> Result<(), Box<dyn Error>> {
    let path = Path::new(&env::var("OUT_DIR")?).join(name);
    fs::write(path, encoded.transpose()?.unwrap_or_default())?;
    Ok(())
}
