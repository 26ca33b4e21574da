//! Expressions over one pod of an object of a custom kind, as expressions over the object: `all` over
//! its pods, and lists that are nested as the pods are.

use super::{
    custom_pods::CustomPods, expr::Expr, inline_variables::inline_variables,
    variables::PolicyVariable,
};
use std::{collections::BTreeSet, mem};

/// The name of the pod in an expression.
const POD: &str = "pod";

/// What a loop makes of its list, the name of its element, and an expression over that.
type Fold<'f> = dyn Fn(Expr, &str, Expr) -> Expr + 'f;

/// The pods of one object as a variable, with what expressions read of them.
pub(super) struct PodNest<'n> {
    pods: CustomPods<'n>,
    /// The pods, nested, without what expressions read of them.
    list: Expr,
    /// The name of the variable.
    name: &'static str,
    /// The variables of the expressions over one pod.
    variables: &'n [PolicyVariable],
    /// Those of them that an expression reads: each is an entry of the pod's map.
    used: BTreeSet<String>,
}

impl<'n> PodNest<'n> {
    pub(super) fn new(
        pods: CustomPods<'n>,
        list: Expr,
        name: &'static str,
        variables: &'n [PolicyVariable],
    ) -> Self {
        Self {
            pods,
            list,
            name,
            variables,
            used: BTreeSet::new(),
        }
    }

    /// A bool: true if the condition holds for each pod.
    pub(super) fn for_all(&mut self, condition: &Expr) -> Expr {
        self.folded(condition, &|range, variable, inner| {
            range.for_all(variable, inner)
        })
    }

    /// The sum of a number over all pods.
    pub(super) fn sum(&mut self, number: &Expr) -> Expr {
        self.folded(number, &|range, variable, inner| {
            range.map(variable, inner).method("sum", [])
        })
    }

    /// The lists of the pods, in lists nested as the pods are.
    pub(super) fn lists(&mut self, list: Expr) -> Expr {
        let list = self.over_pod(list);
        self.nested(list, &|range, variable, inner| range.map(variable, inner))
    }

    /// A list of strings: those that are not empty. Pods that a list has in common are joined.
    pub(super) fn strings(&mut self, string: Expr, separator: &str) -> Expr {
        let string = self.over_pod(string);
        let is_innermost = |variable: &str| variable == POD;
        let not_empty = || Expr::ident("s").differs_from(Expr::string(""));
        self.nested(string, &|range, variable, inner| {
            let string = if is_innermost(variable) {
                inner
            } else {
                inner.method("join", [Expr::string(separator)])
            };
            range.map(variable, string).filter("s", not_empty())
        })
    }

    /// As it is where it does not depend on the pod.
    fn folded(&mut self, expr: &Expr, fold: &Fold<'_>) -> Expr {
        if !self.reads_pod(expr) {
            return expr.clone();
        }
        let inner = self.over_pod(expr.clone());
        self.nested(inner, fold)
    }

    /// The expression inside a loop for each level of nesting.
    fn nested(&self, inner: Expr, fold: &Fold<'_>) -> Expr {
        self.nested_in(Expr::variable(self.name), inner, fold)
    }

    fn nested_in(&self, pods: Expr, inner: Expr, fold: &Fold<'_>) -> Expr {
        let depth = self.pods.depth;
        let name = |level: usize| match depth.saturating_sub(level) {
            0 => POD.to_owned(),
            1 => "pods".to_owned(),
            above => format!("pods{above}"),
        };
        (1..=depth).rev().fold(inner, |inner, level| {
            let range = match level {
                1 => pods.clone(),
                _ => Expr::ident(name(level - 1)),
            };
            fold(range, &name(level), inner)
        })
    }

    /// True if an expression depends on the pod.
    pub(super) fn reads_pod(&self, expr: &Expr) -> bool {
        expr.contains(&|part| match part {
            Expr::Ident(name) => is_object(name),
            Expr::Variable(name) => self.variable(name).is_some(),
            _ => false,
        })
    }

    /// The variable of that name, if it depends on the pod.
    fn variable(&self, name: &str) -> Option<&'n PolicyVariable> {
        let variable = self.variables.iter().find(|other| other.name == name)?;
        self.reads_pod(&variable.expression).then_some(variable)
    }

    /// The expression over `pod`.
    fn over_pod(&mut self, mut expr: Expr) -> Expr {
        let mut read = Vec::new();
        expr.rewrite(&mut |part| match part {
            Expr::Ident(name) if is_object(name) => *part = Expr::ident(POD),
            Expr::Variable(name) if self.variable(name).is_some() => {
                read.push(name.clone());
                *part = Expr::ident(POD).select(name);
            }
            _ => {}
        });
        self.used.extend(read);
        expr
    }

    /// The variable with the pods: the map of each has what expressions read of it.
    pub(super) fn define(mut self) -> PolicyVariable {
        let used: Vec<&PolicyVariable> = self
            .variables
            .iter()
            .filter(|variable| self.used.contains(&variable.name))
            .collect();
        let mut expression = mem::replace(&mut self.list, Expr::Null);
        if !used.is_empty() {
            let fields = self.pods.fields().into_iter();
            let mut entries: Vec<(Expr, Expr)> = fields
                .map(|field| {
                    (
                        Expr::string(field),
                        Expr::ident(POD).select(field).dynamic(),
                    )
                })
                .collect();
            let per_pod = self.variables.iter();
            let per_pod: Vec<PolicyVariable> = per_pod
                .filter(|variable| self.reads_pod(&variable.expression))
                .cloned()
                .collect();
            for variable in used {
                let value = inline_variables(variable.expression.clone(), &per_pod);
                let value = self.over_pod(value).dynamic();
                entries.push((Expr::string(variable.name.as_str()), value));
            }
            expression = self.nested_in(expression, Expr::Map(entries), &|range, name, inner| {
                range.map(name, inner)
            });
        }
        PolicyVariable {
            name: self.name.to_owned(),
            expression,
        }
    }
}

fn is_object(name: &str) -> bool {
    name == "object" || name == "oldObject"
}
