//! JSON files of an image as values, bounded: an empty list of two bytes becomes a value of many more.

use serde_json::Value;

/// Bytes of the largest file that is read.
pub(crate) const DOCUMENT_BYTES: usize = 32 << 20;

/// The document of a file. An error is a reason without a full stop.
pub(crate) fn parse(content: &[u8]) -> Result<Value, String> {
    bounded(content)?;
    serde_json::from_slice(content).map_err(|error| format!("it is not JSON: {error}"))
}

/// An error for a file that is too large to be read.
pub(crate) fn bounded(content: &[u8]) -> Result<(), String> {
    if content.len() > DOCUMENT_BYTES {
        return Err(format!("it has over {DOCUMENT_BYTES} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_that_is_too_large_or_no_json_is_refused() {
        assert!(parse(b"{}").is_ok());
        assert!(parse(b"{").is_err());
        assert!(parse(&vec![b' '; DOCUMENT_BYTES + 1]).is_err());
    }
}
