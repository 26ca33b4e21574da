//! Whether one value has a type, as the decoder of Kubernetes' API server decides it, and the words
//! for a value that has not. Values are never repeated: they may be secret.

use kubevet_document::{Node, Number, Value};
use kubevet_ir::intrinsics::quantity::Quantity;
use kubevet_k8s::schema::Type;

/// Whether a value has a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It has, and there is nothing more to check.
    Whole,
    /// It is a list or map of the right form; its parts have types of their own.
    Parts,
    /// It has not.
    Wrong,
}

/// The beginnings of placeholders that tools replace before Kubernetes sees the file.
const PLACEHOLDERS: &[&str] = &["{{", "${", "$(", "{%", "<%", "<no value>"];

/// Compares a value with a type. Null is right everywhere: Kubernetes reads it as absent.
pub(super) fn fit(value: Node<'_>, ty: Type) -> Fit {
    let is_right = match (ty, value.value()) {
        (Type::Struct(_) | Type::Map(_), Value::Map) | (Type::List(_), Value::List) => {
            return Fit::Parts;
        }
        (Type::Any, _) | (_, Value::Null) => true,
        (Type::String | Type::IntOrString, Value::String(_)) => true,
        (Type::Bool, Value::Bool(_)) => true,
        (Type::Int32 | Type::IntOrString, Value::Number(number)) => {
            whole(number).is_some_and(|number| i32::try_from(number).is_ok())
        }
        (Type::Int64, Value::Number(number)) => whole(number).is_some(),
        (Type::Number | Type::Quantity, Value::Number(_)) => true,
        (Type::Quantity, Value::String(text)) => Quantity::parse(text).is_some(),
        (Type::Time, Value::String(text)) => is_time(text),
        // Go reads a list of numbers as bytes, too.
        (Type::Bytes, Value::List) => true,
        (Type::Bytes, Value::String(text)) => is_base64(text),
        _ => false,
    };
    if is_right { Fit::Whole } else { Fit::Wrong }
}

/// Returns a number without a fraction that fits 64 bits: clients write `3.0` as `3`.
fn whole(number: Number<'_>) -> Option<i64> {
    /// Above this, a double has no fraction, and clients write it with an exponent.
    const MAX: f64 = 9_007_199_254_740_992.0;
    match number {
        Number::Int(number) => Some(number),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within 53 bits"
        )]
        Number::Float(number) if number.fract() == 0.0 && number.abs() <= MAX => {
            Some(number as i64)
        }
        Number::Float(_) | Number::Big(_) => None,
    }
}

/// True for a time as in RFC 3339: `2006-01-02T15:04:05.9+01:00`.
fn is_time(text: &str) -> bool {
    let Some((date, zone)) = text
        .as_bytes()
        .split_at_checked("2006-01-02T15:04:05".len())
    else {
        return false;
    };
    let zone = match zone.split_first() {
        Some((b'.', rest)) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest.get(digits..)
                .filter(|_| digits > 0)
                .unwrap_or_default()
        }
        _ => zone,
    };
    is_like(date, b"0000-00-00T00:00:00")
        && (zone == b"Z" || is_like(zone, b"+00:00") || is_like(zone, b"-00:00"))
}

/// True if a text has digits where the pattern has them, and otherwise its characters.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    text.len() == pattern.len()
        && text.iter().zip(pattern).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

/// True for padded standard base64, in which line breaks count for nothing.
fn is_base64(text: &str) -> bool {
    let (mut length, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'\r' | b'\n' => continue,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        length += 1;
    }
    length.is_multiple_of(4) && padding <= 2
}

/// Returns what is wrong with a value that has not its type, as half a sentence: "must be a list,
/// but is a map".
pub(super) fn complaint(value: Node<'_>, ty: Type) -> String {
    let is_template = value
        .as_str()
        .is_some_and(|text| PLACEHOLDERS.iter().any(|start| text.contains(start)));
    let hint = match (ty, value.value()) {
        _ if is_template => " that looks like a template that was not rendered",
        (Type::Bool, Value::String(_))
        | (Type::Int32 | Type::Int64 | Type::Number, Value::String(_)) => "; remove the quotes",
        (Type::String | Type::Bytes, Value::Number(_) | Value::Bool(_))
        | (Type::IntOrString, Value::Bool(_)) => "; put it in quotes",
        _ => "",
    };
    format!(
        "must be {}, but is {}{hint}",
        expected(ty),
        actual(value, ty)
    )
}

fn expected(ty: Type) -> &'static str {
    match ty {
        Type::String => "a string",
        Type::Bool => "true or false",
        Type::Int32 | Type::Int64 => "a whole number",
        Type::Number => "a number",
        Type::Quantity => "a quantity such as 500m or 1Gi",
        Type::IntOrString => "a whole number or a string",
        Type::Time => "a time such as 2006-01-02T15:04:05Z",
        Type::Bytes => "a string in base64",
        Type::List(_) => "a list",
        Type::Map(_) | Type::Struct(_) => "a map",
        Type::Any => "anything",
    }
}

fn actual(value: Node<'_>, ty: Type) -> &'static str {
    match (value.value(), ty) {
        (Value::Null, _) => "null",
        (Value::Bool(_), _) => "a boolean",
        (Value::Number(number), Type::Int32 | Type::Int64 | Type::IntOrString) => {
            match whole(number) {
                Some(_) => "beyond 32 bits",
                None if matches!(number, Number::Float(number) if number.fract() != 0.0) => {
                    "a number with a fraction"
                }
                None => "beyond 64 bits",
            }
        }
        (Value::Number(_), _) => "a number",
        (Value::String(_), Type::Quantity | Type::Time | Type::Bytes) => "another string",
        (Value::String(_), _) => "a string",
        (Value::List, _) => "a list",
        (Value::Map, _) => "a map",
    }
}
