//! One GET whose answer is taken as bytes, up to a bound.
//!
//! The client's own decoding is not used for objects of other people: it holds an answer twice, and
//! logs the whole of one that does not parse, Secrets included.

use super::{Cluster, ClusterError, api_call::ApiCall};
use http_body_util::BodyExt as _;
use hyper::{HeaderMap, Request, header};
use kube::{client::Body, core::Status};
use std::{pin::pin, time::Duration};

/// The most bytes of an answer that refuses a call.
pub(super) const MAX_STATUS_BYTES: usize = 1 << 20;

/// Why there are no bytes.
#[derive(Debug)]
pub(super) enum RawError {
    /// The answer has more bytes than are taken.
    TooLarge,
    /// The list has expired, and must begin again (410).
    Expired,
    /// Any other failure.
    Failed(ClusterError),
}

impl From<ClusterError> for RawError {
    fn from(error: ClusterError) -> Self {
        Self::Failed(error)
    }
}

impl Cluster {
    /// Sends a GET for a path with its query, and returns the body of the answer.
    pub(super) async fn get_bytes(
        &self,
        call: &ApiCall<'_>,
        path: &str,
        accept: &'static str,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<Vec<u8>, RawError> {
        // The time in which the budget lets it wait is not that of the API server.
        self.wait_for_budget().await;
        match tokio::time::timeout(timeout, self.receive(call, path, accept, max_bytes)).await {
            Ok(received) => received,
            Err(_) => Err(call.timed_out(timeout).into()),
        }
    }

    /// Waits until the budget, if there is one, allows a request.
    pub(super) async fn wait_for_budget(&self) {
        if let Some(budget) = &self.budget {
            budget.acquire().await;
        }
    }

    /// Tells the budget of an answer that puts off a request.
    pub(super) fn note_refusal(&self, code: u16, headers: &HeaderMap) {
        let Some(budget) = self.budget.as_ref().filter(|_| matches!(code, 429 | 503)) else {
            return;
        };
        let seconds = headers.get(header::RETRY_AFTER);
        let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
        budget.put_off(seconds.map(Duration::from_secs));
    }

    async fn receive(
        &self,
        call: &ApiCall<'_>,
        path: &str,
        accept: &'static str,
        max_bytes: usize,
    ) -> Result<Vec<u8>, RawError> {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| call.unusable(&error.to_string()))?;
        let response = self.client.send(request).await;
        let response = response.map_err(|error| call.error(&error))?;
        let code = response.status().as_u16();
        let is_success = response.status().is_success();
        self.note_refusal(code, response.headers());
        let bound = if is_success {
            max_bytes
        } else {
            MAX_STATUS_BYTES
        };
        let bytes = read_body(call, response.into_body(), bound).await?;
        if is_success {
            return Ok(bytes);
        }
        if code == 410 {
            return Err(RawError::Expired);
        }
        // A proxy in between answers in words of its own.
        let mut status: Status = serde_json::from_slice(&bytes).unwrap_or_default();
        status.code = code;
        Err(call.error(&kube::Error::Api(status.boxed())).into())
    }
}

/// Reads a body up to a bound.
pub(super) async fn read_body(
    call: &ApiCall<'_>,
    body: Body,
    max_bytes: usize,
) -> Result<Vec<u8>, RawError> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| call.error(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > max_bytes {
            return Err(RawError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
