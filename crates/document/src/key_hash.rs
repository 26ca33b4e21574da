//! A field name that is known before any document, and the hash by which a map is searched for it.
//!
//! A hash has two bytes and tells most keys of a map apart, so that a lookup compares numbers, and
//! text only where they are equal. Equal hashes do not mean equal keys. Hashes are never stored or
//! sent.

use std::fmt;

/// A field name with its hash, for names that are looked up often ([`super::Node::field`]).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FieldKey {
    text: Box<str>,
    words: KeyWords,
}

/// A key to search a map for.
#[derive(Clone, Copy)]
pub(super) struct SearchKey<'k> {
    pub(super) text: &'k str,
    words: KeyWords,
}

/// The bytes of a key as two words: the first eight (or all) and the last eight (or none), and their
/// hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct KeyWords {
    first: u64,
    last: u64,
    hash: u16,
}

impl FieldKey {
    /// A key from its unescaped name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            words: KeyWords::new(text),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[inline]
    pub(super) fn search_key(&self) -> SearchKey<'_> {
        SearchKey {
            text: &self.text,
            words: self.words,
        }
    }
}

impl<'k> SearchKey<'k> {
    #[inline]
    pub(super) fn new(text: &'k str) -> Self {
        Self {
            text,
            words: KeyWords::new(text),
        }
    }

    #[inline]
    pub(super) fn hash(self) -> u16 {
        self.words.hash
    }

    /// True if the text has this key at an offset. The caller compares the lengths. Keys are short,
    /// so words are compared rather than slices, which would be a call.
    #[inline]
    pub(super) fn is_at(self, text: &[u8], start: usize) -> bool {
        let key = self.text.as_bytes();
        let Some(from) = text.get(start..) else {
            return false;
        };
        let Some(first) = word_at(from, 0) else {
            return from.get(..key.len()) == Some(key);
        };
        match key.len().checked_sub(8) {
            Some(rest) => {
                first == self.words.first
                    && word_at(from, rest) == Some(self.words.last)
                    && (8..rest)
                        .step_by(8)
                        .all(|offset| word_at(from, offset) == word_at(key, offset))
            }
            // Bytes after the key are masked out.
            None => first & !(u64::MAX << (8 * key.len())) == self.words.first,
        }
    }
}

impl KeyWords {
    #[inline]
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => {
                let bytes = bytes.iter().rev();
                (bytes.fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
            }
        };
        Self {
            first,
            last,
            hash: mix(text.len(), first, last),
        }
    }
}

/// The eight bytes at an offset; `None` if there are fewer.
#[inline]
fn word_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let word = bytes.get(offset..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}

impl fmt::Debug for FieldKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(out)
    }
}

/// The hash of a key.
#[inline]
pub(super) fn hash(text: &str) -> u16 {
    KeyWords::new(text).hash
}

/// The hash of the key of `len` bytes at the beginning of `from`: equal to [`hash`] of its text,
/// and cheaper. `None` if too few bytes follow the key.
#[inline]
pub(super) fn hash_within(from: &[u8], len: usize) -> Option<u16> {
    let first = word_at(from, 0)?;
    Some(match len.checked_sub(8) {
        Some(rest) => mix(len, first, word_at(from, rest)?),
        // Bytes after the key are masked out.
        None => mix(len, first & !(u64::MAX << (8 * len)), 0),
    })
}

/// Mixes the length, the first eight bytes (or all) and the last eight (or none). Any function that
/// spreads well will do.
#[inline]
fn mix(len: usize, first: u64, last: u64) -> u16 {
    let sum = (first ^ last.rotate_left(20)).wrapping_add(len as u64);
    let [.., low, high] = sum.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_the_same_at_every_position_of_a_text() {
        for key in [
            "",
            "a",
            "ab",
            "name",
            "seconds",
            "replicas",
            "hostUsers",
            "terminationGracePeriodSeconds",
            "äöü",
            "€€€€",
        ] {
            for rest in ["", "\"", "\":1}", "\":{\"kind\":\"Pod\"}}"] {
                let text = format!("{key}{rest}");
                if let Some(found) = hash_within(text.as_bytes(), key.len()) {
                    assert_eq!(found, hash(key), "{key} before {rest}");
                } else {
                    assert!(text.len() < 8, "{key} before {rest}");
                }
            }
        }
    }

    /// A key is found where its text is, whatever is around it, and no other text is the key.
    #[test]
    fn key_is_where_its_text_is() {
        let keys = [
            "",
            "a",
            "abc",
            "seconds",
            "replicas",
            "hostUsers",
            "resourceVersions",
        ];
        let long = "terminationGracePeriodSeconds".repeat(2);
        let keys = keys
            .into_iter()
            .chain((17..long.len()).map(|len| &long[..len]));
        for key in keys {
            let search_key = SearchKey::new(key);
            for (before, after) in [("", ""), ("{\"", "\":1}"), ("  ", "              ")] {
                let text = format!("{before}{key}{after}");
                assert!(search_key.is_at(text.as_bytes(), before.len()), "{text}");
                for changed in 0..key.len() {
                    let mut other = text.clone().into_bytes();
                    other[before.len() + changed] ^= 1;
                    assert!(!search_key.is_at(&other, before.len()), "{key} {changed}");
                }
            }
            assert!(!search_key.is_at(key.as_bytes(), key.len() + 1));
        }
    }

    /// Equal hashes would cost time only.
    #[test]
    fn keys_of_a_pod_have_distinct_hashes() {
        let keys = [
            "automountServiceAccountToken",
            "containers",
            "dnsPolicy",
            "enableServiceLinks",
            "hostIPC",
            "hostNetwork",
            "hostPID",
            "hostUsers",
            "imagePullSecrets",
            "initContainers",
            "nodeSelector",
            "restartPolicy",
            "runAsGroup",
            "runAsNonRoot",
            "runAsUser",
            "schedulerName",
            "securityContext",
            "serviceAccount",
            "serviceAccountName",
            "terminationGracePeriodSeconds",
            "tolerations",
            "volumes",
            "name",
            "image",
            "imagePullPolicy",
            "args",
            "command",
            "env",
            "envFrom",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
            "resources",
            "ports",
            "volumeMounts",
            "privileged",
            "capabilities",
            "readOnlyRootFilesystem",
        ];
        let mut hashes: Vec<u16> = keys.iter().map(|key| hash(key)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), keys.len());
    }
}
