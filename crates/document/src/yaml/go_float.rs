//! Prints doubles as Go does: as JSON values, and as keys of a map. Parsing them is the task of
//! `resolve_scalar`.

use std::fmt::Write as _;

/// Returns a double as Go's JSON writer prints it; `None` for values that JSON does not have.
pub(super) fn float_text(float: f64) -> Option<String> {
    if !float.is_finite() {
        return None;
    }
    let size = float.abs();
    Some(if size != 0.0 && !(1e-6..1e21).contains(&size) {
        exponent_text(float)
    } else {
        float.to_string()
    })
}

/// Returns a double as a key, as Go's reader names it: with the shortest digits of a *single*.
#[expect(
    clippy::cast_possible_truncation,
    reason = "that is what the reader does"
)]
pub(super) fn float_key(float: f64) -> String {
    let single = float as f32;
    if single.is_nan() {
        return ".nan".to_owned();
    }
    if single.is_infinite() {
        return if single > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{single:e}");
    let exponent: i32 = text
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or_default();
    // Go's `g` format has an exponent from seven digits on.
    if (-4..6).contains(&exponent) {
        single.to_string()
    } else {
        two_digit_exponent(&text)
    }
}

fn exponent_text(float: f64) -> String {
    let text = two_digit_exponent(&format!("{float:e}"));
    // Go's JSON writer removes the zero that its number formatter puts before a negative exponent.
    text.replace("e-0", "e-")
}

/// `1.5e7` → `1.5e+07`.
fn two_digit_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let mut out = String::from(mantissa);
    let _ = write!(
        out,
        "e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_key_has_the_digits_of_a_single() {
        for (float, expected) in [
            (1.5, "1.5"),
            (1e6, "1e+06"),
            (1e5, "100000"),
            (0.1, "0.1"),
            (1e-5, "1e-05"),
        ] {
            assert_eq!(float_key(float), expected);
        }
    }
}
