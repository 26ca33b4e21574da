//! A document as Kubernetes sees it: which object it is, and where a field path ends in it.
//!
//! The only place that resolves a [`FieldPath`], so that a report, a mask and a decision mean the
//! same value by the same path. It says nothing about what a kind may hold.

use super::{
    node::{Node, Value},
    tape::Tape,
};
use kubevet_model::{FieldPath, ObjectId, Origin, Position, Segment, SourceLine};
use std::{fmt, sync::Arc};

/// One object, with the text it was read from. A clone copies a pointer.
#[derive(Clone)]
pub struct Document {
    tape: Arc<Tape>,
    root: usize,
}

/// The end of a field path in a document, or of as much of it as exists.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'d> {
    /// The position of the last segment that exists: of the key, for a field; of the element, for
    /// an index; of the document, where no segment exists.
    pub position: Position,
    /// The number of segments that exist.
    pub found: usize,
    /// The value at the end of the path; `None` where the path does not exist to its end.
    pub value: Option<Node<'d>>,
}

impl Document {
    pub(super) fn new(tape: Arc<Tape>, root: usize) -> Self {
        Self { tape, root }
    }

    pub(super) fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(&self.tape, self.root)
    }

    /// A value by its number ([`Node::number`]), of this document or of another part of the same
    /// file; `null` where there is none.
    #[must_use]
    #[inline]
    pub fn node(&self, number: u32) -> Node<'_> {
        Node::new(&self.tape, number as usize)
    }

    /// A value inside this document as a document of its own; `None` for a value of another file.
    #[must_use]
    pub fn part(&self, node: Node<'_>) -> Option<Self> {
        node.is_on(&self.tape)
            .then(|| Self::new(Arc::clone(&self.tape), node.index()))
    }

    /// The file it was read from, as the user named it; `-` is standard input.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.tape.backing.source.file
    }

    /// The number of bytes of the text that it keeps in memory: of its whole file, which parts share.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.tape.backing.source.text.len()
    }

    /// The beginning of the root.
    #[must_use]
    pub fn position(&self) -> Position {
        self.root().position()
    }

    /// The file and the beginning of the root.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::of_document(self.file(), self.position())
    }

    /// The identity of the object; a part that is absent or no string is empty.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        let root = self.root();
        let string = |node: Option<Node<'_>>, key: &str| {
            node.and_then(|node| node.get(key))
                .and_then(Node::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let metadata = root.get("metadata");
        let mut name = string(metadata, "name");
        if name.is_empty() {
            name = string(metadata, "generateName");
            if !name.is_empty() {
                name.push('*');
            }
        }
        ObjectId {
            api_version: string(Some(root), "apiVersion"),
            kind: string(Some(root), "kind"),
            namespace: string(metadata, "namespace"),
            name,
        }
    }

    /// The path of the value, or of the key, at a position; `None` if nothing begins there. It
    /// visits every node.
    #[must_use]
    pub fn path_at(&self, position: Position) -> Option<FieldPath> {
        let mut segments = Vec::new();
        find_position(self.root(), position, &mut segments).then(|| {
            let root = FieldPath::default();
            segments.iter().fold(root, |path, segment| match segment {
                Segment::Index(index) => path.index(*index as usize),
                Segment::Field(key) | Segment::Key(key) => path.key(key),
            })
        })
    }

    /// The end of a path, or of its deepest ancestor that exists.
    #[must_use]
    pub fn resolve(&self, path: &FieldPath) -> Resolved<'_> {
        let (mut node, mut anchor, mut found) = (self.root(), self.root(), 0);
        let mut is_whole = true;
        for segment in path.segments() {
            let Some(child) = node.child(segment) else {
                is_whole = false;
                break;
            };
            (node, anchor) = (child.value, child.anchor);
            found += 1;
        }
        Resolved {
            // A position costs a search in the text, so only the last one is computed.
            position: anchor.position(),
            found,
            value: is_whole.then_some(node),
        }
    }

    /// The lines of the file from one number to another, both included; a long line is truncated,
    /// and at most a thousand lines are returned.
    #[must_use]
    pub fn lines(&self, from: u32, to: u32) -> Vec<SourceLine> {
        self.tape.backing.source.lines(from, to)
    }
}

/// Searches a value, and its parts, for the one at a position; true if `segments` lead to it. Of a
/// map and its first key at one position, the map is found.
fn find_position<'d>(node: Node<'d>, position: Position, segments: &mut Vec<Segment<'d>>) -> bool {
    if node.position() == position {
        return true;
    }
    for entry in node.entries() {
        segments.push(Segment::Key(entry.key));
        if entry.key_position() == position || find_position(entry.value, position, segments) {
            return true;
        }
        segments.pop();
    }
    for (index, element) in (0..).zip(node.elements()) {
        segments.push(Segment::Index(index));
        if find_position(element, position, segments) {
            return true;
        }
        segments.pop();
    }
    false
}

impl fmt::Debug for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{} {:?}", self.file(), self.position(), self.root())
    }
}

/// The value of one segment of a path.
#[derive(Debug, Clone, Copy)]
pub struct Child<'a> {
    /// The value.
    pub value: Node<'a>,
    /// The node where the segment is written: the key of a map, the element of a list.
    anchor: Node<'a>,
}

impl<'a> Node<'a> {
    /// The value of one segment of a field path; `None` where there is none.
    ///
    /// The text form of a path does not tell a map's key of digits from an index, so the value
    /// decides: a map is searched for the key that a segment spells, and a list takes an index from
    /// anything in brackets.
    #[must_use]
    pub fn child(self, segment: Segment<'_>) -> Option<Child<'a>> {
        let index = match (self.value(), segment) {
            (Value::Map, segment) => {
                let entry = self.entry(&segment.key())?;
                return Some(Child {
                    value: entry.value,
                    anchor: entry.key_node(),
                });
            }
            (Value::List, Segment::Index(index)) => index as usize,
            (Value::List, Segment::Key(key)) => key.parse().ok()?,
            _ => return None,
        };
        let value = self.at(index)?;
        Some(Child {
            value,
            anchor: value,
        })
    }
}
