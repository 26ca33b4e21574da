//! How long the library takes to be read and compiled, beside what peers take for the same rules.

use crate::{peer, rvm::Rvm, sample::Samples, table};
use kubevet::{engine::Engine, model::ControlId, policy};
use std::{hint::black_box, path::Path, time::Instant};

/// Prints the rows of loading.
pub fn load(asked: &[ControlId], opa: &[&str], folder: &Path, rounds: u64) {
    let (library, _) = policy::embedded();
    let set_up = peer::for_opa(&library, asked);
    let mut works: Vec<(String, Box<dyn FnMut() -> Result<(), String>>)> = vec![
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
            Box::new(|| Rvm::new(&library, asked).map(|it| drop(black_box(it)))),
        ),
    ];
    if !opa.is_empty() {
        works.push((
            "OPA (with its process)".to_owned(),
            Box::new(|| peer::Peer::start("OPA", opa, &set_up, folder).map(drop)),
        ));
    }
    let mut samples = vec![Samples::default(); works.len()];
    let mut failed = vec![None; works.len()];
    for _ in 0..rounds {
        for (((_, work), times), failed) in works.iter_mut().zip(&mut samples).zip(&mut failed) {
            let begin = Instant::now();
            match work() {
                Ok(()) => {
                    times.add([u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)])
                }
                Err(why) => *failed = Some(why),
            }
        }
    }
    let mut ours = None;
    for (((name, _), times), failed) in works.iter().zip(&samples).zip(&failed) {
        match failed {
            Some(why) => table::nothing("load", name, why),
            None => table::times("load", name, times, ours, ""),
        }
        ours.get_or_insert(times.at(0.5));
    }
}
