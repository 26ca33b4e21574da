//! Digests of contents, and their verification while a content is read.
//!
//! Only SHA-256 and SHA-512 exist here, in lower case, as the OCI image specification has them.

use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;

/// A hash function of digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// `sha256`
    Sha256,
    /// `sha512`
    Sha512,
}

impl DigestAlgorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A digest such as `sha256:6b86b273…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentDigest {
    algorithm: DigestAlgorithm,
    hex: String,
}

/// The text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a digest: write sha256: and 64 digits of 0-9 and a-f, or sha512: and 128")]
pub struct InvalidDigestError;

impl ContentDigest {
    /// Reads a digest.
    ///
    /// # Errors
    ///
    /// Returns an error unless it is `sha256:` or `sha512:` with the right number of lower-case digits.
    pub fn parse(text: &str) -> Result<Self, InvalidDigestError> {
        let (name, hex) = text.split_once(':').ok_or(InvalidDigestError)?;
        let algorithm = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(InvalidDigestError)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hex.len() != algorithm.hex_digits() || !hex.bytes().all(is_digit) {
            return Err(InvalidDigestError);
        }
        Ok(Self {
            algorithm,
            hex: hex.to_owned(),
        })
    }

    /// Computes the digest of a content.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, content: &[u8]) -> Self {
        let mut hasher = DigestHasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// The digest of an image's blob, which is always SHA-256.
    pub(crate) fn of_blob(digest: &kubevet_image::BlobDigest) -> Self {
        Self {
            algorithm: DigestAlgorithm::Sha256,
            hex: digest.hex(),
        }
    }

    /// The tag under which referrers of this digest are listed by registries without the API for them.
    pub(crate) fn referrers_tag(&self) -> String {
        format!("{}-{}", self.algorithm.name(), self.hex)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl serde::Serialize for ContentDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ContentDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Hashes a content piece by piece.
#[derive(Clone)]
pub(crate) enum DigestHasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl DigestHasher {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(piece),
            Self::Sha512(hasher) => hasher.update(piece),
        }
    }

    pub(crate) fn finish(self) -> ContentDigest {
        match self {
            Self::Sha256(hasher) => digest(DigestAlgorithm::Sha256, &hasher.finalize()),
            Self::Sha512(hasher) => digest(DigestAlgorithm::Sha512, &hasher.finalize()),
        }
    }
}

fn digest(algorithm: DigestAlgorithm, hash: &[u8]) -> ContentDigest {
    use fmt::Write as _;
    let mut hex = String::with_capacity(hash.len() * 2);
    for byte in hash {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    ContentDigest { algorithm, hex }
}

#[cfg(test)]
mod tests {
    use super::{ContentDigest, DigestAlgorithm};

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn digest_of_nothing_is_that_of_the_standard() {
        assert_eq!(
            ContentDigest::of(DigestAlgorithm::Sha256, b"").to_string(),
            EMPTY
        );
        let long = ContentDigest::of(DigestAlgorithm::Sha512, b"").to_string();
        assert!(long.starts_with("sha512:cf83e1357eefb8bd"), "{long}");
        assert_eq!(
            ContentDigest::parse(&long).map(|digest| digest.to_string()),
            Ok(long)
        );
    }

    #[test]
    fn text_that_is_no_digest_is_refused() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(ContentDigest::parse(text).is_ok(), accepted, "{text}");
        };
        check(EMPTY, true);
        check(&EMPTY.to_uppercase(), false);
        check(&EMPTY.replace('e', "E"), false);
        check(&EMPTY[..70], false);
        check(&format!("{EMPTY}0"), false);
        check(&EMPTY.replace("sha256", "sha512"), false);
        check(&EMPTY.replace("sha256", "md5"), false);
        check("sha256", false);
        check("", false);
        check(&EMPTY.replace("e3", "é"), false);
    }
}
