//! Exact comparison of decimal numbers of any size, by their digits.
//!
//! JSON numbers have no bounds. As floating-point numbers, large ones would compare equal although
//! they differ.

use std::cmp::Ordering;

/// Compares two numbers of JSON by value.
pub(super) fn compare_decimals(left: &str, right: &str) -> Ordering {
    let (left, right) = (Decimal::parse(left), Decimal::parse(right));
    match (left.signum(), right.signum()) {
        (left_sign, right_sign) if left_sign != right_sign => left_sign.cmp(&right_sign),
        // Of two negative numbers the one with the larger magnitude is less.
        (-1, _) => right.magnitude().cmp(&left.magnitude()),
        _ => left.magnitude().cmp(&right.magnitude()),
    }
}

/// The number `0.DIGITS × 10^exponent`. The digits have no zeros at either end, so equal numbers
/// have equal fields.
struct Decimal {
    is_negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

impl Decimal {
    fn parse(number: &str) -> Self {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading_zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading_zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        // The point is behind the whole digits; each leading zero that is dropped moves it one to
        // the left.
        let point = i64::try_from(whole.len()).unwrap_or(i64::MAX / 4)
            - i64::try_from(leading_zeros).unwrap_or(0);
        Self {
            is_negative,
            exponent: parse_exponent(exponent) + point,
            digits,
        }
    }

    fn signum(&self) -> i8 {
        match (self.digits.is_empty(), self.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The absolute value, in an order: by exponent, then digit by digit.
    fn magnitude(&self) -> (i64, &[u8]) {
        if self.digits.is_empty() {
            (i64::MIN, &[])
        } else {
            (self.exponent, &self.digits)
        }
    }
}

/// Parses an exponent. One beyond 64 bits becomes a huge one; a quarter of the range leaves room to
/// add to it.
fn parse_exponent(exponent: &str) -> i64 {
    let huge = if exponent.starts_with('-') {
        i64::MIN / 4
    } else {
        i64::MAX / 4
    };
    exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse::<i64>()
        .map_or(huge, |exponent| exponent.clamp(i64::MIN / 4, i64::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::compare_decimals;

    #[test]
    fn numbers_compare_by_value() {
        for (less, greater) in [
            ("0.1", "0.2"),
            ("-1.5", "0"),
            ("-2e3", "-1999.9"),
            ("9223372036854775807", "9223372036854775808"),
            ("1e400", "1e401"),
            ("0.00099", "1e-3"),
        ] {
            assert!(
                compare_decimals(less, greater).is_lt(),
                "{less} < {greater}"
            );
            assert!(
                compare_decimals(greater, less).is_gt(),
                "{greater} > {less}"
            );
        }
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for (left, right) in [
            ("1", "1.0"),
            ("1e3", "1000"),
            ("0", "-0"),
            ("0.0", "0e9"),
            ("12.50e1", "125"),
            ("10", "1E1"),
        ] {
            assert!(compare_decimals(left, right).is_eq(), "{left} = {right}");
        }
    }
}
