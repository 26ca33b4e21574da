//! Static complexity analysis of rules, before any of them is evaluated.
//!
//! It rejects recursion, builtins that are not on the allow-list, chains of calls that are too
//! deep and values that multiply: the interpreter would overflow the stack, hang or run out of
//! memory on them. It is an abstract interpretation over the call graph: a depth-first search
//! computes for each rule an upper bound of its recursion depth and of the copies in its value,
//! from the bounds of the rules that it refers to. It never evaluates a rule.

mod copies;
mod depth;

use crate::{
    ast::{self, Expr, Module, Rule, Span, position, rule_name, static_path, walk_rule},
    builtins,
    rule_index::RuleIndex,
    shared_names, unknown_input,
};
use copies::{MAX_COPIES, SizeEstimator};
use depth::rule_depth;
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::nearest;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// The greatest depth of the interpreter's recursion along a chain of calls, in expressions and
/// statements.
const MAX_DEPTH: usize = 220;

/// The most rules of one module: the interpreter's own analysis compares every pair of them.
const MAX_RULES: usize = 1000;
/// The most rules of a module that are reported: more would repeat the same cause.
const MAX_REPORTED: usize = 10;

/// The rules of a set of modules, and what is known about their complexity.
pub struct RuleTable<'a> {
    index: RuleIndex<'a>,
    /// The results of finished analyses, by name.
    known: RefCell<BTreeMap<String, Complexity>>,
}

/// The complexity of a rule, including everything that it calls.
#[derive(Clone, Copy)]
struct Complexity {
    /// The recursion depth, in expressions and statements.
    depth: usize,
    /// The most copies of an input that its value can hold.
    copies: u64,
}

impl<'a> RuleTable<'a> {
    /// The rules of these modules.
    pub fn new(modules: impl IntoIterator<Item = &'a Module>) -> Self {
        Self {
            index: RuleIndex::new(modules),
            known: RefCell::default(),
        }
    }

    /// The definitions of a rule, by its full name.
    pub fn definitions(&self, full: &str) -> &[(&'a Module, &'a Rule)] {
        self.index.definitions(full)
    }

    /// Returns the problems of the rules of `module`, which must be one of the table's modules. A
    /// problem in a module that it imports is reported there; `depends_on` finds who is affected.
    pub fn check(&self, module: &Module) -> Vec<Problem> {
        if let Some(rule) = module.tree.policy.get(MAX_RULES) {
            let message = format!("the module has more than {MAX_RULES} rules: split it");
            return vec![Problem::at(
                ProblemCode::RegoComplexity,
                &module.file,
                position(rule.span()),
                message,
            )];
        }
        let mut problems = forbidden(&self.index, module);
        problems.extend(unknown_input::check(module));
        let wrong_names = shared_names::check(&self.index, module);
        if !wrong_names.is_empty() {
            // A reference to all of `data` would be reported again, as a recursion.
            problems.extend(wrong_names);
            problems.sort();
            return problems;
        }
        let mut rejected = 0;
        for rule in &module.tree.policy {
            let name = format!("{}.{}", module.package, rule_name(rule));
            let Err(problem) = self.analyze(&name, &mut Vec::new()) else {
                continue;
            };
            rejected += 1;
            // A problem of an imported module is reported by that module. The last one before the
            // search ends is reported in any case: the remaining rules are not analyzed, so the
            // module must not pass.
            if problem.file == module.file || rejected == MAX_REPORTED {
                problems.push(problem);
            }
            if rejected == MAX_REPORTED {
                break;
            }
        }
        problems.sort();
        problems.dedup();
        problems
    }

    /// True if any rule of `module` reaches one of these packages, directly or through calls.
    pub fn depends_on(&self, module: &Module, packages: &BTreeSet<&str>) -> bool {
        if packages.is_empty() {
            return false;
        }
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut todo: Vec<(&Module, &Rule)> = module
            .tree
            .policy
            .iter()
            .map(|rule| (module, rule.as_ref()))
            .collect();
        while let Some((module, rule)) = todo.pop() {
            if packages.contains(module.package.as_str()) {
                return true;
            }
            for target in references(module, rule) {
                for name in self.index.named(&target) {
                    if seen.insert(name.to_owned()) {
                        todo.extend(self.index.definitions(name).iter().copied());
                    }
                }
            }
        }
        false
    }

