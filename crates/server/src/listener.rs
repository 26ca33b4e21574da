//! A listening socket. It can share its address with an overlapping process, and it is closed
//! without resetting the connections of callers that are still on their way.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use super::metrics::ServerMetrics;

/// The number of connections that the kernel queues before they are accepted.
const BACKLOG: i32 = 1024;
/// The idle time after which the kernel probes a connection, and the time between two probes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// The time that sent data may stay unacknowledged before the kernel closes the connection.
#[cfg(target_os = "linux")]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// The number of open connections. At the limit, a connection that has delivered nothing is
    /// closed in favour of a new one.
    pub max_connections: usize,
    /// The time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// The time for a TLS handshake while most slots are in use.
    pub crowded_handshake_timeout: Duration,
    /// The time for the head of a request, from its first byte; for the first request of a
    /// connection, from the handshake.
    pub header_timeout: Duration,
    /// The time that a connection may wait for its next request. It is longer than the 90 s of the
    /// API server's client: a server that closes first races with the next call.
    pub idle_timeout: Duration,
    /// The time that a response may wait for its caller to read it. Then the connection is closed.
    pub send_timeout: Duration,
    /// The number of concurrent streams of one HTTP/2 connection.
    pub max_streams: u32,
}

impl ConnectionLimits {
    /// The limits for health and metrics: few connections, with 2 s each for a request.
    #[must_use]
    pub fn for_health() -> Self {
        Self {
            max_connections: 64,
            header_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(120),
            ..Self::default()
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            handshake_timeout: Duration::from_secs(10),
            crowded_handshake_timeout: Duration::from_secs(2),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            send_timeout: Duration::from_secs(30),
            max_streams: 250,
        }
    }
}

/// A bound socket that is not served yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    pub(super) limits: ConnectionLimits,
    pub(super) metrics: ServerMetrics,
}

impl Listener {
    /// Listens on `address` alone; port 0 picks a free port. Needs a Tokio runtime.
    ///
    /// # Errors
    /// Any error of the system: the address is in use, is not local, or is not permitted.
    pub fn bind(
        address: SocketAddr,
        limits: ConnectionLimits,
        metrics: ServerMetrics,
    ) -> io::Result<Self> {
        Self::open(address, limits, metrics, false)
    }

    /// Listens on `address` together with other processes of the same user that share it: the
    /// kernel spreads new connections over all of them. This allows a hand-over without a gap.
    ///
    /// # Errors
    /// As for [`Self::bind`].
    pub fn bind_shared(
        address: SocketAddr,
        limits: ConnectionLimits,
        metrics: ServerMetrics,
    ) -> io::Result<Self> {
        Self::open(address, limits, metrics, true)
    }

    fn open(
        address: SocketAddr,
        limits: ConnectionLimits,
        metrics: ServerMetrics,
        is_shared: bool,
    ) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(is_shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            socket: TcpListener::from_std(socket.into())?,
            limits,
            metrics,
        })
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    /// Any error of the system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Accepts one connection and sets its socket options.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, IpAddr)> {
        let (stream, address) = self.socket.accept().await?;
        // One write becomes one segment.
        stream.set_nodelay(true)?;
        // Keepalive finds callers that vanished, the user timeout those that do not read.
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(KEEPALIVE_IDLE)
                .with_interval(KEEPALIVE_INTERVAL),
        )?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT))?;
        Ok((stream, address.ip()))
    }

    /// Accepts and closes one queued connection, if there is one. Does not wait.
    pub(super) async fn reject_queued(&self) {
        let accepted = std::pin::pin!(self.socket.accept());
        tokio::select! {
            biased;
            _ = accepted => {}
            () = std::future::ready(()) => {}
        }
    }

    /// Stops new TCP handshakes while those in progress complete: closing a socket resets every
    /// connection in its queue. A caller whose SYN is dropped retries within a second, and then
    /// reaches another listener of the port.
    pub(super) fn drop_new_handshakes(&self) {
        #[cfg(target_os = "linux")]
        {
            use socket2::SockFilter;
            // A classic BPF program. Byte 13 of a TCP segment holds its flags: drop segments with
            // SYN (0x02) and without ACK (0x10), accept all others.
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
