//! Emission of calls of functions: operands are unwrapped and guarded, so that a function sees
//! strings only.

use super::{
    emitter::Emitter,
    expr::Expr,
    intrinsics::{self, CallResult, Operand, operand_type},
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{Intrinsic, Term, TermId, ValueType};

/// The operand of a call that may be undefined or of another type, and the name that the call gives
/// to its value. A list may only be undefined.
struct OpenOperand {
    name: String,
    value: TypedExpr,
    /// True if the value is proved to be a string, or the list that is wanted, where there is one.
    has_type: bool,
}

impl Emitter<'_, '_> {
    pub(super) fn call(
        &mut self,
        function: Intrinsic,
        operands: &[TermId],
    ) -> Result<TypedExpr, Unsupported> {
        if let Some(cel) = intrinsics::connection(function, self.context.object()) {
            return Ok(TypedExpr::always(cel, StaticType::String));
        }
        let mut ready = Vec::new();
        let mut open: Option<OpenOperand> = None;
        for (index, operand) in operands.iter().enumerate() {
            let literal = match self.context.program.term(*operand) {
                Term::Const(value) => Some(value.clone()),
                _ => None,
            };
            let value = self.term(*operand)?;
            if value.presence == Presence::Never {
                if open.is_some() {
                    self.scope.release();
                }
                return Ok(TypedExpr::never());
            }
            let wanted = operand_type(function, index);
            let has_type = value.value_type() == Some(wanted);
            if value.presence == Presence::Always && has_type {
                let cel = value.cel;
                ready.push(Operand { cel, literal });
                continue;
            }
            if open.is_some() {
                return Err(Unsupported(
                    "a function of two terms that may be undefined".to_owned(),
                ));
            }
            // A list must be one for certain: nothing tests its type.
            let is_list = wanted == ValueType::List && has_type;
            if wanted != ValueType::String && !is_list {
                return Err(Unsupported(
                    "a function with a number that is not written out".to_owned(),
                ));
            }
            let name = self.scope.reserve_for(&value.cel);
            ready.push(Operand {
                cel: Expr::ident(&name),
                literal: None,
            });
            open = Some(OpenOperand {
                name,
                value,
                has_type,
            });
        }
        let result = intrinsics::call(function, &ready);
        if open.is_some() {
            self.scope.release();
        }
        let static_type = match function {
            Intrinsic::SplitCount => StaticType::Int,
            _ => StaticType::String,
        };
        let result = result?;
        let Some(open) = open else {
            return Ok(match result {
                CallResult::Value(cel) => TypedExpr::always(cel, static_type),
                CallResult::Optional(cel) => TypedExpr::maybe(cel, static_type),
                CallResult::Never => TypedExpr::never(),
            });
        };
        Ok(over_open_operand(function, open, result, static_type))
    }
}

/// The result of a call over the value of its open operand.
fn over_open_operand(
    function: Intrinsic,
    open: OpenOperand,
    result: CallResult,
    static_type: StaticType,
) -> TypedExpr {
    let OpenOperand {
        name,
        value,
        has_type,
    } = open;
    let (result, is_value) = match result {
        CallResult::Value(cel) => (cel, true),
        CallResult::Optional(cel) => (cel, false),
        CallResult::Never => return TypedExpr::never(),
    };
    let may_be_string = value.may_be(ValueType::String);
    let type_test = Expr::ident(&name).is_type("string");
    let (cel, is_certain) = if function.is_total() {
        // The function gives the empty string for all that is no string.
        let result = match (has_type, may_be_string) {
            (true, _) => result,
            (false, true) => Expr::conditional(type_test, result, Expr::string("")),
            (false, false) => Expr::string(""),
        };
        (value.optional().opt_map(&name, result), true)
    } else if !may_be_string {
        return TypedExpr::never();
    } else if has_type && is_value {
        (value.optional().opt_map(&name, result), true)
    } else {
        // The function is undefined for all that is no string, so the result is an optional of its
        // own.
        let result = if is_value {
            Expr::optional_of(result)
        } else {
            result
        };
        let result = if has_type {
            result
        } else {
            Expr::conditional(type_test, result, Expr::optional_none())
        };
        (value.optional().opt_flat_map(&name, result), false)
    };
    if value.presence == Presence::Always && is_certain {
        return TypedExpr::always(cel.or_value(Expr::string("")), static_type);
    }
    TypedExpr::maybe(cel, static_type)
}
