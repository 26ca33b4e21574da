//! The profile: the form of Rego that can be compiled, held by a lint that says where a rule leaves it and what to write
//! instead. Our own controls must keep to it; a user's rule outside it still runs in the reference tier.
//!
//! It reads rules one at a time and knows of the shared library only that its names begin with `lib.`.

use super::{
    ast::{
        self, AssignOp, BoolOp, Expr, Literal, LiteralStmt, Module, Query, Rule, RuleBody,
        RuleHead, Span, arguments, position, root_of, rule_name, static_path, string_literal,
    },
    builtins,
};
use kubevet_model::{Control, Problem, ProblemCode};
use kubevet_policy::{self as policy, Library};
use std::collections::BTreeSet;

/// What rules may read of `input`.
const ROOTS: &[&str] = &[
    "object",
    "oldObject",
    "request",
    "params",
    "namespaceObject",
];
/// Builtins that give true or false, for a line of their own and never for a value.
const PREDICATES: &[&str] = &[
    "startswith",
    "endswith",
    "contains",
    "regex.match",
    "is_string",
    "is_number",
    "is_boolean",
    "is_array",
    "is_object",
    "is_null",
    "is_set",
];
/// Builtins that give a value.
const FUNCTIONS: &[&str] = &[
    "split",
    "replace",
    "trim",
    "trim_prefix",
    "trim_suffix",
    "trim_left",
    "trim_right",
    "trim_space",
    "substring",
    "concat",
    "count",
    "object.get",
    "sprintf",
];
/// Classes that mean other letters in Rust, in Go and in CEL.
const WIDE_CLASSES: &[&str] = &[
    "\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\b", "\\B", "\\p", "\\P", "(?i",
];

/// Where the controls of a library leave the profile.
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

