//! An answer on its way: counted until its caller has taken it, so that a connection whose answers nobody takes can be
//! cut.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

use super::connection_clock::Untaken;

/// A body whose bytes are counted as untaken until the connection has let go of them.
pub(super) struct Taking {
    body: Body,
    /// `None` for HTTP/1.1, where one answer at a time is written and the system notices who does not read.
    untaken: Option<Arc<Untaken>>,
}

impl Taking {
    pub(super) fn new(body: Body, untaken: Option<Arc<Untaken>>) -> Self {
        Self { body, untaken }
    }
}

/// Bytes that hold what counts them.
struct Counted {
    bytes: Bytes,
    _untaken: Arc<Untaken>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl hyper::body::Body for Taking {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &self.untaken {
            None => polled,
            Some(untaken) => polled.map_ok(|frame| {
                frame.map_data(|bytes| {
                    Bytes::from_owner(Counted {
                        bytes,
                        _untaken: Arc::clone(untaken),
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
