//! Conditions that stand alone. A match condition may not read a policy's variables, so what it needs of them is bound
//! around it, each as the one element of a list.

use kubevet_cel::Variable;
use std::collections::BTreeSet;

/// How variables are written in expressions.
const VARIABLES: &str = "variables.";
/// What their names begin with where they are bound; no name within an expression begins like it.
const BOUND: &str = "v_";

/// A condition without `variables.`, given their definitions in the order in which they need one another.
pub(super) fn closed(condition: &str, variables: &[Variable]) -> String {
    let mut used = BTreeSet::new();
    let mut closed = bind(condition, &mut used);
    for variable in variables.iter().rev() {
        if used.contains(&variable.name) {
            let value = bind(&variable.expression, &mut used);
            closed = format!("[{value}].exists({BOUND}{},\n{closed})", variable.name);
        }
    }
    closed
}

/// An expression with the bound names of variables, which are added to those in use.
fn bind(expression: &str, used: &mut BTreeSet<String>) -> String {
    let mut bound = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(letter) = rest.chars().next() {
        let (taken, text) = match rest.strip_prefix(VARIABLES) {
            Some(after) if !ends_in_name(&bound) => {
                let end = after
                    .find(|it: char| !is_of_name(it))
                    .unwrap_or(after.len());
                let name = after.get(..end).unwrap_or_default();
                used.insert(name.to_owned());
                (VARIABLES.len() + end, format!("{BOUND}{name}"))
            }
            _ if letter == '\'' => {
                let len = literal_len(rest, bound.ends_with('r'));
                (len, rest.get(..len).unwrap_or(rest).to_owned())
            }
            _ => (letter.len_utf8(), letter.to_string()),
        };
        bound.push_str(&text);
        rest = rest.get(taken..).unwrap_or_default();
    }
    bound
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn ends_in_name(text: &str) -> bool {
    text.ends_with(|it: char| is_of_name(it) || it == '.')
}

/// How many bytes the text literal takes that an expression begins with.
fn literal_len(expression: &str, raw: bool) -> usize {
    let mut escaped = false;
    for (at, letter) in expression.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' if !raw => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    expression.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &str, expected: &str) {
        let variable = |name: &str, expression: &str| Variable {
            name: name.into(),
            expression: expression.into(),
        };
        let variables = [
            variable("podSpec", "object.spec"),
            variable("containers", "variables.podSpec.containers"),
            variable("volumes", "variables.podSpec.volumes"),
        ];
        assert_eq!(closed(condition, &variables).replace('\n', " "), expected);
    }

    #[test]
    fn variables_that_are_needed_are_bound_around_a_condition() {
        check("has(object.spec)", "has(object.spec)");
        check(
            "has(variables.podSpec.os)",
            "[object.spec].exists(v_podSpec, has(v_podSpec.os))",
        );
        check(
            "size(variables.containers) > 0",
            "[object.spec].exists(v_podSpec, [v_podSpec.containers].exists(v_containers, size(v_containers) > 0))",
        );
    }

    #[test]
    fn texts_and_fields_of_the_same_name_stay() {
        check(
            r"object.a == 'it\'s variables.podSpec'",
            r"object.a == 'it\'s variables.podSpec'",
        );
        check(
            r"object.a.matches(r'\') && variables.podSpec.b",
            r"[object.spec].exists(v_podSpec, object.a.matches(r'\') && v_podSpec.b)",
        );
        check(
            "object.variables.podSpec && '' == ''",
            "object.variables.podSpec && '' == ''",
        );
    }
}
