//! Texts that nobody means well with: no panic, no long time, and an order that is one.

use kubevet_version::{Constraint, MAX_VERSION_BYTES, Version, VersionFormat};
use proptest::prelude::*;
use std::cmp::Ordering;

/// Texts of the characters that orders decide by, and of any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-cprv.~^_+:!, -]{0,12}",
        "[0-9]{1,4}(\\.[0-9a-z]{1,4}){0,3}([-_~+.][a-z0-9]{1,4}){0,2}",
        ".{0,40}"
    ]
}

fn order(format: VersionFormat, left: &str, right: &str) -> Option<Ordering> {
    Version::new(format, left)
        .compare(&Version::new(format, right))
        .ok()
}

proptest! {
    #[test]
    fn order_of_any_two_texts_is_the_reverse_of_the_other_way_round(left in text(), right in text()) {
        for format in VersionFormat::ALL {
            let (there, back) = (order(*format, &left, &right), order(*format, &right, &left));
            if *format == VersionFormat::Kb {
                continue;
            }
            prop_assert_eq!(there, back.map(Ordering::reverse), "{}", format);
        }
    }

    #[test]
    fn version_that_can_be_read_is_equal_to_itself(text in text()) {
        for format in VersionFormat::ALL {
            if Version::parse(*format, &text).is_ok() {
                prop_assert_eq!(order(*format, &text, &text), Some(Ordering::Equal), "{}", format);
            }
        }
    }

    #[test]
    fn constraint_of_any_text_is_an_answer_or_an_error(constraint in ".{0,60}", version in text()) {
        for format in VersionFormat::ALL {
            if let Ok(constraint) = Constraint::parse(*format, &constraint) {
                let _ = constraint.matches(&Version::new(*format, &version));
            }
        }
    }
}

#[test]
fn version_that_is_too_long_is_refused() {
    let text = "1".repeat(MAX_VERSION_BYTES + 1);
    for format in VersionFormat::ALL {
        let error = Version::parse(*format, &text)
            .err()
            .map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(
            error.contains("longer than 1024 bytes"),
            "{format}: {error}"
        );
        assert!(error.len() < 300, "{format}: the message is long");
    }
}

#[test]
fn longest_version_of_nested_parts_is_read() {
    for part in ["1-", "1a", "a.", "~", "^", "1_", "_p", "-r"] {
        let text = part.repeat(MAX_VERSION_BYTES / part.len());
        for format in VersionFormat::ALL {
            let _ = order(
                *format,
                &text,
                &format!("{}x", text.get(1..).unwrap_or_default()),
            );
        }
    }
}
