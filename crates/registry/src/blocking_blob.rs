//! A blob for readers that block: layers are inflated and hashed on threads of their own.

use super::blob::RegistryBlob;
use hyper::body::{Buf as _, Bytes};
use std::io::{self, Read};
use tokio::runtime::Handle;

/// A blob as a [`Read`]. It must be read on a thread that is not one of the runtime's, such as one of
/// `std::thread` or `spawn_blocking`, and while the runtime runs. An error carries the
/// [`RegistryError`](super::RegistryError).
pub struct BlockingBlob {
    stream: RegistryBlob,
    runtime: Handle,
    rest: Bytes,
}

impl BlockingBlob {
    /// Wraps a stream of the runtime.
    #[must_use]
    pub fn new(stream: RegistryBlob, runtime: Handle) -> Self {
        Self {
            stream,
            runtime,
            rest: Bytes::new(),
        }
    }

    /// The size, if the manifest or the registry has said it.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.stream.size()
    }
}

impl Read for BlockingBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.rest.is_empty() {
            let piece = self.runtime.block_on(self.stream.next_piece());
            match piece.map_err(io::Error::other)? {
                Some(piece) => self.rest = piece,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(buffer.len());
        let (filled, _) = buffer.split_at_mut(count);
        self.rest.copy_to_slice(filled);
        Ok(count)
    }
}
