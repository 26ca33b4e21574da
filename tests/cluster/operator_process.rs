//! An operator as a process, and its results beside those of a scan of the same cluster.

use kubevet_testkit::{
    build_output::kubevet_binary,
    polling::wait_for,
    process::{self, ChildProcess, ProcessOutput},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What was found in an object: the controls that it fails, and the number of findings.
pub(crate) type Failures = (BTreeSet<String>, u64);

/// The objects that fail a control, by `Kind namespace/name`.
pub(crate) type FailedObjects = BTreeMap<String, Failures>;

/// A running operator, whose results are appended to a file.
pub(crate) struct OperatorProcess {
    log: PathBuf,
    pub(crate) child: ChildProcess,
}

impl OperatorProcess {
    /// Starts an operator with the rights of a kubeconfig. Its files are put into `dir`.
    pub(crate) fn start(kubeconfig: &Path, dir: &Path, replica: &str, args: &[&str]) -> Self {
        Self::start_with(kubeconfig, dir, replica, args, |_| {})
    }

    /// As [`Self::start`], with changes to the command, such as more variables.
    pub(crate) fn start_with(
        kubeconfig: &Path,
        dir: &Path,
        replica: &str,
        args: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let log = dir.join(format!("{replica}.jsonl"));
        let mut command = Command::new(kubevet_binary());
        command
            .args(["operator", "--log-results"])
            .arg(&log)
            .args(args)
            .env("KUBECONFIG", kubeconfig)
            .env("XDG_STATE_HOME", dir.join(format!("{replica}-state")))
            .env_remove("STATE_DIRECTORY")
            .env("POD_NAME", replica);
        change(&mut command);
        let child = ChildProcess::start(&mut command);
        Self { log, child }
    }

    /// The complete lines of results that it has written.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let lines = complete.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }

    /// The objects that fail a control at present.
    pub(crate) fn failed_objects(&self) -> FailedObjects {
        let mut by_uid: BTreeMap<String, Value> = BTreeMap::new();
        for line in self.lines() {
            let uid = line["uid"].as_str().unwrap_or_default().to_owned();
            match line["action"].as_str() {
                Some("write") => drop(by_uid.insert(uid, line)),
                Some("remove") => drop(by_uid.remove(&uid)),
                Some("sweep") if line["complete"] == true => {
                    by_uid.retain(|_, result| is_of_sweep(result, &line));
                }
                _ => {}
            }
        }
        let results = by_uid.into_values().map(|line| {
            let failed = line["failed"].as_array().expect("a list").iter();
            let failed = failed.map(|id| id.as_str().expect("a string").to_owned());
            let findings = line["findings"].as_u64().expect("a number");
            let failed: BTreeSet<String> = failed.collect();
            (object_name(&line), (failed, findings))
        });
        results
            .filter(|(_, (failed, _))| !failed.is_empty())
            .collect()
    }

    /// The last line of a sweep, if one has ended.
    pub(crate) fn last_sweep(&self) -> Option<Value> {
        let lines = self.lines();
        lines.into_iter().rfind(|line| line["action"] == "sweep")
    }

    /// Waits until it has finished a sweep.
    pub(crate) fn wait_for_sweep(&self) {
        wait_for("a sweep", || {
            self.last_sweep()
                .map(|_| ())
                .ok_or_else(|| self.child.stderr())
        });
    }

    /// Waits until its log has a text.
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_for(text, || {
            let log = self.child.stderr();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }

    /// Waits until what it has found in a namespace, or in all, is what was expected.
    #[track_caller]
    pub(crate) fn wait_for_failures(&self, namespace: Option<&str>, expected: &FailedObjects) {
        wait_for("the results of a scan", || {
            let mut results = self.failed_objects();
            results.retain(|name, _| namespace.is_none_or(|namespace| is_in(name, namespace)));
            if results == *expected {
                return Ok(());
            }
            let differing = |of: &FailedObjects, other: &FailedObjects| -> Vec<String> {
                let of = of
                    .iter()
                    .filter(|(name, found)| other.get(*name) != Some(found));
                of.map(|(name, found)| format!("{name}: {found:?}"))
                    .collect()
            };
            Err(format!(
                "only of the operator: {:#?}\nonly of the scan: {:#?}\n{}",
                differing(&results, expected),
                differing(expected, &results),
                self.child.stderr()
            ))
        });
    }
}

/// Scans a cluster, or a namespace of it, anew.
pub(crate) fn scan(kubeconfig: &Path, namespace: Option<&str>, args: &[&str]) -> FailedObjects {
    let mut command = Command::new(kubevet_binary());
    command
        .args(["scan", "cluster", "--format", "json"])
        .args(args)
        .env("KUBECONFIG", kubeconfig);
    if let Some(namespace) = namespace {
        command.args(["--namespaces", namespace]);
    }
    failed_objects(&process::run(&mut command, ""))
}

/// The objects that fail a control by the JSON report of a scan.
pub(crate) fn failed_objects(output: &ProcessOutput) -> FailedObjects {
    let report: Value = serde_json::from_str(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", output.stderr));
    let mut failed = FailedObjects::new();
    for finding in report["findings"].as_array().expect("a list") {
        let entry = failed.entry(object_name(&finding["object"])).or_default();
        let control = finding["control"].as_str().expect("a string");
        entry.0.insert(control.to_owned());
        entry.1 += 1;
    }
    failed
}

/// True if a result is kept at the end of a complete sweep: an object that has no result of the sweep is
/// gone, unless it was not read.
fn is_of_sweep(result: &Value, sweep: &Value) -> bool {
    let mut unread = sweep["unread"].as_array().into_iter().flatten();
    let kind = result["kind"].as_str().unwrap_or_default();
    let is_of_kind = |unread: &Value| {
        let place = unread["place"].as_str().unwrap_or_default();
        place.split(' ').next() == Some(kind)
    };
    result["sweep"] == sweep["sweep"] || unread.any(is_of_kind)
}

pub(crate) fn object_name(object: &Value) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    format!("{} {}/{}", text("kind"), text("namespace"), text("name"))
}

fn is_in(name: &str, namespace: &str) -> bool {
    let place = name.split_once(' ').map_or("", |(_, place)| place);
    place.split_once('/').is_some_and(|(of, _)| of == namespace)
}
