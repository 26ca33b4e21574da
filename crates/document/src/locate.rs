//! A document as Kubernetes sees it: which object it is, and where a field path stands in it.

use super::{
    node::{Node, Value},
    tape::Tape,
};
use kubevet_model::{FieldPath, ObjectId, Position, Segment, SourceLine};
use std::{fmt, sync::Arc};

/// One object, with the text it was read from. A clone is cheap.
#[derive(Clone)]
pub struct Document {
    tape: Arc<Tape>,
    root: usize,
}

/// Where a path stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Of the key, for a field; of the element, for one of a list; of the document, where nothing of the path exists.
    pub position: Position,
    /// How many steps of the path exist.
    pub found: usize,
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

    /// A value by its number ([`Node::number`]), of this document or of another part of the same file; `null` where there
    /// is none.
    #[must_use]
    #[inline]
    pub fn node(&self, number: u32) -> Node<'_> {
        Node::new(&self.tape, number as usize)
    }

    /// A value inside it as a document of its own; `None` for a value of another file.
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

    /// Where its root begins.
    #[must_use]
    pub fn position(&self) -> Position {
        self.root().position()
    }

    /// Its identity; what is absent, or no string, is empty.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        let root = self.root();
        let text = |node: Option<Node<'_>>, key: &str| {
            node.and_then(|node| node.get(key))
                .and_then(Node::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let metadata = root.get("metadata");
        let mut name = text(metadata, "name");
        if name.is_empty() {
            name = text(metadata, "generateName");
            if !name.is_empty() {
                name.push('*');
            }
        }
        ObjectId {
            api_version: text(Some(root), "apiVersion"),
            kind: text(Some(root), "kind"),
            namespace: text(metadata, "namespace"),
            name,
        }
    }

    /// Where a path stands, or the deepest ancestor of it that exists.
    #[must_use]
    pub fn locate(&self, path: &FieldPath) -> Location {
        let mut node = self.root();
        let mut place = Location {
            position: node.position(),
            found: 0,
        };
        for segment in path.segments() {
            let next = match (segment, node.value()) {
                (_, Value::Map(_)) => node
                    .entry(segment.text())
                    .map(|entry| (entry.key_position(), entry.value)),
                (Segment::Bracket(index), Value::List(_)) => index
                    .parse()
                    .ok()
                    .and_then(|index| node.at(index))
                    .map(|element| (element.position(), element)),
                _ => None,
            };
            let Some((position, value)) = next else { break };
            node = value;
            place = Location {
                position,
                found: place.found + 1,
            };
        }
        place
    }

    /// The lines of the file from one number to another, both included; long ones are cut, and a thousand are enough.
    #[must_use]
    pub fn lines(&self, from: u32, to: u32) -> Vec<SourceLine> {
        self.tape.backing.source.lines(from, to)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{} {:?}", self.file(), self.position(), self.root())
    }
}
