//! The functions of the shared library in CEL: operands that are proved to be texts in, an expression out.

use super::{Refused, text::Cel};
use crate::engine::program::{Intrinsic, Test, Type};

/// A function that gives a value.
pub(super) fn call(function: Intrinsic, operands: &[Cel]) -> Result<Cel, Refused> {
    match (function, operands) {
        (Intrinsic::LowerAscii, [text]) => Ok(text.then(".lowerAscii()")),
        (Intrinsic::TrimPrefix, [text, prefix]) => Ok(Cel::choice(
            text.then(&format!(".startsWith({})", prefix.show())),
            text.then(&format!(".substring(size({}))", prefix.show())),
            text.clone(),
        )),
        _ => Err(Refused(format!("{function:?} has no form in CEL"))),
    }
}

/// A question.
pub(super) fn test(test: Test, operands: &[Cel]) -> Result<Cel, Refused> {
    match (test, operands) {
        (Test::StartsWith, [text, part]) => Ok(text.then(&format!(".startsWith({})", part.show()))),
        (Test::EndsWith, [text, part]) => Ok(text.then(&format!(".endsWith({})", part.show()))),
        (Test::Contains, [text, part]) => Ok(text.then(&format!(".contains({})", part.show()))),
        (Test::ContainsIgnoreCase, [text, part]) => {
            Ok(text.then(&format!(".lowerAscii().contains({}.lowerAscii())", part.show())))
        }
        (Test::Matches, [pattern, text]) => Ok(text.then(&format!(".matches({})", pattern.show()))),
        _ => Err(Refused(format!("{test:?} has no form in CEL"))),
    }
}

/// Whether the form of a function says an operand twice.
pub(super) fn repeats(function: Intrinsic) -> bool {
    !matches!(function, Intrinsic::LowerAscii)
}

/// Whether a function has a value for what is no text.
pub(super) fn is_total(function: Intrinsic) -> bool {
    matches!(
        function,
        Intrinsic::ImageRegistry
            | Intrinsic::ImageRepository
            | Intrinsic::ImageName
            | Intrinsic::ImageTag
            | Intrinsic::ImageDigest
            | Intrinsic::ImageEffectiveTag
            | Intrinsic::CleanPath
    )
}

/// Whether the form of a test says an operand twice.
pub(super) fn repeats_in(test: Test) -> bool {
    matches!(test, Test::ImageWithin | Test::IsQuantity | Test::QuantityLess | Test::QuantityPositive)
}

/// The types that a test takes; it is false for all else.
pub(super) fn takes(test: Test) -> &'static [Type] {
    match test {
        Test::IsQuantity | Test::QuantityLess | Test::QuantityPositive => &[Type::Text, Type::Number],
        _ => &[Type::Text],
    }
}
