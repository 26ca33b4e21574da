//! The pass over a document: each value against its type, each field against those of its type.
//!
//! It keeps a stack of its own, since types are recursive and documents are hostile. Steps are small
//! numbers; a path is built only for what is reported.

use super::value_type::{self, Fit};
use kubevet_document::{Document, Entry, Node};
use kubevet_k8s::schema::{Field, Schema, Type, TypeId};
use kubevet_model::FieldPath;

/// One step of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'d> {
    /// A field, or a key of a map.
    Key(&'d str),
    /// An element of a list.
    Index(usize),
}

/// A list or map of the document that was entered.
#[derive(Debug, Clone, Copy)]
struct Place<'d> {
    /// The place that it is in; the root is in itself.
    parent: usize,
    step: Step<'d>,
    ty: Type,
}

/// The lists and maps that were entered. The first is the root.
pub(super) struct Trail<'d>(Vec<Place<'d>>);

impl<'d> Trail<'d> {
    /// Returns the path of a step below a place.
    pub(super) fn path(&self, place: usize, step: Step<'_>) -> FieldPath {
        extended(&self.path_of(place), step)
    }

    /// Returns the path of a place.
    pub(super) fn path_of(&self, place: usize) -> FieldPath {
        let mut steps = Vec::new();
        let mut at = place;
        while at != 0 {
            let Some(place) = self.0.get(at) else { break };
            steps.push(place.step);
            at = place.parent;
        }
        let steps = steps.into_iter().rev();
        steps.fold(FieldPath::default(), |path, step| extended(&path, step))
    }

    /// Returns the structs around a place, itself first, each with its place.
    pub(super) fn structs(&self, place: usize) -> Vec<(usize, TypeId)> {
        let mut structs = Vec::new();
        let mut at = Some(place);
        while let Some(index) = at
            && let Some(place) = self.0.get(index)
        {
            if let Type::Struct(of) = place.ty {
                structs.push((index, of));
            }
            at = (index != 0).then_some(place.parent);
        }
        structs
    }

    /// Enters a list or map.
    fn enter(&mut self, parent: usize, step: Step<'d>, ty: Type) -> usize {
        self.0.push(Place { parent, step, ty });
        self.0.len() - 1
    }
}

fn extended(path: &FieldPath, step: Step<'_>) -> FieldPath {
    match step {
        Step::Key(key) => path.key(key),
        Step::Index(index) => path.index(index),
    }
}

/// A value of a wrong type.
pub(super) struct WrongValue<'d> {
    /// The place that it is in.
    pub(super) place: usize,
    pub(super) segment: Step<'d>,
    pub(super) value: Node<'d>,
    /// Half a sentence: "must be a list, but is a map".
    pub(super) complaint: String,
}

/// A field that its type does not have.
pub(super) struct UnknownField<'d> {
    /// The place that it is in.
    pub(super) place: usize,
    pub(super) entry: Entry<'d>,
    /// The field of that name which other versions of Kubernetes have.
    pub(super) other_version: Option<&'static Field>,
}

/// Everything that is wrong in a document, by position.
pub(super) struct Faults<'d> {
    pub(super) trail: Trail<'d>,
    pub(super) wrong: Vec<WrongValue<'d>>,
    pub(super) unknown: Vec<UnknownField<'d>>,
}

/// Compares a document with the type of its kind in a minor version that the table covers.
pub(super) fn walk(document: &Document, root: TypeId, minor: u8) -> Faults<'_> {
    let mut walk = Walk {
        minor,
        stack: Vec::new(),
        faults: Faults {
            trail: Trail(Vec::new()),
            wrong: Vec::new(),
            unknown: Vec::new(),
        },
    };
    let ty = Type::Struct(root);
    let place = walk.faults.trail.enter(0, Step::Key(""), ty);
    walk.stack.push((document.root(), ty, place));
    while let Some((node, ty, place)) = walk.stack.pop() {
        walk.enter(node, ty, place);
    }
    let mut faults = walk.faults;
    // The stack visits the last value first.
    faults.wrong.sort_by_key(|wrong| wrong.value.number());
    faults.unknown.sort_by_key(|field| field.entry.key_number());
    faults
}

struct Walk<'d> {
    minor: u8,
    /// The lists and maps to enter, each with its type and place.
    stack: Vec<(Node<'d>, Type, usize)>,
    faults: Faults<'d>,
}

impl<'d> Walk<'d> {
    fn enter(&mut self, node: Node<'d>, ty: Type, place: usize) {
        let schema = Schema::embedded();
        match ty {
            Type::Struct(of) => {
                for entry in node.entries() {
                    match schema.field(of, entry.key) {
                        Some(field) if self.has(field) => {
                            self.value(place, Step::Key(entry.key), entry.value, field.ty);
                        }
                        other_version => self.faults.unknown.push(UnknownField {
                            place,
                            entry,
                            other_version,
                        }),
                    }
                }
            }
            Type::Map(inner) => {
                let ty = schema.resolve(inner);
                for entry in node.entries() {
                    self.value(place, Step::Key(entry.key), entry.value, ty);
                }
            }
            Type::List(inner) => {
                let ty = schema.resolve(inner);
                for (index, element) in node.elements().enumerate() {
                    self.value(place, Step::Index(index), element, ty);
                }
            }
            _ => {}
        }
    }

    /// True if the version has a field.
    fn has(&self, field: &Field) -> bool {
        field.since.is_none_or(|since| since <= self.minor)
            && field.until.is_none_or(|until| until >= self.minor)
    }

    fn value(&mut self, place: usize, segment: Step<'d>, value: Node<'d>, ty: Type) {
        match value_type::fit(value, ty) {
            Fit::Whole => {}
            Fit::Parts => {
                let inner = self.faults.trail.enter(place, segment, ty);
                self.stack.push((value, ty, inner));
            }
            Fit::Wrong => self.faults.wrong.push(WrongValue {
                place,
                segment,
                value,
                complaint: value_type::complaint(value, ty),
            }),
        }
    }
}
