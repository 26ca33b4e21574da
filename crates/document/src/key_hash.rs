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
    hash: u16,
}

impl FieldKey {
    /// A key from its unescaped name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            hash: hash(text),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn hash(&self) -> u16 {
        self.hash
    }
}

impl fmt::Debug for FieldKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(out)
    }
}

/// The hash of a key.
#[inline]
pub(super) fn hash(text: &str) -> u16 {
    let bytes = text.as_bytes();
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => mix(
            bytes.len(),
            u64::from_le_bytes(*first),
            u64::from_le_bytes(*last),
        ),
        _ => mix(
            bytes.len(),
            bytes
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
            0,
        ),
    }
}

/// The hash of the key of `len` bytes at the beginning of `from`: equal to [`hash`] of its text,
/// and cheaper. `None` if too few bytes follow the key.
#[inline]
pub(super) fn hash_within(from: &[u8], len: usize) -> Option<u16> {
    let first = u64::from_le_bytes(*from.first_chunk()?);
    Some(match len.checked_sub(8) {
        Some(rest) => mix(
            len,
            first,
            u64::from_le_bytes(*from.get(rest..)?.first_chunk()?),
        ),
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
