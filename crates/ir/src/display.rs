//! A program as a string, for `kubevet policy explain` and for golden files.
//!
//! ```text
//! clause    = { "for" NAME "in" domain | "if" condition } "say" term { "at" term } { fix }
//! fix       = "fix" term ( "remove" | "=" JSON | "=" term )
//! domain    = "containers" | "resource containers" | "probe containers" | "volumes"
//!           | [ "list" | "map" ] term                       without a prefix: either of both
//! condition = "true" | "false" | term                        the term is defined and not false
//!           | "(" condition { "and" condition } ")" | "(" condition { "or" condition } ")"
//!           | "not" condition | "defined" term | term "is" TYPE
//!           | term ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) term
//!           | term "in" "{" JSON { "," JSON } "}" | term "in" term
//!           | PREDICATE "(" term { "," term } ")" | "any" NAME "in" domain ":" condition
//! term      = "undefined" | JSON | "object" | "request.operation" | "params." NAME
//!           | "podSpec" | "podMetadata" | "pathOf(podSpec)" | "pathOf(podMetadata)"
//!           | NAME                                           the element of a binder
//!           | ( "keyOf" | "nameOf" | "pathOf" | "listOf" ) "(" NAME ")"
//!           | term "." NAME | term "[" term "]"
//!           | "(" term "if" condition ")" | "(" term { "else" term } ")"
//!           | ( "count" | "list" | "map" ) "(" term ")" | term { "+" term }
//!           | INTRINSIC "(" [ term { "," term } ] ")"
//! ```
//!
//! A clause has a line for each of its parts; what is inside a loop is indented. A condition
//! stands at the outermost loop where it can be decided.

use super::{
    BinderId, Clause, Condition, ConditionId, Const, ContainerList, Domain, FixValue, Program,
    Term, TermId,
};
use std::fmt::{self, Display, Write as _};

impl Program {
    /// A clause, a line for each of its parts.
    #[must_use]
    pub fn clause_to_string(&self, clause: &Clause) -> String {
        let mut lines = Lines::default();
        for (depth, conditions) in clause.levels(self).iter().enumerate() {
            let binder = depth
                .checked_sub(1)
                .and_then(|outer| clause.binders.get(outer));
            if let Some(binder) = binder {
                let (name, domain) = (self.binder_name(*binder), self.domain_to_string(*binder));
                lines.push(&format!("for {name} in {domain}"));
                lines.depth += 1;
            }
            for condition in conditions {
                lines.push(&format!("if {}", self.condition_to_string(*condition)));
            }
        }
        lines.push(&format!("say {}", self.term_to_string(clause.message)));
        for path in &clause.paths {
            lines.push(&format!("at {}", self.term_to_string(*path)));
        }
        for fix in &clause.fixes {
            let value = match &fix.value {
                None => "remove".to_owned(),
                Some(FixValue::Json(json)) => format!("= {json}"),
                Some(FixValue::Term(term)) => format!("= {}", self.term_to_string(*term)),
            };
            lines.push(&format!("fix {} {value}", self.term_to_string(fix.path)));
        }
        lines.string
    }

    /// A term.
    #[must_use]
    pub fn term_to_string(&self, id: TermId) -> String {
        match self.term(id) {
            Term::Undefined => "undefined".to_owned(),
            Term::Const(value) => value.to_string(),
            Term::Object => "object".to_owned(),
            Term::Operation => "request.operation".to_owned(),
            Term::Param(name) => format!("params.{name}"),
            Term::PodSpec => "podSpec".to_owned(),
            Term::PodMetadata => "podMetadata".to_owned(),
            Term::PodSpecPath => "pathOf(podSpec)".to_owned(),
            Term::PodMetadataPath => "pathOf(podMetadata)".to_owned(),
            Term::Key(binder) => format!("keyOf({})", self.binder_name(*binder)),
            Term::Value(binder) => self.binder_name(*binder),
            Term::ElementName(binder) => format!("nameOf({})", self.binder_name(*binder)),
            Term::ElementPath(binder) => format!("pathOf({})", self.binder_name(*binder)),
            Term::ListName(binder) => format!("listOf({})", self.binder_name(*binder)),
            Term::Field(map, key) => format!("{}.{key}", self.term_to_string(*map)),
            Term::Index(base, key) => {
                format!(
                    "{}[{}]",
                    self.term_to_string(*base),
                    self.term_to_string(*key)
                )
            }
            Term::Guard(condition, guarded) => format!(
                "({} if {})",
                self.term_to_string(*guarded),
                self.condition_to_string(*condition)
            ),
            Term::Coalesce(terms) => format!("({})", self.terms_to_string(terms, " else ")),
            Term::Count(inner) => format!("count({})", self.term_to_string(*inner)),
            Term::Concat(parts) => self.terms_to_string(parts, " + "),
            Term::AsList(inner) => format!("list({})", self.term_to_string(*inner)),
            Term::AsMap(inner) => format!("map({})", self.term_to_string(*inner)),
            Term::Call(intrinsic, arguments) => {
                format!("{intrinsic:?}({})", self.terms_to_string(arguments, ", "))
            }
        }
    }

