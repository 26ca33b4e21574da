//! A caller that says exactly what a test wants said, byte for byte, over TLS; and what must be true of every answer.

use crate::served::Gate;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::{Map, Value};
use socket2::{Domain, Socket, Type};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

/// How long a read may wait before it counts as never coming.
const PATIENCE: Duration = Duration::from_secs(60);

/// A TLS connection.
pub(crate) struct Line(StreamOwned<ClientConnection, TcpStream>);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The address that ordinary callers send from.
pub(crate) const ORDINARY: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A TCP connection from an address of the loopback network.
pub(crate) fn connect_from(address: Ipv4Addr, gate: &Gate) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket
        .connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, gate.port())).into())
        .unwrap();
    socket.into()
}

impl Line {
    pub(crate) fn open(gate: &Gate) -> Self {
        Self::open_from(ORDINARY, gate)
    }

    /// A connection from an address of the loopback network.
    pub(crate) fn open_from(address: Ipv4Addr, gate: &Gate) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(gate.ca().as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connect_from(address, gate);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(StreamOwned::new(
            ClientConnection::new(Arc::new(config), name).unwrap(),
            stream,
        ))
    }

    /// Sends bytes; false where the other side has gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.0
            .write_all(bytes)
            .and_then(|()| self.0.flush())
            .is_ok()
    }

    /// A whole request with a body of announced length.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Reply {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.send(head.as_bytes());
        self.send(body);
        self.reply().expect("an answer")
    }

    /// Says that nothing more will be sent, and goes on reading.
    pub(crate) fn half_close(&mut self) {
        self.0.conn.send_close_notify();
        self.0.flush().unwrap();
        self.0.sock.shutdown(Shutdown::Write).unwrap();
    }

    /// The next answer; `None` where the connection ends without one.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().unwrap();
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        Some(Reply { status, head, body })
    }

    fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(end) {
            match self.0.read(&mut byte) {
                Ok(1) => bytes.push(byte[0]),
                Ok(_) => return None,
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {
                    panic!("nothing for {PATIENCE:?}")
                }
                Err(_) => return None,
            }
        }
        Some(bytes)
    }
}

/// One call on a connection of its own.
pub(crate) fn post(gate: &Gate, body: impl AsRef<[u8]>) -> Reply {
    Line::open(gate).post("/validate?timeout=30s", body.as_ref())
}

impl Reply {
    /// The response to a review with this uid, held to all that an API server asks of one: exact keys, no patch, a status
    /// only where it denies, warnings within bounds.
    #[track_caller]
    pub(crate) fn response(&self, uid: &str) -> Map<String, Value> {
        assert_eq!(
            self.status,
            200,
            "{}\n{}",
            self.head,
            String::from_utf8_lossy(&self.body)
        );
        assert!(
            self.head.contains("content-type: application/json"),
            "{}",
            self.head
        );
        assert!(self.head.contains("content-length: "), "{}", self.head);
        response(&self.body, uid)
    }

    /// Not a review, so no answer that anybody could take for one.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        assert!(
            !String::from_utf8_lossy(&self.body).contains("allowed"),
            "{self:?}"
        );
    }
}

/// As [`Reply::response`], of a body.
#[track_caller]
pub(crate) fn response(body: &[u8], uid: &str) -> Map<String, Value> {
    let Value::Object(mut review) = serde_json::from_slice(body).unwrap() else {
        panic!("no map")
    };
    assert_eq!(review.remove("apiVersion").unwrap(), "admission.k8s.io/v1");
    assert_eq!(review.remove("kind").unwrap(), "AdmissionReview");
    let Some(Value::Object(response)) = review.remove("response") else {
        panic!("no response")
    };
    assert!(review.is_empty(), "{review:?}");
    let known = ["uid", "allowed", "status", "warnings", "auditAnnotations"];
    assert!(
        response.keys().all(|it| known.contains(&it.as_str())),
        "{response:?}"
    );
    assert_eq!(response["uid"], uid);
    let allowed = response["allowed"].as_bool().unwrap();
    assert_eq!(response.contains_key("status"), !allowed, "{response:?}");
    if let Some(status) = response.get("status") {
        let keys: Vec<&String> = status.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["status", "code", "reason", "message"]);
        assert_eq!(status["status"], "Failure");
        assert!(
            (400..600).contains(&status["code"].as_u64().unwrap()),
            "{status}"
        );
        let message = status["message"].as_str().unwrap();
        assert!(
            !message.is_empty() && message.len() <= 4096,
            "{} bytes",
            message.len()
        );
        assert!(
            message
                .lines()
                .all(|it| it.chars().count() <= 300 && !it.chars().any(char::is_control)),
            "{message}"
        );
    }
    let warnings = response
        .get("warnings")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let lengths: Vec<usize> = warnings
        .iter()
        .map(|it| it.as_str().unwrap().chars().count())
        .collect();
    assert!(
        lengths.iter().all(|it| (1..=120).contains(it)) && lengths.iter().sum::<usize>() < 4096,
        "{warnings:?}"
    );
    assert!(
        warnings
            .iter()
            .all(|it| !it.as_str().unwrap().chars().any(char::is_control)),
        "{warnings:?}"
    );
    let annotations = response.get("auditAnnotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        assert!(
            key.bytes().all(|it| it.is_ascii_lowercase())
                && value.as_str().unwrap().chars().count() <= 8192,
            "{key}"
        );
    }
    response
}

/// A review of creating a Pod of the namespace `shop`, with this uid and this after the usual head of the object.
pub(crate) fn creating(uid: &str, rest_of_pod: &str) -> String {
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{uid}","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{{"username":"ann","groups":["system:authenticated"]}},"oldObject":null,"dryRun":false,"object":{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web","namespace":"shop"}},{rest_of_pod}}}}}}}"#
    )
}

/// The rest of a Pod with one container, privileged or not.
pub(crate) fn container(privileged: bool) -> String {
    format!(
        r#""spec":{{"containers":[{{"name":"a","image":"b","securityContext":{{"privileged":{privileged}}}}}]}}"#
    )
}
