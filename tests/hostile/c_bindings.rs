//! C2: binding files that disappear, break, or become something else while the server runs. The
//! last valid state stays in force until there is a new valid one.

use crate::{
    attack_connection::post,
    attack_objects::ordinary_bad,
    attack_scale::{scale, share_machine},
    attacked_server::{EXAMPLE, Server, ServerSetup},
};
use kubevet_testkit::polling::wait_for;
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use std::{
    fs::{self, File, FileTimes},
    os::unix::fs::symlink,
    path::Path,
    thread,
    time::Duration,
};

/// Three polls of the files.
const LOOKS: Duration = Duration::from_secs(6);

fn denies(server: &Server) -> bool {
    post(server, ordinary_bad()).review_response("bad")["allowed"] == false
}

fn file(server: &Server) -> std::path::PathBuf {
    server.path("bindings").join("000.yaml")
}

/// A change of the folder of bindings, and whether the server must report a problem.
struct Case {
    name: &'static str,
    harm: fn(&Path),
    is_problem: bool,
}

const CASES: &[Case] = &[
    Case {
        name: "C2.1 folder removed",
        harm: |folder| fs::remove_dir_all(folder).unwrap(),
        is_problem: true,
    },
    Case {
        name: "C2.2 broken",
        harm: |folder| fs::write(folder.join("000.yaml"), "apiVersion: [").unwrap(),
        is_problem: true,
    },
    Case {
        name: "C2.3 empty",
        harm: |folder| fs::write(folder.join("000.yaml"), "").unwrap(),
        is_problem: true,
    },
    Case {
        name: "C2.4 comments",
        harm: |folder| fs::write(folder.join("000.yaml"), "# gone\n").unwrap(),
        is_problem: true,
    },
    Case {
        name: "C2.5 removed",
        harm: |folder| fs::remove_file(folder.join("000.yaml")).unwrap(),
        is_problem: true,
    },
    Case {
        name: "C2.6 renamed",
        harm: |folder| fs::rename(folder.join("000.yaml"), folder.join("000.yaml.bak")).unwrap(),
        is_problem: true,
    },
    Case {
        name: "C2.9 a pipe",
        harm: |folder| {
            fs::remove_file(folder.join("000.yaml")).unwrap();
            mknodat(
                CWD,
                folder.join("000.yaml"),
                FileType::Fifo,
                Mode::RUSR | Mode::WUSR,
                0,
            )
            .unwrap();
        },
        is_problem: true,
    },
    Case {
        name: "C2.10 /dev/zero",
        harm: |folder| {
            fs::remove_file(folder.join("000.yaml")).unwrap();
            symlink("/dev/zero", folder.join("000.yaml")).unwrap();
        },
        is_problem: true,
    },
    Case {
        name: "C2.11 a loop",
        harm: |folder| symlink(folder, folder.join("loop")).unwrap(),
        is_problem: false,
    },
    Case {
        name: "C2.12 a large file beside it",
        harm: |folder| {
            fs::write(
                folder.join("z.yaml"),
                "a: b\n".repeat(scale(2, 20) * 1_000_000),
            )
            .unwrap()
        },
        is_problem: true,
    },
    Case {
        name: "C2.14 a mounted ConfigMap",
        harm: |folder| {
            fs::create_dir(folder.join("..1")).unwrap();
            fs::rename(folder.join("000.yaml"), folder.join("..1/000.yaml")).unwrap();
            symlink("..1", folder.join("..data")).unwrap();
            symlink("..data/000.yaml", folder.join("000.yaml")).unwrap();
        },
        is_problem: false,
    },
];

#[test]
fn c2_missing_or_broken_bindings_leave_the_last_valid_ones_in_force() {
    let _machine = share_machine();
    // Each case has its own server, and all run at the same time.
    let failures: Vec<String> = thread::scope(|scope| {
        let cases: Vec<_> = CASES
            .iter()
            .map(|attempt| scope.spawn(|| harmed(attempt)))
            .collect();
        cases
            .into_iter()
            .filter_map(|attempt| attempt.join().unwrap())
            .collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

fn harmed(case: &Case) -> Option<String> {
    let mut server = ServerSetup::example().no_decision_log().start();
    assert!(denies(&server));
    (case.harm)(&server.path("bindings"));
    if case.is_problem {
        wait_for(case.name, || {
            match server.metric("kubevet_library_problems") {
                0.0 => Err(server.stderr()),
                _ => Ok(()),
            }
        });
    }
    thread::sleep(LOOKS);
    if !denies(&server) {
        return Some(format!(
            "{}: it no longer denies: {}",
            case.name,
            server.stderr()
        ));
    }
    server.assert_running();
    // A repaired file is loaded.
    if case.is_problem && !case.name.starts_with("C2.12") {
        let folder = server.path("bindings");
        let _ = fs::remove_file(folder.join("000.yaml"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("000.yaml"), EXAMPLE.replace("[Deny]", "[Warn]")).unwrap();
        wait_for(case.name, || {
            if denies(&server) {
                Err(server.stderr())
            } else {
                Ok(())
            }
        });
    }
    None
}

/// A changed file with the same size and time is read on SIGHUP at the latest.
#[test]
fn c2_15_change_with_same_size_and_time_is_read_on_sighup() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    let path = file(&server);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, EXAMPLE.replace("[Deny]", "[Warn]")).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_times(FileTimes::new().set_modified(time))
        .unwrap();
    server.signal(Signal::HUP);
    wait_for("the change", || {
        if denies(&server) {
            Err(server.stderr())
        } else {
            Ok(())
        }
    });
}

#[test]
fn c2_13_thousands_of_bindings_are_accepted_or_rejected_and_the_first_still_denies() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    for index in 0..scale(1000, 5000) {
        server.bind(
            &format!("b{index}.yaml"),
            &EXAMPLE.replace("name: security", &format!("name: s{index}")),
        );
    }
    let generation = |server: &Server| {
        server.metric("kubevet_library_generation") + server.metric("kubevet_library_problems")
    };
    wait_for("them to be looked at", || {
        if generation(&server) > 1.0 {
            Ok(())
        } else {
            Err(server.stderr())
        }
    });
    thread::sleep(LOOKS);
    assert!(denies(&server));
    server.assert_running();
}
