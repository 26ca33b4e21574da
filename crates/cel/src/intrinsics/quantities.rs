//! `lib.quantities`: Kubernetes' resource quantities.

use super::operands::bound;
use crate::expr::{Expr, Relation};

/// Suffixes and exponents of a quantity that has a digit, without the digits of the exponent.
const SUFFIX: &str = "[numkMGTPE]|[KMGTPE]i|[eE][+-]?0*[0-9]";
/// The longest quantity that CEL compares.
const MAX_QUANTITY_CHARS: usize = 128;
/// The most digits of an exponent that CEL compares: the API server would take minutes over nine.
const MAX_EXPONENT_DIGITS: usize = 3;

/// `lib.quantities.is_quantity`: a condition. Not by `isQuantity`: nothing bounds the time that it
/// takes over an exponent.
pub(crate) fn is_quantity(value: Expr) -> Expr {
    bound(value, "text", |value| has_shape(&value, 9))
}

/// A condition: a value is spelled as a quantity, with at most so many digits of exponent.
fn has_shape(value: &Expr, exponent_digits: usize) -> Expr {
    let with_digit = format!(r"([0-9]+\.?[0-9]*|\.[0-9]+)({SUFFIX}{{1,{exponent_digits}}})?");
    // Kubernetes reads a quantity without a digit as zero.
    let without =
        format!(r"\.?([numkMGTPE]|[KMGT]i|[eE](\+?0*[0-9]{{1,{exponent_digits}}}|-0*[0-9]))?");
    let shape = format!("^ *[+-]?({with_digit}|{without}) *$");
    Expr::all([
        as_string(value).method("matches", [Expr::string("[^ ]")]),
        as_string(value).method("matches", [Expr::pattern(shape)]),
    ])
}

/// `lib.quantities.is_positive`: a condition. A positive quantity has a digit that is not zero, and
/// rounding keeps it.
pub(crate) fn is_positive(value: Expr) -> Expr {
    let shape = format!(r"^ *\+?(0*[1-9][0-9]*\.?[0-9]*|0*\.0*[1-9][0-9]*)({SUFFIX}{{1,9}})? *$");
    as_string(&value).method("matches", [Expr::pattern(shape)])
}

/// `lib.quantities.less`: a condition.
///
/// Unlike in Rego it is false also for quantities that Kubernetes never writes: with more than
/// [`MAX_EXPONENT_DIGITS`] digits of exponent, or longer than [`MAX_QUANTITY_CHARS`]. Only a custom
/// resource can hold one, and the API server would take minutes over some.
pub(crate) fn less(a: &Expr, b: &Expr) -> Expr {
    let repeated = |value: &Expr, name: &str, condition: &dyn Fn(&Expr) -> Expr| {
        if value.is_literal() {
            condition(value)
        } else {
            bound(value.clone(), name, |value| condition(&value))
        }
    };
    repeated(a, "less", &|a| {
        repeated(b, "more", &|b| {
            let is_less = quantity(a).method("isLessThan", [quantity(b)]);
            Expr::all([is_comparable(a), is_comparable(b), is_less])
        })
    })
}

fn quantity(value: &Expr) -> Expr {
    let text = as_string(value);
    let trimmed = if is_short_number(&text) {
        text
    } else {
        text.method("trim", [])
    };
    Expr::call("quantity", trimmed)
}

fn is_comparable(value: &Expr) -> Expr {
    if is_short_number(value) {
        return Expr::Bool(true);
    }
    let is_short = Expr::call("size", as_string(value))
        .relation(Relation::LessOrEqual, Expr::count(MAX_QUANTITY_CHARS));
    Expr::all([is_short, has_shape(value, MAX_EXPONENT_DIGITS)])
}

/// True for a literal of a few digits.
fn is_short_number(value: &Expr) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(value, Expr::String(text) if (1..=9).contains(&text.len()) && is_digits(text))
}

fn as_string(value: &Expr) -> Expr {
    if is_short_number(value) {
        return value.clone();
    }
    Expr::call("string", value.clone())
}
