//! The lint: style rules for controls that the compiler does not need.
//!
//! `lower` alone decides which Rego compiles, and the lint repeats none of its checks. The lint
//! reads one rule at a time. Of the shared library it knows only that the names begin with `lib.`.
//! The built-in controls must pass it.

use super::ast::{
    self, AssignOp, Expr, Literal, LiteralStmt, Module, Query, Rule, RuleBody, RuleHead, Span,
    arguments, assigned_value, head_value, position, root_of, rule_name, static_path,
    string_literal,
};
use kubevet_model::{Control, Problem, ProblemCode};
use kubevet_policy::{self as policy, Library};
use std::collections::{BTreeMap, BTreeSet};

/// Character classes and flags that match different characters in Rust, Go and CEL.
const WIDE_CLASSES: &[&str] = &[
    "\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\b", "\\B", "\\p", "\\P", "(?i",
];

/// Returns the style violations of a library's controls, sorted.
#[must_use]
pub fn lint(library: &Library) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in &library.controls {
        match ast::parse(&source.rule) {
            Ok(module) => problems.extend(Lint::new(&module, &source.control).run()),
            Err(problem) => problems.push(problem),
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

struct Lint<'a> {
    module: &'a Module,
    control: &'a Control,
    problems: Vec<Problem>,
}

/// The local names of a body.
type Locals<'a> = BTreeSet<&'a str>;

impl<'a> Lint<'a> {
    fn new(module: &'a Module, control: &'a Control) -> Self {
        Self {
            module,
            control,
            problems: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<Problem> {
        self.check_header();
        for rule in &self.module.tree.policy {
            self.check_rule(rule);
        }
        self.check_definitions();
        self.check_params();
        self.problems
    }

    fn report(&mut self, span: &Span, message: impl Into<String>) {
        self.problems.push(Problem::at(
            ProblemCode::RegoLint,
            &self.module.file,
            position(span),
            message,
        ));
    }

    fn check_header(&mut self) {
        let expected = policy::package_of(self.control.id.as_str());
        let package = &self.module.tree.package;
        if self.module.package != expected {
            self.report(&package.span, format!("the package must be `{expected}`"));
        }
        let mut imports_rego_v1 = false;
        for import in &self.module.tree.imports {
            let path = static_path(&import.refr).unwrap_or_default().join(".");
            if path == "rego.v1" {
                imports_rego_v1 = true;
            } else if !path.starts_with("data.lib.") {
                let message = format!("import only `rego.v1` and `data.lib.…`, not `{path}`");
                self.report(&import.span, message);
            }
        }
        if !imports_rego_v1 {
            self.report(&package.span, "write `import rego.v1` after the package");
        }
    }

    fn check_rule(&mut self, rule: &'a Rule) {
        let Rule::Spec { head, bodies, .. } = rule else {
            return;
        };
        let (RuleHead::Compr { refr, .. }
        | RuleHead::Func { refr, .. }
        | RuleHead::Set { refr, .. }) = head;
        let value = head_value(head);
        if !matches!(refr.as_ref(), Expr::Var { .. }) {
            self.report(refr.span(), "a rule's name must be one word");
        }
        let parameters = self.check_parameters(rule);
        for body in bodies {
            let mut locals = parameters.clone();
            self.check_query(&body.query, &mut locals);
            let else_value = body.assign.as_ref().map(|assigned| &assigned.value);
            if let Some(value) = else_value {
                self.check_expr(value);
            }
            if let (true, Some(finding)) = (rule_name(rule) == "deny", value) {
                self.check_finding(finding, body);
            }
        }
        if let Some(value) = value {
            self.check_expr(value);
        }
    }

    /// Reports parameters that are not distinct plain names, and returns the names.
    fn check_parameters(&mut self, rule: &'a Rule) -> Locals<'a> {
        let mut names = Locals::new();
        for parameter in arguments(rule) {
            if !matches!(parameter.as_ref(), Expr::Var { .. }) {
                self.report(parameter.span(), "an argument must be a plain name");
            } else if !names.insert(parameter.span().text()) {
                self.report(parameter.span(), "two arguments of one name");
            }
        }
        names
    }

    /// Reports fields of a finding other than the three that the compiler reads.
    fn check_finding(&mut self, finding: &'a Expr, body: &'a RuleBody) {
        let literal = match finding {
            Expr::Var { span, .. } => assigned_value(&body.query, span.text()),
            other => Some(other),
        };
        let Some(Expr::Object { fields, .. }) = literal else {
            return;
        };
        let is_known = |name: &str| ["message", "paths", "fixes"].contains(&name);
        if fields
            .iter()
            .filter_map(|(_, key, _)| string_literal(key))
            .any(|name| !is_known(name))
        {
            let message = "a finding has `message`, `paths` and `fixes`, and nothing else";
            self.report(finding.span(), message);
        }
    }

    fn check_query(&mut self, query: &'a Query, locals: &mut Locals<'a>) {
        // Rego lets a statement use a name that a later one binds, so all names are collected
        // before any statement is checked.
        let mut bound: BTreeSet<&str> = BTreeSet::new();
        for span in query.stmts.iter().flat_map(bound_names) {
            let name = span.text();
            if name == "_" {
                continue;
            }
            if locals.contains(name) || !bound.insert(name) {
                self.report(span, format!("`{name}` is bound twice: use a second name"));
            }
        }
        locals.extend(bound);
        for statement in &query.stmts {
            self.check_statement(statement, query, locals);
        }
    }

    fn check_statement(
        &mut self,
        statement: &'a LiteralStmt,
        query: &'a Query,
        locals: &Locals<'a>,
    ) {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { collection, .. } => {
                self.check_domain(collection, query);
                self.check_expr(collection);
            }
            Literal::Every {
                key,
                value,
                domain,
                query: body,
                ..
            } => {
                self.check_domain(domain, query);
                self.check_expr(domain);
                let mut inner = locals.clone();
                inner.extend(key.iter().chain([value]).map(Span::text));
                self.check_query(body, &mut inner);
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { rhs, .. } => self.check_expr(rhs),
                other => self.check_expr(other),
            },
            Literal::NotExpr { expr, .. } => self.check_expr(expr),
        }
    }

    /// Reports a domain of `some` or `every` that is not known to be a collection. The compiler
    /// accepts any field, but the loop over a string or `null` is silently empty.
    fn check_domain(&mut self, expr: &'a Expr, query: &'a Query) {
        let source = match expr {
            Expr::Var { span, .. } => assigned_value(query, span.text()).unwrap_or(expr),
            other => other,
        };
        let is_known = match source {
            Expr::Array { .. }
            | Expr::Set { .. }
            | Expr::Object { .. }
            // The compiler refuses comprehensions, so they are not reported twice.
            | Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. } => true,
            Expr::Call { fcn, .. } => self.is_shared(fcn),
            Expr::Var { .. } => self.module.target(source).is_some(),
            Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.is_shared(source) || is_param(source)
            }
            _ => false,
        };
        if !is_known {
            let message = "`some … in` needs a list: use an iterator of data.lib, such as \
                           workload.containers, a literal, input.params.x, or \
                           collections.list(object.get(parent, [\"a\", \"b\"], []))";
            self.report(expr.span(), message);
        }
    }

    fn is_shared(&self, expr: &Expr) -> bool {
        self.module
            .target(expr)
            .is_some_and(|target| target.starts_with("lib."))
    }

    fn check_expr(&mut self, expr: &'a Expr) {
        let mut violations: Vec<(&Span, String)> = Vec::new();
        ast::walk(expr, &mut |inner| {
            if let Some(message) = self.violation(inner) {
                violations.push((inner.span(), message));
            }
        });
        for (span, message) in violations {
            self.report(span, message);
        }
    }

    fn violation(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Var { span, .. } if span.text() == "data" => {
                Some("import what you use of data.lib".to_owned())
            }
            Expr::Call { fcn, params, .. } if self.module.target(fcn).is_none() => {
                let pattern = params.first().and_then(|pattern| string_literal(pattern))?;
                if static_path(fcn)? != ["regex", "match"] {
                    return None;
                }
                let class = WIDE_CLASSES
                    .iter()
                    .find(|class| pattern.contains(**class))?;
                Some(format!(
                    "`{class}` is not an ASCII class: write the letters, such as [0-9A-Za-z_]"
                ))
            }
            _ => None,
        }
    }

    /// Reports several definitions of a helper with the same value, which `else` would join. The
    /// compiler refuses definitions with different values.
    fn check_definitions(&mut self) {
        let mut values: BTreeMap<&str, &str> = BTreeMap::new();
        for rule in &self.module.tree.policy {
            let Rule::Spec {
                head: RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. },
                ..
            } = rule.as_ref()
            else {
                continue;
            };
            let value = assign.as_ref().map(|assigned| assigned.value.as_ref());
            let Some(value) = value.filter(|value| !matches!(value, Expr::Bool { .. })) else {
                continue;
            };
            let name = rule_name(rule);
            if values.insert(name, value.span().text()) == Some(value.span().text()) {
                let message = format!("`{name}` has two definitions: join them with `else`");
                self.report(rule.span(), message);
            }
        }
    }

    /// Reports params that the rule reads and the control does not list, and the reverse.
    fn check_params(&mut self) {
        let mut read: Vec<(&str, &Span)> = Vec::new();
        for rule in &self.module.tree.policy {
            ast::walk_rule(rule, &mut |expr| {
                if let Some((root, steps)) = root_of(expr)
                    && root.text() == "input"
                    && let ["params", name, ..] = steps.as_slice()
                {
                    read.push((*name, expr.span()));
                }
            });
        }
        for (name, span) in &read {
            if !self.control.params.iter().any(|param| param == name) {
                let message =
                    format!("`{name}` is read but not listed under params in control.yaml");
                self.report(span, message);
            }
        }
        for name in &self.control.params {
            if !read.iter().any(|(param, _)| param == name) {
                let message =
                    format!("control.yaml lists the param `{name}`, which the rule never reads");
                self.report(&self.module.tree.package.span, message);
            }
        }
    }
}

/// The names that a statement binds.
fn bound_names(statement: &LiteralStmt) -> Vec<&Span> {
    match &statement.literal {
        Literal::SomeIn { key, value, .. } => {
            key.iter().chain([value]).map(|name| name.span()).collect()
        }
        Literal::Expr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                ..
            } => vec![lhs.span()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn is_param(expr: &Expr) -> bool {
    root_of(expr)
        .is_some_and(|(root, steps)| root.text() == "input" && steps.first() == Some(&"params"))
}