    /// Returns the complexity of a rule by depth-first search over the call graph. `path` holds the
    /// callers, outermost first. Results are memoized, so each rule is analyzed once.
    fn analyze(&self, name: &str, path: &mut Vec<String>) -> Result<Complexity, Problem> {
        if let Some(complexity) = self.known.borrow().get(name) {
            return Ok(*complexity);
        }
        let mut total = Complexity {
            depth: 0,
            copies: 1,
        };
        path.push(name.to_owned());
        for (module, rule) in self.index.definitions(name) {
            let at = |message: String| {
                Problem::at(
                    ProblemCode::RegoComplexity,
                    &module.file,
                    position(rule.span()),
                    message,
                )
            };
            let short = rule_name(rule);
            let mut called = BTreeMap::new();
            let mut deepest = 0;
            for target in references(module, rule) {
                for callee in self.index.named(&target) {
                    if path.iter().any(|caller| caller == callee) {
                        return Err(at(format!(
                            "`{short}` calls itself: rules must not be recursive"
                        )));
                    }
                    // This bounds the recursion of the analysis itself: `depth` is known only after
                    // the callees return.
                    if path.len() > MAX_DEPTH {
                        return Err(at(format!(
                            "`{short}` calls too deep a chain of rules: shorten it"
                        )));
                    }
                    let complexity = self.analyze(callee, path)?;
                    deepest = deepest.max(complexity.depth);
                    let entry = called.entry(target.clone()).or_insert(1);
                    *entry = complexity.copies.max(*entry);
                }
            }
            let depth = deepest + rule_depth(rule);
            if depth > MAX_DEPTH {
                return Err(at(format!(
                    "`{short}` and what it calls are nested too deep: shorten the chain"
                )));
            }
            let copies = SizeEstimator {
                module,
                called: &called,
            }
            .of_rule(rule);
            if copies > MAX_COPIES {
                return Err(at(format!(
                    "`{short}` makes over {MAX_COPIES} copies of a value: build less"
                )));
            }
            total = Complexity {
                depth: total.depth.max(depth),
                copies: total.copies.max(copies),
            };
        }
        path.pop();
        self.known.borrow_mut().insert(name.to_owned(), total);
        Ok(total)
    }
}

/// The full names of rules and packages that a rule refers to.
fn references(module: &Module, rule: &Rule) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk_rule(rule, &mut |expr| found.extend(module.target(expr)));
    // The name in the head resolves to the rule itself. Only a reference from a value or a body is
    // recursion.
    found.remove(&format!("{}.{}", module.package, rule_name(rule)));
    ast::walk_definition(rule, &mut |expr| found.extend(module.target(expr)));
    found
}

/// Reports calls of builtins that are not on the allow-list.
fn forbidden(rules: &RuleIndex<'_>, module: &Module) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |span: &Span, message: String| {
        problems.push(Problem::at(
            ProblemCode::RegoBuiltin,
            &module.file,
            position(span),
            message,
        ))
    };
    for rule in &module.tree.policy {
        walk_rule(rule, &mut |expr| {
            let Expr::Call { fcn, span, .. } = expr else {
                return;
            };
            let Some(path) = static_path(fcn) else { return };
            let name = path.join(".");
            let is_rule = module
                .target(fcn)
                .is_some_and(|target| rules.has_rule(&target));
            let is_reported = shared_names::is_of_shared_module(rules, module, &path);
            if !is_rule && !is_reported && !builtins::is_allowed(&name) {
                let names = module.names().chain(builtins::names());
                let hint = nearest(&name, names)
                    .map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
                add(
                    span,
                    format!("`{name}` is not a function that a rule may call{hint}"),
                );
            }
        });
    }
    problems
}
