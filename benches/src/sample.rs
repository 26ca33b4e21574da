//! Measured durations and their quantiles.

use std::fmt;

/// A duration in nanoseconds, printed with a unit that fits.
#[derive(Debug, Clone, Copy)]
pub struct Nanos(pub f64);

impl fmt::Display for Nanos {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let formatted = match self.0 {
            nanos if nanos.abs() < 1_000.0 => format!("{nanos:.0} ns"),
            nanos if nanos.abs() < 100_000.0 => format!("{:.2} us", nanos / 1e3),
            nanos if nanos.abs() < 1_000_000.0 => format!("{:.0} us", nanos / 1e3),
            nanos => format!("{:.2} ms", nanos / 1e6),
        };
        out.pad(&formatted)
    }
}

/// The durations of one measurement, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    pub fn add(&mut self, nanos: impl IntoIterator<Item = u64>) {
        self.0.extend(nanos);
    }

    /// Returns a quantile: 0 is the minimum, 0.5 the median. NaN if there are no samples.
    pub fn quantile(&self, quantile: f64) -> Nanos {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = (sorted.len() as f64 * quantile) as usize;
        Nanos(
            sorted
                .get(index.min(sorted.len().saturating_sub(1)))
                .map_or(f64::NAN, |nanos| *nanos as f64),
        )
    }
}
