//! Iteration over containers, volumes, lists and the values of maps.

use super::{
    emitter::Emitter,
    expr::{Expr, Relation},
    names::BoundElement,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{BinderId, ContainerList, Domain, TermId, ValueType};

/// What a comprehension iterates, and the name of its element.
#[derive(Debug, Clone)]
pub(super) struct Iteration {
    range: Expr,
    variable: String,
}

impl Iteration {
    /// A bool: true if some element satisfies the condition.
    pub(super) fn exists(self, condition: Expr) -> Expr {
        match condition {
            Expr::Bool(false) => condition,
            _ => self.range.exists(&self.variable, condition),
        }
    }

    /// A bool: true if no element satisfies the condition.
    pub(super) fn none(self, condition: Expr) -> Expr {
        match condition {
            Expr::Bool(false) => Expr::Bool(true),
            // `all` with the opposite condition reads better.
            Expr::Not(_) | Expr::Relation(_, Relation::Equal | Relation::NotEqual, _) => {
                self.range.for_all(&self.variable, condition.negated())
            }
            _ => self.exists(condition).negated(),
        }
    }

    /// The same over the elements that a list has, of those that it had.
    pub(super) fn over(self, range: Expr) -> Self {
        Self { range, ..self }
    }

    /// A list of the elements that satisfy the condition.
    pub(super) fn filter(self, condition: Expr) -> Expr {
        self.range.filter(&self.variable, condition)
    }

    /// A list of the results for the elements that satisfy the filter.
    pub(super) fn map(self, filter: Expr, result: Expr) -> Expr {
        self.range.filter_map(&self.variable, filter, result)
    }
}

impl Emitter<'_, '_> {
    /// Opens a comprehension over the domain of a binder and makes its element current. `None`: the
    /// domain is empty for these kinds, and nothing was opened. Pair it with [`Emitter::leave`].
    pub(super) fn enter(&mut self, binder: BinderId) -> Result<Option<Iteration>, Unsupported> {
        let domain = self.context.program.binder(binder).domain.clone();
        // Without a pod spec there are neither containers nor volumes.
        if domain.is_of_workload() && self.context.is_workload()? == Expr::Bool(false) {
            return Ok(None);
        }
        match domain {
            Domain::Containers(which) => self.enter_containers(binder, which).map(Some),
            Domain::Volumes => {
                let definitions = self.context.definitions();
                let range = definitions.volumes(self.variables)?;
                let range = self.narrowed(binder, range);
                let elements = definitions.volume_type();
                Ok(Some(self.open(binder, range, "volume", elements)))
            }
            Domain::Elements(term) => self.enter_elements(binder, term, true, true),
            Domain::List(term) => self.enter_elements(binder, term, true, false),
            Domain::Map(term) => self.enter_elements(binder, term, false, true),
        }
    }

    /// Closes what [`Emitter::enter`] opened.
    pub(super) fn leave(&mut self) {
        self.scope.pop();
    }

    /// The list that a loop goes over.
    fn narrowed(&self, binder: BinderId, all: Expr) -> Expr {
        match &self.narrowed {
            Some((narrowed, some)) if *narrowed == binder => some.clone(),
            _ => all,
        }
    }

    /// Makes the element of a list current.
    fn open(
        &mut self,
        binder: BinderId,
        range: Expr,
        hint: &str,
        elements: StaticType,
    ) -> Iteration {
        let variable = self.scope.reserve(hint);
        self.scope.push(BoundElement {
            binder,
            value: TypedExpr::of_object(Expr::ident(&variable), elements),
            key: None,
            list_name: None,
        });
        Iteration { range, variable }
    }

    fn enter_containers(
        &mut self,
        binder: BinderId,
        which: ContainerList,
    ) -> Result<Iteration, Unsupported> {
        let definitions = self.context.definitions();
        let elements = definitions.container_type(which);
        if !self.context.with_list_names {
            let range = definitions.containers(self.variables, which)?;
            let range = self.narrowed(binder, range);
            return Ok(self.open(binder, range, "container", elements));
        }
        let range = definitions.containers_with_list_names(self.variables, which)?;
        let variable = self.scope.reserve("placed");
        let entry = Expr::ident(&variable);
        self.scope.push(BoundElement {
            binder,
            value: TypedExpr::of_object(entry.clone().select("spec"), elements),
            key: None,
            list_name: Some(entry.select("list")),
        });
        Ok(Iteration { range, variable })
    }

    /// Opens a comprehension over the elements of a list, the values of a map, or both.
    fn enter_elements(
        &mut self,
        binder: BinderId,
        term: TermId,
        lists: bool,
        maps: bool,
    ) -> Result<Option<Iteration>, Unsupported> {
        let value = self.term(term)?;
        let lists = lists && value.may_be(ValueType::List);
        let maps = maps && value.may_be(ValueType::Map);
        if value.presence == Presence::Never || !(lists || maps) {
            return Ok(None);
        }
        if maps && !lists {
            return Ok(Some(self.enter_map(binder, &value)));
        }
        let (range, elements) = if maps {
            (self.values(&value)?, StaticType::Any)
        } else {
            let list = self.typed(&value, ValueType::List);
            let elements = list.static_type.elements();
            (list.cel, elements)
        };
        if range == Expr::empty_list() {
            return Ok(None);
        }
        let hint = value.cel.last_field().unwrap_or("x");
        Ok(Some(self.open(binder, range, hint, elements)))
    }

    /// Opens a comprehension over a map, whose variable is the key.
    fn enter_map(&mut self, binder: BinderId, value: &TypedExpr) -> Iteration {
        let map = self.typed(value, ValueType::Map);
        let variable = self.scope.reserve_for(&value.cel);
        let key = Expr::ident(&variable);
        // Within the comprehension the map is present.
        let base = match (&value.present, value.value_type()) {
            (Some(present), Some(ValueType::Map)) => present.clone(),
            _ => map.cel.clone(),
        };
        self.scope.push(BoundElement {
            binder,
            value: TypedExpr::of_object(base.index(key.clone()), map.static_type.elements()),
            key: Some(TypedExpr::of_object(key, StaticType::String)),
            list_name: None,
        });
        Iteration {
            range: map.cel,
            variable,
        }
    }

    /// The value where it is of that type, else an empty one.
    fn typed(&mut self, value: &TypedExpr, wanted: ValueType) -> TypedExpr {
        let empty = match wanted {
            ValueType::List => Expr::empty_list(),
            _ => Expr::empty_map(),
        };
        let coerced = self.coerced(value.clone(), wanted);
        match coerced.presence {
            Presence::Always => coerced,
            Presence::Maybe | Presence::Never => TypedExpr {
                cel: coerced.or_value(&empty),
                presence: Presence::Always,
                ..coerced
            },
        }
    }

    /// The elements of a list or the values of a map, as a list; empty for all else. CEL's `in` and
    /// macros take the keys of a map.
    pub(super) fn values(&mut self, value: &TypedExpr) -> Result<Expr, Unsupported> {
        if !value.may_be(ValueType::Map) {
            return Ok(self.typed(value, ValueType::List).cel);
        }
        let name = self.scope.reserve_for(&value.cel);
        let key = self.scope.unused("key");
        self.scope.release();
        let of = Expr::ident(&name);
        let of_map = of.clone().map(&key, of.clone().index(Expr::ident(&key)));
        let elements = Expr::conditional(
            of.clone().is_type("list"),
            of.clone(),
            Expr::conditional(of.is_type("map"), of_map, Expr::empty_list()),
        );
        Ok(value
            .optional()
            .opt_map(&name, elements)
            .or_value(Expr::empty_list()))
    }
}
