//! The time that a sweep of 10,000 objects takes. Nothing is expected of it here: the figures are in
//! docs/store.md, and `cargo test -p kubevet-store --test store -- --ignored --nocapture speed`
//! prints those of this machine.

use crate::{
    backends::on_each_backend,
    results::{HOUR, NOON, object, time},
};
use kubevet_model::ObjectResult;
use kubevet_store::{FindingFilter, ObjectWrite, SweepOutcome};
use std::time::Instant;

#[test]
#[ignore = "it measures"]
fn speed_of_a_sweep() {
    on_each_backend("speed", |place| {
        let pods: Vec<ObjectResult> = (0..10_000)
            .map(|number| {
                let name = format!("0b1c22e6-1d1f-4a8e-9d0e-{number:012}");
                object(
                    "v1",
                    "Pod",
                    "shop",
                    &name,
                    &["C-0001:high", "C-0002:low", "C-0003:medium"],
                )
            })
            .collect();
        let mut store = place.open();
        let database = if place.is_sqlite() {
            "SQLite"
        } else {
            "PostgreSQL"
        };
        for (sweep, at) in [("first", NOON), ("second, equal", NOON + HOUR)] {
            let begin = Instant::now();
            store.begin_sweep();
            for page in pods.chunks(500) {
                let writes: Vec<ObjectWrite<'_>> = page.iter().map(ObjectWrite::new).collect();
                store.write(&writes, time(at)).unwrap();
            }
            let written = begin.elapsed();
            let outcome = SweepOutcome {
                at: time(at),
                controls: &[],
                frameworks: &[],
                unread: &[],
            };
            store.finish_sweep(&outcome).unwrap();
            println!(
                "{database}, {sweep} sweep: {} ms, with its end {} ms",
                written.as_millis(),
                begin.elapsed().as_millis()
            );
        }
        let mut reader = place.reader();
        let begin = Instant::now();
        reader
            .findings(&FindingFilter::default(), None, 100)
            .unwrap();
        let page = begin.elapsed();
        reader.count(&FindingFilter::default()).unwrap();
        println!(
            "{database}: a page of 100 {} ms, counts {} ms, {} MiB",
            page.as_millis(),
            (begin.elapsed() - page).as_millis(),
            reader.cluster().unwrap().bytes >> 20
        );
    });
}
