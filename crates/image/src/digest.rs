//! SHA-256 digests as images have them. Other algorithms are refused: no digest is believed that was
//! not computed here.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// The SHA-256 of a blob, written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobDigest([u8; 32]);

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest: it must be sha256: and 64 lowercase hexadecimal digits")]
pub struct ParseDigestError {
    /// The text, shortened.
    text: String,
}

impl BlobDigest {
    /// The digest of a content that is in memory.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// The 64 digits without `sha256:`.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the 64 digits without `sha256:`.
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        }
        Some(Self(bytes))
    }
}

/// Only lowercase digits: one digest has one spelling.
fn hex_digit(char: u8) -> Option<u8> {
    match char {
        b'0'..=b'9' => Some(char - b'0'),
        b'a'..=b'f' => Some(char - b'a' + 10),
        _ => None,
    }
}

impl FromStr for BlobDigest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        text.strip_prefix("sha256:")
            .and_then(Self::from_hex)
            .ok_or_else(|| ParseDigestError {
                text: text.chars().take(100).collect(),
            })
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for BlobDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The digest of a content that passes by.
#[derive(Clone, Default)]
pub(super) struct StreamHasher(Sha256);

impl StreamHasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn digest(&self) -> BlobDigest {
        BlobDigest(self.0.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn check(text: &str, is_digest: bool) {
        let parsed: Result<BlobDigest, _> = text.parse();
        assert_eq!(parsed.is_ok(), is_digest, "{text}");
        if let Ok(digest) = parsed {
            assert_eq!(digest.to_string(), text);
        }
    }

    #[test]
    fn digest_has_one_spelling() {
        check(EMPTY, true);
        check(&EMPTY.to_uppercase(), false);
        check(&EMPTY.replace("e3b0", "E3B0"), false);
        check(&EMPTY.replace("sha256", "sha512"), false);
        check(&EMPTY[..EMPTY.len() - 1], false);
        check(&format!("{EMPTY}0"), false);
        check(&EMPTY.replace("e3b0", "../."), false);
        check("sha256:", false);
        check("", false);
    }

    #[test]
    fn digest_of_nothing_is_the_known_one() {
        assert_eq!(BlobDigest::of(b"").to_string(), EMPTY);
        assert_eq!(StreamHasher::default().digest().to_string(), EMPTY);
    }
}
