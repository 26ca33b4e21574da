//! Resource quantities as `lib.quantities` parses and compares them: exactly, after rounding away
//! from zero to a billionth, as Kubernetes does (`k8s.io/apimachinery/pkg/api/resource`).
//!
//! Time is linear in the length of the string and does not depend on the exponent: a number that
//! does not fit 128 bits is compared by its digits and never computed. Nothing is allocated.

mod size;

use size::{Size, binary, decimal, without_leading_zeros, without_trailing_zeros};
use std::cmp::Ordering;

/// A quantity.
#[derive(Debug, Clone, Copy)]
pub struct Quantity<'a> {
    negative: bool,
    size: Size<'a>,
}

/// The factor of a suffix.
#[derive(Clone, Copy)]
enum Scale {
    /// A power of ten.
    Decimal(i64),
    /// A power of two.
    Binary(u32),
}

impl<'a> Quantity<'a> {
    /// Parses a quantity: a string, or the characters of a number. `None` if Kubernetes rejects it.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(' ').as_bytes();
        let (negative, unsigned) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let (whole, rest) = digits(unsigned);
        let (fraction, suffix) = match rest.split_first() {
            Some((b'.', rest)) => digits(rest),
            _ => (rest.get(..0)?, rest),
        };
        let scale = scale(suffix)?;
        if whole.is_empty() && fraction.is_empty() && !reads_without_digits(scale) {
            return None;
        }
        let whole = without_leading_zeros(whole);
        let fraction = without_trailing_zeros(fraction);
        let size = match scale {
            Scale::Binary(power) => Size::Nano(binary(whole, fraction, power)),
            Scale::Decimal(power) => decimal(whole, fraction, power),
        };
        Some(Self { negative, size })
    }

    /// True if the quantity is greater than zero.
    pub fn is_positive(self) -> bool {
        self.sign() > 0
    }

    /// Returns -1, 0 or 1. Negative zero is zero.
    fn sign(self) -> i8 {
        match self.size {
            Size::Nano(0) => 0,
            _ if self.negative => -1,
            _ => 1,
        }
    }

    /// `self < other`.
    pub fn less(self, other: Self) -> bool {
        let (low, high) = (self.sign(), other.sign());
        if low != high {
            return low < high;
        }
        let order = self.size.compare(other.size);
        order
            == if low < 0 {
                Ordering::Greater
            } else {
                Ordering::Less
            }
            && low != 0
    }
}

/// `lib.quantities.is_positive` of a string. The usual forms need no arithmetic.
pub fn is_positive(text: &str) -> bool {
    is_plain(text.as_bytes()) || Quantity::parse(text).is_some_and(Quantity::is_positive)
}

/// `^[1-9][0-9]{0,8}([mkMGT]|[KMGT]i)?$`
fn is_plain(text: &[u8]) -> bool {
    let (number, suffix) = digits(text);
    number.len() <= 9
        && number.first().is_some_and(|first| *first != b'0')
        && matches!(
            suffix,
            [] | [b'm' | b'k' | b'M' | b'G' | b'T'] | [b'K' | b'M' | b'G' | b'T', b'i']
        )
}

/// True if Kubernetes parses a number without digits (`m`, `.`) as zero. Its fast path does, and
/// it takes the slow path, which rejects it, for the other scales.
fn reads_without_digits(scale: Scale) -> bool {
    match scale {
        Scale::Binary(power) => power <= 40,
        Scale::Decimal(power) => power >= -9,
    }
}

/// The scale of a suffix or exponent; `None` if there is no such suffix.
fn scale(suffix: &[u8]) -> Option<Scale> {
    Some(match suffix {
        b"n" => Scale::Decimal(-9),
        b"u" => Scale::Decimal(-6),
        b"m" => Scale::Decimal(-3),
        b"" => Scale::Decimal(0),
        b"k" => Scale::Decimal(3),
        b"M" => Scale::Decimal(6),
        b"G" => Scale::Decimal(9),
        b"T" => Scale::Decimal(12),
        b"P" => Scale::Decimal(15),
        b"E" => Scale::Decimal(18),
        b"Ki" => Scale::Binary(10),
        b"Mi" => Scale::Binary(20),
        b"Gi" => Scale::Binary(30),
        b"Ti" => Scale::Binary(40),
        b"Pi" => Scale::Binary(50),
        b"Ei" => Scale::Binary(60),
        [b'e' | b'E', rest @ ..] => Scale::Decimal(exponent(rest)?),
        _ => return None,
    })
}

/// Parses a decimal exponent. Ten digits and more are rejected: Kubernetes stores it in 32 bits.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (number, rest) = digits(text);
    if number.is_empty() || !rest.is_empty() {
        return None;
    }
    let number = without_leading_zeros(number);
    if number.len() >= 10 {
        return None;
    }
    let power = number
        .iter()
        .fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
    Some(if negative { -power } else { power })
}

/// Splits a string after the decimal digits at its start.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(count).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests;
