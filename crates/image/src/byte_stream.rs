//! Bytes that pass by once, in pieces of the reader's own buffer: nothing is copied that is skipped.

use super::error::ImageError;

/// A source of bytes, with errors of the image.
pub(super) trait ByteStream {
    /// The next bytes, without taking them; empty at the end.
    fn chunk(&mut self) -> Result<&[u8], ImageError>;

    /// Takes bytes of the last chunk.
    fn consume(&mut self, bytes: usize);

    /// Skips bytes; returns how many there were, fewer only at the end.
    fn skip(&mut self, bytes: u64) -> Result<u64, ImageError> {
        let mut skipped = 0;
        while skipped < bytes {
            let available = self.chunk()?.len() as u64;
            if available == 0 {
                break;
            }
            let taken = available.min(bytes - skipped);
            self.consume(usize::try_from(taken).unwrap_or(usize::MAX));
            skipped += taken;
        }
        Ok(skipped)
    }

    /// Appends up to `bytes` bytes; returns how many there were, fewer only at the end. Memory grows
    /// with what is there, not with what was requested.
    fn read_into(&mut self, bytes: u64, into: &mut Vec<u8>) -> Result<u64, ImageError> {
        let mut read = 0;
        while read < bytes {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                break;
            }
            let wanted = usize::try_from(bytes - read).unwrap_or(usize::MAX);
            let taken = chunk.get(..wanted).unwrap_or(chunk);
            into.extend_from_slice(taken);
            let taken = taken.len();
            self.consume(taken);
            read += taken as u64;
        }
        Ok(read)
    }
}

#[cfg(test)]
impl ByteStream for &[u8] {
    fn chunk(&mut self) -> Result<&[u8], ImageError> {
        Ok(self)
    }

    fn consume(&mut self, bytes: usize) {
        *self = &self[bytes..];
    }
}
