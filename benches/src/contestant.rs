//! Who is measured, and the rounds in which all take turns: what slows the machine for a while slows all of them.

use crate::{sample::Samples, table};
use std::{hint::black_box, path::PathBuf, time::Instant};

/// How long one turn may take, about.
const TURN_NANOS: u64 = 20_000_000;
/// Measured evaluations of a turn, at least and at most.
const TURN: (u64, u64) = (4, 2_000);

/// What is judged.
pub struct Object {
    pub name: String,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// What came of some evaluations of one object.
pub struct Turn {
    /// How many controls found something.
    pub failing: usize,
    /// Whatever else is to be said of the answer.
    pub remarks: String,
    /// One time an evaluation.
    pub nanos: Vec<u64>,
}

/// Somebody who judges objects from their bytes.
pub trait Contestant {
    fn name(&self) -> String;

    /// Judges it `count` times.
    ///
    /// # Errors
    /// Why it cannot.
    fn turn(&mut self, object: &Object, count: u64) -> Result<Turn, String>;
}

/// Times `judge`, which says how many controls found something.
pub fn timed(count: u64, mut judge: impl FnMut() -> usize) -> Turn {
    let mut turn = Turn {
        failing: 0,
        remarks: String::new(),
        nanos: Vec::new(),
    };
    for _ in 0..count {
        let begin = Instant::now();
        turn.failing = black_box(judge());
        turn.nanos
            .push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    turn
}

/// All judge the object in turns, `rounds` times; a row each. The first is what the others are compared with, their
/// answers too where the same was asked of all.
pub fn compete(object: &Object, contestants: &mut [Box<dyn Contestant>], rounds: u64, same: bool) {
    let mut running = Vec::new();
    for contestant in contestants {
        // The first turn warms what is cached and shows how many fit into one.
        let first = contestant
            .turn(object, TURN.0)
            .and_then(|_| contestant.turn(object, TURN.0));
        match first {
            Ok(first) => {
                let least = first.nanos.iter().min().copied().unwrap_or(1).max(1);
                running.push((
                    contestant,
                    (TURN_NANOS / least).clamp(TURN.0, TURN.1),
                    first,
                    Samples::default(),
                ));
            }
            Err(why) => table::nothing(&object.name, &contestant.name(), &why),
        }
    }
    for _ in 0..rounds {
        for (contestant, count, last, samples) in &mut running {
            if let Ok(mut turn) = contestant.turn(object, *count) {
                samples.add(turn.nanos.drain(..));
                *last = turn;
            }
        }
    }
    let mut ours = None;
    let mut expected = None;
    for (contestant, _, last, samples) in &running {
        let expected = *expected.get_or_insert(last.failing);
        let said = if last.failing == expected || !same {
            String::new()
        } else {
            ", NOT WHAT KUBEVET SAYS".to_owned()
        };
        let remarks = format!("{} failing{said}{}", last.failing, last.remarks);
        table::times(&object.name, &contestant.name(), samples, ours, &remarks);
        ours.get_or_insert(samples.at(0.5));
    }
}
