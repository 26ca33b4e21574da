//! Measurements of whole processes: `kubevet scan` of a directory, and instructions under
//! callgrind.

use crate::{process, sample::Samples, table};
use std::{env, path::Path, process::Command};

/// The number of evaluations in the shorter and the longer run under callgrind. The difference of
/// the two excludes start and load.
const RUN_EVALUATIONS: (u64, u64) = (100, 300);

/// Measures `kubevet scan` of a directory, with all controls and with the framework NSA in turn.
///
/// # Errors
/// A scan does not start, or its exit code is neither 0 nor 1.
pub fn scan(kubevet: &str, directory: &str, rounds: u64) -> Result<(), String> {
    // The corpus has an API version that 1.22 removed.
    let common = ["--exit-zero", "--kube-version", "1.21", directory];
    let scans: [(&str, Vec<&str>); 2] = [
        (
            "kubevet scan, all controls",
            [&["scan", "--all"][..], &common].concat(),
        ),
        (
            "kubevet scan, NSA",
            [&["scan", "framework", "NSA"][..], &common].concat(),
        ),
    ];
    let mut samples = scans.each_ref().map(|_| (Samples::default(), 0.0_f64));
    for round in 0..=rounds {
        for ((_, arguments), (times, memory)) in scans.iter().zip(&mut samples) {
            let run =
                process::run(kubevet, arguments).map_err(|error| format!("{kubevet}: {error}"))?;
            if run.code != 0 && run.code != 1 {
                return Err(format!(
                    "kubevet {} ended with {}",
                    arguments.join(" "),
                    run.code
                ));
            }
            // The first round fills the page cache and is not measured.
            if round > 0 {
                times.add([run.nanos]);
                *memory = memory.max(run.mebibytes);
            }
        }
    }
    let mut baseline = None;
    for ((name, _), (times, memory)) in scans.iter().zip(&samples) {
        table::print_times(
            "scan of the corpus",
            name,
            times,
            baseline,
            &format!("peak {memory:.1} MiB resident, {rounds} runs"),
        );
        baseline.get_or_insert(times.quantile(0.5));
    }
    Ok(())
}

/// Prints the number of instructions of one evaluation of each file, measured by callgrind. A run
/// that fails has a row with the reason, so the result is always `Ok`.
pub fn instructions(files: &[String]) -> Result<(), String> {
    for file in files {
        let name = Path::new(file)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or(file);
        let mut baseline = None;
        for (part, subject) in [
            ("whole", "kubevet"),
            ("read", "kubevet, reading alone"),
            ("rvm", "regorus RVM"),
        ] {
            let run = |count| collect_instructions(part, file, count);
            match run(RUN_EVALUATIONS.0).and_then(|shorter| Ok((shorter, run(RUN_EVALUATIONS.1)?)))
            {
                Ok((shorter, longer)) => {
                    let each = (longer - shorter) / (RUN_EVALUATIONS.1 - RUN_EVALUATIONS.0) as f64;
                    table::print_figure(
                        &format!("{name}, instructions"),
                        subject,
                        each,
                        baseline,
                        "callgrind",
                    );
                    baseline.get_or_insert(each);
                }
                Err(error) => {
                    table::print_unavailable(&format!("{name}, instructions"), subject, &error)
                }
            }
        }
    }
    Ok(())
}

/// The total that callgrind reports for `once` with `count` evaluations.
fn collect_instructions(part: &str, file: &str, count: u64) -> Result<f64, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program);
    valgrind.args(["once", part, file, &count.to_string()]);
    let output = valgrind
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = stderr
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let number = collected.and_then(|(_, count)| count.trim().parse().ok());
    number.ok_or_else(|| {
        stderr
            .lines()
            .last()
            .unwrap_or("valgrind printed nothing")
            .to_owned()
    })
}
