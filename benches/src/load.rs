//! The time to read and compile the library, compared with the time of peers for the same rules.

use crate::{peer, rvm::Rvm, sample::Samples, table};
use kubevet_engine::Engine;
use kubevet_model::ControlId;
use kubevet_policy as policy;
use std::{hint::black_box, path::Path, time::Instant};

/// Prints the rows of the load measurement.
pub fn run(controls: &[ControlId], opa: &[&str], directory: &Path, rounds: u64) {
    let (library, _) = policy::embedded();
    let setup = peer::opa_setup(&library, controls);
    let mut tasks: Vec<(String, Box<dyn FnMut() -> Result<(), String>>)> = vec![
        (
            "kubevet, decoded".to_owned(),
            Box::new(|| {
                let (library, _) = kubevet_prebuilt::library();
                let precompiled = kubevet_prebuilt::precompiled();
                black_box(Engine::compile_with(&library, precompiled));
                Ok(())
            }),
        ),
        (
            "kubevet, read and compile".to_owned(),
            Box::new(|| {
                let (library, _) = policy::embedded();
                black_box(Engine::compile(&library));
                Ok(())
            }),
        ),
        (
            "kubevet, reading alone".to_owned(),
            Box::new(|| {
                black_box(policy::embedded());
                Ok(())
            }),
        ),
        (
            "regorus interpreter".to_owned(),
            Box::new(|| {
                black_box(Engine::compile_interpreted(&library));
                Ok(())
            }),
        ),
        (
            "regorus RVM".to_owned(),
            Box::new(|| Rvm::new(&library, controls).map(|machine| drop(black_box(machine)))),
        ),
    ];
    if !opa.is_empty() {
        tasks.push((
            "OPA (with its process)".to_owned(),
            Box::new(|| peer::Peer::start("OPA", opa, &setup, directory).map(drop)),
        ));
    }
    let mut samples = vec![Samples::default(); tasks.len()];
    let mut failed = vec![None; tasks.len()];
    for _ in 0..rounds {
        for (((_, task), times), failed) in tasks.iter_mut().zip(&mut samples).zip(&mut failed) {
            let begin = Instant::now();
            match task() {
                Ok(()) => {
                    times.add([u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)])
                }
                Err(error) => *failed = Some(error),
            }
        }
    }
    let mut baseline = None;
    for (((name, _), times), failed) in tasks.iter().zip(&samples).zip(&failed) {
        match failed {
            Some(error) => table::print_unavailable("load", name, error),
            None => table::print_times("load", name, times, baseline, ""),
        }
        baseline.get_or_insert(times.quantile(0.5));
    }
}
