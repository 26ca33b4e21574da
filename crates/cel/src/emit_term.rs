//! Emission of terms. A term of the program becomes a [`TypedExpr`].

use super::{
    custom_pods::COMPLETES,
    definitions::Definitions,
    emitter::Emitter,
    expr::{Expr, Macro},
    names::BoundElement,
    pod_paths::path_by_kind,
    target::ObjectSide,
    typed_expr::{Presence, TypedExpr},
    types::{StaticField, StaticType},
    unsupported::Unsupported,
};
use kubevet_ir::{BinderId, ConditionId, Const, Term, TermId, ValueType};
use kubevet_policy::ParamValue;
use std::sync::Arc;

/// Stands for the name of a container or volume of a custom kind that has none. CEL does not know the
/// index of an element, which `data.lib.workload` names it by.
const NO_NAME: &str = "(no name)";

impl Emitter<'_, '_> {
    /// A term.
    pub(super) fn term(&mut self, id: TermId) -> Result<TypedExpr, Unsupported> {
        let known = self.scope.named(id).or_else(|| self.hoisted.get(&id));
        if let Some(variable) = known {
            return Ok(variable.clone());
        }
        let value = self.own_term(id)?;
        Ok(self.shared_term(id, value))
    }

    /// A term as its own expression, without a variable for it.
    fn own_term(&mut self, id: TermId) -> Result<TypedExpr, Unsupported> {
        Ok(match self.context.program.term(id).clone() {
            Term::Undefined => TypedExpr::never(),
            Term::Const(value) => TypedExpr::constant(&value),
            Term::Object => self.context.object_value(),
            Term::Operation => {
                let operation = Expr::ident("request").select("operation");
                TypedExpr::always(operation, StaticType::String)
            }
            Term::Param(name) => self.param(&name),
            Term::PodSpec => {
                let definitions = self.context.definitions();
                let spec = definitions.pod_spec(self.variables)?;
                TypedExpr::of_object(spec, definitions.pod_spec_type())
                    .only_where(self.context.is_workload()?)
            }
            Term::PodMetadata => {
                let definitions = self.context.definitions();
                let metadata = definitions.pod_metadata(self.variables)?;
                TypedExpr::of_object(metadata, definitions.pod_metadata_type())
                    .only_where(self.context.is_workload()?)
            }
            path @ (Term::PodSpecPath | Term::PodMetadataPath) => self.pod_path(&path)?,
            Term::Key(binder) => self.key(binder)?,
            Term::Value(binder) => self.element(binder)?.value.clone(),
            Term::ElementName(binder) => self.element_name(binder)?,
            Term::ListName(binder) => self.list_name(binder)?,
            Term::ElementPath(_) => {
                return Err(Unsupported(
                    "the path of an element cannot be printed".to_owned(),
                ));
            }
            Term::Field(of, name) => {
                let is_restart_policy =
                    &*name == "restartPolicy" && *self.context.program.term(of) == Term::PodSpec;
                let of = self.term(of)?;
                let field = self.field(of, &name)?;
                if is_restart_policy {
                    self.effective_restart_policy(field)
                } else {
                    field
                }
            }
            Term::Index(of, index) => self.index(of, index)?,
            Term::Guard(condition, term) => self.guarded(condition, term)?,
            Term::Coalesce(terms) => self.coalesce(&terms)?,
            Term::Count(term) => match self.constant_count(term) {
                Some(count) => TypedExpr::always(Expr::count(count), StaticType::Int),
                None => {
                    let of = self.term(term)?;
                    self.count(of)?
                }
            },
            Term::Concat(parts) => self.concat(&parts)?,
            Term::AsList(term) => {
                let of = self.term(term)?;
                self.coerced(of, ValueType::List)
            }
            Term::AsMap(term) => {
                let of = self.term(term)?;
                self.coerced(of, ValueType::Map)
            }
            Term::Call(function, operands) => self.call(function, &operands)?,
        })
    }

    /// The current element of a binder.
    fn element(&self, binder: BinderId) -> Result<&BoundElement, Unsupported> {
        self.scope
            .element(binder)
            .ok_or_else(|| Unsupported("an element is used outside of its list".to_owned()))
    }

    /// The key of the current entry of a map. The one-variable macros give no index of a list.
    fn key(&self, binder: BinderId) -> Result<TypedExpr, Unsupported> {
        self.scope
            .element(binder)
            .and_then(|element| element.key.clone())
            .ok_or_else(|| {
                Unsupported(
                    "the index of a list element is not available before Kubernetes 1.33"
                        .to_owned(),
                )
            })
    }

