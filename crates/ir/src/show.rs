//! A program as text, for people who want to know what a rule became.

use super::{
    BinderId, Comparison, Cond, CondId, Const, ContainerList, Deny, Domain, FixValue, Program,
    Term, TermId,
};

impl Program {
    /// One body of a rule, a line for each of its parts.
    pub fn show_deny(&self, deny: &Deny) -> String {
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
                text.push_str(&format!("{indent}if {}\n", self.show_cond(*cond)));
            }
        }
        text.push_str(&format!("{indent}say {}\n", self.show_term(deny.message)));
        for path in &deny.paths {
            text.push_str(&format!("{indent}at {}\n", self.show_term(*path)));
        }
        for fix in &deny.fixes {
            let value = match &fix.value {
                None => "remove".to_owned(),
                Some(FixValue::Written(json)) => format!("= {json}"),
                Some(FixValue::Term(term)) => format!("= {}", self.show_term(*term)),
            };
            text.push_str(&format!(
                "{indent}fix {} {value}\n",
                self.show_term(fix.path)
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
                        Term::First(terms) => match terms.first() {
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
            Domain::Elements(term) => self.show_term(*term),
            Domain::List(term) => format!("list {}", self.show_term(*term)),
            Domain::Map(term) => format!("map {}", self.show_term(*term)),
        }
    }

    fn show_terms(&self, terms: &[TermId], between: &str) -> String {
        terms
            .iter()
            .map(|it| self.show_term(*it))
            .collect::<Vec<_>>()
            .join(between)
    }

    /// A term.
    pub fn show_term(&self, id: TermId) -> String {
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
            Term::Name(binder) => format!("nameOf({})", self.name(*binder)),
            Term::Place(binder) => format!("pathOf({})", self.name(*binder)),
            Term::ListName(binder) => format!("listOf({})", self.name(*binder)),
            Term::Field(of, name) => format!("{}.{name}", self.show_term(*of)),
            Term::Index(of, at) => format!("{}[{}]", self.show_term(*of), self.show_term(*at)),
            Term::Guard(cond, term) => {
                format!("({} if {})", self.show_term(*term), self.show_cond(*cond))
            }
            Term::First(terms) => format!("({})", self.show_terms(terms, " else ")),
            Term::Count(term) => format!("count({})", self.show_term(*term)),
            Term::Concat(terms) => self.show_terms(terms, " + "),
            Term::AsList(term) => format!("list({})", self.show_term(*term)),
            Term::AsMap(term) => format!("map({})", self.show_term(*term)),
            Term::Call(call, terms) => format!("{call:?}({})", self.show_terms(terms, ", ")),
        }
    }

    fn show_conds(&self, conds: &[CondId], between: &str) -> String {
        conds
            .iter()
            .map(|it| self.show_cond(*it))
            .collect::<Vec<_>>()
            .join(between)
    }

    /// A condition.
    pub fn show_cond(&self, id: CondId) -> String {
        match self.cond(id) {
            Cond::True => "true".to_owned(),
            Cond::And(conds) => format!("({})", self.show_conds(conds, " and ")),
            Cond::Or(conds) if conds.is_empty() => "false".to_owned(),
            Cond::Or(conds) => format!("({})", self.show_conds(conds, " or ")),
            Cond::Not(cond) => format!("not {}", self.show_cond(*cond)),
            Cond::Defined(term) => format!("defined {}", self.show_term(*term)),
            Cond::Truthy(term) => self.show_term(*term),
            Cond::Is(term, kind) => format!(
                "{} is {}",
                self.show_term(*term),
                format!("{kind:?}").to_lowercase()
            ),
            Cond::Compare(comparison, a, b) => {
                format!(
                    "{} {} {}",
                    self.show_term(*a),
                    comparison.sign(),
                    self.show_term(*b)
                )
            }
            Cond::OneOf(term, values) => {
                let values: Vec<String> = values.iter().map(Const::show).collect();
                format!("{} in {{{}}}", self.show_term(*term), values.join(", "))
            }
            Cond::Member(a, b) => format!("{} in {}", self.show_term(*a), self.show_term(*b)),
            Cond::Test(test, terms) => format!("{test:?}({})", self.show_terms(terms, ", ")),
            Cond::Any(binder, cond) => {
                format!(
                    "any {} in {}: {}",
                    self.name(*binder),
                    self.show_domain(*binder),
                    self.show_cond(*cond)
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
            Self::Text(it) => serde_json::Value::from(it.as_ref()).to_string(),
            Self::EmptyList => "[]".to_owned(),
            Self::EmptyMap => "{}".to_owned(),
        }
    }
}

impl Comparison {
    /// As Rego and CEL write it.
    pub fn sign(self) -> &'static str {
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
