//! The table whose rows all modes print.

use crate::sample::{Nanos, Samples};

/// Prints the header.
pub fn print_header() {
    print_row(
        "object or work",
        "who",
        ["p50", "p99", "min"].map(str::to_owned),
        "x kubevet",
        "remarks",
    );
    println!("{}", "-".repeat(160));
}

/// Prints a row of durations. `baseline` is kubevet's median in the same run; `None` in kubevet's
/// own row.
pub fn print_times(
    measurement: &str,
    subject: &str,
    samples: &Samples,
    baseline: Option<Nanos>,
    remarks: &str,
) {
    let quantiles = [0.5, 0.99, 0.0].map(|quantile| samples.quantile(quantile).to_string());
    print_row(
        measurement,
        subject,
        quantiles,
        &ratio(samples.quantile(0.5).0, baseline.map(|nanos| nanos.0)),
        remarks,
    );
}

/// Prints a row of one number that is not a duration.
pub fn print_figure(
    measurement: &str,
    subject: &str,
    value: f64,
    baseline: Option<f64>,
    remarks: &str,
) {
    let number = if value < 1e4 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    };
    print_row(
        measurement,
        subject,
        [number, String::new(), String::new()],
        &ratio(value, baseline),
        remarks,
    );
}

/// Prints a row without numbers, for a subject that could not run, with the reason.
pub fn print_unavailable(measurement: &str, subject: &str, reason: &str) {
    print_row(
        measurement,
        subject,
        [const { String::new() }; 3],
        "-",
        reason,
    );
}

/// The value as a multiple of the baseline, which has two decimals below 10.
fn ratio(value: f64, baseline: Option<f64>) -> String {
    match baseline {
        None => "1".to_owned(),
        Some(baseline) if value / baseline < 10.0 => format!("{:.2}", value / baseline),
        Some(baseline) => format!("{:.0}", value / baseline),
    }
}

fn print_row(
    measurement: &str,
    subject: &str,
    [p50, p99, min]: [String; 3],
    ratio: &str,
    remarks: &str,
) {
    println!("{measurement:<32} {subject:<26} {p50:>11} {p99:>11} {min:>11} {ratio:>9}  {remarks}");
}
