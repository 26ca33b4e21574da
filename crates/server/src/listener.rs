//! A listening socket: shared with an overlapping process where that is asked for, and closed without losing a caller.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use super::metrics::Metrics;

/// Connections that wait to be taken.
const BACKLOG: i32 = 1024;

/// What one listener bears.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections. Where all places are taken, one that has delivered nothing is closed for a new one.
    pub connections: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// The same, while most places are taken.
    pub handshake_crowded: Duration,
    /// Time for the head of a request, from its first byte (or from the handshake, for the first one).
    pub head: Duration,
    /// Time a connection may wait for its next request. Longer than the 90 s of the API server's client: who waits
    /// longest closes last, and a server that closes first races with the next call.
    pub idle: Duration,
    /// Time an answer may wait to be taken by its caller, before the connection is cut.
    pub taken: Duration,
    /// Streams of one HTTP/2 connection.
    pub streams: u32,
}

impl Limits {
    /// For health and metrics: few connections, which have two seconds each to say what they want.
    #[must_use]
    pub fn of_health() -> Self {
        Self {
            connections: 64,
            head: Duration::from_secs(2),
            idle: Duration::from_secs(120),
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshake: Duration::from_secs(10),
            handshake_crowded: Duration::from_secs(2),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            taken: Duration::from_secs(30),
            streams: 250,
        }
    }
}

/// A bound socket, not yet served.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
}

impl Listener {
    /// Listens on `address` (port 0: any free one), alone. Needs a runtime.
    ///
    /// # Errors
    /// As the system says: in use by another, not ours, not allowed.
    pub fn bind(address: SocketAddr, limits: Limits, metrics: Metrics) -> io::Result<Self> {
        Self::open(address, limits, metrics, false)
    }

    /// As [`Self::bind`], beside other processes of the same user that share the address, too: the kernel spreads new
    /// connections over all. For a hand-over without a gap.
    ///
    /// # Errors
    /// As for [`Self::bind`].
    pub fn bind_shared(address: SocketAddr, limits: Limits, metrics: Metrics) -> io::Result<Self> {
        Self::open(address, limits, metrics, true)
    }

    fn open(
        address: SocketAddr,
        limits: Limits,
        metrics: Metrics,
        shared: bool,
    ) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            socket: TcpListener::from_std(socket.into())?,
            limits,
            metrics,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) async fn accept(&self) -> io::Result<(TcpStream, IpAddr)> {
        let (stream, address) = self.socket.accept().await?;
        // One write is one segment; a caller that vanished is noticed; one that does not read is cut.
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(Duration::from_secs(60))
                .with_interval(Duration::from_secs(15)),
        )?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(Duration::from_secs(30)))?;
        Ok((stream, address.ip()))
    }

    /// Takes one connection that waits, if any does, and closes it.
    pub(super) async fn turn_away(&self) {
        let accepted = std::pin::pin!(self.socket.accept());
        tokio::select! {
            biased;
            _ = accepted => {}
            () = std::future::ready(()) => {}
        }
    }

    /// Lets no new handshake begin, while those on their way still arrive: closing a socket resets whatever stands in
    /// its queue. A caller that is not heard tries again within a second, and then meets another listener of the port.
    pub(super) fn refuse_new(&self) {
        #[cfg(target_os = "linux")]
        {
            use socket2::SockFilter;
            // Byte 13 of a TCP segment holds its flags: drop those with SYN and without ACK.
            let filter = [
                SockFilter::new(0x30, 0, 0, 13),
                SockFilter::new(0x54, 0, 0, 0x12),
                SockFilter::new(0x15, 0, 1, 0x02),
                SockFilter::new(0x06, 0, 0, 0),
                SockFilter::new(0x06, 0, 0, u32::MAX),
            ];
            if let Err(error) = SockRef::from(&self.socket).attach_filter(&filter) {
                tracing::debug!(
                    "new connections cannot be held back while the listener closes: {error}"
                );
            }
        }
    }
}
