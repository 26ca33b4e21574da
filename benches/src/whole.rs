//! What is measured of whole processes: `kubevet scan` of a folder, and instructions under callgrind.

use crate::{process, sample::Samples, table};
use std::{env, path::Path, process::Command};

/// Evaluations of the shorter and the longer run under callgrind; the difference is without start and load.
const ONCE: (u64, u64) = (100, 300);

/// `kubevet scan` of a folder, all controls and NSA in turns.
///
/// # Errors
/// A scan that did not do its work.
pub fn scan(kubevet: &str, folder: &str, rounds: u64) -> Result<(), String> {
    let works: [(&str, Vec<&str>); 2] = [
        (
            "kubevet scan, all controls",
            vec!["scan", "--exit-zero", folder],
        ),
        (
            "kubevet scan, NSA",
            vec!["scan", "framework", "NSA", "--exit-zero", folder],
        ),
    ];
    let mut samples = works.each_ref().map(|_| (Samples::default(), 0.0_f64));
    for round in 0..=rounds {
        for ((_, arguments), (times, memory)) in works.iter().zip(&mut samples) {
            let run = process::run(kubevet, arguments).map_err(|it| format!("{kubevet}: {it}"))?;
            if run.code != 0 && run.code != 1 {
                return Err(format!(
                    "kubevet {} ended with {}",
                    arguments.join(" "),
                    run.code
                ));
            }
            // The first round only brings the files into memory.
            if round > 0 {
                times.add([run.nanos]);
                *memory = memory.max(run.mebibytes);
            }
        }
    }
    let mut ours = None;
    for ((name, _), (times, memory)) in works.iter().zip(&samples) {
        table::times(
            "scan of the corpus",
            name,
            times,
            ours,
            &format!("peak {memory:.1} MiB resident, {rounds} runs"),
        );
        ours.get_or_insert(times.at(0.5));
    }
    Ok(())
}

/// Instructions of one evaluation under callgrind.
///
/// # Errors
/// Valgrind is missing, or its answer is not understood.
pub fn instructions(files: &[String]) -> Result<(), String> {
    for file in files {
        let name = Path::new(file)
            .file_stem()
            .and_then(|it| it.to_str())
            .unwrap_or(file);
        let mut ours = None;
        for (part, who) in [
            ("whole", "kubevet"),
            ("read", "kubevet, reading alone"),
            ("rvm", "regorus RVM"),
        ] {
            let run = |count| collected(part, file, count);
            match run(ONCE.0).and_then(|less| Ok((less, run(ONCE.1)?))) {
                Ok((less, more)) => {
                    let each = (more - less) / (ONCE.1 - ONCE.0) as f64;
                    table::figure(
                        &format!("{name}, instructions"),
                        who,
                        each,
                        ours,
                        "callgrind",
                    );
                    ours.get_or_insert(each);
                }
                Err(why) => table::nothing(&format!("{name}, instructions"), who, &why),
            }
        }
    }
    Ok(())
}

fn collected(part: &str, file: &str, count: u64) -> Result<f64, String> {
    let this = env::current_exe().map_err(|it| it.to_string())?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this);
    valgrind.args(["once", part, file, &count.to_string()]);
    let output = valgrind.output().map_err(|it| format!("valgrind: {it}"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = text.lines().find_map(|it| it.split_once("Collected :"));
    let number = collected.and_then(|(_, it)| it.trim().parse().ok());
    number.ok_or_else(|| {
        text.lines()
            .last()
            .unwrap_or("valgrind said nothing")
            .to_owned()
    })
}
