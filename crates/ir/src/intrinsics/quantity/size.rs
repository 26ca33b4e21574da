//! The absolute value of a quantity: computed where it fits 128 bits, else compared by its digits.

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

/// The absolute value of a quantity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size<'a> {
    /// A number of billionths.
    Nano(u128),
    /// The decimal digits of a size that may not fit `Nano`.
    Digits(Digits<'a>),
}

/// A positive decimal number as slices of the string that it was parsed from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digits<'a> {
    /// The power of ten of the first digit.
    lead: i64,
    /// The digits before and after the decimal point, concatenated. The first one is not zero.
    digits: [&'a [u8]; 2],
    /// The number of digits that remain after rounding.
    kept: usize,
    /// True if rounding adds one to the last remaining digit, which is then no nine.
    raised: bool,
}

impl Size<'_> {
    /// Compares two sizes exactly.
    pub(super) fn compare(self, other: Self) -> Ordering {
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
pub(super) fn decimal<'a>(whole: &'a [u8], fraction: &'a [u8], power: i64) -> Size<'a> {
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
pub(super) fn binary(whole: &[u8], fraction: &[u8], power: u32) -> u128 {
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

pub(super) fn without_leading_zeros(mut digits: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = digits {
        digits = rest;
    }
    digits
}

pub(super) fn without_trailing_zeros(mut digits: &[u8]) -> &[u8] {
    while let [rest @ .., b'0'] = digits {
        digits = rest;
    }
    digits
}
