//! One new connection to an origin: TCP, the tunnel of a proxy, TLS.

use super::{error::RegistryError, proxy::ProxyAddress, tls::TlsConfigs, url::Origin};
use rustls::pki_types::ServerName;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// The largest head of a proxy's answer.
const MAX_PROXY_ANSWER: usize = 8 << 10;

/// What a connection is read from and written to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to an origin, by a proxy if there is one. The caller bounds the time.
pub(crate) async fn connect(
    origin: &Origin,
    proxy: Option<&ProxyAddress>,
    tls: &TlsConfigs,
) -> Result<Box<dyn Stream>, RegistryError> {
    let stream = match proxy {
        None => open(origin).await?,
        Some(proxy) => {
            let stream = open(&proxy.origin).await?;
            let stream = if proxy.origin.https {
                encrypt(stream, &proxy.origin, tls).await?
            } else {
                stream
            };
            if origin.https {
                make_tunnel(stream, origin, proxy).await?
            } else {
                // Plain HTTP needs no tunnel: the proxy is sent the whole URL.
                stream
            }
        }
    };
    if origin.https {
        encrypt(stream, origin, tls).await
    } else {
        Ok(stream)
    }
}

async fn open(origin: &Origin) -> Result<Box<dyn Stream>, RegistryError> {
    let opened = TcpStream::connect((origin.host.as_str(), origin.port)).await;
    let stream = opened.map_err(|error| RegistryError::Connect {
        host: origin.to_string(),
        reason: error.to_string(),
    })?;
    // It only speeds up small requests.
    let _ = stream.set_nodelay(true);
    Ok(Box::new(stream))
}

async fn encrypt(
    stream: Box<dyn Stream>,
    origin: &Origin,
    tls: &TlsConfigs,
) -> Result<Box<dyn Stream>, RegistryError> {
    let failed = |reason: String| RegistryError::Tls {
        host: origin.to_string(),
        reason,
    };
    let name =
        ServerName::try_from(origin.host.clone()).map_err(|error| failed(error.to_string()))?;
    let connected = TlsConnector::from(tls.config(origin))
        .connect(name, stream)
        .await;
    match connected {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) if speaks_no_tls(&error) => Err(RegistryError::PlainHttp {
            host: origin.to_string(),
        }),
        Err(error) if closed_early(&error) => Err(RegistryError::Connect {
            host: origin.to_string(),
            reason: "it was closed during the TLS handshake".to_owned(),
        }),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// True if the other side hung up: a server that is going down, or one without TLS.
fn closed_early(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// True if the answer to a TLS greeting was not TLS: a server of plain HTTP.
fn speaks_no_tls(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>())
        .is_some_and(|error| matches!(error, rustls::Error::InvalidMessage(_)))
}

async fn make_tunnel(
    mut stream: Box<dyn Stream>,
    origin: &Origin,
    proxy: &ProxyAddress,
) -> Result<Box<dyn Stream>, RegistryError> {
    let failed = |reason: String| RegistryError::Proxy {
        host: origin.to_string(),
        proxy: proxy.origin.to_string(),
        reason,
    };
    let target = origin.with_port();
    let authorization = proxy
        .authorization
        .as_ref()
        .map(|value| format!("Proxy-Authorization: {}\r\n", value.expose()))
        .unwrap_or_default();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    let written = stream.write_all(request.as_bytes()).await;
    written.map_err(|error| failed(error.to_string()))?;
    let head = read_head(&mut stream)
        .await
        .map_err(|error| failed(error.to_string()))?;
    match status_of(&head) {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(failed(
            "it wants another name and password (status 407): put them into the proxy's URL"
                .to_owned(),
        )),
        Some(status) => Err(failed(format!("status {status}"))),
        None => Err(failed("the answer is not HTTP".to_owned())),
    }
}

/// Reads to the empty line, byte by byte: what follows belongs to the tunnel.
async fn read_head(stream: &mut Box<dyn Stream>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_PROXY_ANSWER {
            return Err(io::Error::other("the head of its answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

fn status_of(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status_of;

    #[test]
    fn status_is_read_from_the_head_of_an_answer() {
        let check = |head: &[u8], expected: Option<u16>| assert_eq!(status_of(head), expected);
        check(b"HTTP/1.1 200 Connection established\r\n\r\n", Some(200));
        check(b"HTTP/1.0 407\r\n\r\n", Some(407));
        check(b"SSH-2.0-OpenSSH\r\n\r\n", None);
        check(b"\xff\r\n\r\n", None);
    }
}
