//! Measures kubevet beside its peers. Each mode prints rows of one table; `run` calls them all.
//! Called by the name `kubevet` it is kubevet, so that whole processes are measured without a second build.
//!
//! | file | is |
//! |---|---|
//! | `contestant`, `sample` | who takes turns at what, and their times |
//! | `table` | the rows |
//! | `ours`, `webhook` | kubevet and its reference tier; its gate |
//! | `rvm`, `peer` | regorus' machine; OPA and CEL as processes |
//! | `rego` | the rules as peers get them |
//! | `load`, `whole`, `process` | loading; whole processes, by clock and by callgrind |
//! | `apiserver`, `cluster` | creates on real API servers with policies or with the webhook |
//! | `count` | allocations |

mod apiserver;
mod cluster;
mod contestant;
mod count;
mod load;
mod ours;
mod peer;
mod process;
mod rego;
mod rvm;
mod sample;
mod table;
mod webhook;
mod whole;

use contestant::{Contestant, Object, compete};
use kubevet::{
    engine::Engine,
    model::{ControlId, Kind},
    policy::{self, Library},
};
use ours::{Ours, Part};
use std::{env, fs, path::PathBuf, process::ExitCode, sync::Arc};

const USAGE: &str = "usage: kubevet-benches head
       kubevet-benches objects FILE...          from bytes to verdict; ORACLE and CEL_PEER name the peers
       kubevet-benches load FILE                the library read and compiled; FILE says which rules peers are given
       kubevet-benches instructions FILE...     under callgrind
       kubevet-benches once whole|read|rvm FILE COUNT
       kubevet-benches scan KUBEVET FOLDER
       kubevet-benches apiserver CONTROLPLANE KUBEVET CLEAN FAILING [NAME=POLICIES.yaml]...
ROUNDS sets how many rounds there are.";

