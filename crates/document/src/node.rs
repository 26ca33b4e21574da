//! A value inside a document. Every read access to a tape is here.

use super::{
    key_hash::{FieldKey, SearchKey},
    number::Number,
    tape::{INDEXED, Kind, OVERRIDDEN_KEY, Raw, Tape},
};
use kubevet_model::Position;
use std::{fmt, iter};

/// A value inside a document. A copy is two words.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    tape: &'a Tape,
    index: usize,
}

/// The value of a node.
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
    /// A list: [`Node::elements`].
    List,
    /// A map: [`Node::entries`].
    Map,
}

impl<'a> Node<'a> {
    #[inline]
    pub(super) fn new(tape: &'a Tape, index: usize) -> Self {
        Self { tape, index }
    }

    #[inline]
    pub(super) fn raw(self) -> Raw {
        self.tape
            .nodes
            .get(self.index)
            .copied()
            .unwrap_or(Raw::NULL)
    }

    pub(super) fn is_on(self, tape: &Tape) -> bool {
        std::ptr::eq(self.tape, tape)
    }

    pub(super) fn index(self) -> usize {
        self.index
    }

    /// The text of a string, number or key; a number in YAML has the digits that Kubernetes' reader
    /// would write.
    pub(super) fn text(self) -> &'a str {
        self.tape.string(self.raw())
    }

    /// The number of the node in its file; [`super::Document::node`] returns it. Two documents of
    /// one file have no node in common.
    #[must_use]
    #[inline]
    pub fn number(self) -> u32 {
        u32::try_from(self.index).unwrap_or(u32::MAX)
    }

    /// The value.
    #[must_use]
    #[inline]
    pub fn value(self) -> Value<'a> {
        let raw = self.raw();
        match raw.kind {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Number => Value::Number(Number::read(self.tape.string(raw))),
            Kind::String => Value::String(self.tape.string(raw)),
            Kind::List => Value::List,
            Kind::Map => Value::Map,
        }
    }

    /// The value of a key; of a repeated key, the last. `None` if this is not a map.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        self.find(SearchKey::new(key))
            .map(|found| Self::new(self.tape, found + 1))
    }

    /// As [`Node::get`], for a key that is looked up often.
    #[must_use]
    #[inline]
    pub fn field(self, key: &FieldKey) -> Option<Node<'a>> {
        self.find(key.search_key())
            .map(|found| Self::new(self.tape, found + 1))
    }

    /// The entry of a key, as [`Node::get`].
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'a>> {
        let found = Self::new(self.tape, self.find(SearchKey::new(key))?);
        Some(Entry {
            key: found.text(),
            value: Self::new(self.tape, found.index + 1),
            key_node: found,
        })
    }

    /// Finds a key, and returns its index on the tape.
    #[inline]
    fn find(self, wanted: SearchKey<'_>) -> Option<usize> {
        let hash = wanted.hash();
        let (root, rest) = self.tape.nodes.get(self.index..)?.split_first()?;
        if root.kind != Kind::Map {
            return None;
        }
        if root.is(INDEXED) {
            return self.find_indexed(*root, wanted.text);
        }
        if !root.may_contain(hash) {
            return None;
        }
        let inside = rest.get(..root.extent().saturating_sub(1))?;
        let mut left = inside;
        while let [key, value, after @ ..] = left {
            if key.hash == hash {
                let found = self.index + 1 + (inside.len() - left.len());
                return if self.matches_key(key, wanted) {
                    Some(found)
                } else {
                    self.find_by_comparison(wanted)
                };
            }
            // Most values are one node, so the common step needs no extent: the next load does not
            // wait for this one.
            left = if value.is_collection() {
                left.get(1 + value.extent()..)?
            } else {
                after
            };
        }
        None
    }

    /// True if a key is not overridden and has this text.
    #[inline]
    fn matches_key(self, key: &Raw, wanted: SearchKey<'_>) -> bool {
        key.len as usize == wanted.text.len()
            && !key.is(OVERRIDDEN_KEY)
            && wanted.is_at(self.tape.buffer(*key), key.start as usize)
    }

    /// As `find`, where a key has the hash but another text, or is overridden.
    #[cold]
    #[inline(never)]
    fn find_by_comparison(self, wanted: SearchKey<'_>) -> Option<usize> {
        self.keys()
            .find(|(_, key)| self.matches_key(key, wanted))
            .map(|(index, _)| index)
    }

    #[inline(never)]
    fn find_indexed(self, root: Raw, text: &str) -> Option<usize> {
        let index = self.tape.backing.indexes.get(root.len as usize)?;
        let found = index
            .binary_search_by(|distance| self.key_at(*distance).cmp(text))
            .ok()?;
        Some(self.index + *index.get(found)? as usize)
    }

    /// The element at an index, from 0. `None` if this is not a list.
    #[must_use]
    pub fn at(self, index: usize) -> Option<Node<'a>> {
        let raw = self.raw();
        if raw.kind == Kind::List && raw.is(INDEXED) {
            let distance = *self
                .tape
                .backing
                .indexes
                .get(raw.len as usize)?
                .get(index)?;
            return Some(Self::new(self.tape, self.index + distance as usize));
        }
        self.elements().nth(index)
    }

    /// The elements of a list, in order; none if this is not a list.
    #[inline]
    pub fn elements(self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let mut left = self.inside(Kind::List);
        let end = self.index + 1 + left.len();
        iter::from_fn(move || {
            let element = Self::new(self.tape, end - left.len());
            left = left.get(left.first()?.extent()..).unwrap_or_default();
            Some(element)
        })
    }

    /// The entries of a map in the order of the text; none if this is not a map. Of a repeated key,
    /// only the last.
    #[inline]
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.keys()
            .filter(|(_, raw)| !raw.is(OVERRIDDEN_KEY))
            .map(move |(index, raw)| {
                let (key_node, value) =
                    (Self::new(self.tape, index), Self::new(self.tape, index + 1));
                Entry {
                    key: self.tape.string(raw),
                    value,
                    key_node,
                }
            })
    }

    /// The number of elements of a list, or of keys of a map; a repeated key counts once. The keys
    /// of a short map are counted one by one. 0 for any other value.
    #[must_use]
    pub fn child_count(self) -> usize {
        let raw = self.raw();
        if raw.is(INDEXED) {
            return self
                .tape
                .backing
                .indexes
                .get(raw.len as usize)
                .map_or(0, Vec::len);
        }
        if raw.kind == Kind::List {
            raw.len as usize
        } else {
            self.entries().count()
        }
    }

    /// The keys of a map that a later key of the same name overrides, each with the position of
    /// that key; for readers that reject repeated keys.
    pub fn repeated(self) -> impl Iterator<Item = (&'a str, Position)> + use<'a> {
        self.keys()
            .filter(|(_, raw)| raw.is(OVERRIDDEN_KEY))
            .map(move |(index, _)| {
                let key = Self::new(self.tape, index);
                let counts = self
                    .entry(key.text())
                    .map_or_else(|| key.position(), |entry| entry.key_position());
                (key.text(), counts)
            })
    }

    /// The keys of a map and their indexes on the tape, overridden ones included; none if this is
    /// no map.
    #[inline]
    fn keys(self) -> impl Iterator<Item = (usize, Raw)> + use<'a> {
        let mut left = self.inside(Kind::Map);
        let end = self.index + 1 + left.len();
        iter::from_fn(move || {
            let [key, value, ..] = left else { return None };
            let index = end - left.len();
            left = left.get(1 + value.extent()..).unwrap_or_default();
            Some((index, *key))
        })
    }

    /// The string, if this is one.
    #[must_use]
    #[inline]
    pub fn as_str(self) -> Option<&'a str> {
        let raw = self.raw();
        (raw.kind == Kind::String).then(|| self.tape.string(raw))
    }

    /// The boolean, if this is one.
    #[must_use]
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        match self.raw().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The number, if this is one.
    #[must_use]
    #[inline]
    pub fn as_number(self) -> Option<Number<'a>> {
        let raw = self.raw();
        (raw.kind == Kind::Number).then(|| Number::read(self.tape.string(raw)))
    }

    /// The digits of a number as written; `None` if this is not a number.
    #[must_use]
    pub fn digits(self) -> Option<&'a str> {
        let raw = self.raw();
        (raw.kind == Kind::Number).then(|| self.tape.string(raw))
    }

    /// True if this is `null`.
    #[must_use]
    #[inline]
    pub fn is_null(self) -> bool {
        self.raw().kind == Kind::Null
    }

    /// True if this is a string.
    #[must_use]
    #[inline]
    pub fn is_string(self) -> bool {
        self.raw().kind == Kind::String
    }

    /// True if this is a list.
    #[must_use]
    #[inline]
    pub fn is_list(self) -> bool {
        self.raw().kind == Kind::List
    }

    /// True if this is a map.
    #[must_use]
    #[inline]
    pub fn is_map(self) -> bool {
        self.raw().kind == Kind::Map
    }

    /// The position of the value. A value that comes through a YAML alias has the position of the
    /// alias; a value inside it, that of its text.
    #[must_use]
    pub fn position(self) -> Position {
        self.tape.backing.source.position(self.raw().at as usize)
    }

    /// The nodes inside a list or map; none if this is not of the kind.
    #[inline]
    fn inside(self, kind: Kind) -> &'a [Raw] {
        match self
            .tape
            .nodes
            .get(self.index..)
            .and_then(<[Raw]>::split_first)
        {
            Some((raw, rest)) if raw.kind == kind => rest
                .get(..raw.extent().saturating_sub(1))
                .unwrap_or_default(),
            _ => &[],
        }
    }

    fn key_at(self, distance: u32) -> &'a str {
        Self::new(self.tape, self.index + distance as usize).text()
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

impl<'a> Entry<'a> {
    /// The key as a node: a string with a number of its own.
    #[must_use]
    #[inline]
    pub fn key_node(&self) -> Node<'a> {
        self.key_node
    }

    pub(super) fn key_index(&self) -> usize {
        self.key_node.index
    }

    pub(super) fn key_raw(&self) -> Raw {
        self.key_node.raw()
    }

    /// The number of the key as a node, see [`Node::number`].
    #[must_use]
    pub fn key_number(&self) -> u32 {
        self.key_node.number()
    }

    /// The position of the key. A key that comes through a YAML merge or alias has the position of
    /// its text.
    #[must_use]
    pub fn key_position(&self) -> Position {
        self.key_node.position()
    }
}
