//! A blocking HTTP/1.1 client over TLS, and one without TLS: one request on each connection.
//!
//! It writes the request head as it is given, so that a review can break the protocol on purpose.

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

/// The longest time that a read or a write may wait.
const IO_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest head of an answer.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// An answer.
pub(super) struct Response {
    pub(super) status: u16,
    /// The status line and the headers, in lowercase.
    head: String,
    pub(super) body: String,
}

impl Response {
    /// The value of a header; `name` is in lowercase.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers
            .find(|(header, _)| *header == name)
            .map(|(_, value)| value.trim())
    }
}

/// Calls one server, whose certificate must be from one CA and name `localhost`.
pub(super) struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
}

impl Client {
    /// A client of the server at `address`; `ca` is in PEM.
    pub(super) fn new(address: SocketAddr, ca: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
            let certificate = certificate.map_err(|error| format!("the CA: {error}"))?;
            roots
                .add(certificate)
                .map_err(|error| format!("the CA: {error}"))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address,
            config: Arc::new(config),
        })
    }

    /// Sends `head` and `body` on a new connection, and reads the answer.
    pub(super) fn send(&self, head: &str, body: &[u8]) -> Result<Response, String> {
        let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| error.to_string())?;
        exchange(
            StreamOwned::new(connection, connect(self.address)?),
            head,
            body,
        )
    }
}

/// `GET` without TLS.
pub(super) fn get_plain(address: SocketAddr, path: &str) -> Result<Response, String> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    exchange(connect(address)?, &head, &[])
}

fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    for set_timeout in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set_timeout(&stream, Some(IO_TIMEOUT)).map_err(|error| error.to_string())?;
    }
    Ok(stream)
}

fn exchange(mut stream: impl Read + Write, head: &str, body: &[u8]) -> Result<Response, String> {
    let sent = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body))
        .and_then(|()| stream.flush());
    sent.map_err(|error| format!("cannot send: {error}"))?;
    read_response(&mut stream).map_err(|error| format!("no answer: {error}"))
}

/// Reads a head, and a body of the announced length. Chunked answers are not understood: the server
/// sends none.
fn read_response(stream: &mut impl Read) -> Result<Response, String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream
            .read_exact(&mut byte)
            .map_err(|error| error.to_string())?;
        head.extend(byte);
        if head.len() > MAX_HEAD_BYTES {
            return Err("its head does not end".to_owned());
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let mut response = Response {
        status: status.ok_or("its head has no status")?,
        head,
        body: String::new(),
    };
    let length: u64 = response
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .ok_or("its head has no Content-Length")?;
    let mut body = Vec::new();
    stream
        .take(length)
        .read_to_end(&mut body)
        .map_err(|error| error.to_string())?;
    response.body = String::from_utf8_lossy(&body).into_owned();
    Ok(response)
}
