//! The language of programs.

use std::sync::Arc;

/// A term of a [`super::Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermId(pub u32);

/// A condition of a [`super::Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionId(pub u32);

/// A binder of a [`super::Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BinderId(pub u32);

impl TermId {
    /// Its place in tables over all terms.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ConditionId {
    /// Its place in tables over all conditions.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl BinderId {
    /// Its place in tables over all binders.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value written in a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Const {
    Null,
    Bool(bool),
    Int(i64),
    String(Arc<str>),
    /// `[]`, what `object.get` falls back to.
    EmptyList,
    /// `{}`.
    EmptyMap,
}

/// A value or undefined. Wherever a part is undefined the whole is, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// Nothing, whatever the object.
    Undefined,
    Const(Const),
    /// `input.object`.
    Object,
    /// `input.request.operation`, a text.
    Operation,
    /// `input.params.NAME`: a text or a list of texts; undefined where it is not set.
    Param(Arc<str>),
    /// `workload.pod_spec`: a map, empty where the object has none; undefined where the kind carries none.
    PodSpec,
    /// `workload.pod_metadata`, likewise: the object's own metadata for a Pod, else the template's.
    PodMetadata,
    /// `workload.pod_spec_path`, such as `spec.template.spec`.
    PodSpecPath,
    /// `workload.pod_metadata_path`.
    PodMetadataPath,
    /// The key of what a binder stands at: an index of a list or the key of a map. Not for containers and volumes.
    Key(BinderId),
    /// What a binder stands at. For containers and volumes it is what `collections.map` makes of the entry: a map
    /// always.
    Value(BinderId),
    /// Of a container or volume: its name, or its place (`containers[0]`) where it has none that is a text. Always a text.
    ElementName(BinderId),
    /// Of a container or volume: its path (`spec.template.spec.containers[0]`). Always a text.
    ElementPath(BinderId),
    /// Of a container: the list that it is in, `containers`, `initContainers` or `ephemeralContainers`.
    ListName(BinderId),
    /// The value under a key that is written out; undefined where the term is no map or lacks it.
    Field(TermId, Arc<str>),
    /// The element of a list at a number, the value of a map under a text; undefined otherwise.
    Index(TermId, TermId),
    /// The term where the condition holds, else undefined.
    Guard(ConditionId, TermId),
    /// The first of them that is defined.
    Coalesce(Box<[TermId]>),
    /// How many elements a list, keys a map, characters a text has; undefined for all else.
    Count(TermId),
    /// Texts and whole numbers, one after another. Undefined where a piece is undefined or neither.
    Concat(Box<[TermId]>),
    /// The term where it is a list, else an empty list; undefined where the term is.
    AsList(TermId),
    /// The term where it is a map, else an empty map; undefined where the term is.
    AsMap(TermId),
    /// A function of the shared library or a builtin. Undefined on an undefined argument or one of a wrong type, unless
    /// the function says otherwise.
    Call(Intrinsic, Box<[TermId]>),
}

/// Always true or false.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    True,
    /// All of them; evaluated from left to right.
    And(Box<[ConditionId]>),
    /// At least one of them; empty, it is false.
    Or(Box<[ConditionId]>),
    Not(ConditionId),
    /// The term has a value, be it null or false.
    Defined(TermId),
    /// Defined, and not false.
    Truthy(TermId),
    /// The term has a value of this type.
    HasType(TermId, ValueType),
    /// False where a side is undefined. Values of different types are unequal and ordered as in Rego: null, booleans,
    /// numbers, texts, lists, maps.
    Compare(Comparison, TermId, TermId),
    /// The term is one of these.
    OneOf(TermId, Box<[Const]>),
    /// The first is an element of a list, or a *value* of a map (CEL's `in` asks for keys); false for all else.
    Member(TermId, TermId),
    /// False where an argument is undefined or of a wrong type, unless the test says otherwise.
    Predicate(Predicate, Box<[TermId]>),
    /// Some element of the binder's domain makes the condition true. `every` is `Not(Any(b, Not(c)))` with a condition
    /// beside it that the domain is one.
    Any(BinderId, ConditionId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    Null,
    Bool,
    Number,
    String,
    List,
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison that gives the same answer when its operands are exchanged: `<` becomes `>`.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

/// What a binder goes over. Binders with equal domains are one, unless one of them is inside another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Binder {
    pub domain: Domain,
    /// How many binders with the same domain enclose it.
    pub nesting: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Domain {
    /// The containers of the pod spec, in this order: `containers`, `initContainers`, `ephemeralContainers` (the last
    /// only where the object is a Pod, whose pod spec is `spec`).
    Containers(ContainerList),
    /// The volumes of the pod spec.
    Volumes,
    /// The elements of a list or the values of a map; nothing in all else.
    Elements(TermId),
    /// The elements of a list; nothing in all else, maps included.
    List(TermId),
    /// The values of a map; nothing in all else, lists included.
    Map(TermId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerList {
    /// All three lists.
    All,
    /// Those that may ask for resources and ports: not the ephemeral ones.
    Resource,
    /// Those that may have probes: the main ones, and init containers whose `restartPolicy` is `Always`.
    Probe,
}

/// Functions that give a value. The names of `lib.*` are those of `policies/lib`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intrinsic {
    /// `lib.strings.lower_ascii(text)`.
    LowerAscii,
    /// `trim(text, letters)` and its kin: texts in, a text out.
    Trim,
    TrimLeft,
    TrimRight,
    TrimPrefix,
    TrimSuffix,
    TrimSpace,
    /// `substring(text, offset, length)`; offset and length are numbers, a negative length means to the end.
    Substring,
    /// `replace(text, old, new)`.
    Replace,
    /// `split(text, separator)[number]`.
    SplitAt,
    /// `count(split(text, separator))`.
    SplitCount,
    /// `lib.images.registry(image)` and its kin. What is no text has empty parts; undefined stays undefined.
    ImageRegistry,
    ImageRepository,
    ImageName,
    ImageTag,
    ImageDigest,
    ImageEffectiveTag,
    /// `lib.files.clean(path)`: what is no text is "".
    CleanPath,
    /// `lib.connections.target` and its kin, over `input.object`: no arguments, always a text.
    ConnectionTarget,
    ConnectionCommand,
    ConnectionPorts,
}

/// Questions about values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Predicate {
    /// `startswith(text, part)` and its kin.
    StartsWith,
    EndsWith,
    Contains,
    /// `lib.strings.contains_ignore_case(text, part)`.
    ContainsIgnoreCase,
    /// `regex.match(pattern, text)`; the pattern is a constant or an element of a param.
    Matches,
    /// `lib.images.within(image, place)`.
    ImageWithin,
    /// `lib.quantities.is_quantity(value)`: of a text or a number.
    IsQuantity,
    /// `lib.quantities.less(a, b)`.
    QuantityLess,
    /// `lib.quantities.is_positive(value)`.
    QuantityPositive,
}