/// The variables of a body.
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
        self.header();
        for rule in &self.module.tree.policy {
            self.rule(rule);
        }
        self.definitions();
        self.params();
        self.problems
    }

    fn say(&mut self, span: &Span, message: impl Into<String>) {
        self.problems.push(Problem::at(
            ProblemCode::RegoLint,
            &self.module.file,
            position(span),
            message,
        ));
    }

    fn header(&mut self) {
        let wanted = policy::package_of(self.control.id.as_str());
        let package = &self.module.tree.package;
        if self.module.package != wanted {
            self.say(&package.span, format!("the package must be `{wanted}`"));
        }
        let mut rego_v1 = false;
        for import in &self.module.tree.imports {
            let path = static_path(&import.refr).unwrap_or_default().join(".");
            if path == "rego.v1" {
                rego_v1 = true;
            } else if !path.starts_with("data.lib.") {
                self.say(
                    &import.span,
                    format!("import only `rego.v1` and `data.lib.…`, not `{path}`"),
                );
            }
        }
        if !rego_v1 {
            self.say(&package.span, "write `import rego.v1` after the package");
        }
    }

    fn rule(&mut self, rule: &'a Rule) {
        let name = rule_name(rule);
        let (head, bodies) = match rule {
            Rule::Default { span, .. } => {
                return self.say(span, "no `default` rules: write an `else`");
            }
            Rule::Spec { head, bodies, .. } => (head, bodies),
        };
        let (refr, value) = match head {
            RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => {
                (refr, assign.as_ref().map(|it| &it.value))
            }
            RuleHead::Set { refr, key, .. } => (refr, key.as_ref()),
        };
        if !matches!(refr.as_ref(), Expr::Var { .. }) {
            self.say(refr.span(), "a rule's name must be one word");
        }
        if name == "deny" && !matches!(head, RuleHead::Set { .. }) {
            self.say(rule.span(), "write `deny contains finding if { … }`");
        }
        let mut arguments_seen = Locals::new();
        for argument in arguments(rule) {
            if !matches!(argument.as_ref(), Expr::Var { .. }) {
                self.say(argument.span(), "an argument must be a plain name");
            } else if !arguments_seen.insert(argument.span().text()) {
                self.say(argument.span(), "two arguments of one name");
            }
        }
        for (place, body) in bodies.iter().enumerate() {
            let mut locals = arguments_seen.clone();
            self.query(&body.query, &mut locals);
            let value = if place == 0 {
                value
            } else {
                body.assign.as_ref().map(|it| &it.value)
            };
            if let Some(value) = value {
                self.expr(value, &locals);
                self.no_predicate(value);
                if name == "deny" {
                    self.finding(value, body);
                }
            }
        }
        if let (true, Some(value)) = (bodies.is_empty(), value) {
            self.expr(value, &arguments_seen);
        }
    }

    /// A finding is an object with exactly these three fields, written out so that its parts can be told apart.
    fn finding(&mut self, value: &'a Expr, body: &'a RuleBody) {
        let written = match value {
            Expr::Var { span, .. } => body
                .query
                .stmts
                .iter()
                .find_map(|it| assigned(it, span.text())),
            other => Some(other),
        };
        let Some(Expr::Object { fields, .. }) = written else {
            return self.say(
                value.span(),
                "write the finding out: {\"message\": …, \"paths\": […], \"fixes\": […]}",
            );
        };
        let mut names: Vec<&str> = fields
            .iter()
            .filter_map(|(_, key, _)| string_literal(key))
            .collect();
        names.sort_unstable();
        if names != ["fixes", "message", "paths"] {
            self.say(
                value.span(),
                "a finding has `message`, `paths` and `fixes`, and nothing else",
            );
        }
    }

    fn query(&mut self, query: &'a Query, locals: &mut Locals<'a>) {
        let mut bound: BTreeSet<&str> = BTreeSet::new();
        // A name may be used before the line that binds it: collect all first.
        for statement in &query.stmts {
            for span in bindings(statement) {
                let name = span.text();
                if name == "_" {
                    continue;
                }
                if locals.contains(name) || !bound.insert(name) {
                    self.say(span, format!("`{name}` is bound twice: use a second name"));
                }
            }
        }
        locals.extend(bound);
        for statement in &query.stmts {
            self.statement(statement, query, locals);
        }
    }

    fn statement(&mut self, statement: &'a LiteralStmt, query: &'a Query, locals: &mut Locals<'a>) {
        for modifier in &statement.with_mods {
            self.say(&modifier.span, "no `with`: pass an argument");
        }
        match &statement.literal {
            Literal::SomeVars { span, .. } => self.say(span, "write `some x in …`"),
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                for name in key.iter().chain([value]) {
                    if !matches!(name.as_ref(), Expr::Var { .. }) {
                        self.say(name.span(), "`some` must bind plain names");
                    }
                }
                self.domain(collection, query);
                self.expr(collection, locals);
            }
            Literal::Every {
                domain,
                query: inner,
                ..
            } => {
                self.domain(domain, query);
                self.expr(domain, locals);
                let mut inside = locals.clone();
                if let Literal::Every { key, value, .. } = &statement.literal {
                    inside.extend(key.iter().chain([value]).map(Span::text));
                }
                self.query(inner, &mut inside);
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr {
                    op: AssignOp::ColEq,
                    lhs,
                    rhs,
                    ..
                } => {
                    if !matches!(lhs.as_ref(), Expr::Var { .. }) {
                        self.say(lhs.span(), "`:=` must bind one plain name");
                    }
                    self.no_predicate(rhs);
                    self.expr(rhs, locals);
                }
                other => self.expr(other, locals),
            },
            Literal::NotExpr { expr, .. } => {
                self.negated(expr, locals);
                self.expr(expr, locals);
            }
        }
    }

    /// OPA evaluates the arguments of a negated call before the `not`, so an undefined one loses the finding.
    fn negated(&mut self, expr: &'a Expr, locals: &Locals<'a>) {
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {}
            Expr::BoolExpr { op: BoolOp::Eq, .. } => {}
            Expr::Call {
                fcn, params, span, ..
            } => {
                let plain = |it: &Expr| match it {
                    Expr::Var { span, .. } => locals.contains(span.text()),
                    Expr::String { .. }
                    | Expr::RawString { .. }
                    | Expr::Number { .. }
                    | Expr::Bool { .. } => true,
                    _ => false,
                };
                if self.module.target(fcn).is_none() || !params.iter().all(|it| plain(it)) {
                    self.say(span, "`not` of a call needs a helper of yours whose arguments are names or constants");
                }
            }
            other => self.say(
                other.span(),
                "`not` may stand before a reference, `==` or a helper: write a helper",
            ),
        }
    }

    /// What `some` and `every` may run over: something known to be a list, set or map.
    fn domain(&mut self, expr: &'a Expr, query: &'a Query) {
        let written = match expr {
            Expr::Var { span, .. } => query
                .stmts
                .iter()
                .find_map(|it| assigned(it, span.text()))
                .unwrap_or(expr),
            other => other,
        };
        let known = match written {
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => true,
            Expr::Call { fcn, .. } => self.is_shared(fcn),
            Expr::Var { .. } => self.module.target(written).is_some(),
            Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.is_shared(written) || is_param(written)
            }
            _ => false,
        };
        if !known {
            let message = "a domain must be known to be a list: an iterator of data.lib, a literal, input.params.x or \
                           collections.list(object.get(parent, [\"a\", \"b\"], []))";
            self.say(expr.span(), message);
        }
    }

    fn is_shared(&self, expr: &Expr) -> bool {
        self.module
            .target(expr)
            .is_some_and(|it| it.starts_with("lib."))
    }

    fn no_predicate(&mut self, expr: &'a Expr) {
        let predicate = match expr {
            Expr::BoolExpr { .. } | Expr::Membership { .. } => true,
            Expr::Call { fcn, .. } => {
                static_path(fcn).is_some_and(|it| PREDICATES.contains(&it.join(".").as_str()))
            }
            _ => false,
        };
        if predicate {
            self.say(
                expr.span(),
                "a condition is no value (false is not undefined): give it a line of its own",
            );
        }
    }

    fn expr(&mut self, expr: &'a Expr, locals: &Locals<'a>) {
        let mut faults: Vec<(&Span, String)> = Vec::new();
        ast::walk(expr, &mut |it| {
            if let Some(message) = self.fault(it, locals) {
                faults.push((it.span(), message));
            }
        });
        for (span, message) in faults {
            self.say(span, message);
        }
    }

    fn fault(&self, expr: &Expr, locals: &Locals<'a>) -> Option<String> {
        match expr {
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => {
                Some("comprehensions belong into policies/lib".to_owned())
            }
            Expr::AssignExpr { .. } => {
                Some("bind with `:=` on a line of its own; no `=`".to_owned())
            }
            Expr::Number { span, .. }
                if !span
                    .text()
                    .trim_start_matches('-')
                    .bytes()
                    .all(|it| it.is_ascii_digit()) =>
            {
                Some("numbers must be integers".to_owned())
            }
            Expr::ArithExpr { .. } => Some(
                "no arithmetic: compare whole numbers, and quantities through data.lib".to_owned(),
            ),
            Expr::BinExpr { .. } => Some("no union or intersection: write two bodies".to_owned()),
            Expr::Call { fcn, params, .. } => self.call_fault(fcn, params),
            Expr::Var { span, .. } if span.text() == "_" => {
                Some("no `_`: write `some x in …`".to_owned())
            }
            Expr::Var { span, .. } if span.text() == "data" => {
                Some("import what you use of data.lib".to_owned())
            }
            Expr::RefBrack { index, .. } => match index.as_ref() {
                Expr::Var { span, .. }
                    if !locals.contains(span.text()) && self.module.target(index).is_none() =>
                {
                    Some(format!(
                        "`{}` is not bound: write `some {0}, x in …`",
                        span.text()
                    ))
                }
                _ => root_fault(expr),
            },
            Expr::RefDot { .. } => root_fault(expr),
            _ => None,
        }
    }

    fn call_fault(&self, fcn: &Expr, params: &[ast::ExprRef]) -> Option<String> {
        let name = static_path(fcn)?.join(".");
        if self.module.target(fcn).is_some() {
            return None;
        }
        if !PREDICATES.contains(&name.as_str()) && !FUNCTIONS.contains(&name.as_str()) {
            return builtins::is_allowed(&name).then(|| {
                format!(
                    "`{name}` does not mean the same in Rego and CEL: use what data.lib has instead"
                )
            });
        }
        match (name.as_str(), params.first().map(AsRef::as_ref)) {
            ("regex.match", Some(pattern)) => match string_literal(pattern) {
                Some(text) => WIDE_CLASSES
                    .iter()
                    .find(|it| text.contains(**it))
                    .map(|it| {
                        format!("`{it}` is no ASCII class: write the letters, such as [0-9A-Za-z_]")
                    }),
                None if matches!(pattern, Expr::Var { .. }) => None,
                None => Some("a pattern must be written out, or an element of a param".to_owned()),
            },
            ("sprintf", Some(format)) => match string_literal(format) {
                Some(text) => format_fault(text),
                None => Some("the format of sprintf must be written out".to_owned()),
            },
            _ => None,
        }
    }

    /// Two definitions of a value may disagree, which is a conflict at run time.
    fn definitions(&mut self) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for rule in &self.module.tree.policy {
            let Rule::Spec {
                head: RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. },
                ..
            } = rule.as_ref()
            else {
                continue;
            };
            let is_value = assign
                .as_ref()
                .is_some_and(|it| !matches!(it.value.as_ref(), Expr::Bool { .. }));
            if !seen.insert(rule_name(rule)) && is_value {
                self.say(
                    rule.span(),
                    format!(
                        "`{}` has two definitions: join them with `else`",
                        rule_name(rule)
                    ),
                );
            }
        }
    }

    /// What the control says it reads, and what the rule reads.
    fn params(&mut self) {
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
            if !self.control.params.iter().any(|it| it == name) {
                self.say(
                    span,
                    format!("`{name}` is read but not listed under params in control.yaml"),
                );
            }
        }
        for name in &self.control.params {
            if !read.iter().any(|(it, _)| it == name) {
                let span = &self.module.tree.package.span;
                self.say(
                    span,
                    format!("control.yaml lists the param `{name}`, which the rule never reads"),
                );
            }
        }
    }
}

