//! A value inside a document: the only way to look at a tape.

use super::tape::{INDEXED, Kind, Raw, SHADOWED, Tape};
use crate::model::Position;
use std::{fmt, iter};

/// A value inside a document. A copy is two words.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tape: &'a Tape,
    index: usize,
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number<'a>),
    /// A string, unescaped.
    String(&'a str),
    /// A list.
    List(List<'a>),
    /// A map.
    Map(Map<'a>),
}

/// A number, read as the API server reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number<'a> {
    /// Written without fraction and exponent, and within 64 bits.
    Int(i64),
    /// Any other that a double can hold; integers may have lost digits.
    Float(f64),
    /// Beyond a double: the digits as written.
    Big(&'a str),
}

impl<'a> Number<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        if !text.bytes().any(|it| matches!(it, b'.' | b'e' | b'E'))
            && let Ok(int) = text.parse()
        {
            return Self::Int(int);
        }
        match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Self::Float(float),
            _ => Self::Big(text),
        }
    }
}

impl<'a> Node<'a> {
    pub(super) fn new(tape: &'a Tape, index: usize) -> Self {
        Self { tape, index }
    }

    pub(super) fn raw(self) -> Raw {
        const NULL: Raw = Raw { at: 0, start: 0, len: 0, kind: Kind::Null, flags: 0 };
        self.tape.nodes.get(self.index).copied().unwrap_or(NULL)
    }

    pub(super) fn is_on(self, tape: &Tape) -> bool {
        std::ptr::eq(self.tape, tape)
    }

    pub(super) fn index(self) -> usize {
        self.index
    }

    /// The digits of a number as written (in YAML: as Kubernetes' reader would write them).
    pub(super) fn text(self) -> &'a str {
        self.tape.string(self.raw())
    }

    /// What it is.
    #[must_use]
    pub fn value(self) -> Value<'a> {
        let raw = self.raw();
        match raw.kind {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Number => Value::Number(Number::read(self.tape.string(raw))),
            Kind::String => Value::String(self.tape.string(raw)),
            Kind::List => Value::List(List(self)),
            Kind::Map => Value::Map(Map(self)),
        }
    }

    /// The value of a key; the last one where a key is repeated. `None` where this is no map.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry of a key, as [`Node::get`].
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'a>> {
        let raw = self.raw();
        if raw.kind != Kind::Map {
            return None;
        }
        if !raw.is(INDEXED) {
            return self.entries().find(|entry| entry.key == key);
        }
        let index = self.tape.indexes.get(raw.len as usize)?;
        let found = index.binary_search_by(|distance| self.key_at(*distance).cmp(key)).ok()?;
        Some(self.entry_at(*index.get(found)?))
    }

    /// An element by its place, from 0. `None` where this is no list.
    #[must_use]
    pub fn at(self, place: usize) -> Option<Node<'a>> {
        let raw = self.raw();
        if raw.kind == Kind::List && raw.is(INDEXED) {
            let distance = *self.tape.indexes.get(raw.len as usize)?.get(place)?;
            return Some(Self::new(self.tape, self.index + distance as usize));
        }
        self.elements().nth(place)
    }

    /// The elements of a list, in order; none where this is no list.
    pub fn elements(self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let (mut next, end) = self.inside(Kind::List);
        iter::from_fn(move || {
            (next < end).then(|| {
                let element = Self::new(self.tape, next);
                next += element.raw().extent();
                element
            })
        })
    }

    /// The entries of a map in the order of the text; none where this is no map. Of a repeated key, only the last.
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let (mut next, end) = self.inside(Kind::Map);
        iter::from_fn(move || {
            while next < end {
                let key = Self::new(self.tape, next);
                let value = Self::new(self.tape, next + 1);
                next += 1 + value.raw().extent();
                if !key.raw().is(SHADOWED) {
                    return Some(Entry { key: key.text(), value, key_node: key });
                }
            }
            None
        })
    }

    /// The keys of a map that a later one of the same name makes void, each with the place of the key that counts; for
    /// readers that refuse repeated keys.
    pub fn repeated(self) -> impl Iterator<Item = (&'a str, Position)> + use<'a> {
        let (mut next, end) = self.inside(Kind::Map);
        iter::from_fn(move || {
            while next < end {
                let key = Self::new(self.tape, next);
                next += 1 + Self::new(self.tape, next + 1).raw().extent();
                if key.raw().is(SHADOWED) {
                    let counts = self.entry(key.text()).map_or_else(|| key.position(), |it| it.key_position());
                    return Some((key.text(), counts));
                }
            }
            None
        })
    }

    /// The text, where this is a string.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        let raw = self.raw();
        (raw.kind == Kind::String).then(|| self.tape.string(raw))
    }

    /// The truth, where this is a boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.raw().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// Where the value begins. What came through a YAML alias begins where the alias is used; what is inside it, where
    /// it is written.
    #[must_use]
    pub fn position(self) -> Position {
        self.tape.source.position(self.raw().at as usize)
    }

    fn inside(self, kind: Kind) -> (usize, usize) {
        let raw = self.raw();
        if raw.kind == kind { (self.index + 1, self.index + raw.extent()) } else { (0, 0) }
    }

    fn key_at(self, distance: u32) -> &'a str {
        Self::new(self.tape, self.index + distance as usize).text()
    }

    fn entry_at(self, distance: u32) -> Entry<'a> {
        let key = Self::new(self.tape, self.index + distance as usize);
        Entry { key: key.text(), value: Self::new(self.tape, key.index + 1), key_node: key }
    }

    /// The children of a list or map, shadowed ones left out.
    fn count(self) -> usize {
        let raw = self.raw();
        if raw.is(INDEXED) {
            return self.tape.indexes.get(raw.len as usize).map_or(0, Vec::len);
        }
        if raw.kind == Kind::List { raw.len as usize } else { self.entries().count() }
    }
}

impl fmt::Debug for Node<'_> {
    /// The JSON text.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_json(&mut text);
        out.write_str(&text)
    }
}

/// A key and its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key, unescaped.
    pub key: &'a str,
    /// Its value.
    pub value: Node<'a>,
    key_node: Node<'a>,
}

impl Entry<'_> {
    pub(super) fn key_index(&self) -> usize {
        self.key_node.index
    }

    pub(super) fn key_raw(&self) -> Raw {
        self.key_node.raw()
    }

    /// Where the key begins. A key that came through a YAML merge or alias begins where it is written.
    #[must_use]
    pub fn key_position(&self) -> Position {
        self.key_node.position()
    }
}

/// A list.
#[derive(Debug, Clone, Copy)]
pub struct List<'a>(Node<'a>);

impl<'a> List<'a> {
    /// How many elements it has.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.raw().extent() == 1
    }

    /// Its elements, in order.
    pub fn elements(self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        self.0.elements()
    }
}

/// A map.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a>(Node<'a>);

impl<'a> Map<'a> {
    /// How many keys it has, repeated ones counted once. Short maps are counted by walking.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.raw().extent() == 1
    }

    /// Its entries, as [`Node::entries`].
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.0.entries()
    }
}
