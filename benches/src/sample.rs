//! Times that were measured, and what is said of many of them.

use std::fmt;

/// Nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Nanos(pub f64);

impl fmt::Display for Nanos {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            it if it.abs() < 1_000.0 => format!("{it:.0} ns"),
            it if it.abs() < 100_000.0 => format!("{:.2} us", it / 1e3),
            it if it.abs() < 1_000_000.0 => format!("{:.0} us", it / 1e3),
            it => format!("{:.2} ms", it / 1e6),
        };
        out.pad(&text)
    }
}

/// Many times of one thing.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    pub fn add(&mut self, nanos: impl IntoIterator<Item = u64>) {
        self.0.extend(nanos);
    }

    /// The time that a share of the samples does not exceed: 0 is the least, 0.5 the median.
    pub fn at(&self, share: f64) -> Nanos {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() as f64 * share) as usize;
        Nanos(
            sorted
                .get(place.min(sorted.len().saturating_sub(1)))
                .map_or(f64::NAN, |it| *it as f64),
        )
    }
}
