//! Keys that stay the same from run to run, from version to version and from machine to machine.
//!
//! A key is public (reports print it, baselines keep it), and whoever writes the objects chooses
//! most of what goes into it. It is a cryptographic hash, so that nobody can write an object whose
//! finding has the key of one that a baseline already accepts.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// The length of a key. With 128 bits, the keys of a billion findings do not collide by chance.
const FINGERPRINT_BYTES: usize = 16;

/// A stable key: the first 128 bits of a SHA-256 hash, printed as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    /// The key of a list of strings. Each string is hashed with its length before it, so that two
    /// lists have one key only if they are equal.
    pub fn of<'p>(parts: impl IntoIterator<Item = &'p str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let mut key = [0; FINGERPRINT_BYTES];
        for (byte, hashed) in key.iter_mut().zip(hash.finalize()) {
            *byte = hashed;
        }
        Self(key)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// The SHA-256 hash of a text as `sha256sum` prints it: 64 hexadecimal digits.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text) {
        hex.push_str(&format!("{byte:02x}"));
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is part of the public format: it must never change.
    #[test]
    fn fingerprint_is_the_same_in_every_version() {
        assert_eq!(
            Fingerprint::of(["C-0057", "Pod"]).to_string(),
            "2524d572eb57fa6cf30cc07903484747"
        );
    }

    #[test]
    fn hash_is_that_of_sha256sum() {
        assert_eq!(
            sha256_hex("a"),
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        );
    }

    #[test]
    fn parts_are_not_joined() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_ne!(Fingerprint::of(["a", ""]), Fingerprint::of(["a"]));
    }
}