    fn element_name(&mut self, binder: BinderId) -> Result<TypedExpr, Unsupported> {
        let value = self.element(binder)?.value.clone();
        let name = self.field(value, "name")?;
        if name.presence == Presence::Always && name.value_type() == Some(ValueType::String) {
            return Ok(name);
        }
        if self.context.pods.is_none() {
            return Err(Unsupported(
                "the name of a container is not proved to be a string".to_owned(),
            ));
        }
        let value = Expr::ident("n");
        let is_string = value.clone().is_type("string");
        let named = Expr::conditional(is_string, value, Expr::string(NO_NAME));
        let cel = name.optional().opt_map("n", named);
        let cel = cel.or_value(Expr::string(NO_NAME));
        Ok(TypedExpr::always(cel, StaticType::String))
    }

    /// The restart policy that a pod of a custom kind has, which the controller may decide.
    fn effective_restart_policy(&self, own: TypedExpr) -> TypedExpr {
        if !self.context.pods.is_some_and(|pods| pods.some_complete()) {
            return own;
        }
        let never = Expr::optional_of(Expr::string("Never").dynamic());
        let completes = self.context.object().select(COMPLETES);
        TypedExpr {
            cel: Expr::conditional(completes, never, own.optional()),
            presence: Presence::Maybe,
            static_type: StaticType::Any,
            nullable: true,
            present: None,
            is_dyn: true,
        }
    }

    fn list_name(&self, binder: BinderId) -> Result<TypedExpr, Unsupported> {
        match self.element(binder)?.list_name.clone() {
            Some(list) => Ok(TypedExpr::of_object(list, StaticType::String)),
            None => Err(Unsupported(
                "which list a container is in cannot be asked here".to_owned(),
            )),
        }
    }

    fn param(&mut self, name: &Arc<str>) -> TypedExpr {
        let static_type = match self.context.target.params.value(name) {
            Some(ParamValue::List(_)) => StaticType::List(Arc::new(StaticType::String)),
            Some(ParamValue::String(_)) => StaticType::String,
            None => return TypedExpr::never(),
        };
        self.reads_params = true;
        // The variable of a param is the same for both objects.
        let definitions = Definitions {
            side: ObjectSide::New,
            ..self.context.definitions()
        };
        match definitions.param(self.variables, name) {
            Some(cel) => TypedExpr::always(cel, static_type),
            None => TypedExpr::never(),
        }
    }

    /// A path as a string, which depends on the kind alone.
    fn pod_path(&self, term: &Term) -> Result<TypedExpr, Unsupported> {
        let Some(path) = path_by_kind(term) else {
            return Ok(TypedExpr::never());
        };
        let mut paths: Vec<String> = self
            .context
            .kinds
            .iter()
            .filter_map(|kind| path(kind))
            .collect();
        paths.sort();
        paths.dedup();
        let Some(mut expr) = paths.pop().map(Expr::String) else {
            return Ok(TypedExpr::never());
        };
        for other in paths {
            let is = self
                .context
                .is_kind(|kind| path(kind).as_ref() == Some(&other))?;
            expr = Expr::conditional(is, Expr::String(other), expr);
        }
        Ok(TypedExpr::always(expr, StaticType::String).only_where(self.context.is_workload()?))
    }

    /// A field of a value.
    pub(super) fn field(&mut self, of: TypedExpr, name: &str) -> Result<TypedExpr, Unsupported> {
        let Some(field) = of.static_type.field(self.context.types, name) else {
            return Ok(TypedExpr::never());
        };
        if of.presence == Presence::Never {
            return Ok(TypedExpr::never());
        }
        // The API server checks expressions for each kind alone, and warns of a field that the kind
        // does not have.
        let of = if of.static_type.may_lack_field(self.context.types, name) {
            of.dynamic()
        } else {
            of
        };
        let StaticField {
            static_type,
            always,
            nullable,
        } = field;
        let base = if of.static_type == StaticType::Any {
            self.map_or_empty(&of)
        } else {
            of.cel.clone()
        };
        let is_certain = always
            && of.presence == Presence::Always
            && !of.nullable
            && of.static_type != StaticType::Any;
        let (cel, presence) = if is_certain {
            (base.select(name), Presence::Always)
        } else {
            (base.opt_select(name), Presence::Maybe)
        };
        Ok(TypedExpr {
            cel,
            presence,
            static_type,
            nullable,
            present: of.present.map(|present| present.select(name)),
            is_dyn: true,
        })
    }

