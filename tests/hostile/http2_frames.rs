//! HTTP/2 frame by frame, so that a client can violate single rules of the protocol.

use crate::{
    attack_connection::{AttackConnection, HANG_TIMEOUT, TlsConfig},
    attacked_server::Server,
};
use std::{
    io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
/// The maximum payload of a DATA frame without other settings.
const PIECE: usize = 16_000;

/// The timeout of opening a connection.
const OPENING: Duration = Duration::from_secs(10);

/// A received frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A connection with HTTP/2.
pub(crate) struct Http2Connection {
    connection: AttackConnection,
    next: u32,
    /// The number of bytes that may be sent before the server increases the window.
    window: i64,
    closed: bool,
}

impl Http2Connection {
    /// Connects; `window` is the initial window of each response.
    pub(crate) fn open(server: &Server, from: Ipv4Addr, window: Option<u32>) -> io::Result<Self> {
        let connection = AttackConnection::open(server, &TlsConfig::h2(server), from, OPENING)?;
        assert_eq!(connection.protocol(), Some(&b"h2"[..]));
        let mut this = Self {
            connection,
            next: 1,
            window: 65_535,
            closed: false,
        };
        let setting: Vec<u8> = window
            .map(|window| [&4_u16.to_be_bytes()[..], &window.to_be_bytes()].concat())
            .unwrap_or_default();
        this.send(
            &[
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                &frame(SETTINGS, 0, 0, &setting)[..],
            ]
            .concat(),
        );
        Ok(this)
    }

    /// Sends bytes; false if the peer has closed the connection.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.closed |= !self.connection.send(bytes);
        !self.closed
    }

    /// Sets the timeout of sending.
    pub(crate) fn set_send_timeout(&self, timeout: Duration) {
        self.connection.set_send_timeout(timeout);
    }

    /// Returns the stream and the frames of a review. Without a body these are only its headers,
    /// with an announced length.
    pub(crate) fn review(
        &mut self,
        path: &str,
        length: usize,
        body: Option<&[u8]>,
    ) -> (u32, Vec<u8>) {
        let stream = self.next;
        self.next += 2;
        let length = length.to_string();
        let head = headers(&[
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("content-length", &length),
        ]);
        let mut bytes = frame(HEADERS, END_HEADERS, stream, &head);
        if let Some(body) = body {
            let last = body.len().div_ceil(PIECE).saturating_sub(1);
            for (index, piece) in body.chunks(PIECE).enumerate() {
                bytes.extend(frame(
                    DATA,
                    u8::from(index == last) * END_STREAM,
                    stream,
                    piece,
                ));
            }
        }
        (stream, bytes)
    }

    /// Sends a review within the flow-control window; false if the peer has closed the connection.
    pub(crate) fn send_review(&mut self, path: &str, body: &[u8]) -> bool {
        let needed = i64::try_from(body.len()).unwrap();
        let deadline = Instant::now() + HANG_TIMEOUT;
        while self.window < needed {
            if self.closed || Instant::now() > deadline {
                return false;
            }
            self.frames(Duration::from_millis(20));
        }
        self.window -= needed;
        let (_, bytes) = self.review(path, body.len(), Some(body));
        self.send(&bytes)
    }

    /// Returns the frames that arrive within this time. Settings and pings are acknowledged, as by
    /// any well-behaved client.
    pub(crate) fn frames(&mut self, time: Duration) -> Vec<Frame> {
        let deadline = Instant::now() + time;
        let mut frames = Vec::new();
        while !self.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.closed |= self
                .connection
                .listen(left.max(Duration::from_millis(1)))
                .is_err();
            while let Some(frame) = take(self.connection.buffer()) {
                self.answer(&frame.0, frame.1);
                frames.push(frame.0);
            }
        }
        frames
    }

    fn answer(&mut self, came: &Frame, flags: u8) {
        match came.kind {
            SETTINGS if flags & ACK == 0 => {
                self.closed |= !self.connection.send(&frame(SETTINGS, ACK, 0, &[]))
            }
            PING if flags & ACK == 0 => {
                self.closed |= !self.connection.send(&frame(PING, ACK, 0, &came.payload))
            }
            WINDOW_UPDATE if came.stream == 0 => {
                self.window += i64::from(u32::from_be_bytes(came.payload[..4].try_into().unwrap()));
            }
            _ => {}
        }
    }

    /// True if the server has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.frames(Duration::from_millis(2));
        self.closed
    }
}

/// Encodes a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block of literals without indexing.
pub(crate) fn headers(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in pairs {
        bytes.push(0);
        for string in [name, value] {
            integer(&mut bytes, string.len());
            bytes.extend(string.bytes());
        }
    }
    bytes
}

/// Encodes an integer with a prefix of seven bits (RFC 7541, section 5.1).
pub(crate) fn integer(bytes: &mut Vec<u8>, mut value: usize) {
    if value < 127 {
        return bytes.push(u8::try_from(value).unwrap());
    }
    bytes.push(127);
    value -= 127;
    while value >= 128 {
        bytes.push(u8::try_from(value % 128).unwrap() | 128);
        value /= 128;
    }
    bytes.push(u8::try_from(value).unwrap());
}

/// Removes the first complete frame from a buffer, and returns it with its flags.
fn take(buffer: &mut Vec<u8>) -> Option<(Frame, u8)> {
    let head: [u8; 9] = buffer.get(..9)?.try_into().unwrap();
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let payload = buffer.get(9..9 + length)?.to_vec();
    buffer.drain(..9 + length);
    let stream = u32::from_be_bytes(head[5..9].try_into().unwrap()) & 0x7fff_ffff;
    Some((
        Frame {
            kind: head[3],
            stream,
            payload,
        },
        head[4],
    ))
}
