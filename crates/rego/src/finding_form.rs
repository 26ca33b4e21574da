//! The form of findings and of `applies`, as far as the text of a rule shows it: a finding that the engine could not
//! read is an error when the rule is loaded, not for each object that it finds.
//!
//! What is computed is not judged here: `lower` proves it for a compiled rule, and the interpreter
//! checks it when it runs.

use crate::ast::{
    Expr, Module, Rule, RuleBody, RuleHead, Span, assigned_value, bool_literal, position,
    rule_name, static_path, string_literal,
};
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::nearest;

/// The builtins that return a string, with which other programs write findings.
const STRING_BUILTINS: &[&str] = &[
    "sprintf",
    "concat",
    "format_int",
    "replace",
    "lower",
    "upper",
];
/// The whole form.
const FORM: &str = "{\"message\": …, \"paths\": […], \"fixes\": []}";

/// Returns a problem for each finding of `deny` that is visibly not one, and for each rule `applies`
/// that is not a condition.
#[must_use]
pub fn check_findings(module: &Module) -> Vec<Problem> {
    let mut problems = check_applies(module);
    for rule in module
        .tree
        .policy
        .iter()
        .filter(|rule| rule_name(rule) == "deny")
    {
        let Rule::Spec { head, bodies, .. } = rule.as_ref() else {
            continue;
        };
        let mut report = |span: &Span, message: String| {
            problems.push(Problem::at(
                ProblemCode::RegoFindingForm,
                &module.file,
                position(span),
                message,
            ));
        };
        let RuleHead::Set {
            key: Some(finding), ..
        } = head
        else {
            let message =
                format!("write `deny contains finding if {{ … }}`, with a finding {FORM}");
            report(rule.span(), message);
            continue;
        };
        for body in bodies {
            check_finding(Place { body, finding }, &mut report);
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

/// Returns a problem for each rule `applies` with arguments, elements or another value than `true` or
/// `false`.
fn check_applies(module: &Module) -> Vec<Problem> {
    let is_condition = |rule: &Rule| match rule {
        Rule::Spec {
            head: RuleHead::Compr { refr, assign, .. },
            bodies,
            ..
        } => {
            let values = bodies.iter().filter_map(|body| body.assign.as_ref());
            let mut values = assign.iter().chain(values);
            static_path(refr).is_some_and(|path| path.len() == 1)
                && values.all(|assigned| bool_literal(&assigned.value).is_some())
        }
        Rule::Spec { .. } => false,
        Rule::Default { value, .. } => bool_literal(value).is_some(),
    };
    let rules = module.tree.policy.iter();
    let rules = rules.filter(|rule| rule_name(rule) == "applies" && !is_condition(rule));
    rules
        .map(|rule| {
            Problem::at(
                ProblemCode::RegoFindingForm,
                &module.file,
                position(rule.span()),
                "`applies` says to which objects the control applies: write `applies if { … }`, \
                 or rename the rule",
            )
        })
        .collect()
}

/// A finding, and the body that may assign it.
#[derive(Clone, Copy)]
struct Place<'a> {
    body: &'a RuleBody,
    finding: &'a Expr,
}

impl<'a> Place<'a> {
    /// What an expression stands for: the value that the body assigns to a name.
    fn resolve(self, expr: &'a Expr) -> &'a Expr {
        match expr {
            Expr::Var { span, .. } => assigned_value(&self.body.query, span.text()).unwrap_or(expr),
            other => other,
        }
    }
}

type Report<'r> = dyn FnMut(&Span, String) + 'r;

fn check_finding(place: Place<'_>, report: &mut Report<'_>) {
    let finding = place.resolve(place.finding);
    let Expr::Object { fields, .. } = finding else {
        if let Some(found) = wrong_type(finding, None) {
            report(finding.span(), format!("a finding is {FORM}, not {found}"));
        }
        return;
    };
    let mut named = Vec::new();
    for (_, key, value) in fields {
        // With a computed key, any field may be there.
        let Some(name) = string_literal(key) else {
            return;
        };
        named.push((name, place.resolve(value)));
    }
    for (name, expected) in [
        ("message", ValueType::String),
        ("paths", ValueType::List),
        ("fixes", ValueType::List),
    ] {
        match named.iter().find(|(key, _)| *key == name) {
            None => report(
                finding.span(),
                missing(name, named.iter().map(|(key, _)| *key)),
            ),
            Some((_, value)) => {
                if let Some(found) = wrong_type(value, Some(expected)) {
                    let message =
                        format!("`{name}` of a finding is {}, not {found}", expected.text());
                    report(value.span(), message);
                }
            }
        }
    }
    for (name, value) in named {
        let Expr::Array { items, .. } = value else {
            continue;
        };
        match name {
            "paths" if items.is_empty() => {
                report(value.span(), "a finding needs at least one path".to_owned());
            }
            "paths" => {
                for item in items {
                    if let Some(found) = wrong_type(place.resolve(item), Some(ValueType::String)) {
                        report(item.span(), format!("a path is a string, not {found}"));
                    }
                }
            }
            "fixes" => {
                for item in items {
                    check_fix(place.resolve(item), report);
                }
            }
            _ => {}
        }
    }
}

fn check_fix(fix: &Expr, report: &mut Report<'_>) {
    const FORM: &str = "{\"path\": …, \"value\": …} or {\"path\": …, \"remove\": true}";
    let Expr::Object { fields, .. } = fix else {
        if let Some(found) = wrong_type(fix, None) {
            report(fix.span(), format!("a fix is {FORM}, not {found}"));
        }
        return;
    };
    let keys: Option<Vec<&str>> = fields
        .iter()
        .map(|(_, key, _)| string_literal(key))
        .collect();
    let Some(keys) = keys else { return };
    let removes = fields
        .iter()
        .find(|(_, key, _)| string_literal(key) == Some("remove"));
    let never_removes = removes.is_some_and(|(_, _, value)| bool_literal(value) == Some(false));
    let is_complete =
        keys.contains(&"path") && (keys.contains(&"value") != removes.is_some()) && !never_removes;
    if !is_complete {
        report(fix.span(), format!("a fix is {FORM}"));
    }
}

fn missing<'a>(name: &str, keys: impl Iterator<Item = &'a str>) -> String {
    let unknown = keys.filter(|key| !["message", "paths", "fixes"].contains(key));
    let similar = unknown
        .filter(|key| name.starts_with(key) || nearest(key, [name]).is_some() || *key == "msg")
        .find(|key| *key != "msg" || name == "message");
    let remedy = match (name, similar) {
        (_, Some(key)) => format!("rename `{key}`"),
        ("fixes", None) => "write [] where there are none".to_owned(),
        _ => format!("a finding is {FORM}"),
    };
    format!("a finding needs `{name}`: {remedy}")
}

/// The types of values that fields have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    String,
    List,
}

impl ValueType {
    fn text(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::List => "a list",
        }
    }
}

/// The type of an expression if it is known and not the expected one.
fn wrong_type(expr: &Expr, expected: Option<ValueType>) -> Option<&'static str> {
    let is_string = |fcn: &Expr| {
        static_path(fcn)
            .is_some_and(|path| matches!(path.as_slice(), [name] if STRING_BUILTINS.contains(name)))
    };
    let (found, text) = match expr {
        Expr::String { .. } | Expr::RawString { .. } => (Some(ValueType::String), "a string"),
        Expr::Call { fcn, .. } if is_string(fcn) => (Some(ValueType::String), "a string"),
        Expr::Array { .. } | Expr::ArrayCompr { .. } => (Some(ValueType::List), "a list"),
        Expr::Object { .. } | Expr::ObjectCompr { .. } => (None, "a map"),
        Expr::Set { .. } | Expr::SetCompr { .. } => (None, "a set"),
        Expr::Number { .. } => (None, "a number"),
        Expr::Bool { .. } => (None, "a boolean"),
        Expr::Null { .. } => (None, "null"),
        _ => return None,
    };
    (found.is_none() || found != expected).then_some(text)
}
