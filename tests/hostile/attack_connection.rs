//! A TLS connection from a chosen source address that sends exactly the bytes of a test. Nothing
//! here panics because of the server: a closed connection and a late response are results.

use crate::attacked_server::Server;
use kubevet_testkit::raw_connection::RawResponse;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use socket2::{Domain, Socket, Type};
use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// The source address of API servers and other ordinary clients.
pub(crate) const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The source address of attackers, unless a test uses another one.
pub(crate) const ATTACKER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// The time after which a response counts as missing, if a test does not set one.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// The TLS configuration of a client.
#[derive(Clone)]
pub(crate) struct TlsConfig(Arc<ClientConfig>);

impl TlsConfig {
    /// HTTP/1.1, with the authority that the server has now.
    pub(crate) fn of(server: &Server) -> Self {
        Self::trusting(&server.ca(), &[b"http/1.1"])
    }

    /// HTTP/2.
    pub(crate) fn h2(server: &Server) -> Self {
        Self::trusting(&server.ca(), &[b"h2"])
    }

    /// A configuration that trusts these authorities and offers these protocols.
    pub(crate) fn trusting(ca: &str, protocols: &[&[u8]]) -> Self {
        Self::build(ca, protocols, &[&TLS13, &TLS12], None)
    }

    /// As [`Self::of`], for one TLS version.
    pub(crate) fn version(server: &Server, version: &'static SupportedProtocolVersion) -> Self {
        Self::build(&server.ca(), &[], &[version], None)
    }

    /// As [`Self::of`], with a client certificate (both PEM).
    pub(crate) fn showing(server: &Server, certificate: &str, key: &str) -> Self {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        Self::build(
            &server.ca(),
            &[b"http/1.1"],
            &[&TLS13, &TLS12],
            Some((certificate, key)),
        )
    }

    fn build(
        ca: &str,
        protocols: &[&[u8]],
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some((certificate, key)) => config
                .with_client_auth_cert(vec![certificate], key)
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self(Arc::new(config))
    }
}

/// Opens a TCP connection to the server's port from this source address.
pub(crate) fn connect(server: &Server, from: Ipv4Addr, timeout: Duration) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    socket.connect_timeout(&to.into(), timeout)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A TLS connection with a receive buffer.
pub(crate) struct AttackConnection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
}

impl AttackConnection {
    /// Connects and completes the handshake within this time.
    pub(crate) fn open(
        server: &Server,
        tls: &TlsConfig,
        from: Ipv4Addr,
        timeout: Duration,
    ) -> io::Result<Self> {
        Self::shake_hands(connect(server, from, timeout)?, tls, "localhost", timeout)
    }

    /// As [`Self::open`], over an existing TCP connection, with this server name.
    pub(crate) fn shake_hands(
        mut sock: TcpStream,
        tls: &TlsConfig,
        name: &str,
        timeout: Duration,
    ) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut conn = ClientConnection::new(Arc::clone(&tls.0), name).unwrap();
        while conn.is_handshaking() {
            sock.set_read_timeout(Some(left(deadline)?))?;
            sock.set_write_timeout(Some(left(deadline)?))?;
            conn.complete_io(&mut sock)?;
        }
        sock.set_write_timeout(Some(HANG_TIMEOUT))?;
        Ok(Self {
            stream: StreamOwned::new(conn, sock),
            read: Vec::new(),
        })
    }

    /// A connection of an ordinary client.
    #[track_caller]
    pub(crate) fn ordinary(server: &Server) -> Self {
        Self::open(server, &TlsConfig::of(server), CLIENT_ADDRESS, HANG_TIMEOUT)
            .expect("an ordinary connection")
    }

    /// Sends bytes; false if the peer has closed the connection or no longer reads.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream
            .write_all(bytes)
            .and_then(|()| self.stream.flush())
            .is_ok()
    }

    /// Sets the timeout of sending.
    pub(crate) fn set_send_timeout(&self, timeout: Duration) {
        self.stream.sock.set_write_timeout(Some(timeout)).unwrap();
    }

    /// Sends a request and returns its response, within this time.
    pub(crate) fn post(
        &mut self,
        path: &str,
        body: &[u8],
        timeout: Duration,
    ) -> io::Result<RawResponse> {
        let deadline = Instant::now() + timeout;
        self.stream.sock.set_write_timeout(Some(timeout))?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body)?;
        self.stream.flush()?;
        self.response_until(deadline)
    }

    /// Returns the next response within this time.
    pub(crate) fn response(&mut self, timeout: Duration) -> io::Result<RawResponse> {
        self.response_until(Instant::now() + timeout)
    }

    fn response_until(&mut self, deadline: Instant) -> io::Result<RawResponse> {
        let end = loop {
            match self
                .read
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                Some(place) => break place + 4,
                None => self.more(deadline)?,
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_ascii_lowercase();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|part| part.parse().ok())
            .ok_or(ErrorKind::InvalidData)?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        while self.read.len() < end + length {
            self.more(deadline)?;
        }
        let body = self.read[end..end + length].to_vec();
        self.read.drain(..end + length);
        Ok(RawResponse { status, head, body })
    }

    /// Reads more bytes into the buffer.
    fn more(&mut self, deadline: Instant) -> io::Result<()> {
        self.stream.sock.set_read_timeout(Some(left(deadline)?))?;
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&piece[..count]);
                Ok(())
            }
        }
    }

    /// Reads for this time into the buffer. An error if the connection ends.
    pub(crate) fn listen(&mut self, time: Duration) -> io::Result<()> {
        match self.more(Instant::now() + time) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(())
            }
            other => other,
        }
    }

    /// The received bytes that were not consumed.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.read
    }

    /// True if the server has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        loop {
            let before = self.read.len();
            match self.listen(Duration::from_millis(1)) {
                Err(_) => return true,
                Ok(()) if self.read.len() == before => return false,
                Ok(()) => {}
            }
        }
    }

    /// Closes the sending direction; responses can still be read.
    pub(crate) fn half_close(&mut self) {
        self.stream.conn.send_close_notify();
        let _ = self.stream.flush();
        let _ = self.stream.sock.shutdown(Shutdown::Write);
    }

    /// The certificate of the server.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.stream.conn.alpn_protocol()
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline
        .checked_duration_since(Instant::now())
        .filter(|remaining| !remaining.is_zero());
    left.ok_or_else(|| ErrorKind::TimedOut.into())
}

/// Sends a review of an ordinary client on a new connection.
#[track_caller]
pub(crate) fn post(server: &Server, body: impl AsRef<[u8]>) -> RawResponse {
    AttackConnection::ordinary(server)
        .post("/validate?timeout=10s", body.as_ref(), HANG_TIMEOUT)
        .expect("an answer")
}