    /// A value of unknown type where it is a map, else `{}`: selecting a field of a list is an
    /// error in CEL.
    fn map_or_empty(&mut self, of: &TypedExpr) -> Expr {
        let checked =
            |value: Expr| Expr::conditional(value.clone().is_type("map"), value, Expr::empty_map());
        if of.presence == Presence::Always && of.cel.is_simple() {
            return checked(of.cel.clone());
        }
        let name = self.scope.unused_for(&of.cel);
        of.optional().opt_map(&name, checked(Expr::ident(&name)))
    }

    fn index(&mut self, of: TermId, index: TermId) -> Result<TypedExpr, Unsupported> {
        if let Term::Const(Const::String(name)) = self.context.program.term(index).clone() {
            let of = self.term(of)?;
            return if of.static_type.value_type() == Some(ValueType::List) {
                Ok(TypedExpr::never())
            } else {
                self.field(of, &name)
            };
        }
        let of = self.term(of)?;
        let index = self.term(index)?;
        if of.presence == Presence::Never || index.presence == Presence::Never {
            return Ok(TypedExpr::never());
        }
        if index.presence != Presence::Always {
            return Err(Unsupported("an index that may be undefined".to_owned()));
        }
        match (&of.static_type, index.value_type()) {
            (StaticType::List(_), Some(ValueType::Number))
            | (StaticType::Map(_), Some(ValueType::String)) => {}
            (StaticType::List(_) | StaticType::Map(_), Some(_)) => return Ok(TypedExpr::never()),
            (StaticType::Any, Some(ValueType::String)) => {
                let map = self.map_or_empty(&of);
                return Ok(TypedExpr {
                    is_dyn: true,
                    ..TypedExpr::maybe(map.opt_index(index.cel), StaticType::Any)
                });
            }
            _ => {
                return Err(Unsupported(
                    "an index into what is not proved to be a list or a map".to_owned(),
                ));
            }
        }
        let static_type = of.static_type.elements();
        Ok(TypedExpr {
            nullable: static_type == StaticType::Any,
            static_type,
            presence: Presence::Maybe,
            present: of.present.map(|present| present.index(index.cel.clone())),
            cel: of.cel.opt_index(index.cel),
            is_dyn: of.is_dyn,
        })
    }

    fn guarded(&mut self, condition: ConditionId, term: TermId) -> Result<TypedExpr, Unsupported> {
        let value = self.term(term)?;
        let guard = self.condition(condition)?;
        // A guard that only says that the value is there says nothing new.
        if guard == Expr::Bool(true)
            || guard == value.presence_test()
            || guards_operand(&guard, &value.cel)
        {
            return Ok(value);
        }
        if guard == Expr::Bool(false) {
            return Ok(TypedExpr::never());
        }
        Ok(self.under(condition, term, value).only_where(guard))
    }

    /// The value of a term where a condition is known to hold: the bare value if the condition
    /// tests it, so that there is one. The value of a part of what is tested stays an optional.
    pub(super) fn under(
        &self,
        condition: ConditionId,
        term: TermId,
        value: TypedExpr,
    ) -> TypedExpr {
        let program = self.context.program;
        let is_tested = || program.tested_terms(condition).contains(&term);
        match value.present.clone() {
            Some(present) if value.presence == Presence::Maybe && is_tested() => TypedExpr {
                cel: present,
                presence: Presence::Always,
                ..value
            },
            _ => value,
        }
    }

    /// The number of items or characters of a param whose value is constant in the policy.
    fn constant_count(&self, term: TermId) -> Option<usize> {
        let Term::Param(name) = self.context.program.term(term) else {
            return None;
        };
        Some(match self.context.target.params.constants()?.get(name)? {
            ParamValue::List(items) => items.len(),
            ParamValue::String(text) => text.chars().count(),
        })
    }

    fn count(&mut self, of: TypedExpr) -> Result<TypedExpr, Unsupported> {
        match of.value_type() {
            Some(ValueType::List | ValueType::Map | ValueType::String) => Ok(match of.presence {
                Presence::Never => TypedExpr::never(),
                Presence::Always => TypedExpr::always(of.cel.size(), StaticType::Int),
                Presence::Maybe => {
                    let name = self.scope.unused_for(&of.cel);
                    let size = Expr::ident(&name).size();
                    TypedExpr::maybe(of.cel.opt_map(&name, size), StaticType::Int)
                }
            }),
            Some(_) => Ok(TypedExpr::never()),
            None => Err(Unsupported(
                "count of what is not proved to be a list, a map or a string".to_owned(),
            )),
        }
    }

