//! F8: a lost folder of certificates led to a new authority, which no client trusts.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig},
    attack_objects::ordinary_bad,
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup, assert_denied},
};
use kubevet_testkit::{polling::wait_for, webhook_process::free_port};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// Longer than the server's renewal interval (15 s), several times in the nightly form.
fn turns() -> Duration {
    Duration::from_secs(scale(22, 50))
}

/// Checks that a client that trusts this authority is still served.
fn still_trusted(server: &Server, ca: &str) -> Result<(), String> {
    let tls = TlsConfig::trusting(ca, &[b"http/1.1"]);
    AttackConnection::open(server, &tls, CLIENT_ADDRESS, HANG_TIMEOUT)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// A change of the folder, its owner, and the state that must not follow after some renewal
/// intervals.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    theirs: bool,
    harm: fn(&Server),
    /// The time after which everything is restored, if any.
    back_after: Option<Duration>,
}

fn remove_all(server: &Server) {
    fs::remove_dir_all(server.tls()).unwrap();
}

const CASES: [Case; 5] = [
    Case {
        name: "C1.4 the whole folder removed, ours",
        theirs: false,
        harm: remove_all,
        back_after: None,
    },
    Case {
        name: "C1.5 ca.crt emptied, ours",
        theirs: false,
        harm: |folder| fs::write(folder.tls().join("ca.crt"), "").unwrap(),
        back_after: None,
    },
    Case {
        name: "C1.10 the whole folder removed, theirs",
        theirs: true,
        harm: remove_all,
        back_after: None,
    },
    Case {
        name: "C1.10 the three files gone for a while, theirs",
        theirs: true,
        harm: |folder| {
            for name in ["ca.crt", "tls.crt", "tls.key"] {
                fs::remove_file(folder.tls().join(name)).unwrap();
            }
        },
        back_after: Some(Duration::from_secs(17)),
    },
    Case {
        name: "ca.crt gone, ours",
        theirs: false,
        harm: |folder| fs::remove_file(folder.tls().join("ca.crt")).unwrap(),
        back_after: None,
    },
];

#[test]
fn f8_c1_lost_files_create_no_new_authority_while_a_valid_pair_is_in_force() {
    let _machine = share_machine();
    let failures: Vec<String> = thread::scope(|scope| {
        let cases: Vec<_> = CASES
            .iter()
            .map(|attempt| scope.spawn(move || (attempt.name, lose(*attempt))))
            .collect();
        cases
            .into_iter()
            .map(|attempt| attempt.join().unwrap())
            .filter_map(|(name, attempt)| Some(format!("{name}: {}", attempt?)))
            .collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Returns the failure, if any.
fn lose(case: Case) -> Option<String> {
    let names = ["ca.crt", "tls.crt", "tls.key"];
    let given = tempfile::tempdir().unwrap();
    let mut server = ServerSetup::example().no_decision_log().start();
    if case.theirs {
        // A folder without the key of the authority is managed by someone else.
        let folder = given.path().join("theirs");
        fs::create_dir(&folder).unwrap();
        for name in names {
            fs::copy(server.tls().join(name), folder.join(name)).unwrap();
        }
        server = ServerSetup::example()
            .no_decision_log()
            .on(free_port(), &folder)
            .start();
    }
    let ca = server.ca();
    let saved = names.map(|name| (name, fs::read(server.tls().join(name)).unwrap()));
    (case.harm)(&server);
    let start = Instant::now();
    let mut back = case.back_after;
    while start.elapsed() < turns() {
        if back.is_some_and(|back| start.elapsed() > back) {
            back = None;
            fs::create_dir_all(server.tls()).unwrap();
            for (name, bytes) in &saved {
                fs::write(server.tls().join(name), bytes).unwrap();
            }
        }
        if let Err(error) = still_trusted(&server, &ca) {
            let seconds = start.elapsed().as_secs();
            return Some(format!(
                "after {seconds} s callers are out: {error}: {}",
                server.stderr()
            ));
        }
        if case.theirs && server.tls().join("ca.key").exists() {
            return Some(format!(
                "it wrote ca.key into somebody else's folder: {}",
                server.stderr()
            ));
        }
        thread::sleep(Duration::from_millis(500));
    }
    let mut connection = AttackConnection::open(
        &server,
        &TlsConfig::trusting(&ca, &[]),
        CLIENT_ADDRESS,
        HANG_TIMEOUT,
    )
    .unwrap();
    assert_denied(
        &connection
            .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
            .unwrap(),
        "bad",
        403,
        "C-0057",
    );
    server.assert_running();
    None
}

#[test]
fn f8_c1_14_pipe_in_place_of_a_certificate_does_not_block_the_watch() {
    let _machine = share_machine();
    let mut server = ServerSetup::example()
        .no_decision_log()
        .flags(&["--drain-delay", "50ms"])
        .start();
    let other = ServerSetup::example().no_decision_log().start();
    fs::remove_file(server.tls().join("ca.key")).unwrap();
    thread::sleep(Duration::from_secs(3));
    let file = server.tls().join("tls.crt");
    fs::remove_file(&file).unwrap();
    mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // Longer than every poll and renewal interval, the slowest of which is 15 s.
    thread::sleep(Duration::from_secs(17));
    for name in ["tls.crt", "tls.key", "ca.crt"] {
        let aside = server.tls().join("aside");
        fs::copy(other.tls().join(name), &aside).unwrap();
        fs::rename(&aside, server.tls().join(name)).unwrap();
    }
    let theirs = TlsConfig::trusting(&other.ca(), &[]);
    wait_for(
        "the pair that was put in place",
        || match AttackConnection::open(&server, &theirs, CLIENT_ADDRESS, HANG_TIMEOUT) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{error}: {}", server.stderr())),
        },
    );
    server.signal(Signal::TERM);
    assert_eq!(
        server
            .ends_within(HANG_TIMEOUT)
            .and_then(|status| status.code()),
        Some(0),
        "C1.15"
    );
}
