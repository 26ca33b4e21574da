//! Single intrinsics in CEL by their names in Rego, so that tests hold them to their other two
//! definitions. Only the feature `testing` has it, which no program is built with.

use super::{
    expr::Expr,
    intrinsics::{connection, images, quantities, strings},
};
use kubevet_ir::Intrinsic;

/// The CEL half of one intrinsic over operands. Where only a literal will do (the cutset of `trim`,
/// the numbers of `substring`, what `replace` looks for), the operand must be one. `None` where
/// there is no such intrinsic, or none for such operands.
#[must_use]
pub fn intrinsic(name: &str, operands: &[Expr]) -> Option<Expr> {
    if let [operand] = operands {
        return unary(name, operand.clone());
    }
    Some(match (name, operands) {
        ("images.within", [image, place]) => images::within(image.clone(), place.clone()),
        ("quantities.less", [a, b]) => quantities::less(a, b),
        ("strings.contains_ignore_case", [string, part]) => {
            strings::contains_ignore_case(string.clone(), part.clone())
        }
        ("trim", [string, Expr::String(cutset)]) => strings::trim(string.clone(), cutset),
        ("trim_left", [string, Expr::String(cutset)]) => strings::trim_left(string.clone(), cutset),
        ("trim_right", [string, Expr::String(cutset)]) => {
            strings::trim_right(string.clone(), cutset)
        }
        ("trim_prefix", [string, prefix]) => strings::trim_prefix(string.clone(), prefix),
        ("trim_suffix", [string, suffix]) => strings::trim_suffix(string.clone(), suffix),
        ("substring", [string, Expr::Int(offset), Expr::Int(length)]) => {
            strings::substring(string.clone(), *offset, *length)?
        }
        ("split", [string, separator]) => strings::split(string.clone(), separator.clone()),
        ("replace", [string, Expr::String(old), new]) => {
            strings::replace(string.clone(), old, new.clone())?
        }
        _ => return None,
    })
}

fn unary(name: &str, operand: Expr) -> Option<Expr> {
    Some(match name {
        "images.registry" => images::registry(operand),
        "images.repository" => images::repository(operand),
        "images.name" => images::name(operand),
        "images.tag" => images::tag(operand),
        "images.digest" => images::digest(operand),
        "images.effective_tag" => images::effective_tag(operand),
        "quantities.is_quantity" => quantities::is_quantity(operand),
        "quantities.is_positive" => quantities::is_positive(operand),
        "connections.target" => connection(Intrinsic::ConnectionTarget, operand)?,
        "files.clean" => strings::clean_path(operand),
        "strings.lower_ascii" => strings::lower_ascii(operand),
        "trim_space" => strings::trim_space(operand),
        "count" => operand.size(),
        _ => return None,
    })
}
