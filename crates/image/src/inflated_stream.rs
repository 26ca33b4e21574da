//! A layer or archive after inflating: counted, limited and hashed while it passes by.

use super::{
    budget::Budget,
    byte_stream::ByteStream,
    decompression::Decompressor,
    digest::{BlobDigest, StreamHasher},
    error::ImageError,
    limits::ImageLimits,
    verified_reader::VerifiedReader,
};
use std::io::Read as _;

/// The bytes that are inflated at a time.
const BUFFER_BYTES: usize = 128 << 10;

/// The inflated bytes of a blob.
pub(super) struct InflatedStream<'a> {
    decompressor: Decompressor<'a>,
    budget: &'a Budget<'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    count: u64,
    /// `None` where the digest of the inflated bytes is not needed.
    hasher: Option<StreamHasher>,
}

impl<'a> InflatedStream<'a> {
    /// A stream that is hashed: its end gives the diff id.
    pub(super) fn hashed(reader: VerifiedReader<'a>, budget: &'a Budget<'a>) -> Self {
        Self {
            hasher: Some(StreamHasher::default()),
            ..Self::unhashed(reader, budget)
        }
    }

    /// A stream whose digest is not needed.
    pub(super) fn unhashed(reader: VerifiedReader<'a>, budget: &'a Budget<'a>) -> Self {
        Self {
            decompressor: Decompressor::new(reader),
            budget,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            count: 0,
            hasher: None,
        }
    }

    /// The inflated bytes so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Reads the rest, so that all of it is verified, and returns the digest of the inflated bytes.
    pub(super) fn finish(mut self) -> Result<Option<BlobDigest>, ImageError> {
        while !self.chunk()?.is_empty() {
            self.start = self.end;
        }
        Ok(self.hasher.map(|hasher| hasher.digest()))
    }

    /// The error of the blob itself, if it has one: a better reason than what its damage led to.
    pub(super) fn blob_failure(&mut self) -> Option<ImageError> {
        self.decompressor.blob().failure()
    }

    fn fill(&mut self) -> Result<(), ImageError> {
        self.start = 0;
        self.end = 0;
        let count = match self.decompressor.read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) => return Err(self.decoding_error(&error)),
        };
        if let (Some(hasher), Some(bytes)) = (&mut self.hasher, self.buffer.get(..count)) {
            hasher.update(bytes);
        }
        self.count += count as u64;
        self.check_limits(count)?;
        self.end = count;
        Ok(())
    }

    fn decoding_error(&mut self, error: &std::io::Error) -> ImageError {
        let blob = self.decompressor.blob();
        blob.failure().unwrap_or_else(|| ImageError::Compression {
            place: blob.place().to_owned(),
            reason: error.to_string(),
        })
    }

    fn check_limits(&mut self, count: usize) -> Result<(), ImageError> {
        let limits = self.budget.limits;
        let blob = self.decompressor.blob();
        if self.count > limits.layer_bytes {
            let limit = limits.layer_bytes;
            return Err(ImageError::limit(blob.place(), limit, "bytes in a layer"));
        }
        let most = blob.count().saturating_mul(limits.ratio);
        if self.count > ImageLimits::RATIO_FREE_BYTES && self.count > most {
            let quantity = "inflated bytes for each compressed byte";
            return Err(ImageError::limit(blob.place(), limits.ratio, quantity));
        }
        self.budget.add_inflated(blob.place(), count)
    }
}

impl ByteStream for InflatedStream<'_> {
    fn chunk(&mut self) -> Result<&[u8], ImageError> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }
}
