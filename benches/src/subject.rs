//! The subjects of a measurement, and the rounds in which they run in turn. A temporary slowdown of
//! the machine therefore affects all of them.

use crate::{sample::Samples, table};
use std::{hint::black_box, path::PathBuf, time::Instant};

/// The approximate duration of one batch.
const BATCH_NANOS: u64 = 20_000_000;
/// The minimum and maximum number of evaluations in a batch.
const BATCH_SIZE: (u64, u64) = (4, 2_000);

/// The object that is evaluated.
pub struct Object {
    /// The name in the table, with the size: `pod-7k (7027 B)`.
    pub name: String,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// The result of several evaluations of one object.
pub struct Batch {
    /// The number of controls that found something.
    pub failing: usize,
    /// Further remarks for the table.
    pub remarks: String,
    /// The duration of each evaluation.
    pub nanos: Vec<u64>,
}

/// An implementation that evaluates objects from their bytes.
pub trait Subject {
    fn name(&self) -> String;

    /// Evaluates an object `count` times.
    ///
    /// # Errors
    /// The reason why the subject cannot evaluate it.
    fn run_batch(&mut self, object: &Object, count: u64) -> Result<Batch, String>;
}

/// Times `count` calls of `evaluate`, which returns the number of controls that found something.
pub fn time_each(count: u64, mut evaluate: impl FnMut() -> usize) -> Batch {
    let mut batch = Batch {
        failing: 0,
        remarks: String::new(),
        nanos: Vec::new(),
    };
    for _ in 0..count {
        let begin = Instant::now();
        batch.failing = black_box(evaluate());
        batch
            .nanos
            .push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    batch
}

/// Runs all subjects on the object in turn, `rounds` times, and prints a row for each. The first
/// subject is the unit of the others. If `same_controls`, all evaluate the same controls, and a
/// subject whose number of failing controls differs from the first subject's is marked.
pub fn compare(
    object: &Object,
    subjects: &mut [Box<dyn Subject>],
    rounds: u64,
    same_controls: bool,
) {
    let mut running = Vec::new();
    for subject in subjects {
        // The first batch warms the caches; the second shows how many evaluations fit into a batch.
        let first = subject
            .run_batch(object, BATCH_SIZE.0)
            .and_then(|_| subject.run_batch(object, BATCH_SIZE.0));
        match first {
            Ok(first) => {
                let min_nanos = first.nanos.iter().min().copied().unwrap_or(1).max(1);
                running.push((
                    subject,
                    (BATCH_NANOS / min_nanos).clamp(BATCH_SIZE.0, BATCH_SIZE.1),
                    first,
                    Samples::default(),
                ));
            }
            Err(error) => table::print_unavailable(&object.name, &subject.name(), &error),
        }
    }
    for _ in 0..rounds {
        for (subject, count, last, samples) in &mut running {
            if let Ok(mut batch) = subject.run_batch(object, *count) {
                samples.add(batch.nanos.drain(..));
                *last = batch;
            }
        }
    }
    let mut baseline = None;
    let mut expected = None;
    for (subject, _, last, samples) in &running {
        let expected = *expected.get_or_insert(last.failing);
        let difference = if last.failing == expected || !same_controls {
            String::new()
        } else {
            ", DIFFERS FROM KUBEVET".to_owned()
        };
        let remarks = format!("{} failing{difference}{}", last.failing, last.remarks);
        table::print_times(&object.name, &subject.name(), samples, baseline, &remarks);
        baseline.get_or_insert(samples.quantile(0.5));
    }
}
