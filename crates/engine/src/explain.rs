//! What became of a control's rule, for the person who wrote it: compiled or not and why, the program, what it reads.

use super::engine::Engine;
use kubevet_ir::{BinderId, Clause, Condition, ConditionId, Domain, Program, Term, TermId};
use kubevet_model::{ControlId, EvalError, Problem};
use std::collections::BTreeSet;

/// What became of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Explanation {
    /// It is compiled.
    Compiled {
        /// Each body of `deny`: the line where it stands, and the program as text.
        bodies: Vec<(u32, String)>,
        /// The fields that it reads, such as `containers[].securityContext.privileged`.
        reads: Vec<String>,
    },
    /// It runs in the interpreter, and the construct for which it does.
    Interpreted(Problem),
    /// It does not load at all.
    Broken(String),
}

impl Engine {
    /// What became of a control; `None` where there is no such control.
    #[must_use]
    pub fn explain(&self, id: &ControlId) -> Option<Explanation> {
        if let Some(compiled) = self.compiled().iter().find(|it| it.control.id == *id) {
            let program = self.program();
            let bodies = compiled
                .clauses
                .iter()
                .map(|deny| (deny.position.line, program.clause_to_string(deny)))
                .collect();
            let mut reads = Reads {
                program,
                seen: BTreeSet::new(),
                found: BTreeSet::new(),
            };
            compiled.clauses.iter().for_each(|deny| reads.deny(deny));
            return Some(Explanation::Compiled {
                bodies,
                reads: reads.found.into_iter().collect(),
            });
        }
        if let Some((_, why)) = self.interpreted().find(|(it, _)| *it == id) {
            return Some(Explanation::Interpreted(why.clone()));
        }
        let broken = self.broken().find(|control| control.id == *id);
        broken.map(|_| Explanation::Broken(EvalError::NotLoaded.to_string()))
    }
}

/// The fields that terms read.
struct Reads<'p> {
    program: &'p Program,
    seen: BTreeSet<TermId>,
    found: BTreeSet<String>,
}

impl Reads<'_> {
    fn deny(&mut self, deny: &Clause) {
        deny.binders.iter().for_each(|it| self.binder(*it));
        deny.when.iter().for_each(|it| self.cond(*it));
        self.term(deny.message);
        deny.paths.iter().for_each(|it| self.term(*it));
    }

    fn binder(&mut self, binder: BinderId) {
        match &self.program.binder(binder).domain {
            Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => self.term(*term),
            Domain::Containers(_) | Domain::Volumes => {
                let path = self.path_of_binder(binder);
                self.found.extend(path);
            }
        }
    }

    fn cond(&mut self, cond: ConditionId) {
        match self.program.condition(cond) {
            Condition::And(conds) | Condition::Or(conds) => {
                conds.iter().for_each(|it| self.cond(*it))
            }
            Condition::Not(inner) => self.cond(*inner),
            Condition::Any(binder, inner) => {
                self.binder(*binder);
                self.cond(*inner);
            }
            other => other.operands().into_iter().for_each(|it| self.term(it)),
        }
    }

    fn term(&mut self, term: TermId) {
        if !self.seen.insert(term) {
            return;
        }
        if let Some(path) = self.path(term) {
            self.found.insert(path);
            return;
        }
        match self.program.term(term) {
            Term::Guard(cond, _) => self.cond(*cond),
            Term::ElementName(binder) => {
                if let Some(path) = self.path_of_binder(*binder) {
                    self.found.insert(format!("{path}.name"));
                }
            }
            _ => {}
        }
        self.program
            .term(term)
            .operands()
            .into_iter()
            .for_each(|it| self.term(it));
    }

    /// The path that a term is, from the object, the pod spec or the params on.
    fn path(&self, term: TermId) -> Option<String> {
        Some(match self.program.term(term) {
            Term::Field(of, name) => match self.program.term(*of) {
                Term::Object => name.to_string(),
                _ => format!("{}.{name}", self.path(*of)?),
            },
            Term::Index(of, _) => format!("{}[]", self.path(*of)?),
            Term::PodSpec => "podSpec".to_owned(),
            Term::PodMetadata => "podMetadata".to_owned(),
            Term::Param(name) => format!("params.{name}"),
            Term::Value(binder) => self.path_of_binder(*binder)?,
            Term::AsList(inner) | Term::AsMap(inner) => self.path(*inner)?,
            // What `object.get` falls back to is no path.
            Term::Coalesce(terms) => self.path(*terms.first()?)?,
            _ => return None,
        })
    }

    fn path_of_binder(&self, binder: BinderId) -> Option<String> {
        Some(match &self.program.binder(binder).domain {
            Domain::Containers(_) => "podSpec.containers[]".to_owned(),
            Domain::Volumes => "podSpec.volumes[]".to_owned(),
            Domain::Elements(term) | Domain::List(term) => format!("{}[]", self.path(*term)?),
            Domain::Map(term) => format!("{}{{}}", self.path(*term)?),
        })
    }
}
