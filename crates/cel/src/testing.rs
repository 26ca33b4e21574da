//! Single intrinsics in CEL by their names in Rego, so that tests hold them to their other two
//! definitions. Only the feature `testing` has it, which no program is built with.

use super::{
    expr::Expr,
    intrinsics::{self, CallResult, Operand, strings},
};
use kubevet_ir::{Const, Intrinsic, Predicate};

/// The CEL half of one intrinsic over operands, as the emitter writes it. Where only a literal will
/// do (the cutset of `trim`, the numbers of `substring`, what `replace` looks for), the operand
/// must be one. `None` where there is no such intrinsic, or none for such operands.
#[must_use]
pub fn intrinsic(name: &str, operands: &[Expr]) -> Option<Expr> {
    match (name, operands) {
        ("connections.target", [object]) => {
            intrinsics::connection(Intrinsic::ConnectionTarget, object.clone())
        }
        ("count", [string]) => Some(string.clone().size()),
        // The program has only the parts of a split string and their number.
        ("split", [string, separator]) => Some(strings::split(string.clone(), separator.clone())),
        _ => match predicate(name) {
            Some(predicate) => intrinsics::predicate(predicate, operands).ok(),
            None => call(function(name)?, operands),
        },
    }
}

fn predicate(name: &str) -> Option<Predicate> {
    Some(match name {
        "images.within" => Predicate::ImageWithin,
        "quantities.is_quantity" => Predicate::IsQuantity,
        "quantities.is_positive" => Predicate::QuantityPositive,
        "quantities.less" => Predicate::QuantityLess,
        "strings.contains_ignore_case" => Predicate::ContainsIgnoreCase,
        "strings.matches_except" => Predicate::MatchesExcept,
        _ => return None,
    })
}

fn function(name: &str) -> Option<Intrinsic> {
    Some(match name {
        "images.registry" => Intrinsic::ImageRegistry,
        "images.repository" => Intrinsic::ImageRepository,
        "images.name" => Intrinsic::ImageName,
        "images.tag" => Intrinsic::ImageTag,
        "images.digest" => Intrinsic::ImageDigest,
        "images.effective_tag" => Intrinsic::ImageEffectiveTag,
        "files.clean" => Intrinsic::CleanPath,
        "strings.lower_ascii" => Intrinsic::LowerAscii,
        "strings.words" => Intrinsic::Words,
        "strings.join" => Intrinsic::Join,
        "strings.last_between" => Intrinsic::LastBetween,
        "trim" => Intrinsic::Trim,
        "trim_left" => Intrinsic::TrimLeft,
        "trim_right" => Intrinsic::TrimRight,
        "trim_prefix" => Intrinsic::TrimPrefix,
        "trim_suffix" => Intrinsic::TrimSuffix,
        "trim_space" => Intrinsic::TrimSpace,
        "substring" => Intrinsic::Substring,
        "replace" => Intrinsic::Replace,
        _ => return None,
    })
}

fn call(function: Intrinsic, operands: &[Expr]) -> Option<Expr> {
    let operand = |cel: &Expr| Operand {
        cel: cel.clone(),
        literal: match cel {
            Expr::String(value) => Some(Const::String(value.as_str().into())),
            Expr::Int(value) => Some(Const::Int(*value)),
            _ => None,
        },
    };
    let operands: Vec<Operand> = operands.iter().map(operand).collect();
    match intrinsics::call(function, &operands) {
        Ok(CallResult::Value(cel)) => Some(cel),
        _ => None,
    }
}
