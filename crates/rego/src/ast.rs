//! Parsed Rego: modules, the names in them, and a traversal of the syntax tree.
//!
//! The tree is regorus's own, from an API that it marks as unstable. Every other file of the crate
//! imports the node types from here, so that a release of regorus that changes them has one place
//! to be adapted. This file decides nothing about a rule.

use super::prescan;
use kubevet_model::{Position, Problem, ProblemCode};
use kubevet_policy as policy;
use regorus::unstable as regorus_ast;
use std::collections::{BTreeMap, BTreeSet};

pub use regorus_ast::{
    ArithOp, AssignOp, BoolOp, Expr, ExprRef, Literal, LiteralStmt, Query, Rule, RuleBody,
    RuleHead, Span,
};

/// A parsed module.
#[derive(Debug)]
pub struct Module {
    /// The file as the user named it.
    pub file: String,
    /// The package without `data.`, such as `controls.c0057`.
    pub package: String,
    /// Name in the module → path without `data.`, such as `workload` → `lib.workload`.
    pub imports: BTreeMap<String, String>,
    /// The names of the module's rules, without the package.
    names: BTreeSet<String>,
    /// The syntax tree as regorus parses it.
    pub tree: regorus_ast::Module,
}

/// Parses a module, unless the check before parsing rejects it.
pub fn parse(source: &policy::ModuleSource) -> Result<Module, Problem> {
    if let Some(problem) = prescan::check_source(&source.file, &source.text) {
        return Err(problem);
    }
    let syntax_problem = |error: anyhow::Error| located(&source.file, &error);
    let text = regorus_ast::Source::from_contents(source.file.to_string(), source.text.to_string())
        .map_err(syntax_problem)?;
    let tree = regorus_ast::Parser::new(&text)
        .and_then(|mut parser| parser.parse())
        .map_err(syntax_problem)
        .map_err(explain_old_syntax)?;
    let package = static_path(&tree.package.refr)
        .unwrap_or_default()
        .join(".");
    let mut imports = BTreeMap::new();
    for import in &tree.imports {
        let Some(path) = static_path(&import.refr) else {
            continue;
        };
        let Some((root, rest)) = path.split_first() else {
            continue;
        };
        let name = import
            .r#as
            .as_ref()
            .map_or_else(|| path.last().copied().unwrap_or_default(), Span::text);
        let target = if *root == "data" {
            rest.join(".")
        } else {
            path.join(".")
        };
        imports.insert(name.to_owned(), target);
    }
    let names = tree
        .policy
        .iter()
        .map(|rule| rule_name(rule).to_owned())
        .collect();
    Ok(Module {
        file: source.file.to_string(),
        package,
        imports,
        names,
        tree,
    })
}

/// Adds to the error about rules in the form before Rego 1.0 (`deny[msg] { … }`) what to write.
fn explain_old_syntax(mut problem: Problem) -> Problem {
    if problem.message.contains("`if` keyword is required") {
        problem.message += ": since Rego 1.0 a rule is written `deny contains finding if { … }`";
    }
    problem
}

/// The position of a span.
pub fn position(span: &Span) -> Position {
    Position {
        line: span.line,
        column: span.col,
    }
}

/// Converts an error of regorus into a problem. The error is one string: a line
/// `--> file:line:column` has the position, and the last line that begins with `error: ` has the
/// message.
pub fn located(file: &str, error: &anyhow::Error) -> Problem {
    let text = error.to_string();
    let location = text.lines().find_map(|line| line.strip_prefix("--> "));
    let message = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "))
        .unwrap_or(&text)
        .trim();
    // The file name may contain colons itself, so the position is split off from the right.
    let mut numbers = location.unwrap_or_default().rsplitn(3, ':');
    let column = numbers.next().and_then(|number| number.parse().ok());
    let line = numbers.next().and_then(|number| number.parse().ok());
    let file = numbers.next().unwrap_or(file);
    match (line, column) {
        (Some(line), Some(column)) => Problem::at(
            ProblemCode::RegoSyntax,
            file,
            Position { line, column },
            message,
        ),
        _ => Problem::in_file(ProblemCode::RegoSyntax, file, message),
    }
}

/// The steps of a static reference: `["data", "lib", "workload"]` of `data.lib.workload`. `None` if
/// a step is computed.
pub fn static_path(expr: &Expr) -> Option<Vec<&str>> {
    match expr {
        Expr::Var { span, .. } => Some(vec![span.text()]),
        Expr::RefDot { refr, field, .. } => {
            let mut path = static_path(refr)?;
            path.push(field.0.text());
            Some(path)
        }
        Expr::RefBrack { refr, index, .. } => {
            let mut path = static_path(refr)?;
            path.push(string_literal(index)?);
            Some(path)
        }
        _ => None,
    }
}

/// The value of a string literal; `None` for other expressions.
pub fn string_literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(AsRef::as_ref)
        }
        _ => None,
    }
}

/// The value of a Boolean literal; `None` for other expressions.
pub fn bool_literal(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Bool { value, .. } => value.as_bool().ok().copied(),
        _ => None,
    }
}

