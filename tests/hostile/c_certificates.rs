//! C1: certificate files that are damaged while the server runs; f08 covers lost ones. Clients that
//! trust the previous authority are served all the while.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig},
    attack_objects::ordinary_bad,
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup},
};
use kubevet_testkit::polling::wait_for;
use rcgen::{CertificateParams, KeyPair};
use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// A change of the folder, and its owner.
struct Case {
    name: &'static str,
    theirs: bool,
    harm: fn(&Path),
}

fn halve(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

const CASES: &[Case] = &[
    Case {
        name: "C1.1 half of tls.crt, ours",
        theirs: false,
        harm: |folder| halve(&folder.join("tls.crt")),
    },
    Case {
        name: "C1.2 no key in tls.key, ours",
        theirs: false,
        harm: |folder| fs::write(folder.join("tls.key"), "").unwrap(),
    },
    Case {
        name: "C1.3 no pair, ours",
        theirs: false,
        harm: |folder| {
            fs::remove_file(folder.join("tls.crt")).unwrap();
            fs::remove_file(folder.join("tls.key")).unwrap();
        },
    },
    Case {
        name: "C1.6 half of ca.key, ours",
        theirs: false,
        harm: |folder| halve(&folder.join("ca.key")),
    },
    Case {
        name: "C1.7 half of tls.crt, theirs",
        theirs: true,
        harm: |folder| halve(&folder.join("tls.crt")),
    },
    Case {
        name: "C1.8 a key of another pair, theirs",
        theirs: true,
        harm: |folder| {
            fs::write(
                folder.join("tls.key"),
                KeyPair::generate().unwrap().serialize_pem(),
            )
            .unwrap()
        },
    },
    Case {
        name: "C1.9 an expired pair, theirs",
        theirs: true,
        harm: |folder| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
            fs::write(
                folder.join("tls.crt"),
                params.self_signed(&key).unwrap().pem(),
            )
            .unwrap();
            fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
        },
    },
    Case {
        name: "C1.12 /dev/zero, theirs",
        theirs: true,
        harm: |folder| {
            fs::remove_file(folder.join("tls.crt")).unwrap();
            symlink("/dev/zero", folder.join("tls.crt")).unwrap();
        },
    },
];

#[test]
fn c1_damaged_certificates_do_not_affect_clients() {
    let _machine = share_machine();
    let failures: Vec<String> = thread::scope(|scope| {
        let cases: Vec<_> = CASES
            .iter()
            .map(|attempt| scope.spawn(|| damage(attempt)))
            .collect();
        cases
            .into_iter()
            .filter_map(|attempt| attempt.join().unwrap())
            .collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

fn damage(case: &Case) -> Option<String> {
    let mut server = ServerSetup::example().no_decision_log().start();
    if case.theirs {
        fs::remove_file(server.tls().join("ca.key")).unwrap();
        thread::sleep(Duration::from_secs(3));
    }
    let tls = TlsConfig::of(&server);
    let leaf = |server: &Server| {
        AttackConnection::open(server, &tls, CLIENT_ADDRESS, HANG_TIMEOUT)
            .map(|connection| connection.certificate())
    };
    let before = leaf(&server).unwrap();
    (case.harm)(server.tls());
    let start = Instant::now();
    // The server renews its own certificates every 15 s, and polls foreign files every 2 s.
    let time = Duration::from_secs(if case.theirs { 8 } else { scale(18, 30) });
    while start.elapsed() < time {
        match leaf(&server) {
            Err(error) => {
                return Some(format!(
                    "{}: callers are out: {error}: {}",
                    case.name,
                    server.stderr()
                ));
            }
            Ok(value) if case.theirs && value != before => {
                return Some(format!("{}: another pair is served", case.name));
            }
            Ok(_) => thread::sleep(Duration::from_millis(300)),
        }
    }
    server.assert_running();
    assert!(
        server.peak_mib() < 256,
        "{}: {} MiB",
        case.name,
        server.peak_mib()
    );
    None
}

/// As in a mounted Secret, the files are symbolic links, and one link is replaced.
#[test]
fn c1_13_changed_secret_mount_is_served_without_a_lost_call() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    let other = ServerSetup::example().no_decision_log().start();
    fs::remove_file(server.tls().join("ca.key")).unwrap();
    let before = TlsConfig::of(&server);
    for (folder, from) in [("..1", &server), ("..2", &other)] {
        fs::create_dir(server.tls().join(folder)).unwrap();
        for name in ["ca.crt", "tls.crt", "tls.key"] {
            fs::copy(from.tls().join(name), server.tls().join(folder).join(name)).unwrap();
        }
    }
    symlink("..1", server.tls().join("..data")).unwrap();
    for name in ["ca.crt", "tls.crt", "tls.key"] {
        fs::remove_file(server.tls().join(name)).unwrap();
        symlink(Path::new("..data").join(name), server.tls().join(name)).unwrap();
    }
    let after = TlsConfig::of(&other);
    symlink("..2", server.tls().join("..new")).unwrap();
    fs::rename(server.tls().join("..new"), server.tls().join("..data")).unwrap();
    wait_for("the new pair", || {
        // One of the two pairs is served at every moment.
        let [old, new] = [&before, &after]
            .map(|value| AttackConnection::open(&server, value, CLIENT_ADDRESS, HANG_TIMEOUT));
        match (old, new) {
            (_, Ok(mut connection)) => {
                let response = connection
                    .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
                    .unwrap();
                assert_eq!(response.review_response("bad")["allowed"], false);
                Ok(())
            }
            (Ok(_), Err(error)) => Err(error.to_string()),
            (Err(old), Err(new)) => Err(format!("neither: {old}, {new}")),
        }
    });
}
