//! Resource quantities as `lib.quantities` parses and compares them: exactly, after rounding away
//! from zero to a billionth, as Kubernetes does (`k8s.io/apimachinery/pkg/api/resource`).
//!
//! Time is linear in the length of the string and does not depend on the exponent: a number that
//! does not fit 128 bits is compared by its digits and never computed. Nothing is allocated.

use std::cmp::Ordering;

/// The largest quantity with a binary suffix, in billionths: 2^63 - 1, where Kubernetes caps it.
const LARGEST: u128 = i64::MAX as u128 * NANO;
/// Billionths in one.
const NANO: u128 = 1_000_000_000;
/// The digits of a binary quantity's fraction that are multiplied. The remaining ones can only
/// change the rounding.
const MAX_FRACTION_DIGITS: usize = 50;
/// The number of digits that fit a `u128` even after 18 more are added.
const U128_SAFE_DIGITS: usize = 19;

/// A quantity.
#[derive(Debug, Clone, Copy)]
pub struct Quantity<'a> {
    negative: bool,
    size: Size<'a>,
}

/// The absolute value of a quantity.
#[derive(Debug, Clone, Copy)]
enum Size<'a> {
    /// A number of billionths.
    Nano(u128),
    /// The decimal digits of a size that may not fit `Nano`.
    Digits(Digits<'a>),
}

/// A positive decimal number as slices of the string that it was parsed from.
#[derive(Debug, Clone, Copy)]
struct Digits<'a> {
    /// The power of ten of the first digit.
    lead: i64,
    /// The digits before and after the decimal point, concatenated. The first one is not zero.
    digits: [&'a [u8]; 2],
    /// The number of digits that remain after rounding.
    kept: usize,
    /// True if rounding adds one to the last remaining digit, which is then no nine.
    raised: bool,
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

impl Size<'_> {
    /// Compares two sizes exactly.
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Nano(a), Self::Nano(b)) => a.cmp(&b),
            // Different powers decide at once; with equal ones the digits are compared from the
            // left, the shorter number padded with zeros.
            _ => self.lead().cmp(&other.lead()).then_with(|| {
                let count = self.count().max(other.count());
                let mut orderings = (0..count).map(|at| self.digit(at).cmp(&other.digit(at)));
                orderings
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or(Ordering::Equal)
            }),
        }
    }

    /// The power of ten of the first digit.
    fn lead(self) -> i64 {
        match self {
            Self::Nano(nano) => nano
                .checked_ilog10()
                .map_or(i64::MIN, |power| i64::from(power) - 9),
            Self::Digits(digits) => digits.lead,
        }
    }

    /// The number of significant digits.
    fn count(self) -> usize {
        match self {
            Self::Nano(nano) => nano.checked_ilog10().map_or(0, |power| power as usize + 1),
            Self::Digits(digits) => digits.kept,
        }
    }

    /// The digit at an index from the left; zero after the last.
    fn digit(self, at: usize) -> u8 {
        let count = self.count();
        if at >= count {
            return 0;
        }
        match self {
            Self::Nano(nano) => (nano / 10_u128.pow((count - 1 - at) as u32) % 10) as u8,
            Self::Digits(digits) => {
                digits.digit(at) + u8::from(digits.raised && at + 1 == digits.kept)
            }
        }
    }
}

impl Digits<'_> {
    /// The digit at an index from the left as it was written, without rounding.
    fn digit(&self, at: usize) -> u8 {
        let [first, second] = self.digits;
        let digit = first
            .get(at)
            .or_else(|| second.get(at.checked_sub(first.len())?));
        digit.map_or(0, |byte| byte - b'0')
    }

    /// Rounds to a billionth, away from zero. `count` is the number of digits written.
    fn rounded(mut self, count: usize) -> Self {
        self.kept = count;
        let Some(places) = usize::try_from(self.lead + 10)
            .ok()
            .filter(|places| *places < count)
        else {
            return self;
        };
        // The last written digit is not zero, so the part that is cut off is not zero and the rest
        // is raised by one. The carry moves left over nines, which become trailing zeros and are
        // dropped.
        let last = (0..places).rev().find(|at| self.digit(*at) != 9);
        match last {
            Some(last) => Self {
                kept: last + 1,
                raised: true,
                ..self
            },
            // Only nines: the result is the next power of ten.
            None => Self {
                lead: self.lead + 1,
                digits: [b"1", b""],
                kept: 1,
                raised: false,
            },
        }
    }
}

/// The size of a number with a decimal suffix or exponent.
fn decimal<'a>(whole: &'a [u8], fraction: &'a [u8], power: i64) -> Size<'a> {
    let (first, second) = if whole.is_empty() {
        (&[][..], without_leading_zeros(fraction))
    } else {
        (whole, fraction)
    };
    let count = first.len() + second.len();
    if count == 0 {
        return Size::Nano(0);
    }
    // The power of ten of the last digit, in billionths. A number that fits 128 bits is computed;
    // this is the usual case.
    let last = power + 9 - fraction.len() as i64;
    if count <= U128_SAFE_DIGITS
        && let Ok(places) = u32::try_from(last)
        && places <= 18
    {
        return Size::Nano(number(first.iter().chain(second)) * 10_u128.pow(places));
    }
    let lead = power + count as i64 - 1 - fraction.len() as i64;
    // The first digit is below a billionth, and the number is not zero: it rounds up to one.
    if lead + 10 <= 0 {
        return Size::Nano(1);
    }
    // `rounded` requires that the last digit is not zero. A fraction has no trailing zeros already;
    // a whole number may have some.
    let first = if second.is_empty() {
        without_trailing_zeros(first)
    } else {
        first
    };
    let count = first.len() + second.len();
    Size::Digits(
        Digits {
            lead,
            digits: [first, second],
            kept: count,
            raised: false,
        }
        .rounded(count),
    )
}

