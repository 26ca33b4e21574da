//! Inlining of a policy's variables, which a match condition may not read: the values that an
//! expression needs are bound around it, each as the only element of a list.

use super::{expr::Expr, variables::PolicyVariable};
use std::collections::BTreeSet;

/// The first characters of the names to which values are bound; no name inside an expression begins
/// with them.
const BOUND_PREFIX: &str = "v_";

/// An expression without variables, given their definitions, each of which uses only those before it.
#[must_use]
pub fn inline_variables(mut expression: Expr, variables: &[PolicyVariable]) -> Expr {
    let mut used = BTreeSet::new();
    substitute(&mut expression, &mut used);
    // From the last, which the others do not use: by then all uses of a variable are known.
    for variable in variables.iter().rev() {
        if used.contains(&variable.name) {
            let mut value = variable.expression.clone();
            substitute(&mut value, &mut used);
            let name = bound_name(&variable.name);
            expression = if expression.is_bool() {
                value.bind_condition(&name, expression)
            } else {
                value.bind(&name, expression)
            };
        }
    }
    expression
}

/// Replaces variables by the names to which their values are bound, and adds them to those in use.
fn substitute(expr: &mut Expr, used: &mut BTreeSet<String>) {
    expr.rewrite(&mut |part| {
        if let Expr::Variable(name) = part {
            let bound = Expr::ident(bound_name(name));
            used.insert(std::mem::take(name));
            *part = bound;
        }
    });
}

fn bound_name(variable: &str) -> String {
    format!("{BOUND_PREFIX}{variable}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(condition: Expr, expected: &str) {
        let variable = |name: &str, expression: Expr| PolicyVariable {
            name: name.into(),
            expression,
        };
        let pod_spec = || Expr::variable("podSpec");
        let variables = [
            variable("podSpec", Expr::ident("object").select("spec")),
            variable("containers", pod_spec().select("containers")),
            variable("volumes", pod_spec().select("volumes")),
        ];
        assert_eq!(
            inline_variables(condition, &variables).to_string(),
            expected
        );
    }

    #[test]
    fn used_variable_is_bound_around_the_condition() {
        check(
            Expr::ident("object").opt_select("spec").has_value(),
            "object.?spec.hasValue()",
        );
        check(
            Expr::variable("podSpec").opt_select("os").has_value(),
            "[object.spec].exists(v_podSpec, v_podSpec.?os.hasValue())",
        );
        check(
            Expr::variable("containers").size().exceeds(Expr::Int(0)),
            "[object.spec].exists(v_podSpec, [v_podSpec.containers].exists(v_containers, \
             v_containers.size() > 0))",
        );
    }

    #[test]
    fn literal_and_field_of_the_same_name_are_kept() {
        let object = || Expr::ident("object");
        check(
            object()
                .select("a")
                .equals(Expr::string("it's variables.podSpec")),
            r"object.a == 'it\'s variables.podSpec'",
        );
        let matches = object()
            .select("a")
            .method("matches", [Expr::pattern(r"\")]);
        check(
            Expr::all([matches, Expr::variable("podSpec").select("b")]),
            r"[object.spec].exists(v_podSpec, object.a.matches(r'\') && v_podSpec.b)",
        );
        check(
            object().select("variables").select("podSpec"),
            "object.variables.podSpec",
        );
    }
}
