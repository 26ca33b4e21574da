//! Terms. A term becomes a [`Piece`]: an expression, whether it is there always, sometimes (then it is an optional of
//! CEL) or never, and what is known of its type.

use super::{
    Refused,
    functions::{self, Made, Operand, takes_as},
    printer::{Printer, Side},
    sheet::ParamsFrom,
    text::Cel,
    types::Known,
    variables::Definitions,
};
use kubevet_ir::{Condition, Const, Intrinsic, Term, TermId, ValueType};
use kubevet_k8s::workload::pod_spec_path;
use kubevet_policy::ParamValue;
use std::sync::Arc;

/// Whether a term has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Never,
    /// Its expression is an optional.
    Maybe,
    Always,
}

/// A term in CEL.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) cel: Cel,
    pub(super) presence: Presence,
    pub(super) known: Known,
    /// Whether the value may be null.
    pub(super) nullable: bool,
    /// The value as an expression that may be evaluated only where there is one.
    pub(super) present: Option<Cel>,
    /// Whether CEL's type checker takes it for a `dyn`.
    pub(super) is_dyn: bool,
}

impl Piece {
    pub(super) fn always(cel: Cel, known: Known) -> Self {
        let nullable = known == Known::Any;
        Self {
            present: Some(cel.clone()),
            cel,
            presence: Presence::Always,
            known,
            nullable,
            is_dyn: false,
        }
    }

    /// As [`Piece::always`], of the object: its type is checked by nobody.
    pub(super) fn read(cel: Cel, known: Known) -> Self {
        Self {
            is_dyn: true,
            ..Self::always(cel, known)
        }
    }

    pub(super) fn maybe(cel: Cel, known: Known) -> Self {
        let nullable = known == Known::Any;
        Self {
            cel,
            presence: Presence::Maybe,
            known,
            nullable,
            present: None,
            is_dyn: false,
        }
    }

    pub(super) fn never() -> Self {
        let mut never = Self::maybe(Cel::atom("optional.none()"), Known::Any);
        never.presence = Presence::Never;
        never
    }

    /// The type that it has in Rego, where it is there and where only one is possible.
    pub(super) fn kind(&self) -> Option<ValueType> {
        if self.nullable && self.known != Known::Null {
            None
        } else {
            self.known.kind()
        }
    }

    pub(super) fn may_be(&self, kind: ValueType) -> bool {
        self.known.may_be(kind) || (self.nullable && kind == ValueType::Null)
    }

    /// As an optional.
    pub(super) fn optional(&self) -> Cel {
        match self.presence {
            Presence::Always => Cel::atom(format!("optional.of({})", self.cel.show())),
            _ => self.cel.clone(),
        }
    }

    /// The value, or another where there is none.
    pub(super) fn or_value(&self, other: &Cel) -> Cel {
        match self.presence {
            Presence::Always => self.cel.clone(),
            Presence::Maybe => self.cel.then(&format!(".orValue({})", other.show())),
            Presence::Never => other.clone(),
        }
    }

    /// Whether it has a value.
    pub(super) fn is_there(&self) -> Cel {
        match (self.presence, &self.cel) {
            (Presence::Always, _) => Cel::Bool(true),
            (Presence::Never, _) => Cel::Bool(false),
            (Presence::Maybe, Cel::Atom(text)) => match text.rsplit_once(".?") {
                // One step from what is there.
                Some((of, name)) if Cel::atom(of).is_simple() && Cel::atom(name).is_simple() => {
                    Cel::atom(format!("has({of}.{name})"))
                }
                _ => self.cel.then(".hasValue()"),
            },
            (Presence::Maybe, it) => it.then(".hasValue()"),
        }
    }
}

