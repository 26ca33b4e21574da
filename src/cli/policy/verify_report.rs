//! What `kubevet policy verify` shows of its runs.

use kubevet_differential::{self as proof, Condition, Disagreement, Report, VoiceReport};
use std::io::{self, Write};

/// Characters of a condition that are shown.
const CONDITION: usize = 150;

/// A run over controls: its voices, what was met of each control, and what differs.
pub(super) fn show(report: &Report, of: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} comparisons of {of}", report.compared())?;
    for voice in &report.voices {
        speed(voice, out)?;
        for (control, why) in &voice.abstains {
            writeln!(out, "             does not speak for {control}: {why}")?;
        }
    }
    writeln!(
        out,
        "\n  {:<8} {:>9} {:>7} {:>10} {:>12}",
        "control", "compared", "denied", "messages", "conditions"
    )?;
    for control in &report.controls {
        let percent = control.denied * 100 / control.compared.max(1);
        let few = if control.denied_enough() {
            ""
        } else {
            "  denied too seldom"
        };
        let (messages, asked) = (share(&control.messages), share(&control.asked));
        let (id, compared) = (control.control.as_str(), control.compared);
        writeln!(
            out,
            "  {id:<8} {compared:>9} {percent:>5} % {messages:>10} {asked:>12}{few}"
        )?;
        for condition in control
            .messages
            .iter()
            .chain(&control.asked)
            .filter(|it| !it.seen_both())
        {
            let (never, what) = (never(condition), cut(&condition.what));
            writeln!(out, "           {never}: {what}")?;
        }
    }
    writeln!(
        out,
        "  messages and conditions: seen to hold and not to hold, of all\n"
    )?;
    outcome(report, out)
}

/// A run over the constructs of the language, which have numbers and no names.
pub(super) fn show_constructs(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let both = report
        .controls
        .iter()
        .filter(|it| it.denied > 0 && it.denied < it.compared)
        .count();
    let all = report.controls.len();
    writeln!(
        out,
        "{} comparisons of {all} constructs of the language, {both} seen both ways",
        report.compared()
    )?;
    for voice in &report.voices {
        speed(voice, out)?;
        if !voice.abstains.is_empty() {
            writeln!(
                out,
                "             does not speak for {} of them, which it refuses",
                voice.abstains.len()
            )?;
        }
    }
    writeln!(out)?;
    outcome(report, out)
}

fn speed(voice: &VoiceReport, out: &mut dyn Write) -> io::Result<()> {
    let seconds = voice.took.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate to look at")]
    let rate = voice.answers as f64 / seconds.max(0.001);
    let invalid = if voice.invalid > 0 {
        format!("; {} not for admission", voice.invalid)
    } else {
        String::new()
    };
    let (name, answers) = (&voice.name, voice.answers);
    writeln!(
        out,
        "  {name:<10} {answers} answers in {seconds:.1} s, {rate:.0} a second{invalid}"
    )
}

fn share(conditions: &[Condition]) -> String {
    format!(
        "{} of {}",
        conditions.iter().filter(|it| it.seen_both()).count(),
        conditions.len()
    )
}

fn never(condition: &Condition) -> &'static str {
    match (condition.held, condition.failed) {
        (0, 0) => "never asked",
        (0, _) => "never",
        _ => "always",
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CONDITION) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// What is known to differ, and what differs.
fn outcome(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for (name, count) in &report.known {
        let reason = proof::DEVIATIONS
            .iter()
            .find(|it| it.name == *name)
            .map_or("", |it| it.reason);
        writeln!(
            out,
            "known of the reference tier: {name}, {count} times: {reason}"
        )?;
    }
    for found in &report.disagreements {
        disagreement(found, out)?;
    }
    match report.differing {
        0 => writeln!(out, "no disagreement\n"),
        some => writeln!(
            out,
            "{some} disagreements, {} sorts shown\n",
            report.disagreements.len()
        ),
    }
}

fn disagreement(found: &Disagreement, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} differ, {} times; the smallest object:",
        found.control, found.what, found.count
    )?;
    for line in found.yaml.lines() {
        writeln!(out, "    {line}")?;
    }
    for (voice, answer) in &found.answers {
        for (place, line) in answer.lines().enumerate() {
            writeln!(
                out,
                "  {:<10} {line}",
                if place == 0 { voice.as_str() } else { "" }
            )?;
        }
    }
    if let Some(file) = &found.regression {
        writeln!(out, "  as a test object, {}:", file.path)?;
        for line in file.text.lines().take_while(|it| it.starts_with('#')) {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(out)
}
