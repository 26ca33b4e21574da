//! Resolves YAML scalars to types, by the rules of go-yaml v2 (YAML 1.1 with deviations), which
//! `sigs.k8s.io/yaml` and so kubectl, Helm and the API server use. YAML 1.2 readers differ: `yes`,
//! `0644`, `1_000`.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::borrow::Cow;

/// Base64 as Go's `base64.StdEncoding` decodes it: padding is required, trailing bits are ignored.
const GO_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A resolved scalar. Numbers are in the form in which Go's JSON writer prints them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// An integer of 64 bits, signed or unsigned, in decimal digits.
    Int(Cow<'a, str>),
    Float(f64),
    String(Cow<'a, str>),
}

/// The tags that decide the type of a scalar; any other makes it a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// No tag: the text decides.
    Untagged,
    Null,
    Bool,
    Int,
    Float,
    Binary,
    /// `!!str`, `!!timestamp`, `!`, and tags that Kubernetes does not know.
    Text,
}

/// Resolves a plain or tagged scalar. The error is a message.
pub(super) fn resolve(tag: Tag, text: &str) -> Result<Scalar<'_>, String> {
    let meant = match tag {
        Tag::Text => return Ok(Scalar::String(Cow::Borrowed(text))),
        Tag::Binary => return binary(text),
        _ => plain(text),
    };
    match (tag, meant) {
        (Tag::Untagged, meant)
        | (Tag::Null, meant @ Scalar::Null)
        | (Tag::Bool, meant @ Scalar::Bool(_))
        | (Tag::Int, meant @ Scalar::Int(_))
        | (Tag::Float, meant @ Scalar::Float(_)) => Ok(meant),
        (Tag::Float, Scalar::Int(digits)) if digits.parse::<i64>().is_ok() => {
            Ok(Scalar::Float(digits.parse().unwrap_or_default()))
        }
        _ => {
            let name = match tag {
                Tag::Null => "null",
                Tag::Bool => "bool",
                Tag::Int => "int",
                _ => "float",
            };
            let shown: String = text.chars().take(40).collect();
            Err(format!(
                "`{shown}` is tagged !!{name} but is none; correct the value or drop the tag"
            ))
        }
    }
}

/// Resolves a scalar without quotes and tag.
fn plain(text: &str) -> Scalar<'_> {
    let string = Scalar::String(Cow::Borrowed(text));
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            keyword(text).unwrap_or(string)
        }
        Some(b'.') => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => separated_float(text).map_or(string, Scalar::Float),
        },
        Some(b'+' | b'-' | b'0'..=b'9') => match text {
            "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
            _ => number(text).unwrap_or(string),
        },
        Some(_) => string,
    }
}

fn keyword(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => return None,
    })
}

/// Resolves a number that begins with a sign or a digit.
fn number(text: &str) -> Option<Scalar<'_>> {
    // Fast path: a short decimal integer is its own canonical form.
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() < 19
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(digits.as_bytes(), [b'1'..=b'9', ..])
    {
        return Some(Scalar::Int(Cow::Borrowed(text)));
    }
    let plain: Cow<'_, str> = if text.contains('_') {
        text.replace('_', "").into()
    } else {
        text.into()
    };
    if let Some(int) = integer(&plain) {
        return Some(Scalar::Int(Cow::Owned(int.to_string())));
    }
    if let Some(float) = float(&plain) {
        return Some(Scalar::Float(float));
    }
    // Go's reader accepts a second sign after this prefix.
    let binary = plain.strip_prefix("0b")?;
    let int = i64::from_str_radix(binary, 2).ok()?;
    Some(Scalar::Int(Cow::Owned(int.to_string())))
}

/// Parses an integer in any base that fits a signed 64-bit integer, or an unsigned one if it has no
/// sign.
fn integer(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // `from_str_radix` would accept a sign here.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, base).ok()?);
    if unsigned.len() == text.len() {
        return Some(magnitude);
    }
    let value = if text.starts_with('-') {
        -magnitude
    } else {
        magnitude
    };
    i64::try_from(value).ok().map(i128::from)
}

/// Parses a decimal with fraction or exponent that a double can hold; a larger one is a string.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    text.parse()
        .ok()
        .filter(|float: &f64| well_formed && float.is_finite())
}

/// Parses a decimal that begins with a dot. Underscores must be between digits here; elsewhere Go's
/// reader drops them all.
fn separated_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let separates =
        |window: &[u8]| matches!(window, [a, b'_', b] if a.is_ascii_digit() && b.is_ascii_digit());
    let underscores = bytes.iter().filter(|byte| **byte == b'_').count();
    if bytes.windows(3).filter(|window| separates(window)).count() != underscores {
        return None;
    }
    if underscores == 0 {
        float(text)
    } else {
        float(&text.replace('_', ""))
    }
}

