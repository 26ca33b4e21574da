//! Explains what the compiler made of a control's rule, for the rule's author.

use super::engine::Engine;
use kubevet_ir::{
    BinderId, CompiledControl, Descent, Domain, Program, Term, TermId, Visitor, Walk,
};
use kubevet_model::{ControlId, EvalError, Problem};
use std::collections::BTreeSet;

/// The result of compiling a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Explanation {
    /// The rule is compiled.
    Compiled {
        /// For each clause of `deny`, the line of its body and the program as a string.
        bodies: Vec<(u32, String)>,
        /// The fields that the rule reads, such as
        /// `podSpec.containers[].securityContext.privileged`.
        reads: Vec<String>,
    },
    /// The rule runs in the interpreter, for these refusals of the compiler, sorted by position.
    Interpreted(Vec<Problem>),
    /// The rule does not load.
    Broken(String),
}

impl Engine {
    /// Returns what became of a control's rule; `None` if there is no such control.
    #[must_use]
    pub fn explain(&self, id: &ControlId) -> Option<Explanation> {
        let library = self.compiled_library();
        if let Some(compiled) = library.control(id) {
            return Some(explain_compiled(&library.program, compiled));
        }
        let refusals: Vec<Problem> = self
            .interpreted()
            .filter(|(control, _)| *control == id)
            .map(|(_, refusal)| refusal.clone())
            .collect();
        if !refusals.is_empty() {
            return Some(Explanation::Interpreted(refusals));
        }
        self.broken()
            .any(|control| control.id == *id)
            .then(|| Explanation::Broken(EvalError::NotLoaded.to_string()))
    }
}

fn explain_compiled(program: &Program, compiled: &CompiledControl) -> Explanation {
    let clauses = compiled.clauses.iter();
    let bodies = clauses
        .map(|clause| (clause.position.line, program.clause_to_string(clause)))
        .collect();
    let mut collector = FieldCollector {
        program,
        fields: BTreeSet::new(),
    };
    let mut walk = Walk::once(program);
    for clause in &compiled.clauses {
        walk.clause_conditions(clause, &mut collector);
        // Fixes are left out: they write fields, and what they read does not decide.
        walk.term(clause.message, &mut collector);
        for path in &clause.paths {
            walk.term(*path, &mut collector);
        }
    }
    Explanation::Compiled {
        bodies,
        reads: collector.fields.into_iter().collect(),
    }
}

/// Collects the fields that a clause reads.
struct FieldCollector<'p> {
    program: &'p Program,
    fields: BTreeSet<String>,
}

impl Visitor for FieldCollector<'_> {
    fn enter_term(&mut self, term: TermId, _scope: &[BinderId]) -> Descent {
        // The longest path counts: the paths that it begins with are not listed.
        if let Some(path) = self.path(term) {
            self.fields.insert(path);
            return Descent::Skip;
        }
        if let Term::ElementName(binder) = self.program.term(term)
            && let Some(path) = self.path_of_binder(*binder)
        {
            self.fields.insert(format!("{path}.name"));
        }
        Descent::Children
    }

    fn enter_binder(&mut self, binder: BinderId, _scope: &[BinderId]) -> Descent {
        if self.program.binder(binder).domain.is_of_workload() {
            let path = self.path_of_binder(binder);
            self.fields.extend(path);
        }
        Descent::Children
    }
}

impl FieldCollector<'_> {
    /// Returns the path that a term reads, from the object, the pod spec or the params on; `None`
    /// if it is computed.
    fn path(&self, term: TermId) -> Option<String> {
        Some(match self.program.term(term) {
            Term::Field(operand, name) => match self.program.term(*operand) {
                Term::Object => name.to_string(),
                // A key with dots or slashes stands in brackets, as in every path.
                _ if name.contains(['.', '/']) => format!("{}[{name}]", self.path(*operand)?),
                _ => format!("{}.{name}", self.path(*operand)?),
            },
            Term::Index(collection, _) => format!("{}[]", self.path(*collection)?),
            Term::PodSpec => "podSpec".to_owned(),
            Term::PodMetadata => "podMetadata".to_owned(),
            Term::Param(name) => format!("params.{name}"),
            Term::Value(binder) => self.path_of_binder(*binder)?,
            Term::AsList(operand) | Term::AsMap(operand) => self.path(*operand)?,
            // The other operands are fallbacks of `object.get`, which are no paths.
            Term::Coalesce(operands) => self.path(*operands.first()?)?,
            _ => return None,
        })
    }

    fn path_of_binder(&self, binder: BinderId) -> Option<String> {
        Some(match &self.program.binder(binder).domain {
            Domain::Containers(_) => "podSpec.containers[]".to_owned(),
            Domain::Volumes => "podSpec.volumes[]".to_owned(),
            Domain::Elements(list) | Domain::List(list) => format!("{}[]", self.path(*list)?),
            Domain::Map(map) => format!("{}{{}}", self.path(*map)?),
        })
    }
}
