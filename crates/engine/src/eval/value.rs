//! The values of terms, and the state of loops.
//!
//! A value holds no reference. It names a node of the document, a term of the program, a param or a
//! range of the scratch buffer by number, so a memo can keep it without a borrow.

/// A value, or undefined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Undefined,
    Null,
    Bool(bool),
    /// A number that the program made: a literal, a count or an index.
    Int(i64),
    /// A node of the document.
    Node(u32),
    /// A substring of a node's string, in bytes.
    Substring {
        node: u32,
        start: u32,
        len: u32,
    },
    /// A string literal of the program, by the index of its term.
    Constant(u32),
    /// A computed string: a range of the scratch buffer, in bytes. Invalid once the buffer is
    /// recycled.
    Scratch {
        start: u32,
        len: u32,
    },
    /// A param: a string or a list of strings.
    Param(u32),
    /// An element of a param that is a list.
    ParamItem {
        param: u32,
        item: u32,
    },
    /// A string that is part of the engine.
    Static(StaticStr),
    EmptyList,
    EmptyMap,
}

/// The strings that are part of the engine: names of lists, operations and the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StaticStr {
    Empty,
    Containers,
    InitContainers,
    EphemeralContainers,
    Volumes,
    Create,
    Update,
    Delete,
    Connect,
}

impl StaticStr {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Containers => "containers",
            Self::InitContainers => "initContainers",
            Self::EphemeralContainers => "ephemeralContainers",
            Self::Volumes => "volumes",
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// The element that a binder is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoopState {
    pub(super) key: Value,
    pub(super) value: Value,
    /// The list of a container or volume; empty for other elements.
    pub(super) list: StaticStr,
    /// The index of a container or volume in its list.
    pub(super) index: u32,
    /// The time of the move to this element, on the clock of the scratch memory. Later moves have
    /// larger numbers; memos compare them.
    pub(super) version: u32,
}

impl LoopState {
    /// The state of a binder that is at no element.
    pub(super) const UNBOUND: Self = Self {
        key: Value::Undefined,
        value: Value::Undefined,
        list: StaticStr::Empty,
        index: 0,
        version: 0,
    };
}