/// The variable at the left end of a reference, and the steps after it up to the first computed
/// one: `input` and `["params"]` of `input.params[name].x`.
pub fn root_of(expr: &Expr) -> Option<(&Span, Vec<&str>)> {
    let mut steps = Vec::new();
    let mut at = expr;
    loop {
        match at {
            Expr::Var { span, .. } => {
                // The tree is left-recursive: its outermost node is the last step.
                steps.reverse();
                let known = steps
                    .iter()
                    .position(Option::is_none)
                    .unwrap_or(steps.len());
                return Some((span, steps.into_iter().take(known).flatten().collect()));
            }
            Expr::RefDot { refr, field, .. } => {
                steps.push(Some(field.0.text()));
                at = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                steps.push(string_literal(index));
                at = refr;
            }
            _ => return None,
        }
    }
}

/// The name of a rule: the first step of its head.
pub fn rule_name(rule: &Rule) -> &str {
    let refr = match rule {
        Rule::Spec {
            head:
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        }
        | Rule::Default { refr, .. } => refr,
    };
    root_of(refr).map_or("", |(span, _)| span.text())
}

/// The arguments of a function; empty for other rules.
pub fn arguments(rule: &Rule) -> &[ExprRef] {
    match rule {
        Rule::Spec {
            head: RuleHead::Func { args, .. },
            ..
        } => args,
        _ => &[],
    }
}

impl Module {
    /// True if the module defines a rule of this name.
    pub fn defines(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The names of the module's rules.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The full name (package and rule, without `data.`) that a reference resolves to: a rule of
    /// this module, of an imported one, or a path below `data`. `None` for locals and `input`.
    /// Steps into the value of a rule of another module are part of the result.
    pub fn target(&self, expr: &Expr) -> Option<String> {
        let (root, steps) = root_of(expr)?;
        let root = root.text();
        if root == "data" {
            return Some(steps.join("."));
        }
        if let Some(import) = self.imports.get(root) {
            return Some(
                steps
                    .iter()
                    .fold(import.clone(), |path, step| format!("{path}.{step}")),
            );
        }
        self.names
            .contains(root)
            .then(|| format!("{}.{root}", self.package))
    }
}

/// The value that a rule's head defines, or the element that it adds; `None` stands for `true`.
pub fn head_value(head: &RuleHead) -> Option<&ExprRef> {
    match head {
        RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
            assign.as_ref().map(|assigned| &assigned.value)
        }
        RuleHead::Set { key, .. } => key.as_ref(),
    }
}

/// The right side of `name := …` in a body; `None` if the body does not assign the name.
pub fn assigned_value<'a>(query: &'a Query, name: &str) -> Option<&'a Expr> {
    query.stmts.iter().find_map(|statement| {
        let Literal::Expr { expr, .. } = &statement.literal else {
            return None;
        };
        match expr.as_ref() {
            Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                rhs,
                ..
            } if lhs.span().text() == name => Some(rhs.as_ref()),
            _ => None,
        }
    })
}

/// Calls `visit` for every expression under `rule`, outermost first.
pub fn walk_rule<'a>(rule: &'a Rule, visit: &mut dyn FnMut(&'a Expr)) {
    match rule {
        Rule::Spec { head, .. } => {
            match head {
                RuleHead::Compr { refr, .. } => walk(refr, visit),
                RuleHead::Func { args, .. } => args.iter().for_each(|arg| walk(arg, visit)),
                RuleHead::Set { .. } => {}
            }
            walk_definition(rule, visit);
        }
        Rule::Default { value, args, .. } => {
            args.iter().for_each(|arg| walk(arg, visit));
            walk(value, visit);
        }
    }
}

/// Calls `visit` for every expression in the values and bodies of a rule: not for its name and
/// arguments, and not for a default.
pub fn walk_definition<'a>(rule: &'a Rule, visit: &mut dyn FnMut(&'a Expr)) {
    let Rule::Spec { head, bodies, .. } = rule else {
        return;
    };
    head_value(head)
        .into_iter()
        .for_each(|value| walk(value, visit));
    for body in bodies {
        body.assign
            .iter()
            .for_each(|assigned| walk(&assigned.value, visit));
        walk_query(&body.query, visit);
    }
}

/// Calls `visit` for every expression in a query.
pub fn walk_query<'a>(query: &'a Query, visit: &mut dyn FnMut(&'a Expr)) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                key.iter().for_each(|key| walk(key, visit));
                walk(value, visit);
                walk(collection, visit);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => walk(expr, visit),
            Literal::Every { domain, query, .. } => {
                walk(domain, visit);
                walk_query(query, visit);
            }
        }
        for modifier in &statement.with_mods {
            walk(&modifier.refr, visit);
            walk(&modifier.r#as, visit);
        }
    }
}

/// Calls `visit` for an expression and every expression in it, outermost first. The recursion is
/// bounded: `prescan` limits the depth of the tree.
pub fn walk<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    match expr {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().for_each(|item| walk(item, visit))
        }
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                walk(key, visit);
                walk(value, visit);
            }
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            walk(term, visit);
            walk_query(query, visit);
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => {
            walk(key, visit);
            walk(value, visit);
            walk_query(query, visit);
        }
        Expr::Call { fcn, params, .. } => {
            walk(fcn, visit);
            params.iter().for_each(|param| walk(param, visit));
        }
        Expr::UnaryExpr { expr, .. } => walk(expr, visit),
        Expr::RefDot { refr, .. } => walk(refr, visit),
        Expr::RefBrack { refr, index, .. } => {
            walk(refr, visit);
            walk(index, visit);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            walk(lhs, visit);
            walk(rhs, visit);
        }
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => {
            key.iter().for_each(|key| walk(key, visit));
            walk(value, visit);
            walk(collection, visit);
        }
    }
}
