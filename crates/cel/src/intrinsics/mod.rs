//! The functions of the shared library and of Rego in CEL, for Kubernetes 1.30 and later: operands
//! in, an expression out.
//!
//! An operand is a string for certain (of a quantity: a string or an int; of a connection: a map);
//! the emitter guards types. Then no evaluation fails, whatever the string. An operand that is
//! needed several times and is not cheap to repeat is bound by a comprehension over one element,
//! whose variables a test lists; the emitter's own names are shorter. Each function agrees with its
//! native half in `kubevet-ir` and its Rego definition; tests hold the three to each other.
//!
//! | file | functions |
//! |---|---|
//! | `images` | `lib.images.*` |
//! | `strings` | `lib.strings.*`, `lib.files.*`, and Rego's builtins on strings |
//! | `quantities` | `lib.quantities.*` |
//! | `operands` | operands that an expression repeats; below all of these |

pub(crate) mod images;
mod operands;
pub(crate) mod quantities;
pub(crate) mod strings;
#[cfg(test)]
mod tests;

use super::{expr::Expr, unsupported::Unsupported};
use kubevet_ir::{Const, Intrinsic, Predicate, ValueType};

/// An operand, and its value where it is a constant.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) cel: Expr,
    pub(crate) literal: Option<Const>,
}

/// The result of a function.
pub(crate) enum CallResult {
    Value(Expr),
    /// An optional: the function is undefined for some strings.
    Optional(Expr),
    /// The function is undefined for these operands.
    Never,
}

impl Operand {
    fn literal_string(&self) -> Result<&str, Unsupported> {
        match &self.literal {
            Some(Const::String(string)) => Ok(string),
            _ => Err(Unsupported(
                "a function whose second argument is not a string literal".to_owned(),
            )),
        }
    }

    fn literal_int(&self) -> Result<i64, Unsupported> {
        match self.literal {
            Some(Const::Int(number)) => Ok(number),
            _ => Err(Unsupported(
                "a function with a number that is not written out".to_owned(),
            )),
        }
    }
}

/// A function that gives a value.
pub(crate) fn call(function: Intrinsic, operands: &[Operand]) -> Result<CallResult, Unsupported> {
    let unsupported = || Unsupported(format!("{function:?} has no form in CEL"));
    let (first, others) = operands.split_first().ok_or_else(unsupported)?;
    let string = first.cel.clone();
    let cel = match (function, others) {
        (Intrinsic::LowerAscii, []) => strings::lower_ascii(string),
        (Intrinsic::Words, []) => strings::words(string),
        (Intrinsic::Join, [separator]) => string.method("join", [separator.cel.clone()]),
        (Intrinsic::LastBetween, [open, close]) => {
            strings::last_between(string, open.literal_string()?, close.literal_string()?)
                .ok_or_else(|| Unsupported("last_between of an empty text".to_owned()))?
        }
        (Intrinsic::Trim, [cutset]) => strings::trim(string, cutset.literal_string()?),
        (Intrinsic::TrimLeft, [cutset]) => strings::trim_left(string, cutset.literal_string()?),
        (Intrinsic::TrimRight, [cutset]) => strings::trim_right(string, cutset.literal_string()?),
        (Intrinsic::TrimPrefix, [prefix]) => strings::trim_prefix(string, &prefix.cel),
        (Intrinsic::TrimSuffix, [suffix]) => strings::trim_suffix(string, &suffix.cel),
        (Intrinsic::TrimSpace, []) => strings::trim_space(string),
        (Intrinsic::Substring, [offset, length]) => {
            match strings::substring(string, offset.literal_int()?, length.literal_int()?) {
                Some(cel) => cel,
                None => return Ok(CallResult::Never),
            }
        }
        (Intrinsic::Replace, [old, new]) => {
            strings::replace(string, old.literal_string()?, new.cel.clone())
                .ok_or_else(|| Unsupported("replace of an empty text".to_owned()))?
        }
        (Intrinsic::SplitAt, [separator, index]) => {
            let index = index.literal_int()?;
            if index < 0 {
                return Ok(CallResult::Never);
            }
            let parts = strings::split(string, separator.cel.clone());
            return Ok(CallResult::Optional(parts.opt_index(Expr::Int(index))));
        }
        (Intrinsic::SplitCount, [separator]) => {
            strings::split(string, separator.cel.clone()).size()
        }
        (Intrinsic::ImageRegistry, []) => images::registry(string),
        (Intrinsic::ImageRepository, []) => images::repository(string),
        (Intrinsic::ImageName, []) => images::name(string),
        (Intrinsic::ImageTag, []) => images::tag(string),
        (Intrinsic::ImageDigest, []) => images::digest(string),
        (Intrinsic::ImageEffectiveTag, []) => images::effective_tag(string),
        (Intrinsic::CleanPath, []) => strings::clean_path(string),
        _ => return Err(unsupported()),
    };
    Ok(CallResult::Value(cel))
}

