//! The uid of an object in 16 bytes.

use kubevet_model::Fingerprint;
use std::fmt;

/// A uid. Those of an API server are UUIDs; of another one only the hash is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ObjectUid(u128);

impl ObjectUid {
    /// Returns the uid of a text, and whether the text can be had back from it.
    pub(super) fn parse(text: &str) -> (Self, bool) {
        let mut parsed = Some(0_u128);
        for digit in text.bytes().filter(|byte| *byte != b'-') {
            let digit = char::from(digit).to_digit(16);
            parsed = parsed
                .filter(|number| number.leading_zeros() >= 4)
                .zip(digit)
                .map(|(number, digit)| number << 4 | u128::from(digit));
        }
        match parsed.map(Self) {
            Some(uid) if uid.to_string() == text => (uid, true),
            _ => {
                let hash = Fingerprint::of([text]).to_string();
                (
                    Self(u128::from_str_radix(&hash, 16).unwrap_or_default()),
                    false,
                )
            }
        }
    }
}

impl fmt::Display for ObjectUid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0;
        write!(
            out,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            number >> 96,
            number >> 80 & 0xffff,
            number >> 64 & 0xffff,
            number >> 48 & 0xffff,
            number & 0xffff_ffff_ffff,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectUid;

    #[track_caller]
    fn check(text: &str, is_uuid: bool) {
        let (uid, is_exact) = ObjectUid::parse(text);
        assert_eq!(is_exact, is_uuid, "{text}");
        assert_eq!(uid.to_string() == text, is_uuid, "{text}");
    }

    #[test]
    fn uuid_is_kept_as_it_is() {
        check("0b0cbb38-6e0f-4c1c-9d3e-f1a2b3c4d5e6", true);
        check("00000000-0000-0000-0000-000000000000", true);
        check("ffffffff-ffff-ffff-ffff-ffffffffffff", true);
        check("0B0CBB38-6e0f-4c1c-9d3e-f1a2b3c4d5e6", false);
        check("0b0cbb386e0f4c1c9d3ef1a2b3c4d5e6", false);
        check("fffffffff-ffff-ffff-ffff-ffffffffffff", false);
        check("pod-1", false);
        check("", false);
        assert_ne!(ObjectUid::parse("a"), ObjectUid::parse("b"));
    }
}