impl Printer<'_> {
    pub(super) fn definitions(&self) -> Definitions<'_> {
        Definitions {
            target: self.target,
            types: self.types,
            side: self.side,
        }
    }

    fn define(
        &mut self,
        what: impl FnOnce(&Definitions<'_>, &mut super::variables::Variables) -> Result<Cel, Refused>,
    ) -> Result<Cel, Refused> {
        let definitions = Definitions {
            target: self.target,
            types: self.types,
            side: self.side,
        };
        what(&definitions, self.variables)
    }

    /// A term.
    pub(super) fn term(&mut self, id: TermId) -> Result<Piece, Refused> {
        if let Some(named) = self.scope.named(id) {
            return Ok(named.clone());
        }
        Ok(match self.program.term(id).clone() {
            Term::Undefined => Piece::never(),
            Term::Const(value) => constant(&value),
            Term::Object => Piece::read(self.object(), self.object_type()),
            Term::Operation => Piece::always(Cel::atom("request.operation"), Known::Text),
            Term::Param(name) => self.param(&name),
            Term::PodSpec => {
                let spec = self.define(|it, variables| it.pod_spec(variables))?;
                let known = self.definitions().pod_spec_type();
                let here = self.is_workload()?;
                only_where(here, Piece::read(spec, known))
            }
            Term::PodMetadata => {
                let metadata = self.define(|it, variables| it.pod_metadata(variables))?;
                let known = self.definitions().pod_metadata_type();
                let here = self.is_workload()?;
                only_where(here, Piece::read(metadata, known))
            }
            Term::PodSpecPath => {
                self.path_of_kind(|it| pod_spec_path(it).map(|it| it.join(".")))?
            }
            Term::PodMetadataPath => {
                self.path_of_kind(|it| super::variables::metadata_path(it).map(|it| it.join(".")))?
            }
            Term::Key(binder) => self
                .scope
                .element(binder)
                .and_then(|it| it.key.clone())
                .ok_or_else(|| {
                    Refused(
                        "the index of a list cannot be asked for before Kubernetes 1.33".to_owned(),
                    )
                })?,
            Term::Value(binder) => self.standing(binder)?.value.clone(),
            Term::ElementName(binder) => {
                let value = self.standing(binder)?.value.clone();
                let name = self.field(value, "name")?;
                if name.presence != Presence::Always || name.kind() != Some(ValueType::String) {
                    return Err(Refused(
                        "the name of a container is not proved to be a text".to_owned(),
                    ));
                }
                name
            }
            Term::ListName(binder) => match self.standing(binder)?.list.clone() {
                Some(list) => Piece {
                    is_dyn: true,
                    ..Piece::always(list, Known::Text)
                },
                None => {
                    return Err(Refused(
                        "which list a container is in cannot be asked here".to_owned(),
                    ));
                }
            },
            Term::ElementPath(_) => {
                return Err(Refused(
                    "the path of an element cannot be printed".to_owned(),
                ));
            }
            Term::Field(of, name) => {
                let of = self.term(of)?;
                self.field(of, &name)?
            }
            Term::Index(of, at) => self.index(of, at)?,
            Term::Guard(cond, term) => self.guarded(cond, term)?,
            Term::Coalesce(terms) => self.first(&terms)?,
            Term::Count(term) => match self.written_count(term) {
                Some(count) => Piece::always(Cel::atom(count.to_string()), Known::Int),
                None => {
                    let of = self.term(term)?;
                    self.count(of)?
                }
            },
            Term::Concat(pieces) => self.concat(&pieces)?,
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

    fn standing(&self, binder: kubevet_ir::BinderId) -> Result<&super::scope::Standing, Refused> {
        self.scope
            .element(binder)
            .ok_or_else(|| Refused("an element is asked for outside of its list".to_owned()))
    }

    fn param(&mut self, name: &Arc<str>) -> Piece {
        let known = match self.param_value(name) {
            Some(ParamValue::List(_)) => Known::List(Arc::new(Known::Text)),
            Some(ParamValue::String(_)) => Known::Text,
            None => return Piece::never(),
        };
        self.reads_params = true;
        let side = Side::New;
        let definitions = Definitions {
            target: self.target,
            types: self.types,
            side,
        };
        match definitions.param(self.variables, name) {
            Some(cel) => Piece::always(cel, known),
            None => Piece::never(),
        }
    }

    /// A text that depends on the kind alone.
    fn path_of_kind(
        &self,
        path: impl Fn(&kubevet_model::Kind) -> Option<String>,
    ) -> Result<Piece, Refused> {
        let mut paths: Vec<String> = self.kinds.iter().filter_map(|it| path(it)).collect();
        paths.sort();
        paths.dedup();
        let Some(mut text) = paths.pop().map(|it| Cel::text(&it)) else {
            return Ok(Piece::never());
        };
        for other in paths {
            let here = self.is_kind(|it| path(it).as_ref() == Some(&other))?;
            text = Cel::choice(here, Cel::text(&other), text);
        }
        Ok(only_where(
            self.is_workload()?,
            Piece::always(text, Known::Text),
        ))
    }

    /// A field of a piece.
    pub(super) fn field(&mut self, of: Piece, name: &str) -> Result<Piece, Refused> {
        let Some(field) = of.known.field(self.types, name) else {
            return Ok(Piece::never());
        };
        if of.presence == Presence::Never {
            return Ok(Piece::never());
        }
        let step = |dot: &str, index: &str| {
            if is_identifier(name) {
                format!("{dot}{name}")
            } else {
                format!("[{index}{}]", Cel::text(name).show())
            }
        };
        // A list has no fields, and CEL makes an error of it.
        let base = if of.known == Known::Any {
            let x = self.scope.name(last_name(&of.cel));
            self.scope.free();
            let is_map = format!("type({x}) == map");
            match of.presence {
                Presence::Always if of.cel.is_simple() => Cel::choice(
                    Cel::atom(format!("type({})", of.cel.show())).relation("==", Cel::atom("map")),
                    of.cel.clone(),
                    Cel::atom("{}"),
                ),
                _ => of
                    .optional()
                    .then(&format!(".optMap({x}, {is_map} ? {x} : {{}})")),
            }
        } else {
            of.cel.clone()
        };
        let present = of.present.as_ref().map(|it| it.then(&step(".", "")));
        let sure = field.always
            && of.presence == Presence::Always
            && !of.nullable
            && of.known != Known::Any;
        let (cel, presence) = if sure {
            (base.then(&step(".", "")), Presence::Always)
        } else {
            (base.then(&step(".?", "?")), Presence::Maybe)
        };
        Ok(Piece {
            cel,
            presence,
            known: field.known,
            nullable: field.nullable,
            present,
            is_dyn: true,
        })
    }

    fn index(&mut self, of: TermId, at: TermId) -> Result<Piece, Refused> {
        if let Term::Const(Const::String(name)) = self.program.term(at).clone() {
            let of = self.term(of)?;
            return if of.known.kind() == Some(ValueType::List) {
                Ok(Piece::never())
            } else {
                self.field(of, &name)
            };
        }
        let of = self.term(of)?;
        let at = self.term(at)?;
        if of.presence == Presence::Never || at.presence == Presence::Never {
            return Ok(Piece::never());
        }
        if at.presence != Presence::Always {
            return Err(Refused("an index that may be undefined".to_owned()));
        }
        let fits = match (&of.known, at.kind()) {
            (Known::List(_), Some(ValueType::Number))
            | (Known::Map(_), Some(ValueType::String)) => true,
            (Known::List(_) | Known::Map(_), Some(_)) => return Ok(Piece::never()),
            _ => false,
        };
        if !fits {
            return Err(Refused(
                "an index into what is not proved to be a list or a map".to_owned(),
            ));
        }
        let elements = of.known.elements();
        let present = of
            .present
            .as_ref()
            .map(|it| it.then(&format!("[{}]", at.cel.show())));
        let nullable = elements == Known::Any;
        let cel = of.cel.then(&format!("[?{}]", at.cel.show()));
        Ok(Piece {
            cel,
            presence: Presence::Maybe,
            known: elements,
            nullable,
            present,
            is_dyn: of.is_dyn,
        })
    }

    fn guarded(&mut self, cond: kubevet_ir::ConditionId, term: TermId) -> Result<Piece, Refused> {
        let piece = self.term(term)?;
        let guard = self.cond(cond)?;
        // It only says that the value is there.
        if guard == Cel::Bool(true) || guard == piece.is_there() {
            return Ok(piece);
        }
        if guard == Cel::Bool(false) {
            return Ok(Piece::never());
        }
        let kept = self.under(cond, term, piece)?;
        Ok(only_where(guard, kept))
    }

    /// A piece where a condition is known to hold: always there if the condition proves it.
    pub(super) fn under(
        &self,
        cond: kubevet_ir::ConditionId,
        term: TermId,
        piece: Piece,
    ) -> Result<Piece, Refused> {
        let Some(present) = piece.present.clone() else {
            return Ok(piece);
        };
        if piece.presence != Presence::Maybe || !self.proves(cond, term) {
            return Ok(piece);
        }
        Ok(Piece {
            cel: present,
            presence: Presence::Always,
            ..piece
        })
    }

    fn proves(&self, cond: kubevet_ir::ConditionId, term: TermId) -> bool {
        match self.program.condition(cond) {
            Condition::And(conds) => conds.iter().any(|it| self.proves(*it, term)),
            Condition::Defined(it)
            | Condition::Truthy(it)
            | Condition::HasType(it, _)
            | Condition::OneOf(it, _) => *it == term,
            Condition::Compare(_, a, b) | Condition::Member(a, b) => *a == term || *b == term,
            Condition::Predicate(_, terms) => terms.contains(&term),
            _ => false,
        }
    }

    /// How many items a param has whose value is written into the policy.
    fn written_count(&self, term: TermId) -> Option<usize> {
        match (self.program.term(term), &self.target.params) {
            (Term::Param(name), ParamsFrom::Written(params)) => match params.get(name)? {
                ParamValue::List(items) => Some(items.len()),
                ParamValue::String(text) => Some(text.chars().count()),
            },
            _ => None,
        }
    }

    fn count(&mut self, of: Piece) -> Result<Piece, Refused> {
        match of.kind() {
            Some(ValueType::List | ValueType::Map | ValueType::String) => Ok(match of.presence {
                Presence::Never => Piece::never(),
                Presence::Always => Piece::always(of.cel.then(".size()"), Known::Int),
                Presence::Maybe => {
                    let x = self.scope.name(last_name(&of.cel));
                    self.scope.free();
                    Piece::maybe(
                        of.cel.then(&format!(".optMap({x}, {x}.size())")),
                        Known::Int,
                    )
                }
            }),
            Some(_) => Ok(Piece::never()),
            None => Err(Refused(
                "count of what is not proved to be a list, a map or a text".to_owned(),
            )),
        }
    }

    /// Texts and whole numbers one after another.
    fn concat(&mut self, pieces: &[TermId]) -> Result<Piece, Refused> {
        let mut texts = Vec::new();
        for piece in pieces {
            let piece = self.term(*piece)?;
            if piece.presence == Presence::Never {
                return Ok(Piece::never());
            }
            if piece.presence != Presence::Always {
                return Err(Refused(
                    "a text is put together of what may be undefined".to_owned(),
                ));
            }
            texts.push(match (&piece.known, piece.nullable) {
                (Known::Text, false) => piece.cel,
                (Known::Int, false) => Cel::atom(format!("string({})", piece.cel.show())),
                _ => {
                    return Err(Refused(
                        "a text is put together of what is not proved to be one".to_owned(),
                    ));
                }
            });
        }
        Ok(Piece::always(Cel::sum(texts), Known::Text))
    }

    pub(super) fn coerced(&mut self, of: Piece, kind: ValueType) -> Piece {
        let (word, empty, known) = match kind {
            ValueType::List => ("list", "[]", Known::List(Arc::new(Known::Any))),
            _ => ("map", "{}", Known::Map(Arc::new(Known::Any))),
        };
        if of.presence == Presence::Never || of.kind() == Some(kind) {
            return of;
        }
        let known = if of.known.kind() == Some(kind) {
            of.known.clone()
        } else {
            known
        };
        if !of.may_be(kind) {
            let cel = Cel::atom(empty);
            return only_where(of.is_there(), Piece::always(cel, known));
        }
        let dynamic = of.is_dyn;
        let piece = if of.presence == Presence::Always && of.cel.is_simple() {
            let is = Cel::atom(format!("type({})", of.cel.show())).relation("==", Cel::atom(word));
            Piece::always(Cel::choice(is, of.cel, Cel::atom(empty)), known)
        } else {
            let x = self.scope.name(last_name(&of.cel));
            self.scope.free();
            let mapped = of.optional().then(&format!(
                ".optMap({x}, type({x}) == {word} ? {x} : {empty})"
            ));
            if of.presence == Presence::Always {
                Piece::always(mapped.then(&format!(".orValue({empty})")), known)
            } else {
                Piece::maybe(mapped, known)
            }
        };
        Piece {
            is_dyn: dynamic,
            ..piece
        }
    }

    fn call(&mut self, function: Intrinsic, operands: &[TermId]) -> Result<Piece, Refused> {
        if let Some(text) = connection(function, self) {
            return Ok(Piece::always(text, Known::Text));
        }
        let mut ready = Vec::new();
        let mut open: Option<(String, Piece)> = None;
        let mut proved = true;
        for (place, operand) in operands.iter().enumerate() {
            let value = match self.program.term(*operand) {
                Term::Const(value) => Some(value.clone()),
                _ => None,
            };
            let piece = self.term(*operand)?;
            if piece.presence == Presence::Never {
                return Ok(Piece::never());
            }
            let fits = piece.kind() == Some(takes_as(function, place));
            if piece.presence == Presence::Always && fits {
                ready.push(Operand {
                    cel: piece.cel,
                    value,
                });
                continue;
            }
            if open.is_some() {
                return Err(Refused(
                    "a function of two terms that may be undefined".to_owned(),
                ));
            }
            if takes_as(function, place) != ValueType::String {
                return Err(Refused(
                    "a function with a number that is not written out".to_owned(),
                ));
            }
            proved = fits;
            let x = self.scope.name(last_name(&piece.cel));
            ready.push(Operand {
                cel: Cel::atom(x.clone()),
                value: None,
            });
            open = Some((x, piece));
        }
        let made = functions::call(function, &ready);
        if open.is_some() {
            self.scope.free();
        }
        let known = if function == Intrinsic::SplitCount {
            Known::Int
        } else {
            Known::Text
        };
        let (made, sure) = match made? {
            Made::Value(made) => (made, true),
            Made::Maybe(made) => (made, false),
            Made::Never => return Ok(Piece::never()),
        };
        let Some((x, piece)) = open else {
            return Ok(if sure {
                Piece::always(made, known)
            } else {
                Piece::maybe(made, known)
            });
        };
        let is_text = Cel::atom(format!("type({x}) == string"));
        let (cel, sure) = if function.is_total() {
            let made = match (proved, piece.may_be(ValueType::String)) {
                (true, _) => made,
                (_, true) => Cel::choice(is_text, made, Cel::text("")),
                _ => Cel::text(""),
            };
            (
                piece
                    .optional()
                    .then(&format!(".optMap({x}, {})", made.show())),
                true,
            )
        } else if !piece.may_be(ValueType::String) {
            return Ok(Piece::never());
        } else if proved && sure {
            (
                piece
                    .optional()
                    .then(&format!(".optMap({x}, {})", made.show())),
                true,
            )
        } else {
            let made = if sure {
                Cel::atom(format!("optional.of({})", made.show()))
            } else {
                made
            };
            let made = if proved {
                made
            } else {
                Cel::choice(is_text, made, Cel::atom("optional.none()"))
            };
            (
                piece
                    .optional()
                    .then(&format!(".optFlatMap({x}, {})", made.show())),
                false,
            )
        };
        if piece.presence == Presence::Always && sure {
            return Ok(Piece::always(cel.then(".orValue('')"), known));
        }
        Ok(Piece::maybe(cel, known))
    }
}

/// What connections are about, for the words of a finding.
fn connection(function: Intrinsic, printer: &Printer<'_>) -> Option<Cel> {
    match function {
        Intrinsic::ConnectionTarget => {
            let container = printer.object().then(".?container.orValue('')");
            Some(Cel::choice(
                Cel::atom(format!(
                    "type({}) == string && {} != ''",
                    container.show(),
                    container.show()
                )),
                Cel::sum([Cel::text("container "), container]),
                Cel::text("the pod"),
            ))
        }
        // What was typed may hold a secret, and the audit log has it anyway.
        Intrinsic::ConnectionCommand | Intrinsic::ConnectionPorts => Some(Cel::text("")),
        _ => None,
    }
}

/// A piece where a condition holds.
pub(super) fn only_where(condition: Cel, piece: Piece) -> Piece {
    match condition {
        Cel::Bool(true) => piece,
        Cel::Bool(false) => Piece::never(),
        _ => Piece {
            cel: Cel::choice(condition, piece.optional(), Cel::atom("optional.none()")),
            presence: if piece.presence == Presence::Never {
                Presence::Never
            } else {
                Presence::Maybe
            },
            ..piece
        },
    }
}

pub(super) fn constant(value: &Const) -> Piece {
    let any = || Arc::new(Known::Any);
    match value {
        Const::Null => Piece::always(Cel::atom("null"), Known::Null),
        Const::Bool(it) => Piece::always(Cel::Bool(*it), Known::Bool),
        Const::Int(it) => Piece::always(Cel::atom(it.to_string()), Known::Int),
        Const::String(it) => Piece::always(Cel::text(it), Known::Text),
        Const::EmptyList => Piece::always(Cel::atom("[]"), Known::List(any())),
        Const::EmptyMap => Piece::always(Cel::atom("{}"), Known::Map(any())),
    }
}

/// The last field that an expression names, to call what it gives after it.
pub(super) fn last_name(cel: &Cel) -> &str {
    let Cel::Atom(text) = cel else { return "x" };
    let end = text.find(['(', '[']).unwrap_or(text.len());
    let path = text.get(..end).unwrap_or("x");
    let fields = path
        .rsplit(['.', '?'])
        .map(|it| it.trim_matches(|it: char| !it.is_ascii_alphanumeric()));
    // A call at the end is no field.
    let called = text.get(end..).is_some_and(|it| it.starts_with('('));
    fields
        .filter(|it| !it.is_empty())
        .nth(usize::from(called))
        .unwrap_or("x")
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_')
        && !RESERVED.contains(&name)
}

/// Words that may not stand behind a dot.
const RESERVED: &[&str] = &["true", "false", "null", "in"];
