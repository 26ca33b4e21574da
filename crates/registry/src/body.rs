//! Reads the body of an answer into memory, within bounds on its bytes and its time.

use super::{
    connection_pool::{broken, timed_out},
    error::RegistryError,
    limits::RegistryLimits,
};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::time::timeout;

/// Reads all of a body.
pub(crate) async fn read_bounded(
    mut body: Incoming,
    max_bytes: u64,
    limits: &RegistryLimits,
    what: &str,
) -> Result<Vec<u8>, RegistryError> {
    let too_large = || RegistryError::TooLarge {
        what: what.to_owned(),
        limit: max_bytes,
    };
    if body.size_hint().lower() > max_bytes {
        return Err(too_large());
    }
    let reading = async {
        let mut content = Vec::new();
        while let Some(piece) = next_piece(&mut body, limits, what).await? {
            if content.len() as u64 + piece.len() as u64 > max_bytes {
                return Err(too_large());
            }
            content.extend_from_slice(&piece);
        }
        Ok(content)
    };
    timeout(limits.body_time, reading)
        .await
        .unwrap_or_else(|_| Err(timed_out(what, "end of the answer", limits.body_time)))
}

/// Waits for the next bytes of a body; `None` at its end.
pub(crate) async fn next_piece(
    body: &mut Incoming,
    limits: &RegistryLimits,
    what: &str,
) -> Result<Option<Bytes>, RegistryError> {
    loop {
        let frame = timeout(limits.idle_time, body.frame())
            .await
            .map_err(|_| timed_out(what, "byte of the content", limits.idle_time))?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(broken(what, &error)),
            // Trailers say nothing here.
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}