fn main() -> ExitCode {
    if env::args_os()
        .next()
        .is_some_and(|it| PathBuf::from(it).ends_with("kubevet"))
    {
        return kubevet::cli::run();
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["head"] => {
            table::head();
            Ok(())
        }
        ["objects", _, ..] => objects(&arguments[1..]),
        ["load", file] => object(file).and_then(|object| {
            let folder = scratch()?;
            load::load(
                &judges().looking(&object.bytes),
                &oracle_words(),
                &folder,
                rounds(20),
            );
            Ok(())
        }),
        ["instructions", _, ..] => whole::instructions(&arguments[1..]),
        ["once", part, file, count] => once(part, file, count),
        ["scan", kubevet, folder] => whole::scan(kubevet, folder, rounds(20)),
        [
            "apiserver",
            controlplane,
            kubevet,
            clean,
            failing,
            policies @ ..,
        ] => object(clean)
            .and_then(|clean| Ok((clean, object(failing)?)))
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
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn rounds(default: u64) -> u64 {
    env::var("ROUNDS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(default)
}

fn object(file: &str) -> Result<Object, String> {
    let path = fs::canonicalize(file).map_err(|it| format!("{file}: {it}"))?;
    let bytes = fs::read(&path).map_err(|it| format!("{file}: {it}"))?;
    let stem = path.file_stem().and_then(|it| it.to_str()).unwrap_or(file);
    Ok(Object {
        name: format!("{stem} ({} B)", bytes.len()),
        path,
        bytes,
    })
}

/// A folder for what peers are told.
fn scratch() -> Result<PathBuf, String> {
    let folder = env::temp_dir().join(format!("kubevet-benches-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|it| it.to_string())?;
    Ok(folder)
}

fn oracle_words() -> Vec<&'static str> {
    // For the whole life of the process.
    env::var("ORACLE")
        .map(|it| vec![&*it.leak(), "bench"])
        .unwrap_or_default()
}

fn judges() -> Ours {
    let (library, _) = policy::embedded();
    Ours::new(
        "kubevet",
        &Arc::new(Engine::compile(&library).0),
        &library,
        Part::Whole,
    )
}

fn objects(files: &[String]) -> Result<(), String> {
    let (library, _) = policy::embedded();
    let engine = Arc::new(Engine::compile(&library).0);
    let reference = Arc::new(Engine::compile_interpreted(&library).0);
    let folder = scratch()?;
    let mut asked = Vec::new();
    for file in files {
        let object = object(file)?;
        let whole = Ours::new("kubevet", &engine, &library, Part::Whole);
        let looking = whole.looking(&object.bytes);
        // Peers have no index of kinds: on an object that nobody looks at they are asked what they were asked before.
        let unseen = looking.is_empty();
        if !unseen {
            asked = looking;
        }
        allocations(&object, &whole, &library, &asked)?;
        let mut all: Vec<Box<dyn Contestant>> = vec![
            Box::new(whole),
            Box::new(Ours::new(
                "kubevet, reading alone",
                &engine,
                &library,
                Part::Read,
            )),
            Box::new(Ours::new(
                "kubevet, judging alone",
                &engine,
                &library,
                Part::Judge,
            )),
            Box::new(webhook::Webhook::new(
                &engine,
                &library,
                Ours::new("", &engine, &library, Part::Read),
            )),
            Box::new(Ours::new(
                "regorus interpreter",
                &reference,
                &library,
                Part::Whole,
            )),
        ];
        let mut join = |name: &str, made: Result<Box<dyn Contestant>, String>| match made {
            Ok(made) => all.push(made),
            Err(why) => table::nothing(&object.name, name, &why),
        };
        join(
            "regorus RVM",
            rvm::Rvm::new(&library, &asked).map(|it| Box::new(it) as _),
        );
        let words = oracle_words();
        if words.is_empty() {
            join("OPA", Err("not run: ORACLE names no oracle".to_owned()));
        } else {
            let set_up = peer::for_opa(&library, &asked);
            join(
                "OPA",
                peer::Peer::start("OPA", &words, &set_up, &folder).map(|it| Box::new(it) as _),
            );
        }
        if let (Ok(peer), false) = (env::var("CEL_PEER"), unseen) {
            let kind = kind_of(&judges_document(&engine, &library, &object)?);
            let set_up = peer::for_cel(&engine, &library, &asked, &kind);
            for (name, which) in [("cel 0.15", "cel"), ("kube-cel 0.8", "kube-cel")] {
                let started = peer::Peer::start(name, &[&peer, which], &set_up, &folder);
                join(name, started.map(|it| Box::new(it) as _));
            }
        }
        compete(&object, &mut all, rounds(40), !unseen);
    }
    fs::remove_dir_all(&folder).map_err(|it| it.to_string())
}

fn judges_document(
    engine: &Arc<Engine>,
    library: &Library,
    object: &Object,
) -> Result<kubevet::document::Document, String> {
    Ours::new("", engine, library, Part::Read)
        .read(&object.bytes)
        .ok_or_else(|| "the object cannot be read".to_owned())
}

fn kind_of(document: &kubevet::document::Document) -> Kind {
    let text = |key: &str| {
        document
            .root()
            .get(key)
            .and_then(|it| it.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Kind::new(Kind::group_of(&text("apiVersion")).to_owned(), text("kind"))
}

/// Rows of allocations: of reading, of judging, and of the peers in this process.
fn allocations(
    object: &Object,
    ours: &Ours,
    library: &Library,
    asked: &[ControlId],
) -> Result<(), String> {
    let what = format!(
        "{}, allocations",
        object
            .path
            .file_stem()
            .and_then(|it| it.to_str())
            .unwrap_or_default()
    );
    let document = ours
        .read(&object.bytes)
        .ok_or("the object cannot be read")?;
    // What is kept from one judgement to the next is there after the first.
    drop(ours.judge(&document));
    let read = count::allocations(|| ours.read(&object.bytes));
    let judge = count::allocations(|| ours.judge(&document));
    let both = (read + judge) as f64;
    table::figure(
        &what,
        "kubevet",
        both,
        None,
        &format!("{read} in reading, {judge} in judging"),
    );
    match rvm::Rvm::new(library, asked) {
        Ok(mut machine) => {
            let _ = machine.once(&object.bytes);
            let made = count::allocations(|| machine.once(&object.bytes));
            table::figure(&what, "regorus RVM", made as f64, Some(both), "");
        }
        Err(why) => table::nothing(&what, "regorus RVM", &why),
    }
    Ok(())
}

/// Evaluations without a clock, for a profiler.
fn once(part: &str, file: &str, count: &str) -> Result<(), String> {
    let count: u64 = count.parse().map_err(|_| "COUNT is a number")?;
    let bytes = object(file)?.bytes;
    let (library, _) = policy::embedded();
    let engine = Arc::new(Engine::compile(&library).0);
    let part = match part {
        "whole" => Part::Whole,
        "read" => Part::Read,
        "rvm" => {
            let asked = Ours::new("", &engine, &library, Part::Whole).looking(&bytes);
            let mut machine = rvm::Rvm::new(&library, &asked)?;
            for _ in 0..count {
                std::hint::black_box(machine.once(&bytes)?);
            }
            return Ok(());
        }
        _ => return Err(USAGE.to_owned()),
    };
    let ours = Ours::new("kubevet", &engine, &library, part);
    for _ in 0..count {
        std::hint::black_box(ours.once(&bytes));
    }
    Ok(())
}
