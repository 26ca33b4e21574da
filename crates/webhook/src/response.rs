//! The HTTP response to a request, which holds its memory until the connection has taken it.

use super::{memory_budget::MemoryCharge, metrics::WebhookMetrics};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use hyper::body::{Bytes, Frame, SizeHint};
use kubevet_server::Peer;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

/// The reply to a request.
pub(super) enum Reply {
    /// The answer to a review.
    Answer(AnswerBody),
    /// The request is not a review; the message says why.
    Error(StatusCode, String),
}

impl Reply {
    /// Returns the answer with this body. `received` is the time at which the review was complete.
    pub(super) fn answer(body: Vec<u8>, received: Instant, metrics: Arc<WebhookMetrics>) -> Self {
        Self::Answer(AnswerBody {
            bytes: Some(Bytes::from(body)),
            write_start: Instant::now(),
            received,
            metrics,
        })
    }

    pub(super) fn error(status: StatusCode, message: &str) -> Self {
        Self::Error(status, message.to_owned())
    }

    /// Returns the response. An answer holds `charge` until the connection has taken its body.
    pub(super) fn into_charged_response(
        mut self,
        mut charge: MemoryCharge,
        peer: Peer,
    ) -> Response {
        if let Self::Answer(body) = &mut self {
            let bytes = body.bytes.as_ref().map_or(0, Bytes::len);
            charge.charge_answer(peer, bytes);
            body.attach(charge);
        }
        self.into_response()
    }

    /// Returns the response, without a charge.
    pub(super) fn into_response(self) -> Response {
        match self {
            Self::Error(status, message) => {
                let mut response = Response::new(Body::from(format!("{message}\n")));
                *response.status_mut() = status;
                response
            }
            Self::Answer(body) => {
                let mut response = Response::new(Body::new(body));
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
        }
    }
}

/// The body of an answer: one frame. Dropped after that, it observes how long writing took.
pub(super) struct AnswerBody {
    /// `None` once the connection has taken the frame.
    bytes: Option<Bytes>,
    write_start: Instant,
    received: Instant,
    metrics: Arc<WebhookMetrics>,
}

/// Bytes with the memory that they are charged to.
struct ChargedBytes {
    bytes: Bytes,
    _charge: MemoryCharge,
}

impl AsRef<[u8]> for ChargedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AnswerBody {
    /// Holds `charge` until the connection drops the bytes, which may be after it took them.
    fn attach(&mut self, charge: MemoryCharge) {
        let bytes = self.bytes.take();
        self.bytes = bytes.map(|bytes| {
            Bytes::from_owner(ChargedBytes {
                bytes,
                _charge: charge,
            })
        });
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.bytes.take().map(Frame::data);
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let bytes = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(bytes as u64)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // A body that the connection has not taken was not written.
        if self.bytes.is_none() {
            let write = self.write_start.elapsed();
            self.metrics.observe_phase("write", write);
            self.metrics.observe_phase("total", self.received.elapsed());
        }
    }
}
