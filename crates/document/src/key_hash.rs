//! A field name that is known before any document, and the tag by which it is found in one.
//!
//! A tag is two bytes that mostly tell the keys of one map apart, so that a look-up compares numbers and reads text only
//! where they agree. Tags are no identity: whoever finds one compares the text too. They are never stored or sent.

use std::fmt;

/// A field name, interned once by whoever looks it up often ([`super::Node::field`]).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FieldKey {
    text: Box<str>,
    tag: u16,
}

impl FieldKey {
    /// A name as it reads, unescaped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            tag: tag(text),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn tag(&self) -> u16 {
        self.tag
    }
}

impl fmt::Debug for FieldKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(out)
    }
}

/// The tag of a key.
#[inline]
pub(super) fn tag(text: &str) -> u16 {
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

/// The tag of the key that has `len` bytes from the first of `from` on: the same as [`tag`] of its text, at less cost
/// where something follows it. `None` where too little does.
#[inline]
pub(super) fn tag_within(from: &[u8], len: usize) -> Option<u16> {
    let first = u64::from_le_bytes(*from.first_chunk()?);
    Some(match len.checked_sub(8) {
        Some(rest) => mix(
            len,
            first,
            u64::from_le_bytes(*from.get(rest..)?.first_chunk()?),
        ),
        // What follows the key is masked out.
        None => mix(len, first & !(u64::MAX << (8 * len)), 0),
    })
}

/// Of the length, the first eight bytes (or all), and the last eight (or none). Any mix will do that spreads well.
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
    fn a_tag_is_the_same_wherever_the_key_stands() {
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
                if let Some(found) = tag_within(text.as_bytes(), key.len()) {
                    assert_eq!(found, tag(key), "{key} before {rest}");
                } else {
                    assert!(text.len() < 8, "{key} before {rest}");
                }
            }
        }
    }

    /// Not for its own sake: equal tags cost time only.
    #[test]
    fn the_keys_of_a_pod_have_tags_of_their_own() {
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
        let mut tags: Vec<u16> = keys.iter().map(|key| tag(key)).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), keys.len());
    }
}