    /// A condition.
    #[must_use]
    pub fn condition_to_string(&self, id: ConditionId) -> String {
        match self.condition(id) {
            Condition::True => "true".to_owned(),
            Condition::And(members) => format!("({})", self.conditions_to_string(members, " and ")),
            Condition::Or(members) if members.is_empty() => "false".to_owned(),
            Condition::Or(members) => format!("({})", self.conditions_to_string(members, " or ")),
            Condition::Not(inner) => format!("not {}", self.condition_to_string(*inner)),
            Condition::Defined(term) => format!("defined {}", self.term_to_string(*term)),
            Condition::Truthy(term) => self.term_to_string(*term),
            Condition::HasType(term, value_type) => {
                format!("{} is {value_type}", self.term_to_string(*term))
            }
            Condition::Compare(comparison, left, right) => format!(
                "{} {} {}",
                self.term_to_string(*left),
                comparison.operator(),
                self.term_to_string(*right)
            ),
            Condition::OneOf(term, values) => {
                let values: Vec<String> = values.iter().map(Const::to_string).collect();
                format!(
                    "{} in {{{}}}",
                    self.term_to_string(*term),
                    values.join(", ")
                )
            }
            Condition::Member(element, collection) => format!(
                "{} in {}",
                self.term_to_string(*element),
                self.term_to_string(*collection)
            ),
            Condition::Predicate(predicate, arguments) => {
                format!("{predicate:?}({})", self.terms_to_string(arguments, ", "))
            }
            Condition::Any(binder, body) => format!(
                "any {} in {}: {}",
                self.binder_name(*binder),
                self.domain_to_string(*binder),
                self.condition_to_string(*body)
            ),
        }
    }

    /// A name for a binder's element: `container`, `volume`, or `ports_item` for the elements of a
    /// field `ports`. A binder inside another one with the same domain has a number:
    /// `container2`.
    fn binder_name(&self, id: BinderId) -> String {
        let binder = self.binder(id);
        let number = match binder.nesting {
            0 => String::new(),
            nesting => (nesting + 1).to_string(),
        };
        match binder.domain {
            Domain::Containers(_) => format!("container{number}"),
            Domain::Volumes => format!("volume{number}"),
            Domain::Elements(collection) | Domain::List(collection) | Domain::Map(collection) => {
                match self.field_name(collection) {
                    Some(field) => format!("{field}_item{number}"),
                    None => "element".to_owned(),
                }
            }
        }
    }

    /// The name of the field or param that a collection is taken from.
    fn field_name(&self, collection: TermId) -> Option<&str> {
        match self.term(collection) {
            Term::Field(_, name) | Term::Param(name) => Some(name),
            Term::AsList(inner) | Term::AsMap(inner) | Term::Guard(_, inner) => {
                self.field_name(*inner)
            }
            Term::Coalesce(terms) => self.field_name(*terms.first()?),
            _ => None,
        }
    }

    fn domain_to_string(&self, binder: BinderId) -> String {
        match &self.binder(binder).domain {
            Domain::Containers(ContainerList::All) => "containers".to_owned(),
            Domain::Containers(ContainerList::Resource) => "resource containers".to_owned(),
            Domain::Containers(ContainerList::Probe) => "probe containers".to_owned(),
            Domain::Volumes => "volumes".to_owned(),
            Domain::Elements(collection) => self.term_to_string(*collection),
            Domain::List(collection) => format!("list {}", self.term_to_string(*collection)),
            Domain::Map(collection) => format!("map {}", self.term_to_string(*collection)),
        }
    }

    fn terms_to_string(&self, terms: &[TermId], separator: &str) -> String {
        let each: Vec<String> = terms
            .iter()
            .map(|term| self.term_to_string(*term))
            .collect();
        each.join(separator)
    }

    fn conditions_to_string(&self, conditions: &[ConditionId], separator: &str) -> String {
        let each: Vec<String> = conditions
            .iter()
            .map(|condition| self.condition_to_string(*condition))
            .collect();
        each.join(separator)
    }
}

/// Lines that are indented by two spaces, and two more for each enclosing loop.
#[derive(Default)]
struct Lines {
    string: String,
    depth: usize,
}

impl Lines {
    fn push(&mut self, line: &str) {
        let indent = 2 * (self.depth + 1);
        // Writing to a string cannot fail.
        let _ = writeln!(self.string, "{:indent$}{line}", "");
    }
}

/// As JSON.
impl Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::String(value) => write!(f, "{}", serde_json::Value::from(value.as_ref())),
            Self::EmptyList => f.write_str("[]"),
            Self::EmptyMap => f.write_str("{}"),
        }
    }
}

impl Display for super::ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Number => "number",
            // The word of explanations from before the type was called a string.
            Self::String => "text",
            Self::List => "list",
            Self::Map => "map",
        })
    }
}
