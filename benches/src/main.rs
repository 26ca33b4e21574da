//! Measures kubevet and its peers. Each mode prints rows of one table; the script `run` calls all
//! modes. If the binary is called by the name `kubevet`, it runs kubevet's command line, so that
//! whole processes are measured without a second build.
//!
//! | file | content |
//! |---|---|
//! | `subject`, `sample` | the implementations under measurement, their rounds and their times |
//! | `table` | the table's rows |
//! | `kubevet_subject`, `webhook` | kubevet and its interpreter; its webhook |
//! | `rvm`, `peer` | regorus' virtual machine; OPA and CEL as processes |
//! | `rego` | the rules in the form that peers read |
//! | `load` | the time to load the library |
//! | `growth`, `oracle` | costs as the library, the number of containers and the object grow |
//! | `whole_process`, `process` | whole processes, by clock and by callgrind |
//! | `apiserver`, `cluster` | creates on real API servers with policies or with the webhook |
//! | `operator` | the operator on a simulated cluster, beside reflectors |
//! | `allocation_counter` | the number of allocations |

mod allocation_counter;
mod apiserver;
mod cluster;
mod growth;
mod kubevet_subject;
mod load;
mod operator;
mod oracle;
mod peer;
mod process;
mod rego;
mod rvm;
mod sample;
mod subject;
mod table;
mod webhook;
mod whole_process;

