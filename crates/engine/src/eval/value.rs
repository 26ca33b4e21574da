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

/// A value as two words, which functions return in registers: a value that is written to memory in
/// parts and read as a whole waits for the writes. The evaluator returns and keeps values in this
/// form, and matches on the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedValue(u64, u64);

/// The tag of [`Value::Node`], the most frequent one.
const NODE: u32 = 4;

impl PackedValue {
    pub(super) const UNDEFINED: Self = Self(0, 0);
    pub(super) const NULL: Self = Self(1, 0);

    #[inline]
    fn new(tag: u32, first: u32, second: u64) -> Self {
        Self(u64::from(tag) | u64::from(first) << 32, second)
    }

    #[inline]
    pub(super) fn is_undefined(self) -> bool {
        self.0 == 0
    }

    /// The value that is a node of the document.
    #[inline]
    pub(super) fn of_node(node: u32) -> Self {
        Self::new(NODE, node, 0)
    }

    /// The node, if the value is one of the document.
    #[inline]
    pub(super) fn node(self) -> Option<u32> {
        let (tag, node) = halves(self.0);
        (tag == NODE).then_some(node)
    }

    #[inline]
    pub(super) fn unpack(self) -> Value {
        let (tag, first) = halves(self.0);
        let second = self.1;
        match tag {
            1 => Value::Null,
            2 => Value::Bool(first != 0),
            3 => Value::Int(second.cast_signed()),
            NODE => Value::Node(first),
            5 => {
                let (start, len) = halves(second);
                Value::Substring {
                    node: first,
                    start,
                    len,
                }
            }
            6 => Value::Constant(first),
            7 => Value::Scratch {
                start: first,
                len: halves(second).0,
            },
            8 => Value::Param(first),
            9 => Value::ParamItem {
                param: first,
                item: halves(second).0,
            },
            10 => Value::Static(StaticStr::numbered(first)),
            11 => Value::EmptyList,
            12 => Value::EmptyMap,
            _ => Value::Undefined,
        }
    }
}

/// The lower and the upper half of a word.
#[inline]
fn halves(word: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    (
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    )
}

impl Value {
    #[inline]
    pub(super) fn pack(self) -> PackedValue {
        match self {
            Self::Undefined => PackedValue::UNDEFINED,
            Self::Null => PackedValue::NULL,
            Self::Bool(boolean) => PackedValue::new(2, u32::from(boolean), 0),
            Self::Int(number) => PackedValue::new(3, 0, number.cast_unsigned()),
            Self::Node(node) => PackedValue::of_node(node),
            Self::Substring { node, start, len } => {
                PackedValue::new(5, node, u64::from(start) | u64::from(len) << 32)
            }
            Self::Constant(index) => PackedValue::new(6, index, 0),
            Self::Scratch { start, len } => PackedValue::new(7, start, u64::from(len)),
            Self::Param(param) => PackedValue::new(8, param, 0),
            Self::ParamItem { param, item } => PackedValue::new(9, param, u64::from(item)),
            Self::Static(string) => PackedValue::new(10, string as u32, 0),
            Self::EmptyList => PackedValue::new(11, 0, 0),
            Self::EmptyMap => PackedValue::new(12, 0, 0),
        }
    }
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
    /// In the order of their numbers.
    const ALL: [Self; 9] = [
        Self::Empty,
        Self::Containers,
        Self::InitContainers,
        Self::EphemeralContainers,
        Self::Volumes,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Connect,
    ];

    fn numbered(number: u32) -> Self {
        let string = Self::ALL.get(number as usize);
        string.copied().unwrap_or(Self::Empty)
    }

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
    pub(super) key: PackedValue,
    pub(super) value: PackedValue,
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
        key: PackedValue::UNDEFINED,
        value: PackedValue::UNDEFINED,
        list: StaticStr::Empty,
        index: 0,
        version: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        let values = [
            Value::Undefined,
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Int(-1),
            Value::Int(i64::MAX),
            Value::Node(u32::MAX),
            Value::Substring {
                node: u32::MAX,
                start: 1,
                len: u32::MAX - 1,
            },
            Value::Constant(7),
            Value::Scratch {
                start: u32::MAX,
                len: 3,
            },
            Value::Param(u32::MAX),
            Value::ParamItem {
                param: 1,
                item: u32::MAX,
            },
            Value::EmptyList,
            Value::EmptyMap,
        ];
        for value in values {
            assert_eq!(value.pack().unpack(), value);
        }
        for string in StaticStr::ALL {
            assert_eq!(Value::Static(string).pack().unpack(), Value::Static(string));
        }
    }
}
