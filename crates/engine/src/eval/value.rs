//! What a term can be. No references inside: texts are places in the document, the program, the params or the scratch
//! text, so that values can be kept between questions without being borrowed.

/// A value, or undefined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Undefined,
    Null,
    Bool(bool),
    /// A number of the program: a constant, a count, a place.
    Int(i64),
    /// A node of the document.
    Node(u32),
    /// A part of a text of the document: bytes of the text of a node.
    Substring {
        node: u32,
        start: u32,
        len: u32,
    },
    /// A text of the program, by its term.
    Constant(u32),
    /// A text that was made, in the scratch text.
    Scratch {
        start: u32,
        len: u32,
    },
    /// A param: a text or a list of texts.
    Param(u32),
    /// An element of a param.
    ParamItem {
        param: u32,
        item: u32,
    },
    /// One of the words of `FIXED`.
    Static(StaticStr),
    EmptyList,
    EmptyMap,
}

/// Texts that belong to nobody.
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
    pub(super) fn text(self) -> &'static str {
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

/// Where a binder stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoopState {
    pub(super) key: Value,
    pub(super) value: Value,
    /// Of a container or volume: its list, and its place in it.
    pub(super) list: StaticStr,
    pub(super) place: u32,
    /// When it came there; later is larger.
    pub(super) epoch: u32,
}

impl LoopState {
    pub(super) const UNBOUND: Self = Self {
        key: Value::Undefined,
        value: Value::Undefined,
        list: StaticStr::Empty,
        place: 0,
        epoch: 0,
    };
}