/// The size of a number with a binary suffix, in billionths.
fn binary(whole: &[u8], fraction: &[u8], power: u32) -> u128 {
    // A number of 21 digits is above the cap of 2^63 - 1. Shifted by 60 bits, 20 digits fit 128
    // bits.
    if whole.len() > 20 {
        return LARGEST;
    }
    // Long multiplication of the fraction in base 10^9, from the right. Digits beyond the limit are
    // replaced by one digit that is not zero, which makes the result round up as they would.
    let cut = fraction.len() > MAX_FRACTION_DIGITS;
    let digit = |at: usize| match fraction.get(at) {
        Some(digit) if at < MAX_FRACTION_DIGITS => *digit,
        _ if at == MAX_FRACTION_DIGITS && cut => b'1',
        _ => b'0',
    };
    let (mut carried, mut rest, mut first) = (0, false, 0);
    for part in (0..=MAX_FRACTION_DIGITS / 9).rev() {
        let digits: [u8; 9] = std::array::from_fn(|at| digit(part * 9 + at));
        let product = (number(digits.iter()) << power) + carried;
        rest |= first != 0;
        first = product % NANO;
        carried = product / NANO;
    }
    let units = (number(whole.iter()) << power) + carried;
    if units > i64::MAX as u128 {
        LARGEST
    } else {
        (units * NANO + first + u128::from(rest)).min(LARGEST)
    }
}

/// The value of decimal digits in ASCII. The caller bounds their number.
fn number<'d>(digits: impl Iterator<Item = &'d u8>) -> u128 {
    digits.fold(0, |sum, byte| sum * 10 + u128::from(byte - b'0'))
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

fn without_leading_zeros(mut digits: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = digits {
        digits = rest;
    }
    digits
}

fn without_trailing_zeros(mut digits: &[u8]) -> &[u8] {
    while let [rest @ .., b'0'] = digits {
        digits = rest;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_grammar_are_quantities_with_a_sign() {
        /// The sign, if it is one.
        fn check(text: &str, expected: Option<i8>) {
            assert_eq!(
                Quantity::parse(text).map(Quantity::sign),
                expected,
                "{text:?}"
            );
            assert_eq!(is_positive(text), expected == Some(1), "{text:?}");
        }
        check("1", Some(1));
        check(" 500m ", Some(1));
        check("-1Gi", Some(-1));
        check("0", Some(0));
        check("-0.0e5", Some(0));
        check("0e-20", Some(0));
        check("1e-400", Some(1));
        check("1e-999999999", Some(1));
        check("1e999999999", Some(1));
        check("1e1000000000", None);
        check("1e0000000000001", Some(1));
        check("m", Some(0));
        check(".", Some(0));
        check("+", Some(0));
        check("Ti", Some(0));
        check("Pi", None);
        check("e-9", Some(0));
        check("e-10", None);
        check("", None);
        check(" ", None);
        check("1K", None);
        check("1 Gi", None);
        check("1.2.3", None);
        check("1e", None);
        check("1E", Some(1));
        check("1E3", Some(1));
        check("e", None);
        check("--1", None);
        check("1\n", None);
        check("\u{ff11}", None);
    }

    #[test]
    fn quantities_are_compared_exactly() {
        fn check(a: &str, b: &str, expected: Ordering) {
            let (a, b) = (Quantity::parse(a).expect(a), Quantity::parse(b).expect(b));
            let (low, high) = (expected == Ordering::Less, expected == Ordering::Greater);
            assert_eq!((a.less(b), b.less(a)), (low, high), "{a:?} {b:?}");
        }
        let long = "1".repeat(100);
        check("1", "1000m", Ordering::Equal);
        check("1Ki", "1k", Ordering::Greater);
        check("1.5Gi", "1536Mi", Ordering::Equal);
        check("-1", "-2", Ordering::Greater);
        check("-1", "0", Ordering::Less);
        check("0", "m", Ordering::Equal);
        check("1e-400", "1n", Ordering::Equal);
        check("1.0000000001", "1000000001n", Ordering::Equal);
        check("0.9999999999", "1", Ordering::Equal);
        check("-0.9999999999", "-1", Ordering::Equal);
        check("0.00000000001", "1n", Ordering::Equal);
        check(
            "9223372036854775808Ei",
            "9223372036854775807",
            Ordering::Equal,
        );
        check("9223372036854775807.5Ki", "9e18", Ordering::Greater);
        check(&long, "1e99", Ordering::Greater);
        check(&long, &format!("{long}.0000000001"), Ordering::Less);
        check(
            &format!("{long}.0000000001"),
            &format!("{long}.0000000009"),
            Ordering::Equal,
        );
        check(
            &format!("{}.9999999999", "9".repeat(60)),
            "1e60",
            Ordering::Equal,
        );
        check("1e30", &format!("1{}", "0".repeat(30)), Ordering::Equal);
        check("1e30", "1E12", Ordering::Greater);
        check("0.1Ki", "102.4", Ordering::Equal);
        check(&format!("0.{}1Ki", "0".repeat(60)), "1n", Ordering::Equal);
        check(
            &format!("1.{}1Ki", "0".repeat(60)),
            "1024000000001n",
            Ordering::Equal,
        );
        check(
            "99999999999999999999",
            "99999999999999999999000m",
            Ordering::Equal,
        );
    }
}
