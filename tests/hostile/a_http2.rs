//! A10: floods of HTTP/2 frames. The connection is closed or the work stays bounded, and other
//! clients are not delayed.

use crate::{
    attack_connection::{ATTACKER_ADDRESS, CLIENT_ADDRESS},
    attack_objects::ordinary_bad,
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup},
    baseline_traffic::with_baseline_traffic,
    http2_frames::{
        CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, Http2Connection, PING, RST_STREAM,
        SETTINGS, frame, headers, integer,
    },
};
use std::time::Duration;

/// The memory growth that a flood may cause, in MiB.
const GROWTH_MAX_MIB: u64 = 64;
/// The CPU time that no flood of this size may reach.
const CPU_MAX: Duration = Duration::from_secs(20);

fn bounded(attack: impl FnOnce(&Server, &mut Http2Connection)) {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let before = server.rss_mib();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
        let mut connection = Http2Connection::open(&server, ATTACKER_ADDRESS, None).unwrap();
        connection.set_send_timeout(Duration::from_secs(2));
        attack(&server, &mut connection);
        progress.rounds(3);
    });
    baseline.assert_undisturbed();
    let grown = server.peak_mib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_MIB, "{grown} MiB more");
    assert!(server.cpu() < CPU_MAX, "{:?}", server.cpu());
    server.assert_running();
}

/// Sends the same frames repeatedly, and returns how often they were accepted.
fn flood(
    connection: &mut Http2Connection,
    times: usize,
    mut next: impl FnMut(&mut Http2Connection) -> Vec<u8>,
) -> usize {
    (0..times)
        .take_while(|_| {
            let bytes = next(connection);
            connection.send(&bytes)
        })
        .count()
}

#[test]
fn a10_1_a10_2_rapid_reset_closes_the_connection() {
    let body = ordinary_bad();
    for (with_body, batch, times) in [(false, 500, 100), (true, 100, 200)] {
        bounded(|_, connection| {
            let sent = flood(connection, times, |connection| {
                let mut bytes = Vec::new();
                for _ in 0..batch {
                    let body = with_body.then_some(body.as_bytes());
                    let (stream, head) =
                        connection.review("/validate", 100.max(body.map_or(0, <[u8]>::len)), body);
                    bytes.extend(head);
                    bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
                }
                bytes
            });
            connection.frames(Duration::from_secs(2));
            assert!(
                sent < times || connection.is_closed(),
                "{sent} batches of {batch} and it goes on"
            );
        });
    }
}

#[test]
fn a10_3_excess_streams_are_refused_and_others_answered() {
    let body = ordinary_bad();
    bounded(|_, connection| {
        let bytes: Vec<u8> = (0..1000)
            .flat_map(|_| {
                connection
                    .review("/validate", body.len(), Some(body.as_bytes()))
                    .1
            })
            .collect();
        connection.send(&bytes);
        let frames = connection.frames(Duration::from_secs(2));
        let answers = frames
            .iter()
            .filter(|frame| frame.kind == DATA && !frame.payload.is_empty());
        for answer in answers {
            assert!(!String::from_utf8_lossy(&answer.payload).contains("\"allowed\":true"));
        }
        let refused = frames
            .iter()
            .filter(|frame| frame.kind == RST_STREAM)
            .count();
        assert!(
            refused > 0 || frames.iter().any(|frame| frame.kind == GOAWAY),
            "1,000 streams at once"
        );
    });
}

#[test]
fn a10_4_endless_header_block_is_cut() {
    bounded(|_, connection| {
        let first = headers(&[
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "x"),
            (":path", "/validate"),
        ]);
        connection.send(&frame(HEADERS, 0, 1, &first));
        let more = frame(CONTINUATION, 0, 1, &headers(&[("x-a", &"a".repeat(254))]));
        let sent = flood(connection, 20_000, |_| more.clone());
        connection.frames(Duration::from_secs(1));
        assert!(
            sent < 20_000 || connection.is_closed(),
            "{sent} CONTINUATION frames"
        );
    });
}

#[test]
fn a10_5_a10_6_unread_ping_and_settings_acks_stay_bounded() {
    let ping = frame(PING, 0, 0, b"12345678").repeat(1000);
    let setting = [&3_u16.to_be_bytes()[..], &100_u32.to_be_bytes()].concat();
    let settings = frame(SETTINGS, 0, 0, &setting).repeat(1000);
    for bytes in [ping, settings] {
        bounded(|_, connection| {
            flood(connection, scale(100, 400), |_| bytes.clone());
        });
    }
}

/// One entry of the header table, referenced so often that it would be 58 MB of headers.
#[test]
fn a10_7_header_compression_bomb_is_refused() {
    bounded(|_, connection| {
        let mut block = headers(&[
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "x"),
            (":path", "/validate"),
        ]);
        // A literal header with indexing: it has index 62 from here on.
        block.push(0x40);
        integer(&mut block, 1);
        block.push(b'a');
        integer(&mut block, 3900);
        block.extend(vec![b'b'; 3900]);
        block.extend(vec![0x80 | 62; 15_000]);
        let (first, second) = block.split_at(16_000);
        connection.send(&frame(HEADERS, 0, 1, first));
        connection.send(&frame(CONTINUATION, END_HEADERS, 1, second));
        let frames = connection.frames(Duration::from_secs(1));
        let refused = frames
            .iter()
            .any(|frame| matches!(frame.kind, GOAWAY | RST_STREAM | HEADERS));
        assert!(refused || connection.is_closed(), "{frames:?}");
    });
}
