//! The functions of the shared library and of Rego in CEL: operands that are proved to be of the right type in, an
//! expression out.

use super::{Refused, text::Cel};
use crate::intrinsics as cel;
use kubevet_ir::{Const, Intrinsic, Predicate, ValueType};

/// An operand, and its value where it is written out.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) cel: Cel,
    pub(super) value: Option<Const>,
}

/// What a function gives.
pub(super) enum Made {
    Value(Cel),
    /// An optional: the function has no value for some texts.
    Maybe(Cel),
    Never,
}

impl Operand {
    fn show(&self) -> String {
        self.cel.show()
    }

    fn letters(&self) -> Result<&str, Refused> {
        match &self.value {
            Some(Const::String(text)) => Ok(text),
            _ => Err(Refused(
                "a function whose second argument is not written out as a text".to_owned(),
            )),
        }
    }

    fn number(&self) -> Result<i64, Refused> {
        match self.value {
            Some(Const::Int(number)) => Ok(number),
            _ => Err(Refused(
                "a function with a number that is not written out".to_owned(),
            )),
        }
    }
}

/// A function that gives a value.
pub(super) fn call(function: Intrinsic, operands: &[Operand]) -> Result<Made, Refused> {
    let shown: Vec<String> = operands.iter().map(Operand::show).collect();
    let texts: Vec<&str> = shown.iter().map(String::as_str).collect();
    let made = match (function, operands, texts.as_slice()) {
        (Intrinsic::LowerAscii, _, [text]) => cel::lower_ascii(text),
        (Intrinsic::Trim, [_, letters], [text, _]) => cel::trim(text, letters.letters()?),
        (Intrinsic::TrimLeft, [_, letters], [text, _]) => cel::trim_left(text, letters.letters()?),
        (Intrinsic::TrimRight, [_, letters], [text, _]) => {
            cel::trim_right(text, letters.letters()?)
        }
        (Intrinsic::TrimPrefix, _, [text, part]) => cel::trim_prefix(text, part),
        (Intrinsic::TrimSuffix, _, [text, part]) => cel::trim_suffix(text, part),
        (Intrinsic::TrimSpace, _, [text]) => cel::trim_space(text),
        (Intrinsic::Substring, [_, offset, length], [text, ..]) => {
            match cel::substring(text, offset.number()?, length.number()?) {
                Some(made) => made,
                None => return Ok(Made::Never),
            }
        }
        (Intrinsic::Replace, [_, old, _], [text, _, new]) => {
            cel::replace(text, old.letters()?, new)
                .ok_or_else(|| Refused("replace of an empty text".to_owned()))?
        }
        (Intrinsic::SplitAt, [_, _, at], [text, separator, _]) => {
            let at = at.number()?;
            if at < 0 {
                return Ok(Made::Never);
            }
            return Ok(Made::Maybe(Cel::atom(format!(
                "{}[?{at}]",
                cel::split(text, separator)
            ))));
        }
        (Intrinsic::SplitCount, _, [text, separator]) => {
            format!("{}.size()", cel::split(text, separator))
        }
        (Intrinsic::ImageRegistry, _, [image]) => cel::registry(image),
        (Intrinsic::ImageRepository, _, [image]) => cel::repository(image),
        (Intrinsic::ImageName, _, [image]) => cel::name(image),
        (Intrinsic::ImageTag, _, [image]) => cel::tag(image),
        (Intrinsic::ImageDigest, _, [image]) => cel::digest(image),
        (Intrinsic::ImageEffectiveTag, _, [image]) => cel::effective_tag(image),
        (Intrinsic::CleanPath, _, [path]) => cel::clean(path),
        _ => return Err(Refused(format!("{function:?} has no form in CEL"))),
    };
    Ok(Made::Value(Cel::atom(made)))
}

/// A question.
pub(super) fn test(test: Predicate, operands: &[Cel]) -> Result<Cel, Refused> {
    let shown: Vec<String> = operands.iter().map(Cel::show).collect();
    let texts: Vec<&str> = shown.iter().map(String::as_str).collect();
    Ok(match (test, operands, texts.as_slice()) {
        (Predicate::StartsWith, [text, _], [_, part]) => text.then(&format!(".startsWith({part})")),
        (Predicate::EndsWith, [text, _], [_, part]) => text.then(&format!(".endsWith({part})")),
        (Predicate::Contains, [text, _], [_, part]) => text.then(&format!(".contains({part})")),
        (Predicate::Matches, [_, text], [pattern, _]) => text.then(&format!(".matches({pattern})")),
        (Predicate::ContainsIgnoreCase, _, [text, part]) => {
            Cel::atom(cel::contains_ignore_case(text, part))
        }
        (Predicate::ImageWithin, _, [image, place]) => Cel::atom(cel::within(image, place)),
        (Predicate::IsQuantity, _, [value]) => Cel::atom(cel::is_quantity(value)),
        (Predicate::QuantityLess, _, [a, b]) => Cel::atom(cel::less(a, b)),
        (Predicate::QuantityPositive, _, [value]) => Cel::atom(cel::is_positive(value)),
        _ => return Err(Refused(format!("{test:?} has no form in CEL"))),
    })
}

/// The types that a test takes; it is false for all else.
pub(super) fn takes(test: Predicate) -> &'static [ValueType] {
    match test {
        Predicate::IsQuantity | Predicate::QuantityLess | Predicate::QuantityPositive => {
            &[ValueType::String, ValueType::Number]
        }
        _ => &[ValueType::String],
    }
}

/// The types that the operands of a function have.
pub(super) fn takes_as(function: Intrinsic, place: usize) -> ValueType {
    match (function, place) {
        (Intrinsic::Substring, 1 | 2) | (Intrinsic::SplitAt, 2) => ValueType::Number,
        _ => ValueType::String,
    }
}
