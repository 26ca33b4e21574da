//! What a tree says of its expression, by its shape alone.

use super::{Expr, Macro};

impl Expr {
    /// True for a name, a row of plain fields, and an integer: repeating it costs nothing.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        match self {
            Self::Ident(_) | Self::Variable(_) | Self::Int(0..) | Self::Null => true,
            Self::Select {
                operand,
                optional: false,
                ..
            } => operand.is_simple(),
            _ => false,
        }
    }

    /// True for one string or number.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::String(_) | Self::Int(_))
    }

    /// True if repeating the expression costs nothing.
    #[must_use]
    pub fn is_cheap(&self) -> bool {
        self.is_simple() || self.is_literal()
    }

    /// True if CEL's type checker knows that the value is a bool. A validation whose type is only
    /// known as `dyn` is rejected by the API server.
    #[must_use]
    pub fn is_bool(&self) -> bool {
        match self {
            Self::Bool(_)
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Relation(..)
            | Self::Has { .. }
            | Self::Method(_, "hasValue", _) => true,
            Self::Comprehension(inner) => matches!(inner.operation, Macro::All | Macro::Exists),
            Self::Conditional(parts) => {
                matches!(parts.as_ref(), [_, then, otherwise] if then.is_bool() && otherwise.is_bool())
            }
            _ => false,
        }
    }

    /// The last field that is selected before the first call or index, such as `image` of
    /// `c.?image.optMap(…)`. What the expression gives is named after it. `None` where it begins
    /// with neither a name nor a variable.
    #[must_use]
    pub fn last_field(&self) -> Option<&str> {
        // From the outside in, so a call discards what was found outside of it.
        let mut found = None;
        let mut expr = self;
        loop {
            expr = match expr {
                Self::Ident(name) | Self::Variable(name) => return found.or(Some(name)),
                Self::Select { operand, field, .. } => {
                    found = found.or(Some(field));
                    operand
                }
                Self::Index { operand, .. } => {
                    found = None;
                    operand
                }
                Self::Method(receiver, ..) => {
                    found = None;
                    receiver
                }
                Self::Comprehension(inner) => {
                    found = None;
                    &inner.range
                }
                Self::Call("dyn", arguments) => arguments.first()?,
                _ => return None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_taken_from_the_field_before_the_first_call() {
        let b = || Expr::ident("b");
        let image = Expr::ident("a").opt_select("image");
        assert_eq!(image.last_field(), Some("image"));
        assert_eq!(image.clone().opt_map("i", b()).last_field(), Some("image"));
        assert_eq!(image.clone().dynamic().last_field(), Some("image"));
        assert_eq!(image.index(b()).opt_select("c").last_field(), Some("image"));
        assert_eq!(Expr::call("type", b()).last_field(), None);
    }
}
