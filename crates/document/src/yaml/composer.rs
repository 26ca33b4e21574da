//! Composes the events of one YAML document into nodes of the tape: keys as strings, aliases
//! expanded, merge keys marked.

use super::{
    go_float::{float_key, float_text},
    resolve_scalar::{self, Scalar, Tag},
};
use crate::{
    builder::Builder,
    outcome::ParseError,
    tape::{Kind, Raw},
};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use std::{borrow::Cow, collections::HashMap, ops::Range};

/// The message for a key that is a list or map.
const COLLECTION_AS_KEY: &str =
    "a list or map cannot be a key in Kubernetes; write the key as a string";

/// Composes one document.
pub(super) struct Composer<'l, 't> {
    builder: &'l mut Builder<'t>,
    text: &'l str,
    range: Range<usize>,
    open: Vec<Open>,
    /// The anchors, by the number that the parser gives them; `None` while the value is open.
    anchors: HashMap<usize, Option<Anchor>>,
}

/// An open list or map.
struct Open {
    node: usize,
    kind: Kind,
    /// In a map: true if the next node is a value.
    value_next: bool,
    /// The number of its anchor; 0 for none.
    anchor: usize,
}

/// A value that an alias can repeat.
struct Anchor {
    nodes: Vec<Raw>,
    /// The nesting of its lists and maps.
    depth: usize,
    /// Its meaning as a key.
    key: MapKey,
}

/// An anchored value as a key.
enum MapKey {
    /// The string itself: repeated as any value, and never copied.
    Same,
    /// The key that a number, boolean or null becomes.
    Text(String),
    /// The error: it cannot be a key.
    Invalid(String),
}