/// A predicate.
pub(crate) fn predicate(predicate: Predicate, operands: &[Expr]) -> Result<Expr, Unsupported> {
    let method = |of: &Expr, name, operand: &Expr| of.clone().method(name, [operand.clone()]);
    Ok(match (predicate, operands) {
        (Predicate::StartsWith, [string, part]) => method(string, "startsWith", part),
        (Predicate::EndsWith, [string, part]) => method(string, "endsWith", part),
        (Predicate::Contains, [string, part]) => method(string, "contains", part),
        (Predicate::Matches, [pattern, string]) => method(string, "matches", pattern),
        (Predicate::ContainsIgnoreCase, [string, part]) => {
            strings::contains_ignore_case(string.clone(), part.clone())
        }
        (Predicate::MatchesExcept, [pattern, exception, string]) => {
            strings::matches_except(string.clone(), pattern.clone(), exception.clone())
        }
        (Predicate::ImageWithin, [image, place]) => images::within(image.clone(), place.clone()),
        (Predicate::QuantityLess, [a, b]) => quantities::less(a, b),
        (Predicate::IsQuantity, [value]) => quantities::is_quantity(value.clone()),
        (Predicate::QuantityPositive, [value]) => quantities::is_positive(value.clone()),
        _ => return Err(Unsupported(format!("{predicate:?} has no form in CEL"))),
    })
}

/// The types of value that a predicate takes; it is false for all others.
pub(crate) fn predicate_types(predicate: Predicate) -> &'static [ValueType] {
    match predicate {
        Predicate::IsQuantity | Predicate::QuantityLess | Predicate::QuantityPositive => {
            &[ValueType::String, ValueType::Number]
        }
        _ => &[ValueType::String],
    }
}

/// The type of an operand of a function.
pub(crate) fn operand_type(function: Intrinsic, index: usize) -> ValueType {
    match (function, index) {
        (Intrinsic::Substring, 1 | 2) | (Intrinsic::SplitAt, 2) => ValueType::Number,
        (Intrinsic::Join, 0) => ValueType::List,
        _ => ValueType::String,
    }
}

/// A description of a connection for messages; `None` for all other functions. `object` are the
/// options of the connection.
pub(crate) fn connection(function: Intrinsic, object: Expr) -> Option<Expr> {
    match function {
        Intrinsic::ConnectionTarget => {
            let container = object.opt_select("container").or_value(Expr::string(""));
            let is_named = Expr::all([
                container.clone().is_type("string"),
                container.clone().differs_from(Expr::string("")),
            ]);
            Some(Expr::conditional(
                is_named,
                Expr::string("container ").plus(container),
                Expr::string("the pod"),
            ))
        }
        // What was typed may hold a secret, and the audit log has it anyway.
        Intrinsic::ConnectionCommand | Intrinsic::ConnectionPorts => Some(Expr::string("")),
        _ => None,
    }
}
