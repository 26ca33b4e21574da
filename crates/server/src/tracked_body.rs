//! A response body that is tracked until its caller has read it, so that a connection whose
//! responses are never read can be closed.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

use super::connection_clock::UnsentResponse;

/// A body whose bytes count as unsent until the connection has freed them.
pub(super) struct TrackedBody {
    body: Body,
    /// `None` for HTTP/1.1: there one response at a time is written, and the kernel's
    /// `TCP_USER_TIMEOUT` finds callers that do not read.
    unsent: Option<Arc<UnsentResponse>>,
}

impl TrackedBody {
    pub(super) fn new(body: Body, unsent: Option<Arc<UnsentResponse>>) -> Self {
        Self { body, unsent }
    }
}

/// Bytes that keep the tracking guard alive.
struct TrackedBytes {
    bytes: Bytes,
    _unsent: Arc<UnsentResponse>,
}

impl AsRef<[u8]> for TrackedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl hyper::body::Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &self.unsent {
            None => polled,
            Some(unsent) => polled.map_ok(|frame| {
                frame.map_data(|bytes| {
                    Bytes::from_owner(TrackedBytes {
                        bytes,
                        _unsent: Arc::clone(unsent),
                    })
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
