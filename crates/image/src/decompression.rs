//! Content that may be compressed, as a stream of what it inflates to. The compression is seen in the
//! first bytes, as runtimes do: media types are often wrong.

use super::{verified_reader::VerifiedReader, zstd_stream::ZstdStream};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead as _, Read};

/// The bytes that tell compressions apart.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// A frame of Zstandard that a decoder skips: the second to fourth byte.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

/// A reader of inflated bytes.
pub(super) enum Decompressor<'a> {
    Plain(Box<VerifiedReader<'a>>),
    Gzip(Box<MultiGzDecoder<VerifiedReader<'a>>>),
    Zstd(Box<ZstdStream<VerifiedReader<'a>>>),
}

impl<'a> Decompressor<'a> {
    /// Looks at the first bytes.
    pub(super) fn new(mut reader: VerifiedReader<'a>) -> Self {
        // An error comes again with the first read.
        let head = reader.fill_buf().unwrap_or_default();
        let is_skippable = head.first().is_some_and(|byte| byte >> 4 == 5)
            && head.get(1..4) == Some(ZSTD_SKIPPABLE);
        if head.starts_with(GZIP) {
            Self::Gzip(Box::new(MultiGzDecoder::new(reader)))
        } else if head.starts_with(ZSTD) || is_skippable {
            Self::Zstd(Box::new(ZstdStream::new(reader)))
        } else {
            Self::Plain(Box::new(reader))
        }
    }

    /// The blob below.
    pub(super) fn blob(&mut self) -> &mut VerifiedReader<'a> {
        match self {
            Self::Plain(reader) => reader,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zstd(stream) => stream.get_mut(),
        }
    }
}

impl Read for Decompressor<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(into),
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(stream) => stream.read(into),
        }
    }
}
