//! Names of shared modules that a rule gets wrong: a module that is not imported or does not exist,
//! a member that a module does not have, a field that the elements of a shared list do not have.
//!
//! Rego evaluates most of them to undefined, so the rule would silently find nothing. Each message
//! has the nearest name that exists. A name is reported once, at its leftmost word.

use crate::{
    ast::{
        self, Expr, Literal, Module, Query, Rule, RuleHead, Span, arguments, assigned_value,
        head_value, position, root_of, static_path, string_literal,
    },
    builtins,
    rule_index::RuleIndex,
};
use kubevet_model::{Position, Problem, ProblemCode};
use kubevet_policy::nearest;
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of members that a message lists.
const MAX_LISTED: usize = 12;
/// The maximum number of shared lists between a list and the one that makes its elements.
const MAX_LIST_DEPTH: usize = 8;

/// Returns a problem for each wrong name of a module.
pub(crate) fn check(rules: &RuleIndex<'_>, module: &Module) -> Vec<Problem> {
    let names = SharedNames { rules, module };
    let mut found = names.unknown_imports();
    for rule in &module.tree.policy {
        let scope = names.scope(rule);
        ast::walk_rule(rule, &mut |expr| {
            let Some((root, steps)) = root_of(expr) else {
                return;
            };
            // The whole reference is visited before its parts, and decides what is reported.
            if !found.contains_key(&position(root))
                && let Some(fault) = names.fault(root.text(), &steps, expr, &scope)
            {
                found.insert(position(root), fault);
            }
        });
    }
    let mut missing_imports = BTreeSet::new();
    let mut is_new = |fault: &Fault| match fault {
        Fault::MissingImport(name) => missing_imports.insert(name.clone()),
        Fault::Name(_) => true,
    };
    found
        .into_iter()
        .filter(|(_, fault)| is_new(fault))
        .map(|(at, fault)| {
            let message = fault.to_string();
            Problem::at(ProblemCode::RegoUndefinedName, &module.file, at, message)
        })
        .collect()
}

/// What is wrong with a name, and what to write.
#[derive(Debug, thiserror::Error)]
enum Fault {
    /// A shared module is used without its import. It is one fault, however often it is used.
    #[error("`{0}` is not imported: add `import data.lib.{0}`")]
    MissingImport(String),
    /// Any other, as a whole sentence.
    #[error("{0}")]
    Name(String),
}

/// True if a name that is called belongs to a shared module, as far as the rule's author is
/// concerned: if it is wrong, this file reports it.
pub(crate) fn is_of_shared_module(rules: &RuleIndex<'_>, module: &Module, path: &[&str]) -> bool {
    let [root, _, ..] = path else { return false };
    module.imports.contains_key(*root) || rules.shared_modules().contains(root)
}

struct SharedNames<'a> {
    rules: &'a RuleIndex<'a>,
    module: &'a Module,
}