use kubevet_engine::Engine;
use kubevet_model::{ControlId, Kind};
use kubevet_policy::{self as policy, Library};
use kubevet_subject::{KubevetSubject, Part};
use std::{env, fs, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use subject::{Object, Subject, compare};

const USAGE: &str = "usage: kubevet-benches head
       kubevet-benches objects FILE...          from bytes to verdict; ORACLE and CEL_PEER name the peers
       kubevet-benches load FILE                the library read and compiled; FILE selects the rules that peers get
       kubevet-benches growth KUBEVET FILE      costs over the number of controls and containers, and the size
       kubevet-benches controls FILE            the share of each control in the time of an object
       kubevet-benches instructions FILE...     under callgrind
       kubevet-benches once whole|read|rvm FILE COUNT
       kubevet-benches scan KUBEVET DIRECTORY
       kubevet-benches apiserver CONTROLPLANE KUBEVET CLEAN FAILING [NAME=POLICIES.yaml]...
       kubevet-benches operator KUBEVET CONTROLPLANE CLUSTER_SIM OBJECTS RATE SECONDS
       kubevet-benches reflectors KUBECONFIG    kube's reflectors, until stdin ends
ROUNDS sets the number of rounds.";

fn main() -> ExitCode {
    if env::args_os()
        .next()
        .is_some_and(|program| PathBuf::from(program).ends_with("kubevet"))
    {
        return kubevet::cli::run();
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mode: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match mode.as_slice() {
        ["head"] => {
            table::print_header();
            Ok(())
        }
        ["objects", _, ..] => objects(&arguments[1..]),
        ["load", file] => read_object(file).and_then(|object| {
            let directory = create_temp_dir()?;
            load::run(
                &kubevet_subject().evaluated_controls(&object.bytes),
                &oracle_command(),
                &directory,
                rounds(20),
            );
            Ok(())
        }),
        ["growth", kubevet, file] => growth(kubevet, file),
        ["controls", file] => read_object(file).map(|object| growth::controls(&object, rounds(20))),
        ["instructions", _, ..] => whole_process::instructions(&arguments[1..]),
        ["once", part, file, count] => once(part, file, count),
        ["scan", kubevet, directory] => whole_process::scan(kubevet, directory, rounds(20)),
        [
            "apiserver",
            controlplane,
            kubevet,
            clean,
            failing,
            policies @ ..,
        ] => read_object(clean)
            .and_then(|clean| Ok((clean, read_object(failing)?)))
            .and_then(|(clean, failing)| {
                apiserver::run(
                    controlplane,
                    kubevet,
                    &clean,
                    &failing,
                    policies,
                    rounds(300),
                )
            }),
        [
            "operator",
            kubevet,
            controlplane,
            cluster_sim,
            objects,
            rate,
            seconds,
        ] => match (objects.parse(), rate.parse(), seconds.parse()) {
            (Ok(objects), Ok(rate), Ok(seconds)) => operator::run(&operator::OperatorBench {
                kubevet,
                controlplane,
                cluster_sim,
                objects,
                rate,
                lasting: Duration::from_secs(seconds),
            }),
            _ => Err(USAGE.to_owned()),
        },
        ["reflectors", kubeconfig] => operator::reflectors(kubeconfig),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The number of rounds: `ROUNDS`, or the default of the mode.
fn rounds(default: u64) -> u64 {
    env::var("ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(default)
}

/// Reads an object's file.
fn read_object(file: &str) -> Result<Object, String> {
    let path = fs::canonicalize(file).map_err(|error| format!("{file}: {error}"))?;
    let bytes = fs::read(&path).map_err(|error| format!("{file}: {error}"))?;
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(file);
    Ok(Object {
        name: format!("{stem} ({} B)", bytes.len()),
        path,
        bytes,
    })
}

/// Creates the directory for the setup files of peers.
fn create_temp_dir() -> Result<PathBuf, String> {
    let directory = env::temp_dir().join(format!("kubevet-benches-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    Ok(directory)
}

/// The command that runs OPA; empty if `ORACLE` is not set.
fn oracle_command() -> Vec<&'static str> {
    // Leaked: the arguments live as long as the process.
    env::var("ORACLE")
        .map(|oracle| vec![&*oracle.leak(), "bench"])
        .unwrap_or_default()
}

/// Prints the rows of growth for a Deployment.
fn growth(kubevet: &str, file: &str) -> Result<(), String> {
    let directory = create_temp_dir()?;
    let growth = growth::Growth {
        kubevet,
        opa: &oracle_command(),
        directory: &directory,
        rounds: rounds(5),
    };
    growth.run(&read_object(file)?)?;
    fs::remove_dir_all(&directory).map_err(|error| error.to_string())
}

/// The compiled engine on the embedded library.
fn kubevet_subject() -> KubevetSubject {
    let (library, _) = policy::embedded();
    KubevetSubject::new(
        "kubevet",
        &Arc::new(Engine::compile(&library).0),
        &library,
        Part::Whole,
    )
}

/// Prints the rows of each object: allocations, then the times of all subjects.
fn objects(files: &[String]) -> Result<(), String> {
    let (library, _) = policy::embedded();
    let engine = Arc::new(Engine::compile(&library).0);
    let interpreter = Arc::new(Engine::compile_interpreted(&library).0);
    let directory = create_temp_dir()?;
    let mut controls = Vec::new();
    for file in files {
        let object = read_object(file)?;
        let whole = KubevetSubject::new("kubevet", &engine, &library, Part::Whole);
        let evaluated = whole.evaluated_controls(&object.bytes);
        // Peers have no index of kinds. For an object that no control matches they get the controls
        // of the object before.
        let is_matched = !evaluated.is_empty();
        if is_matched {
            controls = evaluated;
        }
        print_allocations(&object, &whole, &library, &controls)?;
        let mut subjects: Vec<Box<dyn Subject>> = vec![
            Box::new(whole),
            Box::new(KubevetSubject::new(
                "kubevet, reading alone",
                &engine,
                &library,
                Part::Read,
            )),
            Box::new(KubevetSubject::new(
                "kubevet, judging alone",
                &engine,
                &library,
                Part::Evaluate,
            )),
            Box::new(webhook::WebhookSubject::new(
                &engine,
                &library,
                KubevetSubject::new("", &engine, &library, Part::Read),
            )),
            Box::new(KubevetSubject::new(
                "regorus interpreter",
                &interpreter,
                &library,
                Part::Whole,
            )),
        ];
        let mut add = |name: &str, started: Result<Box<dyn Subject>, String>| match started {
            Ok(subject) => subjects.push(subject),
            Err(error) => table::print_unavailable(&object.name, name, &error),
        };
        add(
            "regorus RVM",
            rvm::Rvm::new(&library, &controls).map(|subject| Box::new(subject) as _),
        );
        let oracle = oracle_command();
        if oracle.is_empty() {
            add("OPA", Err("not run: ORACLE names no oracle".to_owned()));
        } else {
            let setup = peer::opa_setup(&library, &controls);
            add(
                "OPA",
                peer::Peer::start("OPA", &oracle, &setup, &directory)
                    .map(|subject| Box::new(subject) as _),
            );
        }
        if let (Ok(peer), true) = (env::var("CEL_PEER"), is_matched) {
            let kind = kind_of(&read_document(&engine, &library, &object)?);
            let setup = peer::cel_setup(&engine, &library, &controls, &kind);
            for (name, dialect) in [("cel 0.15", "cel"), ("kube-cel 0.8", "kube-cel")] {
                let started = peer::Peer::start(name, &[&peer, dialect], &setup, &directory);
                add(name, started.map(|subject| Box::new(subject) as _));
            }
        }
        compare(&object, &mut subjects, rounds(40), is_matched);
    }
    fs::remove_dir_all(&directory).map_err(|error| error.to_string())
}

/// Parses the object with kubevet's reader.
fn read_document(
    engine: &Arc<Engine>,
    library: &Library,
    object: &Object,
) -> Result<kubevet_document::Document, String> {
    KubevetSubject::new("", engine, library, Part::Read)
        .read(&object.bytes)
        .ok_or_else(|| "the object cannot be read".to_owned())
}

/// The API group and kind of an object.
fn kind_of(document: &kubevet_document::Document) -> Kind {
    let field = |key: &str| {
        document
            .root()
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Kind::new(
        Kind::group_of(&field("apiVersion")).to_owned(),
        field("kind"),
    )
}

/// Prints the rows of allocations: kubevet's and those of the peer in this process.
fn print_allocations(
    object: &Object,
    subject: &KubevetSubject,
    library: &Library,
    controls: &[ControlId],
) -> Result<(), String> {
    let measurement = format!(
        "{}, allocations",
        object
            .path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
    );
    let document = subject
        .read(&object.bytes)
        .ok_or("the object cannot be read")?;
    // The first evaluation fills the caches that later ones reuse.
    drop(subject.evaluate(&document));
    let read = allocation_counter::count_allocations(|| subject.read(&object.bytes));
    let evaluate = allocation_counter::count_allocations(|| subject.evaluate(&document));
    let both = (read + evaluate) as f64;
    table::print_figure(
        &measurement,
        "kubevet",
        both,
        None,
        &format!("{read} in reading, {evaluate} in judging"),
    );
    match rvm::Rvm::new(library, controls) {
        Ok(mut machine) => {
            let _ = machine.once(&object.bytes);
            let count = allocation_counter::count_allocations(|| machine.once(&object.bytes));
            table::print_figure(&measurement, "regorus RVM", count as f64, Some(both), "");
        }
        Err(error) => table::print_unavailable(&measurement, "regorus RVM", &error),
    }
    Ok(())
}

/// Evaluates an object `count` times without measuring, for a profiler.
fn once(part: &str, file: &str, count: &str) -> Result<(), String> {
    let count: u64 = count.parse().map_err(|_| "COUNT is a number")?;
    let bytes = read_object(file)?.bytes;
    let (library, _) = policy::embedded();
    let engine = Arc::new(Engine::compile(&library).0);
    let part = match part {
        "whole" => Part::Whole,
        "read" => Part::Read,
        "rvm" => {
            let controls =
                KubevetSubject::new("", &engine, &library, Part::Whole).evaluated_controls(&bytes);
            let mut machine = rvm::Rvm::new(&library, &controls)?;
            for _ in 0..count {
                std::hint::black_box(machine.once(&bytes)?);
            }
            return Ok(());
        }
        _ => return Err(USAGE.to_owned()),
    };
    let subject = KubevetSubject::new("kubevet", &engine, &library, part);
    for _ in 0..count {
        std::hint::black_box(subject.once(&bytes));
    }
    Ok(())
}