    /// Strings and integers one after another; undefined where a part is undefined or of another type.
    fn concat(&mut self, parts: &[TermId]) -> Result<TypedExpr, Unsupported> {
        let mut strings = Vec::new();
        let mut open: Vec<OpenPart> = Vec::new();
        let mut is_never = false;
        for part in parts {
            let value = self.term(*part)?;
            let is_int = value.static_type == StaticType::Int;
            let is_possible = is_int || value.may_be(ValueType::String);
            is_never |= value.presence == Presence::Never || !is_possible;
            let is_proved = match value.value_type() {
                Some(of) => of == ValueType::String || is_int,
                None => false,
            };
            let string = |cel: Expr| {
                if is_int {
                    Expr::call("string", cel)
                } else {
                    cel
                }
            };
            if value.presence == Presence::Always && is_proved {
                strings.push(string(value.cel));
                continue;
            }
            let name = self.scope.reserve_for(&value.cel);
            strings.push(string(Expr::ident(name.as_str())));
            let checked = (!is_proved).then_some(if is_int { "int" } else { "string" });
            open.push(OpenPart {
                name,
                value: value.optional(),
                checked,
            });
        }
        open.iter().for_each(|_| self.scope.release());
        Ok(if is_never {
            TypedExpr::never()
        } else if open.is_empty() {
            TypedExpr::always(Expr::sum(strings), StaticType::String)
        } else {
            TypedExpr::maybe(
                under_open_parts(open, Expr::sum(strings)),
                StaticType::String,
            )
        })
    }

    /// A value where it is a list (or a map), else an empty one; undefined where the value is.
    pub(super) fn coerced(&mut self, of: TypedExpr, wanted: ValueType) -> TypedExpr {
        if of.presence == Presence::Never || of.value_type() == Some(wanted) {
            return of;
        }
        let any = Arc::new(StaticType::Any);
        let (type_name, empty, unknown) = match wanted {
            ValueType::List => ("list", Expr::empty_list(), StaticType::List(any)),
            _ => ("map", Expr::empty_map(), StaticType::Map(any)),
        };
        // The type is right if only null is possible beside it.
        let static_type = if of.static_type.value_type() == Some(wanted) {
            of.static_type.clone()
        } else {
            unknown
        };
        if !of.may_be(wanted) {
            return TypedExpr::always(empty, static_type).only_where(of.presence_test());
        }
        let checked =
            |value: Expr| Expr::conditional(value.clone().is_type(type_name), value, empty.clone());
        let is_dyn = of.is_dyn;
        let coerced = if of.presence == Presence::Always && of.cel.is_simple() {
            TypedExpr::always(checked(of.cel), static_type)
        } else {
            let name = self.scope.unused_for(&of.cel);
            let mapped = of.optional().opt_map(&name, checked(Expr::ident(&name)));
            if of.presence == Presence::Always {
                TypedExpr::always(mapped.or_value(empty), static_type)
            } else {
                TypedExpr::maybe(mapped, static_type)
            }
        };
        TypedExpr { is_dyn, ..coerced }
    }
}

/// True if a condition only says that the optional is there of which an optional is made.
fn guards_operand(condition: &Expr, value: &Expr) -> bool {
    let Expr::Comprehension(made) = value else {
        return false;
    };
    matches!(made.operation, Macro::OptMap | Macro::OptFlatMap)
        && *condition == made.range.clone().has_value()
}

/// A part of a string that may be undefined or of another type.
struct OpenPart {
    /// The name of its value inside.
    name: String,
    /// The value as an optional.
    value: Expr,
    /// The type that the value must have, where it is not proved.
    checked: Option<&'static str>,
}

/// A string as an optional, inside the names of its open parts.
fn under_open_parts(open: Vec<OpenPart>, string: Expr) -> Expr {
    let mut found: Option<Expr> = None;
    for part in open.into_iter().rev() {
        let inner = match (found, part.checked) {
            (None, None) => {
                found = Some(part.value.opt_map(&part.name, string.clone()));
                continue;
            }
            (None, Some(_)) => Expr::optional_of(string.clone()),
            (Some(inner), _) => inner,
        };
        let inner = match part.checked {
            Some(type_name) => {
                let is_type = Expr::ident(part.name.as_str()).is_type(type_name);
                Expr::conditional(is_type, inner, Expr::optional_none())
            }
            None => inner,
        };
        found = Some(part.value.opt_flat_map(&part.name, inner));
    }
    found.unwrap_or(string)
}
