//! References to fields that `input` does not have. Rego evaluates them to undefined, so a rule that
//! is written for the input of another program would silently find nothing.

use crate::ast::{Expr, Module, Span, position, root_of, string_literal, walk_rule};
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::nearest;

/// Returns a problem for each reference of a module to a field that `input` lacks.
pub(crate) fn check(module: &Module) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in &module.tree.policy {
        walk_rule(rule, &mut |expr| {
            let Some((root, message)) = fault(expr) else {
                return;
            };
            problems.push(Problem::at(
                ProblemCode::RegoUndefinedName,
                &module.file,
                position(root),
                message,
            ));
        });
    }
    // `a.b` and `a.b.c` are visited at the same position, outermost first: one report is enough.
    problems.dedup_by_key(|problem| problem.position);
    problems
}

/// Returns `input` and what is wrong with the field of it that an expression reads.
fn fault(expr: &Expr) -> Option<(&Span, String)> {
    let (root, steps) = match expr {
        Expr::Call { fcn, params, .. } if is_object_get(fcn) => {
            let [object, key, ..] = params.as_slice() else {
                return None;
            };
            let (root, mut steps) = root_of(object)?;
            let is_whole = matches!(object.as_ref(), Expr::Var { .. });
            match key.as_ref() {
                Expr::Array { items, .. } if is_whole => {
                    steps.extend(items.iter().map_while(|item| string_literal(item)));
                }
                key if is_whole => steps.extend(string_literal(key)),
                _ => {}
            }
            (root, steps)
        }
        // A name that is computed can be any, so it says nothing of the fields that exist.
        Expr::RefBrack { refr, .. } | Expr::RefDot { refr, .. }
            if matches!(refr.as_ref(), Expr::Var { .. }) =>
        {
            root_of(expr)?
        }
        _ => root_of(expr).filter(|(_, steps)| !steps.is_empty())?,
    };
    if root.text() != "input" {
        return None;
    }
    if steps.is_empty() {
        return Some((
            root,
            format!("a computed field of `input` may not exist: {FIELDS}"),
        ));
    }
    let advice = advice(&steps)?;
    Some((
        root,
        format!("`input.{}` does not exist: {advice}", steps.join(".")),
    ))
}

fn is_object_get(function: &Expr) -> bool {
    root_of(function).is_some_and(|(root, steps)| root.text() == "object" && steps == ["get"])
}

/// The fields that a rule can read.
const FIELDS: &str = "a rule reads `input.object`, `input.params` and `input.request.operation`";

/// Returns what to write instead of a reference to `input`; `None` if it exists.
fn advice(steps: &[&str]) -> Option<String> {
    let (first, rest) = steps.split_first()?;
    let of_object = |rest: &[&str]| {
        let path: String = rest.iter().map(|step| format!(".{step}")).collect();
        format!("write `input.object{path}`")
    };
    match (*first, rest) {
        ("object" | "params", _) | ("request", [] | ["operation", ..]) => None,
        ("review" | "request", ["object", rest @ ..]) => Some(of_object(rest)),
        ("review", ["kind", ..]) => Some("write `input.object.kind`".to_owned()),
        ("review", ["operation", ..]) => Some("write `input.request.operation`".to_owned()),
        ("review", []) => Some(of_object(&[])),
        ("request" | "review", _) => {
            Some("of the request, a rule reads only `input.request.operation`".to_owned())
        }
        ("parameters", rest) => {
            let path: String = rest.iter().map(|step| format!(".{step}")).collect();
            Some(format!("write `input.params{path}`"))
        }
        ("obj", rest) => Some(of_object(rest)),
        ("apiVersion" | "kind" | "metadata" | "spec" | "data" | "status", _) => {
            Some(of_object(steps))
        }
        // Rules never see the old object, so the object is not what was meant.
        ("oldObject", _) => Some(FIELDS.to_owned()),
        (field, rest) => Some(match nearest(field, ["object", "params", "request"]) {
            Some(near) => {
                let path = [&[near], rest].concat().join(".");
                format!("did you mean `input.{path}`?")
            }
            None => FIELDS.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn field_that_input_lacks_is_refused_with_the_right_name() {
        for (path, expected) in [
            ("object.spec", None),
            ("params.x", None),
            ("request", None),
            ("request.operation", None),
            ("review.object.spec", Some("write `input.object.spec`")),
            ("request.object.kind", Some("write `input.object.kind`")),
            ("review", Some("write `input.object`")),
            ("review.kind.kind", Some("write `input.object.kind`")),
            ("review.operation", Some("write `input.request.operation`")),
            (
                "request.userInfo.username",
                Some("of the request, a rule reads only `input.request.operation`"),
            ),
            ("parameters.images", Some("write `input.params.images`")),
            ("parameters", Some("write `input.params`")),
            ("objects.spec", Some("did you mean `input.object.spec`?")),
            ("param.x", Some("did you mean `input.params.x`?")),
            ("obj.spec", Some("write `input.object.spec`")),
            (
                "spec.containers",
                Some("write `input.object.spec.containers`"),
            ),
            (
                "oldObject",
                Some("a rule reads `input.object`, `input.params` and `input.request.operation`"),
            ),
        ] {
            let steps: Vec<&str> = path.split('.').collect();
            assert_eq!(advice(&steps).as_deref(), expected, "{path}");
        }
    }
}
