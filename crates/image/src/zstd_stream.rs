//! A stream of Zstandard with any number of frames, skippable ones among them: the decoder of the
//! dependency reads one frame.

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use std::io::{self, BufRead, Read};

/// The most memory that a frame may demand for what its later bytes refer to: what the encoder's
/// highest level uses.
const MAX_WINDOW_BYTES: u64 = 128 << 20;

/// Inflates frame after frame.
pub(super) struct ZstdStream<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> ZstdStream<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        Self {
            source,
            decoder,
            is_in_frame: false,
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Begins the next frame that has content; false at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(u64::from(length))?,
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.source).take(bytes), &mut io::sink())?;
        if skipped < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdStream<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.is_in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one_block = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, one_block)
                    .map_err(io::Error::other)?;
            }
            let count = self.decoder.read(into)?;
            if count > 0 {
                return Ok(count);
            }
            self.is_in_frame = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with `content` as one block that is not compressed.
    fn frame(content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let block = u32::from(length) << 3 | 1;
        let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
        bytes.extend_from_slice(&block.to_le_bytes()[..3]);
        bytes.extend_from_slice(content);
        bytes
    }

    fn skippable(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap();
        let mut bytes = vec![0x50, 0x2a, 0x4d, 0x18];
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(content);
        bytes
    }

    #[track_caller]
    fn check(parts: &[Vec<u8>], expected: Option<&str>) {
        let bytes = parts.concat();
        let mut text = String::new();
        let result = ZstdStream::new(bytes.as_slice()).read_to_string(&mut text);
        assert_eq!(result.ok().map(|_| text.as_str()), expected);
    }

    #[test]
    fn frames_are_read_one_after_the_other() {
        check(&[frame(b"one")], Some("one"));
        check(&[frame(b"one"), frame(b""), frame(b"two")], Some("onetwo"));
        check(
            &[skippable(b"note"), frame(b"one"), skippable(b"")],
            Some("one"),
        );
        check(&[], Some(""));
    }

    #[test]
    fn broken_frame_is_an_error() {
        check(&[frame(b"one"), b"garbage".to_vec()], None);
        check(&[frame(b"one")[..8].to_vec()], None);
        check(&[skippable(b"note")[..9].to_vec()], None);
    }
}