/// The local names of a rule.
struct Scope<'a> {
    /// Every name that stands somewhere without a field behind it: it may be a variable.
    variables: BTreeSet<&'a str>,
    /// The variables of `some x in workload.containers`, and the fields that such elements have.
    elements: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> SharedNames<'a> {
    fn unknown_imports(&self) -> BTreeMap<Position, Fault> {
        let imports = self.module.tree.imports.iter();
        imports
            .filter_map(|import| {
                let path = static_path(&import.refr)?;
                let ["data", "lib", name, ..] = path.as_slice() else {
                    return None;
                };
                let path = path.join(".");
                let target = path.strip_prefix("data.").unwrap_or(&path);
                if self.rules.exists(target) {
                    return None;
                }
                let modules = self.rules.shared_modules();
                let advice = match nearest(name, modules.iter().copied()) {
                    Some(near) if near != *name => format!("did you mean `data.lib.{near}`?"),
                    _ => format!("data.lib has {}", listed(modules.into_iter())),
                };
                let (root, _) = root_of(&import.refr)?;
                let message = format!("`{path}` does not exist: {advice}");
                Some((position(root), Fault::Name(message)))
            })
            .collect()
    }

    /// Returns what is wrong with a reference.
    fn fault(&self, root: &str, steps: &[&str], expr: &Expr, scope: &Scope<'_>) -> Option<Fault> {
        if root == "data" {
            return self.whole_path(steps).map(Fault::Name);
        }
        if let Some(import) = self.module.imports.get(root) {
            return self.unknown_member(root, import, steps).map(Fault::Name);
        }
        if let Some(fields) = scope.elements.get(root) {
            return unknown_field(root, fields, steps).map(Fault::Name);
        }
        let is_local = self.module.defines(root) || scope.variables.contains(root);
        if root == "input" || is_local || steps.is_empty() {
            return None;
        }
        self.missing_import(root, expr)
    }

    /// `data.lib.workload.containers`, written out.
    fn whole_path(&self, steps: &[&str]) -> Option<String> {
        let ["lib", module, member @ ..] = steps else {
            return None;
        };
        let name = [&[*module], member].concat().join(".");
        Some(format!(
            "`data.lib.{name}` is not read through an import: add `import data.lib.{module}`, and write `{name}`"
        ))
    }

    /// A member that an imported module does not have.
    fn unknown_member(&self, root: &str, import: &str, steps: &[&str]) -> Option<String> {
        let (member, _) = steps.split_first()?;
        if !self.rules.exists(import) || self.rules.exists(&format!("{import}.{member}")) {
            return None;
        }
        let members = self.rules.members(import);
        let advice = match nearest(member, members.iter().copied()) {
            Some(near) => format!("did you mean `{root}.{near}`?"),
            None => format!("data.{import} has {}", listed(members.into_iter())),
        };
        Some(format!("`{root}.{member}` does not exist: {advice}"))
    }

    /// A shared module that is used and not imported.
    fn missing_import(&self, root: &str, expr: &Expr) -> Option<Fault> {
        let is_builtin =
            static_path(expr).is_some_and(|path| builtins::is_allowed(&path.join(".")));
        if is_builtin {
            return None;
        }
        let modules = self.rules.shared_modules();
        if modules.contains(root) {
            return Some(Fault::MissingImport(root.to_owned()));
        }
        let near = nearest(root, modules).filter(|_| !builtins::is_namespace(root))?;
        Some(Fault::Name(format!(
            "`{root}` does not exist: did you mean `{near}`, with `import data.lib.{near}`?"
        )))
    }

    fn scope(&self, rule: &'a Rule) -> Scope<'a> {
        let mut iterations = Vec::new();
        let mut variables = variables(rule);
        for_each_query(rule, &mut |query| {
            collect_iterations(query, &mut iterations, &mut variables);
        });
        let mut elements: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (variable, collection) in iterations {
            let fields = collection
                .and_then(|collection| self.module.target(collection))
                .and_then(|target| self.element_fields(&target, MAX_LIST_DEPTH));
            // A name that stands for elements of two lists has no known fields.
            match fields.filter(|_| seen.insert(variable)) {
                Some(fields) => _ = elements.insert(variable, fields),
                None => _ = elements.remove(variable),
            }
        }
        Scope {
            variables,
            elements,
        }
    }

    /// The fields of the elements of a shared list, where its definition writes them out; `None`
    /// where it does not.
    fn element_fields(&self, list: &str, depth: usize) -> Option<Vec<&'a str>> {
        let [(module, rule)] = self.rules.definitions(list) else {
            return None;
        };
        let Rule::Spec { head, .. } = rule else {
            return None;
        };
        let RuleHead::Compr { .. } = head else {
            return None;
        };
        let Expr::ArrayCompr { term, query, .. } = head_value(head)?.as_ref() else {
            return None;
        };
        let Expr::Var { span, .. } = term.as_ref() else {
            return None;
        };
        if let Some(Expr::Object { fields, .. }) = assigned_value(query, span.text()) {
            return fields
                .iter()
                .map(|(_, key, _)| string_literal(key))
                .collect();
        }
        // A list of some elements of another list.
        let source = query
            .stmts
            .iter()
            .find_map(|statement| match &statement.literal {
                Literal::SomeIn {
                    value, collection, ..
                } if value.span().text() == span.text() => module.target(collection),
                _ => None,
            })?;
        self.element_fields(&source, depth.checked_sub(1)?)
    }
}

