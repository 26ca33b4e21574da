//! The output of `kubevet policy verify`.

use kubevet_differential::{
    self as differential, DifferentialReport, Disagreement, ObservedCondition, SubjectReport,
};
use std::io::{self, Write};

/// The maximum number of characters shown of a condition.
const MAX_CONDITION_CHARS: usize = 150;

/// Writes a run over controls: its subjects, the coverage of each control, and the disagreements.
/// `objects` describes the objects that were generated.
pub(super) fn write_controls(
    report: &DifferentialReport,
    objects: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{} comparisons of {objects}", report.compared())?;
    for subject in &report.subjects {
        write_speed(subject, out)?;
        for (control, reason) in &subject.unsupported {
            writeln!(out, "             has no verdict of {control}: {reason}")?;
        }
    }
    writeln!(
        out,
        "\n  {:<8} {:>9} {:>7} {:>10} {:>12}",
        "control", "compared", "denied", "messages", "conditions"
    )?;
    for control in &report.controls {
        let percent = control.denied * 100 / control.compared.max(1);
        let note = if control.is_denied_often_enough() {
            ""
        } else {
            "  denied too seldom"
        };
        let (messages, conditions) = (coverage(&control.messages), coverage(&control.conditions));
        let (id, compared) = (control.control.as_str(), control.compared);
        writeln!(
            out,
            "  {id:<8} {compared:>9} {percent:>5} % {messages:>10} {conditions:>12}{note}"
        )?;
        let conditions = control.messages.iter().chain(&control.conditions);
        for condition in conditions.filter(|condition| !condition.has_both_outcomes()) {
            let label = missing_outcome(condition);
            writeln!(
                out,
                "           {label}: {}",
                truncate(&condition.description)
            )?;
        }
    }
    writeln!(
        out,
        "  messages and conditions: seen to hold and not to hold, of all\n"
    )?;
    write_disagreements(report, out)
}

/// Writes a run over the constructs of the language, which have numbers instead of names.
pub(super) fn write_constructs(report: &DifferentialReport, out: &mut dyn Write) -> io::Result<()> {
    let both = report
        .controls
        .iter()
        .filter(|control| control.denied > 0 && control.denied < control.compared)
        .count();
    writeln!(
        out,
        "{} comparisons of {} constructs of the language, {both} seen both ways",
        report.compared(),
        report.controls.len()
    )?;
    for subject in &report.subjects {
        write_speed(subject, out)?;
        if !subject.unsupported.is_empty() {
            writeln!(
                out,
                "             has no verdict of {} of them, which it cannot compile",
                subject.unsupported.len()
            )?;
        }
    }
    writeln!(out)?;
    write_disagreements(report, out)
}

fn write_speed(subject: &SubjectReport, out: &mut dyn Write) -> io::Result<()> {
    let seconds = subject.elapsed.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "the rate is rounded")]
    let rate = subject.answers as f64 / seconds.max(0.001);
    let invalid = if subject.invalid > 0 {
        format!("; {} refused as not valid", subject.invalid)
    } else {
        String::new()
    };
    let (name, answers) = (&subject.name, subject.answers);
    writeln!(
        out,
        "  {name:<10} {answers} answers in {seconds:.1} s, {rate:.0} a second{invalid}"
    )
}

/// Returns how many conditions were both true and false at least once, of all.
fn coverage(conditions: &[ObservedCondition]) -> String {
    let both = conditions
        .iter()
        .filter(|condition| condition.has_both_outcomes())
        .count();
    format!("{both} of {}", conditions.len())
}

/// Returns the label of a condition that did not have both outcomes.
fn missing_outcome(condition: &ObservedCondition) -> &'static str {
    match (condition.held, condition.failed) {
        (0, 0) => "never evaluated",
        (0, _) => "never",
        _ => "always",
    }
}

fn truncate(condition: &str) -> String {
    match condition.char_indices().nth(MAX_CONDITION_CHARS) {
        Some((end, _)) => format!("{}…", condition.get(..end).unwrap_or(condition)),
        None => condition.to_owned(),
    }
}

/// Writes the known deviations that occurred, and the disagreements.
fn write_disagreements(report: &DifferentialReport, out: &mut dyn Write) -> io::Result<()> {
    for (name, count) in &report.known {
        let mut deviations = differential::KNOWN_DEVIATIONS.iter();
        let reason = deviations
            .find(|deviation| deviation.name == *name)
            .map_or("", |deviation| deviation.reason);
        writeln!(
            out,
            "known deviation of the interpreter: {name}, {count} times: {reason}"
        )?;
    }
    for disagreement in &report.disagreements {
        write_disagreement(disagreement, out)?;
    }
    match report.differing {
        0 => writeln!(
            out,
            "no disagreement between {} engines\n",
            report.subjects.len()
        ),
        count => writeln!(
            out,
            "{count} disagreements, {} kinds shown\n",
            report.disagreements.len()
        ),
    }
}

fn write_disagreement(disagreement: &Disagreement, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} differ, {} times; the smallest object:",
        disagreement.control, disagreement.difference, disagreement.count
    )?;
    for line in disagreement.yaml.lines() {
        writeln!(out, "    {line}")?;
    }
    for (subject, answer) in &disagreement.answers {
        for (index, line) in answer.lines().enumerate() {
            let label = if index == 0 { subject.as_str() } else { "" };
            writeln!(out, "  {label:<10} {line}")?;
        }
    }
    if let Some(regression) = &disagreement.regression {
        writeln!(out, "  as a test object, {}:", regression.path)?;
        let comments = regression.content.lines();
        for line in comments.take_while(|line| line.starts_with('#')) {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(out)
}
