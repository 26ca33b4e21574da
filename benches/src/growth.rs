//! Costs as the library and the object grow: the time of a verdict, the time to compile, memory and
//! the cost of CEL, over the number of controls, the number of containers and the object's size.

use crate::{
    kubevet_subject::{KubevetSubject, Part},
    sample::{Nanos, Samples},
    subject::{Object, Subject as _},
    table,
};
use kubevet_engine::Engine;
use kubevet_model::ControlId;
use kubevet_policy::{self as policy, Library};
use std::sync::Arc;

/// Evaluations in one sample of the share of a control.
const BATCH_SIZE: u64 = 500;

/// Prints a row for each control that applies to the object: by how much the median time of a
/// verdict falls if the control is left out. What controls share is in no control's row.
pub fn controls(object: &Object, rounds: u64) {
    let (library, _) = policy::embedded();
    let mut all = subject(&library);
    let evaluated = all.evaluated_controls(&object.bytes);
    let mut shares = Vec::new();
    for control in &evaluated {
        let mut without = subject(&without(&library, control));
        let mut samples = [Samples::default(), Samples::default()];
        for _ in 0..rounds {
            for (subject, samples) in [&mut all, &mut without].into_iter().zip(&mut samples) {
                if let Ok(batch) = subject.run_batch(object, BATCH_SIZE) {
                    samples.add(batch.nanos);
                }
            }
        }
        let [with, without] = samples.map(|samples| samples.quantile(0.5).0);
        shares.push((with - without, with, control));
    }
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (share, with, control) in shares {
        let mut samples = Samples::default();
        samples.add([share.max(0.0) as u64]);
        let remarks = format!("of {}", Nanos(with));
        table::print_times(&object.name, control.as_str(), &samples, None, &remarks);
    }
}

/// The compiled engine of a library.
fn subject(library: &Library) -> KubevetSubject {
    KubevetSubject::new(
        "kubevet",
        &Arc::new(Engine::compile(library).0),
        library,
        Part::Whole,
    )
}

/// The library without one control.
fn without(library: &Library, control: &ControlId) -> Library {
    let mut library = library.clone();
    library.controls.retain(|source| source.control.id != *control);
    library
}
