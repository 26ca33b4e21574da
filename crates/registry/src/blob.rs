//! A blob as a stream of bytes: bounded, verified, and resumed where the connection breaks.
//!
//! The last bytes are only handed over when the size and the digest are right, so a reader that has
//! seen the end has seen the right content. What is read before the end is not yet verified.

use super::{
    body::next_piece,
    client_state::ClientState,
    connection_pool::timed_out,
    digest::{ContentDigest, DigestHasher},
    error::RegistryError,
    read_request::{Answer, ReadRequest},
    registry_rules::Source,
};
use hyper::{
    Method,
    body::{Body as _, Bytes, Incoming},
    header::CONTENT_RANGE,
};
use std::{sync::Arc, time::Instant};
use tokio::time::{sleep, timeout};

/// A blob that is being read.
pub struct RegistryBlob {
    state: Arc<ClientState>,
    source: Source,
    request: ReadRequest,
    digest: ContentDigest,
    /// The size that the manifest or the registry says.
    size: Option<u64>,
    body: Option<Incoming>,
    received: u64,
    /// Bytes that a registry without ranges sends again.
    skip: u64,
    hasher: DigestHasher,
    resumes: usize,
    began: Instant,
    is_finished: bool,
}

impl RegistryBlob {
    /// Asks one source for a blob.
    pub(crate) async fn open(
        state: Arc<ClientState>,
        source: Source,
        digest: &ContentDigest,
        size: Option<u64>,
    ) -> Result<Self, RegistryError> {
        let path = source.repository.path();
        let request = ReadRequest {
            method: Method::GET,
            path: format!("/v2/{path}/blobs/{digest}"),
            accept: "application/octet-stream, */*",
            range_from: 0,
            scope: format!("repository:{path}:pull"),
            what: format!("blob {}@{digest}", source.repository),
        };
        let max = state.limits.blob_bytes;
        if size.is_some_and(|size| size > max) {
            return Err(RegistryError::TooLarge {
                what: request.what,
                limit: max,
            });
        }
        let mut stream = Self {
            hasher: DigestHasher::new(digest.algorithm()),
            state,
            source,
            request,
            digest: digest.clone(),
            size,
            body: None,
            received: 0,
            skip: 0,
            resumes: 0,
            began: Instant::now(),
            is_finished: false,
        };
        stream.request_rest().await?;
        Ok(stream)
    }