impl<'l, 't> Composer<'l, 't> {
    pub(super) fn new(builder: &'l mut Builder<'t>, text: &'l str, range: Range<usize>) -> Self {
        Self {
            builder,
            text,
            range,
            open: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    /// Reads the document to its end. An empty document writes nothing.
    pub(super) fn load(mut self) -> Result<(), ParseError> {
        let depth = self.builder.depth_limit();
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: depth + 1,
            block_nesting_limit: depth + 1,
        };
        let text = self.text.get(self.range.clone()).unwrap_or_default();
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let at = self.offset(&span);
            match event {
                Event::Scalar(value, style, anchor, tag) => {
                    self.scalar(at, &span, &value, style, anchor, tag.as_deref())?;
                }
                Event::SequenceStart(_, anchor, _) => self.open(at, Kind::List, anchor)?,
                Event::MappingStart(_, anchor, _) => self.open(at, Kind::Map, anchor)?,
                Event::SequenceEnd | Event::MappingEnd => self.close(at)?,
                Event::Alias(anchor) => self.alias(at, anchor)?,
                Event::UnresolvedAlias(_) => {
                    return Err(ParseError::new(at, "this alias has no anchor"));
                }
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(ParseError::new(
                            at,
                            "a second document begins here without `---` at the start of a line",
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        at: usize,
        span: &Span,
        value: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
    ) -> Result<(), ParseError> {
        let is_key = self.begin_node();
        let meaning = match tag {
            None if style == ScalarStyle::Plain => resolve_scalar::resolve(Tag::Untagged, value),
            None => Ok(Scalar::String(Cow::Borrowed(value))),
            Some(tag) => resolve_scalar::resolve(known_tag(tag), value),
        };
        let meaning = meaning.map_err(|message| ParseError::new(at, message))?;
        if anchor != 0 {
            let node = self.builder.len();
            self.write(at, span, value, &meaning)?;
            let nodes = self.builder.node(node).into_iter().collect();
            let key = match &meaning {
                Scalar::String(_) => MapKey::Same,
                _ => key_text(&meaning)
                    .map_or_else(MapKey::Invalid, |text| MapKey::Text(text.into_owned())),
            };
            self.anchors.insert(
                anchor,
                Some(Anchor {
                    nodes,
                    depth: 0,
                    key,
                }),
            );
            if !is_key {
                return Ok(());
            }
            self.builder.truncate(node);
        }
        if !is_key {
            return self.write(at, span, value, &meaning);
        }
        match &meaning {
            Scalar::String(text) => self.write_string(at, span, value, text)?,
            _ => {
                let text = key_text(&meaning).map_err(|message| ParseError::new(at, message))?;
                self.builder.copied(at, Kind::String, &text)?;
            }
        }
        self.builder.mark_key();
        // Go's reader takes a bare `!` for a plain scalar here, and for a string everywhere else.
        let merges = match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) => is_core(tag, "merge") || tag.handle().is_empty() && tag.suffix() == "!",
        };
        if merges && value == "<<" {
            self.builder.mark_merge_key();
        }
        Ok(())
    }

    /// Writes a scalar as a value.
    fn write(
        &mut self,
        at: usize,
        span: &Span,
        value: &str,
        meaning: &Scalar<'_>,
    ) -> Result<(), ParseError> {
        match meaning {
            Scalar::Null => self.builder.scalar(at, Kind::Null),
            Scalar::Bool(true) => self.builder.scalar(at, Kind::True),
            Scalar::Bool(false) => self.builder.scalar(at, Kind::False),
            Scalar::Int(digits) => match self.find(span, value, digits) {
                Some(start) => self
                    .builder
                    .borrowed(at, Kind::Number, start, start + digits.len()),
                None => self.builder.copied(at, Kind::Number, digits),
            },
            Scalar::Float(float) => match float_text(*float) {
                Some(text) => self.builder.copied(at, Kind::Number, &text),
                None => Err(ParseError::new(
                    at,
                    format!("`{value}` is not a number in JSON; write a finite one, or quote it"),
                )),
            },
            Scalar::String(text) => self.write_string(at, span, value, text),
        }
    }

    fn write_string(
        &mut self,
        at: usize,
        span: &Span,
        value: &str,
        text: &str,
    ) -> Result<(), ParseError> {
        match self.find(span, value, text) {
            Some(start) => self
                .builder
                .borrowed(at, Kind::String, start, start + text.len()),
            None => self.builder.copied(at, Kind::String, text),
        }
    }

    /// Finds the offset at which a scalar is in the text as it reads; `None` if it has escapes,
    /// folded lines or another form.
    fn find(&self, span: &Span, value: &str, text: &str) -> Option<usize> {
        if text.len() != value.len() {
            return None;
        }
        // Mostly the parser borrows from the text or copies a part of it unchanged.
        let lent = (value.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        let copied = span
            .start
            .byte_offset()
            .map(|start| self.range.start + start);
        let is_text_at = |start: &usize| self.text.get(*start..*start + text.len()) == Some(text);
        lent.filter(|start| *start < self.range.end)
            .filter(is_text_at)
            .or(copied.filter(is_text_at))
    }

    fn open(&mut self, at: usize, kind: Kind, anchor: usize) -> Result<(), ParseError> {
        if self.begin_node() {
            return Err(ParseError::new(at, COLLECTION_AS_KEY));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        let node = self.builder.len();
        self.builder.open(at, kind)?;
        self.open.push(Open {
            node,
            kind,
            value_next: false,
            anchor,
        });
        Ok(())
    }

    fn close(&mut self, at: usize) -> Result<(), ParseError> {
        self.builder.close()?;
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        if open.anchor != 0 {
            let (nodes, depth) = self.builder.subtree(at, open.node)?;
            let key = MapKey::Invalid(COLLECTION_AS_KEY.to_owned());
            self.anchors
                .insert(open.anchor, Some(Anchor { nodes, depth, key }));
        }
        Ok(())
    }

    fn alias(&mut self, at: usize, anchor: usize) -> Result<(), ParseError> {
        let is_key = self.begin_node();
        let Some(Some(anchor)) = self.anchors.get(&anchor) else {
            return Err(ParseError::new(
                at,
                "this alias is inside the value that it names; write the value out",
            ));
        };
        if !is_key {
            return self.builder.repeat(at, &anchor.nodes, anchor.depth);
        }
        match &anchor.key {
            MapKey::Same => self.builder.repeat(at, &anchor.nodes, anchor.depth)?,
            MapKey::Text(text) => self.builder.copied(at, Kind::String, text)?,
            MapKey::Invalid(message) => return Err(ParseError::new(at, message.clone())),
        }
        self.builder.mark_key();
        Ok(())
    }

    /// Registers the next node. True if it is a key.
    fn begin_node(&mut self) -> bool {
        match self.open.last_mut() {
            Some(open) if open.kind == Kind::Map => {
                open.value_next = !open.value_next;
                open.value_next
            }
            Some(_) => {
                self.builder.count_element();
                false
            }
            None => false,
        }
    }

    fn offset(&self, span: &Span) -> usize {
        self.range.start + span.start.byte_offset().unwrap_or_default()
    }

    fn syntax(&self, error: &ScanError) -> ParseError {
        let at = self.range.start + error.marker().byte_offset().unwrap_or_default();
        ParseError::new(at, format!("invalid YAML: {}", error.info()))
    }
}

/// Returns a scalar as a key, as Go's reader converts it.
fn key_text<'s>(meaning: &'s Scalar<'_>) -> Result<Cow<'s, str>, String> {
    match meaning {
        Scalar::String(text) => Ok(Cow::Borrowed(text)),
        Scalar::Bool(truth) => Ok(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Scalar::Int(digits) if digits.parse::<i64>().is_ok() => Ok(Cow::Borrowed(digits)),
        Scalar::Int(_) => Err("this key is too large a number for Kubernetes; quote it".to_owned()),
        Scalar::Float(float) => Ok(Cow::Owned(float_key(*float))),
        Scalar::Null => Err(
            "a key cannot be null in Kubernetes; quote it, or write one before the colon"
                .to_owned(),
        ),
    }
}

/// The tag that decides the type of a scalar.
fn known_tag(tag: &granit_parser::Tag) -> Tag {
    for (name, known) in [
        ("null", Tag::Null),
        ("bool", Tag::Bool),
        ("int", Tag::Int),
        ("float", Tag::Float),
        ("binary", Tag::Binary),
    ] {
        if is_core(tag, name) {
            return known;
        }
    }
    Tag::Text
}

/// True if a tag is `!!name`, in any spelling.
fn is_core(tag: &granit_parser::Tag, name: &str) -> bool {
    tag.suffix_in_namespace("tag:yaml.org,2002:")
        .is_some_and(|suffix| suffix == name)
}
