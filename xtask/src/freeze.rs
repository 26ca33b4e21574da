//! The output of the program, recorded and compared: the help of every command, the corpus as JSON,
//! every control as CEL and as policies, its explanation, the installation, a review, a run of the
//! webhook, and a differential test with a fixed seed.
//!
//! A change that must not change the output is compared after every step. The output contains
//! neither a time nor a path of the machine.

use crate::{
    program::{Outputs, Program, root},
    webhook_run,
};
use std::{env, fs, path::PathBuf};

/// The number of comparisons of `policy verify`. The whole record takes about a minute in a release
/// build.
const VERIFY_COUNT: &str = "100000";

/// The argument that is replaced by the path of the corpus.
const CORPUS_ARGUMENT: &str = "CORPUS";

/// Commands that print to standard output, by the name of their record.
const COMMANDS: &[(&str, &[&str])] = &[
    ("scan-corpus.json", &["scan", "-f", "json", CORPUS_ARGUMENT]),
    ("scan-corpus.txt", &["scan", CORPUS_ARGUMENT]),
    (
        "scan-all.json",
        &["scan", "--all", "-f", "json", CORPUS_ARGUMENT],
    ),
    (
        "scan-nsa.json",
        &["scan", "-f", "json", "framework", "NSA", CORPUS_ARGUMENT],
    ),
    ("list-controls", &["list", "controls"]),
    ("vap-pack-written", &["vap", "generate"]),
    (
        "vap-pack-resource",
        &["vap", "generate", "--params", "resource"],
    ),
    (
        "vap-single-written",
        &["vap", "generate", "--one-per-control"],
    ),
    (
        "vap-single-resource",
        &[
            "vap",
            "generate",
            "--one-per-control",
            "--params",
            "resource",
        ],
    ),
    (
        "vap-pack-newest",
        &["vap", "generate", "--min-kube", "1.36"],
    ),
    (
        "vap-single-newest",
        &["vap", "generate", "--one-per-control", "--min-kube", "1.36"],
    ),
    ("vap-library", &["vap", "deploy-library"]),
    ("manifests", &["manifests"]),
    (
        "review",
        &[
            "review",
            "--explain",
            "--bindings",
            "examples/gate/bindings",
            "benches/objects/pod-7k.json",
        ],
    ),
    ("policy-test", &["policy", "test"]),
    (
        "policy-verify",
        &["policy", "verify", "--seed", "1", "--count", VERIFY_COUNT],
    ),
];

/// Records all outputs in `target/freeze`, in place of an earlier record.
///
/// # Errors
/// The program cannot be run, or the files cannot be written.
pub(crate) fn record() -> Result<String, String> {
    let folder = record_folder();
    let outputs = collect_outputs()?;
    // An output that no longer exists must not remain.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, output) in &outputs {
        write(&folder.join(name), output)?;
    }
    Ok(format!(
        "{} outputs are in {}",
        outputs.len(),
        folder.display()
    ))
}

/// Compares all outputs with the record. A different output is written beside the recorded one, as
/// `NAME.new`.
///
/// # Errors
/// Names the outputs that differ.
pub(crate) fn compare() -> Result<String, String> {
    let folder = record_folder();
    let outputs = collect_outputs()?;
    let mut differences = Vec::new();
    for (name, output) in &outputs {
        let recorded = folder.join(name);
        if fs::read_to_string(&recorded).ok().as_deref() != Some(output) {
            let new = folder.join(format!("{name}.new"));
            write(&new, output)?;
            differences.push(format!("  diff {} {}", recorded.display(), new.display()));
        }
    }
    match differences.len() {
        0 => Ok(format!("{} outputs are as they were", outputs.len())),
        count => Err(format!(
            "{count} of {} outputs differ:\n{}",
            outputs.len(),
            differences.join("\n")
        )),
    }
}

fn record_folder() -> PathBuf {
    root().join("target/freeze")
}

fn write(path: &PathBuf, output: &str) -> Result<(), String> {
    fs::write(path, output).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs all commands, and returns their outputs by the name of their file.
fn collect_outputs() -> Result<Outputs, String> {
    let program = Program::find();
    let mut outputs = Outputs::new();
    program.collect_help(&mut Vec::new(), &mut outputs)?;
    collect_commands(&program, &mut outputs)?;
    collect_explanations(&program, &mut outputs)?;
    let made = record_folder().with_extension("made");
    for (name, arguments) in [
        (
            "manifests-kustomize",
            &["manifests", "--form", "kustomize"][..],
        ),
        ("manifests-helm", &["manifests", "--form", "helm"]),
        ("manifests-monitoring", &["manifests", "monitoring"]),
    ] {
        program.collect_folder(name, arguments, &made, &mut outputs)?;
    }
    let served = record_folder().with_extension("serve");
    outputs.extend(webhook_run::outputs(program.path(), &served)?);
    Ok(outputs)
}

fn collect_commands(program: &Program, outputs: &mut Outputs) -> Result<(), String> {
    let shared = env::var("KUBEVET_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let corpus = format!("{shared}/corpus");
    if !root().join(&corpus).is_dir() {
        return Err(format!(
            "{corpus} is not there: KUBEVET_SHARED names the folder that holds the corpus"
        ));
    }
    for (name, arguments) in COMMANDS {
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|argument| match *argument {
                CORPUS_ARGUMENT => corpus.as_str(),
                argument => argument,
            })
            .collect();
        let output = program.run(&arguments)?;
        // The speed of the differential test is no part of its result.
        let lines = output.lines().filter(|line| !line.contains(" answers in "));
        let output = lines.flat_map(|line| [line, "\n"]).collect();
        outputs.insert((*name).to_owned(), output);
    }
    Ok(())
}

/// Collects `policy explain` of every control.
fn collect_explanations(program: &Program, outputs: &mut Outputs) -> Result<(), String> {
    let folder = root().join("policies/controls");
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        let name = name.to_string_lossy();
        let id = name.split('-').take(2).collect::<Vec<_>>().join("-");
        let explanation = program.run(&["policy", "explain", &id])?;
        outputs.insert(format!("explain-{id}"), explanation);
    }
    Ok(())
}
