//! The parts of the table as plain data. Names are borrowed from the text of the table and ids are
//! small numbers, so that a copy is cheap. Nothing here is looked up: an id is valid only for the
//! `Schema` that it comes from.

/// The id of a struct. It is valid only for its own [`super::Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub(super) u16);

/// The type of the elements of a list or map; [`super::Schema::resolve`] returns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeRef(pub(super) u16);

/// The type of a field, as the API server writes it for admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A string.
    String,
    /// A boolean.
    Bool,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A floating-point number.
    Number,
    /// A quantity, such as `100m`: a string at admission; in a file it may be a number.
    Quantity,
    /// A number or a string, such as a port.
    IntOrString,
    /// A point in time: a string as in RFC 3339.
    Time,
    /// Bytes: a string in base64.
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

/// The types that have no parts, by their names in the table.
pub(super) const PLAIN_TYPES: &[(&str, Type)] = &[
    ("string", Type::String),
    ("bool", Type::Bool),
    ("int32", Type::Int32),
    ("int64", Type::Int64),
    ("number", Type::Number),
    ("quantity", Type::Quantity),
    ("intOrString", Type::IntOrString),
    ("time", Type::Time),
    ("bytes", Type::Bytes),
    ("any", Type::Any),
];

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key in JSON.
    pub name: &'static str,
    /// The type of its value if that is not null.
    pub ty: Type,
    /// True if the OpenAPI of the newest version requires it.
    pub required: bool,
    /// True if a field that is absent or null in a file has its zero value (`""`, `0`, `{}`) or its
    /// default at admission: an object at admission always has it, and never as null. Not set for a
    /// field that the newest version lacks.
    pub defaulted: bool,
    /// True if a field that is absent or null in a file may be null at admission: lists, maps and
    /// pointers that Go writes even if they are empty. An absent field that is neither this nor
    /// `defaulted` is absent at admission.
    pub nullable: bool,
    /// True if a null element of this list, or null value of this map, stays null. In other lists
    /// and maps it becomes a zero value.
    pub keeps_null_items: bool,
    /// The first covered minor version that has it (33 for 1.33); `None` if the oldest has it.
    pub since: Option<u8>,
    /// The last covered minor version that has it; `None` if the newest has it.
    pub until: Option<u8>,
    pub(super) keys: &'static str,
    pub(super) values: &'static str,
}

impl Field {
    /// The fields that tell the elements of this list apart; none for a plain list.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        split_list(self.keys)
    }

    /// The values that this string, or each string of this list, may have in the newest version;
    /// none if it may have any.
    pub fn values(&self) -> impl Iterator<Item = &'static str> {
        split_list(self.values).map(|value| if value == "\"\"" { "" } else { value })
    }
}

fn split_list(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').filter(|item| !item.is_empty())
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
    /// The resource that serves it, such as `deployments`.
    pub plural: &'static str,
    /// True if its objects are namespaced.
    pub namespaced: bool,
    /// The type of its objects.
    pub root: TypeId,
    /// The first covered minor version that serves it; `None` if the oldest does.
    pub since: Option<u8>,
    /// The last covered minor version that serves it; `None` if the newest does.
    pub until: Option<u8>,
}

impl KindInfo {
    /// The `apiVersion` of its objects, such as `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// A step of a path into a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaStep<'a> {
    /// A field of a struct, or a key of a map.
    Field(&'a str),
    /// Any element of a list, or any value of a map.
    Any,
}

/// The type at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldType {
    /// The type.
    pub ty: Type,
    /// True if the value may be null at admission. Whether it exists is another question.
    pub nullable: bool,
    /// The first covered minor version that has the whole path; `None` if the oldest has it.
    pub since: Option<u8>,
    /// The last covered minor version that has the whole path; `None` if the newest has it.
    pub until: Option<u8>,
}
