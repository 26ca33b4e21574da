//! A program as text, for people who want to know what a rule became.

use super::{
    BinderId, Clause, Comparison, Condition, ConditionId, Const, ContainerList, Domain, FixValue,
    Program, Term, TermId,
};

impl Program {
    /// One body of a rule, a line for each of its parts.
    pub fn clause_to_string(&self, deny: &Clause) -> String {
        let mut text = String::new();
        let levels = deny.levels(self);
        let mut indent = String::from("  ");
        for (level, conds) in levels.iter().enumerate() {
            if let Some(binder) = level.checked_sub(1).and_then(|it| deny.binders.get(it)) {
                text.push_str(&format!(
                    "{indent}for {} in {}\n",
                    self.name(*binder),
                    self.show_domain(*binder)
                ));
                indent.push_str("  ");
            }
            for cond in conds {
                text.push_str(&format!("{indent}if {}\n", self.condition_to_string(*cond)));
            }
        }
        text.push_str(&format!(
            "{indent}say {}\n",
            self.term_to_string(deny.message)
        ));
        for path in &deny.paths {
            text.push_str(&format!("{indent}at {}\n", self.term_to_string(*path)));
        }
        for fix in &deny.fixes {
            let value = match &fix.value {
                None => "remove".to_owned(),
                Some(FixValue::Written(json)) => format!("= {json}"),
                Some(FixValue::Term(term)) => format!("= {}", self.term_to_string(*term)),
            };
            text.push_str(&format!(
                "{indent}fix {} {value}\n",
                self.term_to_string(fix.path)
            ));
        }
        text
    }

    fn name(&self, binder: BinderId) -> String {
        let binder = self.binder(binder);
        let base = match &binder.domain {
            Domain::Containers(_) => "container",
            Domain::Volumes => "volume",
            Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => {
                let mut at = *term;
                loop {
                    match self.term(at) {
                        Term::Field(_, name) | Term::Param(name) => {
                            return format!("{name}_{}", self.number(binder.nesting));
                        }
                        Term::AsList(inner) | Term::AsMap(inner) | Term::Guard(_, inner) => {
                            at = *inner
                        }
                        Term::Coalesce(terms) => match terms.first() {
                            Some(inner) => at = *inner,
                            None => return "element".to_owned(),
                        },
                        _ => return "element".to_owned(),
                    }
                }
            }
        };
        if binder.nesting == 0 {
            base.to_owned()
        } else {
            format!("{base}{}", binder.nesting + 1)
        }
    }

    fn number(&self, nesting: u32) -> String {
        if nesting == 0 {
            "item".to_owned()
        } else {
            format!("item{}", nesting + 1)
        }
    }

    fn show_domain(&self, binder: BinderId) -> String {
        match &self.binder(binder).domain {
            Domain::Containers(ContainerList::All) => "containers".to_owned(),
            Domain::Containers(ContainerList::Resource) => "resource containers".to_owned(),
            Domain::Containers(ContainerList::Probe) => "probe containers".to_owned(),
            Domain::Volumes => "volumes".to_owned(),
            Domain::Elements(term) => self.term_to_string(*term),
            Domain::List(term) => format!("list {}", self.term_to_string(*term)),
            Domain::Map(term) => format!("map {}", self.term_to_string(*term)),
        }
    }

    fn show_terms(&self, terms: &[TermId], between: &str) -> String {
        terms
            .iter()
            .map(|it| self.term_to_string(*it))
            .collect::<Vec<_>>()
            .join(between)
    }

