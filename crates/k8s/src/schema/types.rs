//! What the table is made of, as plain data. Names are borrowed from the table's text and ids are small numbers, so that
//! everything here is cheap to copy. It looks nothing up: ids mean something to the `Schema` they came from alone.

/// A struct of the table. An id of one [`super::Schema`] says nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub(super) u16);

/// What a list or a map holds; [`super::Schema::resolve`] tells the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeRef(pub(super) u16);

/// What a field holds, as the API server writes it for admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Text.
    String,
    /// True or false.
    Bool,
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A floating-point number.
    Number,
    /// A quantity, such as `100m`: text at admission; in a file it may be a number.
    Quantity,
    /// A number or text, such as a port.
    IntOrString,
    /// A point in time: text as in RFC 3339.
    Time,
    /// Bytes: text in base64.
    Bytes,
    /// Any JSON.
    Any,
    /// A list.
    List(TypeRef),
    /// A map with keys of any name.
    Map(TypeRef),
    /// An object with fields of known names.
    Struct(TypeId),
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key in JSON.
    pub name: &'static str,
    /// What it holds where it is not null.
    pub ty: Type,
    /// Whether the newest version's OpenAPI requires it.
    pub required: bool,
    /// Absent or given as null, it arrives at admission as its zero value (`""`, `0`, `{}`), or as its default: an object
    /// at admission always has it, and never as null. It is not said of a field that the newest version lacks.
    pub defaulted: bool,
    /// Absent or given as null, it may arrive at admission as null: lists, maps and pointers that Go writes even where
    /// they are empty. An absent field that is neither this nor `defaulted` is absent at admission.
    pub nullable: bool,
    /// A null given as an element of this list, or as a value of this map, stays null. In others it becomes a zero value.
    pub keeps_null_items: bool,
    /// The first covered minor version that has it (33 for 1.33); `None` where even the oldest has.
    pub since: Option<u8>,
    /// The last covered minor version that has it; `None` where the newest has.
    pub until: Option<u8>,
    pub(super) keys: &'static str,
    pub(super) values: &'static str,
}

impl Field {
    /// The fields that tell the elements of this list apart; none where it is a plain list.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        words(self.keys)
    }

    /// The values that this string, or each string of this list, may have in the newest version; none where any may be.
    pub fn values(&self) -> impl Iterator<Item = &'static str> {
        words(self.values).map(|value| if value == "\"\"" { "" } else { value })
    }
}

fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',').filter(|word| !word.is_empty())
}

/// A kind in one API version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindInfo {
    /// The API group, empty for the core kinds.
    pub group: &'static str,
    /// The API version, such as `v1`.
    pub version: &'static str,
    /// The kind, such as `Deployment`.
    pub name: &'static str,
    /// The resource that it is served as, such as `deployments`.
    pub plural: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// The type of its objects.
    pub root: TypeId,
    /// The first covered minor version that serves it; `None` where even the oldest does.
    pub since: Option<u8>,
    /// The last covered minor version that serves it; `None` where the newest does.
    pub until: Option<u8>,
}

/// A step of a path into a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaStep<'a> {
    /// A field of a struct, or a key of a map.
    Field(&'a str),
    /// Any element of a list, or any value of a map.
    Any,
}

/// What stands at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldType {
    /// What it holds.
    pub ty: Type,
    /// Whether it may be null at admission. Whether it is there at all is another question.
    pub nullable: bool,
    /// The first covered minor version that has the whole path; `None` where even the oldest has.
    pub since: Option<u8>,
    /// The last covered minor version that has the whole path; `None` where the newest has.
    pub until: Option<u8>,
}
