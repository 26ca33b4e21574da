//! A number of a document, read as the API server reads it. How a number is written is decided
//! by the readers.

/// A number, read as the API server reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number<'a> {
    /// A number without fraction and exponent that fits 64 bits.
    Int(i64),
    /// Any other number that a double can hold; integers may lose digits.
    Float(f64),
    /// A number beyond a double: its digits.
    Big(&'a str),
}

impl<'a> Number<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        if let Some(int) = short_int(text.as_bytes()) {
            return Self::Int(int);
        }
        if !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
            && let Ok(int) = text.parse()
        {
            return Self::Int(int);
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Self::Float(float),
            _ => Self::Big(text),
        }
    }
}

/// Parses an integer of at most 18 digits, which cannot overflow. Most numbers are such.
#[inline]
fn short_int(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    if !(1..=18).contains(&digits.len()) {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(sign * value)
}