    /// A term.
    pub fn term_to_string(&self, id: TermId) -> String {
        match self.term(id) {
            Term::Undefined => "undefined".to_owned(),
            Term::Const(value) => value.show(),
            Term::Object => "object".to_owned(),
            Term::Operation => "request.operation".to_owned(),
            Term::Param(name) => format!("params.{name}"),
            Term::PodSpec => "podSpec".to_owned(),
            Term::PodMetadata => "podMetadata".to_owned(),
            Term::PodSpecPath => "pathOf(podSpec)".to_owned(),
            Term::PodMetadataPath => "pathOf(podMetadata)".to_owned(),
            Term::Key(binder) => format!("keyOf({})", self.name(*binder)),
            Term::Value(binder) => self.name(*binder),
            Term::ElementName(binder) => format!("nameOf({})", self.name(*binder)),
            Term::ElementPath(binder) => format!("pathOf({})", self.name(*binder)),
            Term::ListName(binder) => format!("listOf({})", self.name(*binder)),
            Term::Field(of, name) => format!("{}.{name}", self.term_to_string(*of)),
            Term::Index(of, at) => {
                format!("{}[{}]", self.term_to_string(*of), self.term_to_string(*at))
            }
            Term::Guard(cond, term) => {
                format!(
                    "({} if {})",
                    self.term_to_string(*term),
                    self.condition_to_string(*cond)
                )
            }
            Term::Coalesce(terms) => format!("({})", self.show_terms(terms, " else ")),
            Term::Count(term) => format!("count({})", self.term_to_string(*term)),
            Term::Concat(terms) => self.show_terms(terms, " + "),
            Term::AsList(term) => format!("list({})", self.term_to_string(*term)),
            Term::AsMap(term) => format!("map({})", self.term_to_string(*term)),
            Term::Call(call, terms) => format!("{call:?}({})", self.show_terms(terms, ", ")),
        }
    }

    fn show_conds(&self, conds: &[ConditionId], between: &str) -> String {
        conds
            .iter()
            .map(|it| self.condition_to_string(*it))
            .collect::<Vec<_>>()
            .join(between)
    }

    /// A condition.
    pub fn condition_to_string(&self, id: ConditionId) -> String {
        match self.condition(id) {
            Condition::True => "true".to_owned(),
            Condition::And(conds) => format!("({})", self.show_conds(conds, " and ")),
            Condition::Or(conds) if conds.is_empty() => "false".to_owned(),
            Condition::Or(conds) => format!("({})", self.show_conds(conds, " or ")),
            Condition::Not(cond) => format!("not {}", self.condition_to_string(*cond)),
            Condition::Defined(term) => format!("defined {}", self.term_to_string(*term)),
            Condition::Truthy(term) => self.term_to_string(*term),
            Condition::HasType(term, kind) => format!(
                "{} is {}",
                self.term_to_string(*term),
                format!("{kind:?}").to_lowercase()
            ),
            Condition::Compare(comparison, a, b) => {
                format!(
                    "{} {} {}",
                    self.term_to_string(*a),
                    comparison.operator(),
                    self.term_to_string(*b)
                )
            }
            Condition::OneOf(term, values) => {
                let values: Vec<String> = values.iter().map(Const::show).collect();
                format!(
                    "{} in {{{}}}",
                    self.term_to_string(*term),
                    values.join(", ")
                )
            }
            Condition::Member(a, b) => {
                format!("{} in {}", self.term_to_string(*a), self.term_to_string(*b))
            }
            Condition::Predicate(test, terms) => {
                format!("{test:?}({})", self.show_terms(terms, ", "))
            }
            Condition::Any(binder, cond) => {
                format!(
                    "any {} in {}: {}",
                    self.name(*binder),
                    self.show_domain(*binder),
                    self.condition_to_string(*cond)
                )
            }
        }
    }
}

impl Const {
    /// As JSON text.
    pub fn show(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(it) => it.to_string(),
            Self::Int(it) => it.to_string(),
            Self::String(it) => serde_json::Value::from(it.as_ref()).to_string(),
            Self::EmptyList => "[]".to_owned(),
            Self::EmptyMap => "{}".to_owned(),
        }
    }
}

impl Comparison {
    /// As Rego and CEL write it.
    pub fn operator(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
