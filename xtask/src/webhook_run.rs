//! A fixed run of `kubevet serve`: its answers, its decision log, and the names of its metrics.
//!
//! The reviews are sent one after the other, each on a connection of its own, so that the order of
//! the log is the order of `reviews::all`. Times, durations and the values of metrics are left out.

mod client;
mod process;
mod reviews;

use client::{Client, Response};
use process::Server;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// The bindings of the run, by the name of their file. Each one holds for the namespace of its
/// name.
const BINDINGS: &[(&str, &str)] = &[
    (
        "deny.yaml",
        "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: deny}
spec:
  validationActions: [Deny, Audit]
  frameworks: [security]
  matchResources: {namespaces: [deny, both]}
",
    ),
    (
        "warn.yaml",
        "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: warn}
spec:
  validationActions: [Warn]
  frameworks: [NSA]
  matchResources: {namespaces: [warn, both]}
",
    ),
    (
        "audit.yaml",
        "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: audit}
spec:
  validationActions: [Audit]
  controls: [C-0057, C-0017, C-0013]
  matchResources: {namespaces: [audit]}
",
    ),
    (
        "all.yaml",
        "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: all}
spec:
  validationActions: [Deny]
  controls: [C-0057, K-0001, K-0002]
  onUpdate: All
  onOwned: Deny
  onUnevaluated: Allow
  matchResources: {namespaces: [all]}
",
    ),
];

/// Runs `program` as a server with an empty `folder` for its files, and returns the outputs by
/// their names.
///
/// # Errors
/// The server does not start, a review gets no answer, or the log is not JSON.
pub(crate) fn outputs(program: &Path, folder: &Path) -> Result<BTreeMap<String, String>, String> {
    // The server runs in another folder, where a relative path names something else.
    let program = program
        .canonicalize()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let _ = fs::remove_dir_all(folder);
    let bindings = folder.join("bindings");
    fs::create_dir_all(&bindings).map_err(|error| format!("{}: {error}", bindings.display()))?;
    for (name, yaml) in BINDINGS {
        let path = bindings.join(name);
        fs::write(&path, yaml).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let server = Server::start(&program, folder)?;
    let client = Client::new(server.address(), &server.ca()?)?;
    let mut answers = String::new();
    for review in reviews::all() {
        let response = client
            .send(&review.head, &review.body)
            .map_err(|error| format!("review {}: {error}", review.name))?;
        answers.push_str(&described(review.name, &response));
    }
    let metrics = metric_names(&client::get_plain(server.metrics_address(), "/metrics")?.body);
    let (status, program_log) = server.terminate()?;
    let log = folder.join("log");
    let log = fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let outputs = [
        ("serve-answers", answers),
        ("serve-decision-log", decision_log(&log)?),
        ("serve-metrics", metrics),
        (
            "serve-program-log",
            format!("exit {status}\n{}", undated(&program_log)),
        ),
    ];
    let _ = fs::remove_dir_all(folder);
    Ok(outputs
        .map(|(name, output)| (name.to_owned(), output))
        .into())
}

/// The status, the content type and the body of an answer, under the name of its review.
fn described(name: &str, response: &Response) -> String {
    let content_type = response.header("content-type").unwrap_or("-");
    let body = response.body.trim_end();
    format!("--- {name}\n{} {content_type}\n{body}\n", response.status)
}

/// The lines of the decision log with every time and duration set to null. The order of the keys is
/// kept.
fn decision_log(log: &str) -> Result<String, String> {
    let mut lines = String::new();
    for line in log.lines() {
        let mut line: Value =
            serde_json::from_str(line).map_err(|error| format!("decision log: {error}"))?;
        for key in [
            "time", "parseUs", "judgeUs", "decideUs", "readUs", "totalUs",
        ] {
            if let Some(value) = line.get_mut(key) {
                *value = Value::Null;
            }
        }
        lines.push_str(&format!("{line}\n"));
    }
    Ok(lines)
}

/// The series of a Prometheus exposition without their values, and the HELP and TYPE lines, sorted.
fn metric_names(exposition: &str) -> String {
    let mut lines: Vec<&str> = exposition
        .lines()
        .map(|line| match line.rsplit_once(' ') {
            Some((series, _)) if !line.starts_with('#') => series,
            _ => line,
        })
        .collect();
    lines.sort_unstable();
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// The program's own log, sorted, with `#` in place of each run of digits: times, ports and limits
/// of the machine.
fn undated(log: &str) -> String {
    let mut lines: Vec<String> = log.lines().map(without_digits).collect();
    lines.sort_unstable();
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

fn without_digits(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '0'..='9' if kept.ends_with('#') => {}
            '0'..='9' => kept.push('#'),
            c => kept.push(c),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{decision_log, metric_names, without_digits};

    #[test]
    fn decision_log_times_become_null_and_keys_keep_their_order() {
        let line = r#"{"time":"2026-01-02T03:04:05Z","uid":"u","parseUs":12,"decideUs":3}"#;
        assert_eq!(
            decision_log(line).unwrap(),
            "{\"time\":null,\"uid\":\"u\",\"parseUs\":null,\"decideUs\":null}\n"
        );
        assert!(decision_log("no JSON").is_err());
    }

    #[test]
    fn metric_values_are_left_out() {
        let exposition = "# HELP b x.\nb{c=\"d e\"} 2.0\na 1\n# EOF\n";
        assert_eq!(
            metric_names(exposition),
            "# EOF\n# HELP b x.\na\nb{c=\"d e\"}\n"
        );
    }

    #[test]
    fn digit_runs_become_one_mark() {
        assert_eq!(without_digits("12:30 port 8443"), "#:# port #");
    }
}
