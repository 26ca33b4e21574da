//! The children of an expression: the two functions that know which variant has which.

use super::Expr;

impl Expr {
    /// True if this expression or one inside it satisfies the test.
    pub fn contains(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self) || self.children().iter().any(|child| child.contains(test))
    }

    /// The expressions directly inside, in the order in which they are printed.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::String(_)
            | Self::RawString(_)
            | Self::Ident(_)
            | Self::Variable(_) => Vec::new(),
            Self::Select { operand, .. } | Self::Has { operand, .. } => vec![operand],
            Self::Index { operand, index, .. } => vec![operand, index],
            Self::Call(_, parts)
            | Self::List(parts)
            | Self::And(parts)
            | Self::Or(parts)
            | Self::Sum(parts) => parts.iter().collect(),
            Self::Method(receiver, _, arguments) => {
                std::iter::once(&**receiver).chain(arguments).collect()
            }
            Self::Comprehension(inner) => {
                [Some(&inner.range), inner.filter.as_ref(), Some(&inner.body)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Self::Map(entries) => entries
                .iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
            Self::Not(operand) | Self::OptionalKey(operand) => vec![operand],
            Self::Relation(a, _, b) => vec![a, b],
            Self::Difference(parts) | Self::Product(parts) => parts.iter().collect(),
            Self::Conditional(parts) => parts.iter().collect(),
        }
    }

    /// Calls `change` with this expression, and then with each that is inside the result.
    pub fn rewrite(&mut self, change: &mut dyn FnMut(&mut Self)) {
        change(self);
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::String(_)
            | Self::RawString(_)
            | Self::Ident(_)
            | Self::Variable(_) => {}
            Self::Select { operand, .. } | Self::Has { operand, .. } => operand.rewrite(change),
            Self::Index { operand, index, .. } => {
                operand.rewrite(change);
                index.rewrite(change);
            }
            Self::Call(_, parts)
            | Self::List(parts)
            | Self::And(parts)
            | Self::Or(parts)
            | Self::Sum(parts) => parts.iter_mut().for_each(|part| part.rewrite(change)),
            Self::Method(receiver, _, arguments) => {
                receiver.rewrite(change);
                arguments.iter_mut().for_each(|part| part.rewrite(change));
            }
            Self::Comprehension(inner) => {
                inner.range.rewrite(change);
                if let Some(filter) = &mut inner.filter {
                    filter.rewrite(change);
                }
                inner.body.rewrite(change);
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    key.rewrite(change);
                    value.rewrite(change);
                }
            }
            Self::Not(operand) | Self::OptionalKey(operand) => operand.rewrite(change),
            Self::Relation(a, _, b) => {
                a.rewrite(change);
                b.rewrite(change);
            }
            Self::Difference(parts) | Self::Product(parts) => {
                parts.iter_mut().for_each(|part| part.rewrite(change));
            }
            Self::Conditional(parts) => parts.iter_mut().for_each(|part| part.rewrite(change)),
        }
    }
}
