//! A8: old or weak TLS, and no TLS.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig, connect},
    attack_objects::ordinary_bad,
    attack_scale::share_machine,
    attacked_server::{Server, ServerSetup, assert_denied},
};
use rustls::version::{TLS12, TLS13};
use std::io::{Read as _, Write as _};

/// A ClientHello with this maximum version and these cipher suites, without extensions.
fn hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites
        .iter()
        .flat_map(|suite| suite.to_be_bytes())
        .collect();
    let length = u16::try_from(suites.len()).unwrap().to_be_bytes();
    let body = [&version[..], &[7; 32], &[0], &length, &suites, &[1, 0]].concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let handshake = [&[1, 0], &length[..], &body].concat();
    let length = u16::try_from(handshake.len()).unwrap().to_be_bytes();
    [&[0x16, 3, 1], &length[..], &handshake].concat()
}

/// Everything the server sends in response to these bytes before it closes.
fn answer(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(server, CLIENT_ADDRESS, HANG_TIMEOUT).unwrap();
    stream.set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn a8_old_versions_and_weak_ciphers_are_refused() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let weak = [0x002f, 0x0035, 0x003c, 0x000a, 0x0005];
    let modern = [0xc02b, 0xc02f, 0xcca9];
    for (name, bytes) in [
        ("A8.1 TLS 1.0", hello([3, 1], &[0xc013, 0xc014, 0x002f])),
        ("A8.2 TLS 1.1", hello([3, 2], &[0xc013, 0xc014, 0x002f])),
        ("A8.6 CBC and RSA", hello([3, 3], &weak)),
        ("SSL 3.0", hello([3, 0], &modern)),
        (
            "A8.8 nonsense",
            (0..200_000_u32)
                .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect(),
        ),
    ] {
        let answer = answer(&server, &bytes);
        // An alert, a reset, or nothing, but never a ServerHello.
        assert!(
            answer.first().is_none_or(|byte| *byte == 0x15),
            "{name}: {:?}",
            &answer[..answer.len().min(20)]
        );
    }
    let plain = answer(&server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(!plain.starts_with(b"HTTP"), "A8.7");
    server.assert_running();
}

#[test]
fn a8_every_form_of_modern_tls_is_served() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    for (name, tls, host) in [
        (
            "A8.3 TLS 1.2",
            TlsConfig::version(&server, &TLS12),
            "localhost",
        ),
        ("TLS 1.3", TlsConfig::version(&server, &TLS13), "localhost"),
        // A client that connects by address sends no server name.
        ("A8.4 without a name", TlsConfig::of(&server), "127.0.0.1"),
    ] {
        let stream = connect(&server, CLIENT_ADDRESS, HANG_TIMEOUT).unwrap();
        let mut connection = AttackConnection::shake_hands(stream, &tls, host, HANG_TIMEOUT)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_denied(
            &connection
                .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
                .unwrap(),
            "bad",
            403,
            "C-0057",
        );
    }
    let stream = connect(&server, CLIENT_ADDRESS, HANG_TIMEOUT).unwrap();
    let other = TlsConfig::trusting(&server.ca(), &[b"gopher"]);
    assert!(
        AttackConnection::shake_hands(stream, &other, "localhost", HANG_TIMEOUT).is_err(),
        "A8.9"
    );
    // A client rejects a name that the certificate lacks; this is no fault of the server.
    let stream = connect(&server, CLIENT_ADDRESS, HANG_TIMEOUT).unwrap();
    assert!(
        AttackConnection::shake_hands(
            stream,
            &TlsConfig::of(&server),
            "other.example.com",
            HANG_TIMEOUT
        )
        .is_err(),
        "A8.5"
    );
}
