//! What is iterated: containers, volumes, lists, the values of maps.

use super::{
    Refused,
    printer::Printer,
    scope::Standing,
    term::{Piece, Presence, last_name},
    text::Cel,
    types::Known,
    variables::Definitions,
};
use kubevet_ir::{BinderId, Domain, TermId, ValueType};

/// A list or map and the name of its element, while it stands.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    over: Cel,
    name: String,
}

impl Walk {
    fn call(&self, word: &str, inside: &str) -> Cel {
        self.over.then(&format!(".{word}({}, {inside})", self.name))
    }

    /// Whether some element makes it true.
    pub(super) fn exists(&self, inside: Cel) -> Cel {
        match inside {
            Cel::Bool(false) => inside,
            it => Cel::Asked(self.call("exists", &it.show()).show()),
        }
    }

    /// Whether no element makes it true.
    pub(super) fn none(&self, inside: Cel) -> Cel {
        match inside {
            Cel::Bool(false) => Cel::Bool(true),
            Cel::Not(_) | Cel::Relation(_, "==" | "!=", _) => {
                Cel::Asked(self.call("all", &inside.negated().show()).show())
            }
            it => self.exists(it).negated(),
        }
    }

    /// What becomes of each element that makes it true.
    pub(super) fn map(&self, where_: &Cel, to: &Cel) -> Cel {
        match where_ {
            Cel::Bool(true) => self.call("map", &to.show()),
            it => self.call("map", &format!("{}, {}", it.show(), to.show())),
        }
    }
}

impl Printer<'_> {
    /// Stands at an element; `None` where the domain never has one. [`Printer::leave`] ends it.
    pub(super) fn enter(&mut self, binder: BinderId) -> Result<Option<Walk>, Refused> {
        let domain = self.program.binder(binder).domain.clone();
        // Without a pod spec there are neither containers nor volumes.
        if domain.is_of_workload() && self.is_workload()? == Cel::Bool(false) {
            return Ok(None);
        }
        match domain {
            Domain::Containers(which) => {
                let definitions = Definitions {
                    target: self.target,
                    types: self.types,
                    side: self.side,
                };
                let known = definitions.container_type(which);
                let placed = self.placed;
                let over = if placed {
                    definitions.placed(self.variables, which)?
                } else {
                    definitions.containers(self.variables, which)?
                };
                let name = self.scope.name(if placed { "placed" } else { "container" });
                let (value, list) = if placed {
                    (
                        Cel::atom(format!("{name}.spec")),
                        Some(Cel::atom(format!("{name}.list"))),
                    )
                } else {
                    (Cel::atom(name.clone()), None)
                };
                self.scope.push(Standing {
                    binder,
                    value: Piece::read(value, known),
                    key: None,
                    list,
                });
                Ok(Some(Walk { over, name }))
            }
            Domain::Volumes => {
                let definitions = Definitions {
                    target: self.target,
                    types: self.types,
                    side: self.side,
                };
                let known = definitions.volume_type();
                let over = definitions.volumes(self.variables)?;
                let name = self.scope.name("volume");
                let value = Piece::read(Cel::atom(name.clone()), known);
                self.scope.push(Standing {
                    binder,
                    value,
                    key: None,
                    list: None,
                });
                Ok(Some(Walk { over, name }))
            }
            Domain::Elements(term) => self.enter_elements(binder, term, true, true),
            Domain::List(term) => self.enter_elements(binder, term, true, false),
            Domain::Map(term) => self.enter_elements(binder, term, false, true),
        }
    }

    pub(super) fn leave(&mut self) {
        self.scope.pop();
        self.scope.free();
    }

    fn enter_elements(
        &mut self,
        binder: BinderId,
        term: TermId,
        lists: bool,
        maps: bool,
    ) -> Result<Option<Walk>, Refused> {
        let piece = self.term(term)?;
        let (lists, maps) = (
            lists && piece.may_be(ValueType::List),
            maps && piece.may_be(ValueType::Map),
        );
        if piece.presence == Presence::Never || !(lists || maps) {
            return Ok(None);
        }
        let named = last_name(&piece.cel).to_owned();
        if maps && !lists {
            let of = self.typed(&piece, ValueType::Map);
            let name = self.scope.name(&named);
            let base = match (&piece.present, piece.kind()) {
                (Some(present), Some(ValueType::Map)) => present.clone(),
                _ => of.cel.clone(),
            };
            let key = Cel::atom(name.clone());
            let value = Piece::read(base.then(&format!("[{name}]")), of.known.elements());
            let key = Piece {
                is_dyn: true,
                ..Piece::always(key, Known::Text)
            };
            self.scope.push(Standing {
                binder,
                value,
                key: Some(key),
                list: None,
            });
            return Ok(Some(Walk { over: of.cel, name }));
        }
        let (over, known) = if maps {
            (self.values(&piece)?, Known::Any)
        } else {
            let of = self.typed(&piece, ValueType::List);
            (of.cel.clone(), of.known.elements())
        };
        if over == Cel::list(&[]) {
            return Ok(None);
        }
        let name = self.scope.name(&named);
        let value = Piece::read(Cel::atom(name.clone()), known);
        self.scope.push(Standing {
            binder,
            value,
            key: None,
            list: None,
        });
        Ok(Some(Walk { over, name }))
    }

    /// The piece where it is of that type, else an empty one.
    fn typed(&mut self, piece: &Piece, kind: ValueType) -> Piece {
        let empty = Cel::atom(if kind == ValueType::List { "[]" } else { "{}" });
        let sure = if piece.kind() == Some(kind) {
            piece.clone()
        } else {
            self.coerced(piece.clone(), kind)
        };
        match sure.presence {
            Presence::Always => sure,
            _ => Piece {
                cel: sure.or_value(&empty),
                presence: Presence::Always,
                ..sure
            },
        }
    }

    /// The elements of a list or the values of a map, as a list; empty for all else.
    pub(super) fn values(&mut self, piece: &Piece) -> Result<Cel, Refused> {
        if !piece.may_be(ValueType::Map) {
            return Ok(self.typed(piece, ValueType::List).cel);
        }
        let x = self.scope.name(last_name(&piece.cel));
        let key = self.scope.name("key");
        self.scope.free();
        self.scope.free();
        let all = Cel::choice(
            Cel::atom(format!("type({x})")).relation("==", Cel::atom("list")),
            Cel::atom(x.clone()),
            Cel::choice(
                Cel::atom(format!("type({x})")).relation("==", Cel::atom("map")),
                Cel::atom(format!("{x}.map({key}, {x}[{key}])")),
                Cel::atom("[]"),
            ),
        );
        Ok(piece
            .optional()
            .then(&format!(".optMap({x}, {}).orValue([])", all.show())))
    }
}