/// A field that an element of a shared list does not have.
fn unknown_field(root: &str, fields: &[&str], steps: &[&str]) -> Option<String> {
    let (first, _) = steps.split_first()?;
    if fields.contains(first) {
        return None;
    }
    let advice = match nearest(first, fields.iter().copied()) {
        Some(near) => format!("did you mean `{root}.{near}`?"),
        None if fields.contains(&"spec") => format!("did you mean `{root}.spec.{first}`?"),
        None => format!("it has {}", listed(fields.iter().copied())),
    };
    Some(format!("`{root}.{first}` does not exist: {advice}"))
}

/// The names that stand somewhere in a rule without a field behind them.
fn variables<'r>(rule: &'r Rule) -> BTreeSet<&'r str> {
    let mut roots: BTreeMap<&'r str, usize> = BTreeMap::new();
    let mut all: BTreeMap<&'r str, usize> = BTreeMap::new();
    let mut visit = |expr: &'r Expr| match expr {
        Expr::Var { span, .. } => *all.entry(span.text()).or_default() += 1,
        Expr::RefDot { refr: base, .. }
        | Expr::RefBrack { refr: base, .. }
        | Expr::Call { fcn: base, .. } => {
            if let Expr::Var { span, .. } = base.as_ref() {
                *roots.entry(span.text()).or_default() += 1;
            }
        }
        _ => {}
    };
    arguments(rule)
        .iter()
        .for_each(|argument| ast::walk(argument, &mut visit));
    ast::walk_definition(rule, &mut visit);
    all.into_iter()
        .filter(|(name, count)| roots.get(name).is_none_or(|roots| roots < count))
        .map(|(name, _)| name)
        .collect()
}

/// Calls `visit` for each body of a rule and of the comprehensions in it.
fn for_each_query<'a>(rule: &'a Rule, visit: &mut dyn FnMut(&'a Query)) {
    if let Rule::Spec { bodies, .. } = rule {
        bodies.iter().for_each(|body| visit(&body.query));
    }
    ast::walk_definition(rule, &mut |expr| match expr {
        Expr::ArrayCompr { query, .. }
        | Expr::SetCompr { query, .. }
        | Expr::ObjectCompr { query, .. } => visit(query),
        _ => {}
    });
}

/// Collects the variables of `some … in` and `every`, each with its collection, and those that are
/// only declared.
fn collect_iterations<'a>(
    query: &'a Query,
    iterations: &mut Vec<(&'a str, Option<&'a Expr>)>,
    variables: &mut BTreeSet<&'a str>,
) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => variables.extend(vars.iter().map(Span::text)),
            Literal::SomeIn {
                value, collection, ..
            } => iterations.push((value.span().text(), Some(collection.as_ref()))),
            Literal::Every {
                key,
                value,
                domain,
                query: body,
                ..
            } => {
                variables.extend(key.iter().chain([value]).map(Span::text));
                iterations.push((value.text(), Some(domain.as_ref())));
                collect_iterations(body, iterations, variables);
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { lhs, .. } = expr.as_ref() {
                    iterations.push((lhs.span().text(), None));
                }
            }
            Literal::NotExpr { .. } => {}
        }
    }
}

/// Names as a sentence lists them.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(MAX_LISTED).copied();
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > MAX_LISTED {
        text.push_str(" …");
    }
    text
}
