//! One write whose answer is not read, but for the reason of a refusal.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    raw_request::{MAX_STATUS_BYTES, RawError, read_body},
};
use hyper::{HeaderMap, Method, Request, header};
use kube::{client::Body, core::Status};
use std::time::Duration;

/// The media type of server-side apply, which takes JSON too.
const APPLY: &str = "application/apply-patch+yaml";
/// The answer is metadata alone: the writer knows what it has written.
const ACCEPT: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/// The longest pause that an API server can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// A write that failed.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) error: ClusterError,
    /// How long the API server wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Cluster {
    /// Applies an object by server-side apply.
    pub(super) async fn apply_bytes(
        &self,
        call: &ApiCall<'_>,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(), WriteFailure> {
        self.write_bytes(call, Method::PATCH, path, body).await
    }

    /// Deletes an object.
    pub(super) async fn delete_path(
        &self,
        call: &ApiCall<'_>,
        path: &str,
    ) -> Result<(), WriteFailure> {
        self.write_bytes(call, Method::DELETE, path, Vec::new())
            .await
    }

    async fn write_bytes(
        &self,
        call: &ApiCall<'_>,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(), WriteFailure> {
        let timeout = self.timeouts.call;
        let sent = self.send_write(call, method, path, body);
        match tokio::time::timeout(timeout, sent).await {
            Ok(result) => result,
            Err(_) => Err(call.timed_out(timeout).into()),
        }
    }

    async fn send_write(
        &self,
        call: &ApiCall<'_>,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(), WriteFailure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, ACCEPT)
            .header(header::CONTENT_TYPE, APPLY)
            .body(Body::from(body))
            .map_err(|error| call.unusable(&error.to_string()))?;
        let response = self.client.send(request).await;
        let response = response.map_err(|error| call.error(&error))?;
        let status = response.status();
        self.note_refusal(status.as_u16(), response.headers());
        let retry_after = retry_after(response.headers());
        // The rest of the answer is read so that the connection can be used again.
        let bytes = read_body(call, response.into_body(), MAX_STATUS_BYTES).await;
        if status.is_success() {
            return Ok(());
        }
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(RawError::Failed(error)) => return Err(error.into()),
            Err(RawError::TooLarge | RawError::Expired) => Vec::new(),
        };
        // A proxy in between answers in words of its own.
        let mut answer: Status = serde_json::from_slice(&bytes).unwrap_or_default();
        answer.code = status.as_u16();
        Err(WriteFailure {
            error: call.error(&kube::Error::Api(answer.boxed())),
            retry_after,
        })
    }
}

impl From<ClusterError> for WriteFailure {
    fn from(error: ClusterError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let pause = Duration::from_secs(seconds.parse().ok()?);
    Some(pause.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_is_bounded() {
        for (value, expected) in [
            ("1", Some(1)),
            ("0", Some(0)),
            ("3600", Some(30)),
            ("99999999999999999999", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers), expected, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