/// The names that a statement binds.
fn bindings(statement: &LiteralStmt) -> Vec<&Span> {
    match &statement.literal {
        Literal::SomeIn { key, value, .. } => {
            key.iter().chain([value]).map(|it| it.span()).collect()
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

/// The right side of `name := …`.
fn assigned<'a>(statement: &'a LiteralStmt, name: &str) -> Option<&'a Expr> {
    match &statement.literal {
        Literal::Expr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                rhs,
                ..
            } if lhs.span().text() == name => Some(rhs),
            _ => None,
        },
        _ => None,
    }
}

fn is_param(expr: &Expr) -> bool {
    root_of(expr)
        .is_some_and(|(root, steps)| root.text() == "input" && steps.first() == Some(&"params"))
}

fn root_fault(expr: &Expr) -> Option<String> {
    let (root, steps) = root_of(expr)?;
    let first = steps.first()?;
    (root.text() == "input" && !ROOTS.contains(first))
        .then(|| format!("input has no `{first}`, only {}", ROOTS.join(", ")))
}

fn format_fault(format: &str) -> Option<String> {
    let mut letters = format.chars();
    while letters.any(|it| it == '%') {
        match letters.next() {
            Some('s' | 'd' | '%') => {}
            other => {
                let verb = other.map_or_else(String::new, String::from);
                return Some(format!(
                    "`%{verb}` prints differently in OPA and here: use %s or %d"
                ));
            }
        }
    }
    None
}
