//! A TLS connection that sends exactly the bytes of a test, and the checks that every response to a
//! review must pass.

use crate::{polling::HANG_TIMEOUT, webhook_process::WebhookProcess};
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
};

/// A TLS connection with HTTP/1.1, written to and read from byte by byte.
pub struct RawConnection(StreamOwned<ClientConnection, TcpStream>);

/// A response as received.
#[derive(Debug)]
pub struct RawResponse {
    /// The status code.
    pub status: u16,
    /// The status line and the header fields, in lower case.
    pub head: String,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The source address of ordinary clients.
pub const ORDINARY_ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Opens a TCP connection from a source address of the loopback network.
pub fn connect_from(address: Ipv4Addr, webhook: &WebhookProcess) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket
        .connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, webhook.port())).into())
        .unwrap();
    socket.into()
}

impl RawConnection {
    /// Connects from [`ORDINARY_ADDRESS`].
    pub fn open(webhook: &WebhookProcess) -> Self {
        Self::open_from(ORDINARY_ADDRESS, webhook)
    }

    /// Connects from a source address of the loopback network.
    pub fn open_from(address: Ipv4Addr, webhook: &WebhookProcess) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(webhook.ca().as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connect_from(address, webhook);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
        Self(StreamOwned::new(
            ClientConnection::new(Arc::new(config), name).unwrap(),
            stream,
        ))
    }

    /// Sends bytes; false if the peer has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0
            .write_all(bytes)
            .and_then(|()| self.0.flush())
            .is_ok()
    }

    /// Sends a request with a `Content-Length` and returns the response.
    pub fn post(&mut self, path: &str, body: &[u8]) -> RawResponse {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.send(head.as_bytes());
        self.send(body);
        self.response().expect("an answer")
    }

    /// Closes the sending direction; responses can still be read.
    pub fn half_close(&mut self) {
        self.0.conn.send_close_notify();
        self.0.flush().unwrap();
        self.0.sock.shutdown(Shutdown::Write).unwrap();
    }

    /// Returns the next response; `None` if the connection ends without one.
    pub fn response(&mut self) -> Option<RawResponse> {
        let head = self.read_until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1)?.parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        Some(RawResponse { status, head, body })
    }

    fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(end) {
            match self.0.read(&mut byte) {
                Ok(1) => bytes.push(byte[0]),
                Ok(_) => return None,
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {
                    panic!("nothing for {HANG_TIMEOUT:?}")
                }
                Err(_) => return None,
            }
        }
        Some(bytes)
    }
}

/// Sends a review on a new connection.
pub fn post(webhook: &WebhookProcess, body: impl AsRef<[u8]>) -> RawResponse {
    RawConnection::open(webhook).post("/validate?timeout=30s", body.as_ref())
}

impl RawResponse {
    /// Returns the `response` of the AdmissionReview, after [`check_review`].
    #[track_caller]
    pub fn review_response(&self, uid: &str) -> Map<String, Value> {
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
        check_review(&self.body, uid)
    }

    /// Asserts that the request was rejected with this status, by a body that cannot be mistaken for
    /// a verdict.
    #[track_caller]
    pub fn assert_rejected(&self, status: u16) {
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

/// Returns the `response` of an AdmissionReview. Asserts what an API server demands of it: exact
/// keys, this uid, no patch, a status only on denial, messages and warnings within their bounds.
#[track_caller]
pub fn check_review(body: &[u8], uid: &str) -> Map<String, Value> {
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
        response.keys().all(|key| known.contains(&key.as_str())),
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
                .all(|line| line.chars().count() <= 300 && !line.chars().any(char::is_control)),
            "{message}"
        );
    }
    let warnings = response
        .get("warnings")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let lengths: Vec<usize> = warnings
        .iter()
        .map(|warning| warning.as_str().unwrap().chars().count())
        .collect();
    assert!(
        // What the API server passes on uncut: 256 characters each once all are over 4,096.
        lengths.iter().all(|length| (1..=256).contains(length))
            && lengths.iter().sum::<usize>() <= 4096,
        "{warnings:?}"
    );
    assert!(
        warnings
            .iter()
            .all(|warning| !warning.as_str().unwrap().chars().any(char::is_control)),
        "{warnings:?}"
    );
    let annotations = response.get("auditAnnotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        assert!(
            key.bytes().all(|byte| byte.is_ascii_lowercase())
                && value.as_str().unwrap().chars().count() <= 8192,
            "{key}"
        );
    }
    response
}

/// The review of a CREATE of the Pod `web` in the namespace `shop`. `members` are the members of the
/// Pod after its metadata, such as [`container_spec`].
pub fn create_pod_review(uid: &str, members: &str) -> String {
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{uid}","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{{"username":"ann","groups":["system:authenticated"]}},"oldObject":null,"dryRun":false,"object":{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web","namespace":"shop"}},{members}}}}}}}"#
    )
}

/// The member `spec` of a Pod with one container, privileged or not.
pub fn container_spec(privileged: bool) -> String {
    format!(
        r#""spec":{{"containers":[{{"name":"a","image":"b","securityContext":{{"privileged":{privileged}}}}}]}}"#
    )
}
