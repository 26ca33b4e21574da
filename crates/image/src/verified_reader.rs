//! A blob while it passes by: its size and digest are verified, and its time is bounded.

use super::{
    blob::BlobStream,
    budget::Budget,
    digest::{BlobDigest, StreamHasher},
    error::ImageError,
};
use std::io::{self, BufRead, Read};

/// The bytes that are read at a time.
const BUFFER_BYTES: usize = 128 << 10;

/// What a blob must be.
#[derive(Debug, Clone)]
pub(super) struct ExpectedBlob {
    /// What the blob is, for messages.
    pub(super) place: String,
    /// `None` where nothing names it by its digest, as in old archives of Docker.
    pub(super) digest: Option<BlobDigest>,
    /// `None` where the size is unknown.
    pub(super) size: Option<u64>,
    /// The most bytes where the size is unknown.
    pub(super) limit: u64,
}

/// Reads a blob and fails at its end, at the latest, if it is not the expected one.
pub(super) struct VerifiedReader<'a> {
    stream: BlobStream<'a>,
    expected: ExpectedBlob,
    budget: &'a Budget<'a>,
    buffer: Vec<u8>,
    position: usize,
    count: u64,
    hasher: StreamHasher,
    is_verified: bool,
    /// The error that ended the stream: decoders in between may change what they pass on.
    failure: Option<ImageError>,
}

impl<'a> VerifiedReader<'a> {
    pub(super) fn new(
        stream: BlobStream<'a>,
        expected: ExpectedBlob,
        budget: &'a Budget<'a>,
    ) -> Self {
        Self {
            stream,
            expected,
            budget,
            buffer: Vec::new(),
            position: 0,
            count: 0,
            hasher: StreamHasher::default(),
            is_verified: false,
            failure: None,
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.expected.place
    }

    /// The bytes that were read so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The error of the blob itself. Reads what is left, since a damaged blob is a better reason than
    /// what a decoder makes of the damage.
    pub(super) fn failure(&mut self) -> Option<ImageError> {
        while self.failure.is_none() && !self.is_verified {
            self.position = self.buffer.len();
            if self.fill().is_err() {
                break;
            }
        }
        self.failure.clone()
    }

    /// Reads on if the buffer is used up. The buffer stays empty at the verified end.
    fn fill(&mut self) -> Result<(), ImageError> {
        if self.position < self.buffer.len() || self.is_verified {
            return Ok(());
        }
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = self.read_on();
        self.failure = result.as_ref().err().cloned();
        result
    }

    fn read_on(&mut self) -> Result<(), ImageError> {
        self.budget.check_time(&self.expected.place)?;
        self.buffer.resize(BUFFER_BYTES, 0);
        self.position = 0;
        let length = read_some(&mut self.stream, &mut self.buffer);
        self.buffer.truncate(*length.as_ref().unwrap_or(&0));
        let length = length.map_err(|error| stream_error(&self.expected.place, &error))?;
        self.count += length as u64;
        self.hasher.update(&self.buffer);
        self.check_size(length == 0)?;
        if length == 0 {
            self.check_digest()?;
            self.is_verified = true;
        }
        Ok(())
    }

    fn check_size(&self, is_end: bool) -> Result<(), ImageError> {
        let Some(size) = self.expected.size else {
            if self.count > self.expected.limit {
                let limit = self.expected.limit;
                return Err(ImageError::limit(
                    &self.expected.place,
                    limit,
                    "bytes in a blob",
                ));
            }
            return Ok(());
        };
        if self.count > size || (is_end && self.count != size) {
            return Err(ImageError::WrongSize {
                place: self.expected.place.clone(),
                expected: size,
                found: self.count,
            });
        }
        Ok(())
    }

    fn check_digest(&self) -> Result<(), ImageError> {
        let found = self.hasher.digest();
        match self.expected.digest {
            Some(expected) if expected != found => Err(ImageError::WrongDigest {
                place: self.expected.place.clone(),
                expected,
                found,
            }),
            _ => Ok(()),
        }
    }
}

impl BufRead for VerifiedReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill().map_err(io::Error::other)?;
        Ok(self.buffer.get(self.position..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.position = (self.position + bytes).min(self.buffer.len());
    }
}

impl Read for VerifiedReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        if let (Some(into), Some(available)) = (into.get_mut(..count), available.get(..count)) {
            into.copy_from_slice(available);
        }
        self.consume(count);
        Ok(count)
    }
}

/// One read, again where a signal interrupted it.
fn read_some(stream: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The error of a stream as one of the image.
pub(super) fn stream_error(place: &str, error: &io::Error) -> ImageError {
    let inner = error.get_ref();
    let known = inner.and_then(|inner| inner.downcast_ref::<ImageError>());
    known.cloned().unwrap_or_else(|| ImageError::Transfer {
        place: place.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ImageLimits;

    /// Reads `content` where `expected` says what it must be; the code of the error, if any.
    #[track_caller]
    fn check(content: &[u8], digest: Option<&[u8]>, size: Option<u64>, expected: &str) {
        let limits = ImageLimits::default();
        let budget = Budget::new(&limits);
        let expected_blob = ExpectedBlob {
            place: "test".to_owned(),
            digest: digest.map(BlobDigest::of),
            size,
            limit: 10,
        };
        let mut reader = VerifiedReader::new(Box::new(content), expected_blob, &budget);
        let result = reader.read_to_end(&mut Vec::new());
        let code = reader.failure().map_or("", |failure| failure.code());
        assert_eq!(code, expected);
        assert_eq!(result.is_err(), !expected.is_empty());
    }

    #[test]
    fn blob_is_verified_at_its_end() {
        check(b"abc", Some(b"abc"), Some(3), "");
        check(b"abc", None, None, "");
        check(b"", Some(b""), Some(0), "");
        check(b"abc", Some(b"abd"), Some(3), "wrong-digest");
        check(b"abc", Some(b"abc"), Some(2), "wrong-size");
        check(b"abc", Some(b"abc"), Some(4), "wrong-size");
        check(b"", Some(b"abc"), Some(3), "wrong-size");
        check(b"eleven byte", None, None, "limit");
    }

    struct Failing(Option<ImageError>);

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(self.0.clone().map_or_else(
                || io::Error::from(io::ErrorKind::ConnectionReset),
                io::Error::other,
            ))
        }
    }

    #[track_caller]
    fn check_stream_error(error: Option<ImageError>, expected: &str) {
        let limits = ImageLimits::default();
        let budget = Budget::new(&limits);
        let expected_blob = ExpectedBlob {
            place: "test".to_owned(),
            digest: None,
            size: None,
            limit: 10,
        };
        let mut reader = VerifiedReader::new(Box::new(Failing(error)), expected_blob, &budget);
        reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(reader.failure().unwrap().code(), expected);
    }

    #[test]
    fn error_of_the_stream_is_kept() {
        let place = "index".to_owned();
        check_stream_error(None, "transfer");
        check_stream_error(Some(ImageError::IndexCycle { place }), "index-cycle");
    }
}