/// The bytes of a base64 string as a string, invalid UTF-8 replaced, as Go's JSON writer does. Line
/// breaks are ignored, and unused bits of the last character may be set, as in Go.
fn binary(text: &str) -> Result<Scalar<'_>, String> {
    let encoded: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let bytes = GO_BASE64.decode(encoded).map_err(|_| {
        "a value tagged !!binary is not valid base64; correct it or drop the tag".to_owned()
    })?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(Scalar::String(Cow::Owned(decoded)))
}

#[cfg(test)]
mod tests {
    use super::{super::go_float::float_text, *};

    fn shown(tag: Tag, text: &str) -> String {
        match resolve(tag, text) {
            Ok(Scalar::Null) => "null".into(),
            Ok(Scalar::Bool(truth)) => truth.to_string(),
            Ok(Scalar::Int(digits)) => digits.into_owned(),
            Ok(Scalar::Float(float)) => float_text(float).unwrap_or_else(|| "no number".into()),
            Ok(Scalar::String(text)) => format!("'{text}'"),
            Err(_) => "error".into(),
        }
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(shown(Tag::Untagged, text), expected, "{text}");
    }

    #[test]
    fn keyword_is_a_boolean_or_null() {
        for text in ["yes", "y", "on", "True"] {
            check(text, "true");
        }
        for text in ["no", "N", "OFF", "false"] {
            check(text, "false");
        }
        for text in ["", "~", "null", "NULL"] {
            check(text, "null");
        }
        for text in ["nULL", "yEs", "tru", "none", "<<", "=", "oN"] {
            check(text, &format!("'{text}'"));
        }
    }

    #[test]
    fn integer_is_resolved_in_any_base() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("12", "12"),
            ("+12", "12"),
            ("0644", "420"),
            ("0o644", "420"),
            ("-0644", "-420"),
            ("08", "8"),
            ("1_000", "1000"),
            ("1__0_", "10"),
            ("0x1F", "31"),
            ("-0X1f", "-31"),
            ("0b101", "5"),
            ("0b-11", "-3"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "18446744073709552000"),
            ("-9223372036854775809", "-9223372036854776000"),
        ] {
            check(text, expected);
        }
        for text in [
            "0x",
            "0x-1",
            "_1",
            "12:30",
            "190:20:30",
            "1a",
            "-",
            "+",
            "0o8",
            "1 000",
            "2001-01-01",
            "--1",
        ] {
            check(text, &format!("'{text}'"));
        }
    }

    #[test]
    fn float_is_resolved_and_printed_as_in_go() {
        for (text, expected) in [
            ("1e3", "1000"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+.5e-1", "0.05"),
            ("1_0.5", "10.5"),
            (".5_5", "0.55"),
            ("-0.0", "-0"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e-7", "1e-7"),
            ("1e-10", "1e-10"),
            ("1e-400", "0"),
            (".inf", "no number"),
            ("-.INF", "no number"),
            (".nan", "no number"),
        ] {
            check(text, expected);
        }
        for text in [
            "1e400", "1e", "e1", ".", ".e5", "._5", ".5_", ".5__5", "1.2.3", "inf", "nan", "-.nan",
            "1e+-5", "0x1p3",
        ] {
            check(text, &format!("'{text}'"));
        }
    }

    #[test]
    fn tag_decides_the_type() {
        for (tag, text, expected) in [
            (Tag::Text, "yes", "'yes'"),
            (Tag::Text, "", "''"),
            (Tag::Int, "0644", "420"),
            (Tag::Int, "1.5", "error"),
            (Tag::Float, "3", "3"),
            (Tag::Float, "x", "error"),
            (Tag::Bool, "on", "true"),
            (Tag::Bool, "", "error"),
            (Tag::Null, "", "null"),
            (Tag::Null, "x", "error"),
            (Tag::Binary, "aGVs\nbG8=", "'hello'"),
            (Tag::Binary, "aGVsbA==", "'hell'"),
            (Tag::Binary, "/w==", "'\u{fffd}'"),
            (Tag::Binary, "a", "error"),
            (Tag::Binary, "a=aa", "error"),
            (Tag::Binary, "aGVs====", "error"),
            // The last character of `aGVsbB==` has bits that no byte takes.
            (Tag::Binary, "aGVsbB==", "'hell'"),
            (Tag::Binary, "aGVsbA", "error"),
            (Tag::Binary, "", "''"),
        ] {
            assert_eq!(shown(tag, text), expected, "{tag:?} {text}");
        }
    }
}
