//! The variables that the controls of a policy share: pod specs, lists of containers, volumes,
//! params.
//!
//! Only those that an expression reads are defined. `definitions` says what they are.

use super::expr::Expr;

/// The names of variables for what is long, with a number behind: strings, conditions, containers.
pub(super) const TEXT: &str = "text";
pub(super) const CONDITION: &str = "condition";
pub(super) const LIST: &str = "list";

/// True if a name is one of these with a number.
pub(super) fn is_numbered(name: &str) -> bool {
    let numbers = [TEXT, CONDITION, LIST].map(|base| name.strip_prefix(base));
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    numbers.into_iter().flatten().any(is_number)
}

/// A variable of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVariable {
    /// Expressions read it as `variables.NAME`.
    pub name: String,
    /// The value.
    pub expression: Expr,
}

/// The variables that are defined so far; each uses only those before it.
#[derive(Debug, Default)]
pub(super) struct SharedVariables {
    list: Vec<PolicyVariable>,
}

impl SharedVariables {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets all but the first ones.
    pub(super) fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    pub(super) fn into_list(self) -> Vec<PolicyVariable> {
        self.list
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.list.iter().any(|variable| variable.name == name)
    }

    /// The name of the variable with this value, which is defined if it is not yet: the base and a
    /// number.
    pub(super) fn numbered(&mut self, base: &str, expression: Expr) -> String {
        let mut known = self.list.iter();
        if let Some(same) = known
            .find(|variable| variable.name.starts_with(base) && variable.expression == expression)
        {
            return same.name.clone();
        }
        let number = self.list.len() + 1;
        let name = format!("{base}{number}");
        self.define(&name, expression);
        name
    }

    pub(super) fn define(&mut self, name: &str, expression: Expr) {
        if !self.has(name) {
            self.list.push(PolicyVariable {
                name: name.to_owned(),
                expression,
            });
        }
    }
}