    /// The size, if the manifest or the registry has said it.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Waits for the next bytes; `None` at the end of a content that was verified.
    ///
    /// # Errors
    ///
    /// Returns an error if the content is not what it should be, or cannot be read to its end. The
    /// stream is at its end then.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let piece = self.next_verified().await;
        if !matches!(piece, Ok(Some(_))) {
            self.is_finished = true;
            self.body = None;
        }
        piece
    }

    async fn next_verified(&mut self) -> Result<Option<Bytes>, RegistryError> {
        while !self.is_finished {
            match self.receive().await {
                Ok(Some(piece)) if self.size == Some(self.received) => {
                    self.expect_end().await?;
                    self.verify()?;
                    self.is_finished = true;
                    return Ok(Some(piece));
                }
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => return Ok(Some(piece)),
                Ok(None) if self.size.is_none_or(|size| size == self.received) => {
                    self.verify()?;
                    return Ok(None);
                }
                Ok(None) => {
                    self.resume("the registry ended it early".to_owned())
                        .await?
                }
                Err(error) if can_resume(&error) => self.resume(error.to_string()).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Waits for the next bytes, and counts and hashes what is new of them.
    async fn receive(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let limits = &self.state.limits;
        let time_left = limits.blob_time.saturating_sub(self.began.elapsed());
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        let waiting = next_piece(body, limits, &self.request.what);
        let piece = timeout(time_left, waiting)
            .await
            .map_err(|_| self.too_slow())??;
        let Some(piece) = piece else {
            return Ok(None);
        };
        let skipped = usize::try_from(self.skip)
            .unwrap_or(usize::MAX)
            .min(piece.len());
        self.skip -= skipped as u64;
        let piece = piece.slice(skipped..);
        self.received += piece.len() as u64;
        self.check_size()?;
        self.hasher.update(&piece);
        Ok(Some(piece))
    }

    /// Nothing may follow the last byte.
    async fn expect_end(&mut self) -> Result<(), RegistryError> {
        let Some(mut body) = self.body.take() else {
            return Ok(());
        };
        while let Ok(Some(piece)) =
            next_piece(&mut body, &self.state.limits, &self.request.what).await
        {
            self.received += piece.len() as u64;
            self.check_size()?;
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), RegistryError> {
        let what = self.request.what.clone();
        let limit = self.state.limits.blob_bytes;
        match self.size {
            Some(expected) if self.received > expected => Err(RegistryError::Size {
                what,
                expected,
                found: self.received,
            }),
            None if self.received > limit => Err(RegistryError::TooLarge { what, limit }),
            _ => Ok(()),
        }
    }

    fn verify(&self) -> Result<(), RegistryError> {
        let found = self.hasher.clone().finish();
        if found == self.digest {
            return Ok(());
        }
        Err(RegistryError::Digest {
            what: self.request.what.clone(),
            expected: self.digest.clone(),
            found,
        })
    }

    fn too_slow(&self) -> RegistryError {
        timed_out(
            &self.request.what,
            "end of the content",
            self.state.limits.blob_time,
        )
    }

    /// Asks for the rest after the connection broke.
    async fn resume(&mut self, reason: String) -> Result<(), RegistryError> {
        self.body = None;
        let limits = &self.state.limits;
        if self.resumes >= limits.resumes {
            return Err(RegistryError::Truncated {
                what: self.request.what.clone(),
                received: self.received,
                reason,
            });
        }
        if self.began.elapsed() >= limits.blob_time {
            return Err(self.too_slow());
        }
        if self.resumes > 0 {
            sleep(limits.first_backoff).await;
        }
        self.resumes += 1;
        self.request_rest().await
    }

    async fn request_rest(&mut self) -> Result<(), RegistryError> {
        self.request.range_from = self.received;
        let time_left = self
            .state
            .limits
            .blob_time
            .saturating_sub(self.began.elapsed());
        let reading = self.state.read(&self.source, &self.request);
        let answer = timeout(time_left, reading)
            .await
            .map_err(|_| self.too_slow())??;
        self.skip = self.check_range(&answer)?;
        let body = answer.response.into_body();
        let sent = body.size_hint().exact();
        if let Some(sent) = sent {
            let whole = self.received - self.skip + sent;
            let expected = *self.size.get_or_insert(whole);
            if whole != expected {
                return Err(RegistryError::Size {
                    what: self.request.what.clone(),
                    expected,
                    found: whole,
                });
            }
            if whole > self.state.limits.blob_bytes {
                return Err(RegistryError::TooLarge {
                    what: self.request.what.clone(),
                    limit: self.state.limits.blob_bytes,
                });
            }
        }
        self.body = Some(body);
        Ok(())
    }

    /// Returns how many bytes the answer repeats: all that were received, where the registry knows no
    /// ranges.
    fn check_range(&self, answer: &Answer) -> Result<u64, RegistryError> {
        if answer.status().as_u16() != 206 {
            return Ok(self.received);
        }
        let range = answer.header(CONTENT_RANGE.as_str()).and_then(read_range);
        let wrong = |reason: &str| RegistryError::Answer {
            what: self.request.what.clone(),
            reason: reason.to_owned(),
        };
        let (first, total) =
            range.ok_or_else(|| wrong("a part without the header Content-Range"))?;
        if first != self.received {
            return Err(wrong("another part than the one that was asked for"));
        }
        match (self.size, total) {
            (Some(size), Some(total)) if size != total => Err(RegistryError::Size {
                what: self.request.what.clone(),
                expected: size,
                found: total,
            }),
            _ => Ok(0),
        }
    }
}

/// True for what a new connection may cure.
fn can_resume(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::Broken { .. }
            | RegistryError::TimedOut {
                event: "byte of the content",
                ..
            }
    )
}

/// Reads `bytes FIRST-LAST/TOTAL`, where the total may be `*`.
fn read_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    let is_whole = first <= last && total.is_none_or(|total| last < total);
    is_whole.then_some((first, total))
}

#[cfg(test)]
mod tests {
    use super::read_range;

    #[test]
    fn content_range_is_read() {
        let check = |text: &str, expected: Option<(u64, Option<u64>)>| {
            assert_eq!(read_range(text), expected, "{text}");
        };
        check("bytes 5-9/10", Some((5, Some(10))));
        check("bytes 5-9/*", Some((5, None)));
        check("bytes 5-10/10", None);
        check("bytes 9-5/10", None);
        check("bytes */10", None);
        check("items 5-9/10", None);
        check("bytes -1-9/10", None);
    }
}
