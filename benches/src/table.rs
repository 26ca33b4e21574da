//! The one table: every mode prints rows of it.

use crate::sample::{Nanos, Samples};

/// Prints the head.
pub fn head() {
    line(
        "object or work",
        "who",
        ["p50", "p99", "min"].map(str::to_owned),
        "x kubevet",
        "remarks",
    );
    println!("{}", "-".repeat(160));
}

/// Prints a row of times. `ours` is what kubevet took at the median in the same run; `None` in its own row.
pub fn times(what: &str, who: &str, samples: &Samples, ours: Option<Nanos>, remarks: &str) {
    let figures = [0.5, 0.99, 0.0].map(|it| samples.at(it).to_string());
    line(
        what,
        who,
        figures,
        &ratio(samples.at(0.5).0, ours.map(|it| it.0)),
        remarks,
    );
}

/// Prints a row of one figure that is no time.
pub fn figure(what: &str, who: &str, value: f64, ours: Option<f64>, remarks: &str) {
    let text = if value < 1e4 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    };
    line(
        what,
        who,
        [text, String::new(), String::new()],
        &ratio(value, ours),
        remarks,
    );
}

/// Prints a row without figures: somebody who could not be asked, and why.
pub fn nothing(what: &str, who: &str, why: &str) {
    line(what, who, [const { String::new() }; 3], "-", why);
}

fn ratio(value: f64, ours: Option<f64>) -> String {
    match ours {
        None => "1".to_owned(),
        Some(ours) if value / ours < 10.0 => format!("{:.2}", value / ours),
        Some(ours) => format!("{:.0}", value / ours),
    }
}

fn line(what: &str, who: &str, [p50, p99, min]: [String; 3], ratio: &str, remarks: &str) {
    println!("{what:<32} {who:<26} {p50:>11} {p99:>11} {min:>11} {ratio:>9}  {remarks}");
}
