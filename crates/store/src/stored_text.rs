//! Strings from outside as both databases take them: bounded, and without the character NUL, which
//! PostgreSQL refuses.

use kubevet_model::truncate_bytes;
use std::borrow::Cow;

/// Stands for a character that cannot be stored.
const REPLACEMENT: &str = "\u{fffd}";

/// Returns a string of at most `max_bytes` bytes without NUL. `…` stands for the end of a longer one.
pub(super) fn stored_text(text: &str, max_bytes: usize) -> Cow<'_, str> {
    let bounded = truncate_bytes(text, max_bytes);
    if !bounded.contains('\0') {
        return bounded;
    }
    let replaced = bounded.replace('\0', REPLACEMENT);
    // The replacement is longer than what it replaces.
    Cow::Owned(truncate_bytes(&replaced, max_bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(stored_text(text, 8), expected);
    }

    #[test]
    fn text_is_bounded_and_has_no_nul() {
        check("", "");
        check("12345678", "12345678");
        check("123456789", "12345…");
        check("a\0b", "a\u{fffd}b");
        check("\0\0\0", "\u{fffd}…");
        check("äääää", "ää…");
    }
}
