//! Terms: what has a value, or is undefined.

use super::{BinderId, ConditionId, Const, NodeId, TermId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A value or undefined. A term with an undefined operand is undefined, unless its variant says
/// otherwise.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// Undefined for every object.
    Undefined,
    /// A literal.
    Const(Const),
    /// `input.object`.
    Object,
    /// `input.request.operation`, a string.
    Operation,
    /// `input.params.NAME`: a string or a list of strings; undefined if the param is not set.
    Param(Arc<str>),
    /// `workload.pod_spec`: a map, empty if the object has none; undefined if the kind has no pod
    /// spec.
    PodSpec,
    /// `workload.pod_metadata`: the metadata of a Pod, or of the pod template; a map as `PodSpec`.
    PodMetadata,
    /// `workload.pod_spec_path`, such as `spec.template.spec`.
    PodSpecPath,
    /// `workload.pod_metadata_path`, such as `spec.template.metadata`.
    PodMetadataPath,
    /// The key of a binder's element: the index in a list or the key in a map. Binders over
    /// containers and volumes have none.
    Key(BinderId),
    /// A binder's element. For containers and volumes it is `collections.map` of the entry: always
    /// a map.
    Value(BinderId),
    /// The name of a container or volume, or its index (`containers[0]`) if the name is no string.
    /// Always a string.
    ElementName(BinderId),
    /// The path of a container or volume, such as `spec.template.spec.containers[0]`. Always a
    /// string.
    ElementPath(BinderId),
    /// The list of a container: `containers`, `initContainers` or `ephemeralContainers`.
    ListName(BinderId),
    /// The value under a literal key; undefined if the operand is not a map or lacks the key.
    Field(TermId, Arc<str>),
    /// The element of a list at a number, or the value of a map under a string; else undefined.
    Index(TermId, TermId),
    /// The term if the condition holds, else undefined.
    Guard(ConditionId, TermId),
    /// The first of the terms that is defined; undefined if none is.
    Coalesce(Box<[TermId]>),
    /// The number of elements of a list, keys of a map, or characters of a string; undefined for
    /// other types.
    Count(TermId),
    /// The concatenation of strings and whole numbers; undefined if an operand is neither.
    Concat(Box<[TermId]>),
    /// The term if it is a list, else an empty list; undefined if the term is.
    AsList(TermId),
    /// The term if it is a map, else an empty map; undefined if the term is.
    AsMap(TermId),
    /// A function of the shared library, or a builtin. Undefined for an undefined argument or one
    /// of a wrong type, unless the intrinsic says otherwise.
    Call(Intrinsic, Box<[TermId]>),
}

/// Functions with a value. The names of `lib.*` are those of `policies/lib`.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Intrinsic {
    /// `lib.strings.lower_ascii(string)`.
    LowerAscii,
    /// `lib.strings.words(string)`.
    Words,
    /// `lib.strings.join(list, separator)`: "" for a value that is no list.
    Join,
    /// `lib.strings.last_between(string, open, close)`.
    LastBetween,
    /// `trim(string, cutset)`.
    Trim,
    /// `trim_left(string, cutset)`.
    TrimLeft,
    /// `trim_right(string, cutset)`.
    TrimRight,
    /// `trim_prefix(string, prefix)`.
    TrimPrefix,
    /// `trim_suffix(string, suffix)`.
    TrimSuffix,
    /// `trim_space(string)`.
    TrimSpace,
    /// `substring(string, offset, length)`: offset and length are numbers, a negative length means
    /// to the end.
    Substring,
    /// `replace(string, old, new)`.
    Replace,
    /// `split(string, separator)[number]`.
    SplitAt,
    /// `count(split(string, separator))`.
    SplitCount,
    /// `lib.images.registry(image)`. As of all image functions, the parts of a value that is no
    /// string are empty.
    ImageRegistry,
    /// `lib.images.repository(image)`.
    ImageRepository,
    /// `lib.images.name(image)`: registry and repository.
    ImageName,
    /// `lib.images.tag(image)`.
    ImageTag,
    /// `lib.images.digest(image)`.
    ImageDigest,
    /// `lib.images.effective_tag(image)`: `latest` if the image names neither tag nor digest.
    ImageEffectiveTag,
    /// `lib.files.clean(path)`: "" for a value that is no string.
    CleanPath,
    /// `lib.connections.target` of `input.object`: no arguments, always a string.
    ConnectionTarget,
    /// `lib.connections.command` of `input.object`: no arguments, always a string.
    ConnectionCommand,
    /// `lib.connections.ports` of `input.object`: no arguments, always a string.
    ConnectionPorts,
}

impl Term {
    /// The terms of which it is made, from left to right; the condition of a `Guard` is none.
    #[must_use]
    pub fn operands(&self) -> Vec<TermId> {
        match self {
            Self::Field(operand, _)
            | Self::Count(operand)
            | Self::AsList(operand)
            | Self::AsMap(operand)
            | Self::Guard(_, operand) => vec![*operand],
            Self::Index(base, key) => vec![*base, *key],
            Self::Coalesce(operands) | Self::Concat(operands) | Self::Call(_, operands) => {
                operands.to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// Calls `visit` for each direct child, in the order of evaluation: the condition of a guard
    /// first, then operands; for an element its binder.
    pub fn for_each_child(&self, mut visit: impl FnMut(NodeId)) {
        match self {
            Self::Key(binder)
            | Self::Value(binder)
            | Self::ElementName(binder)
            | Self::ElementPath(binder)
            | Self::ListName(binder) => visit(NodeId::Binder(*binder)),
            Self::Guard(condition, operand) => {
                visit(NodeId::Condition(*condition));
                visit(NodeId::Term(*operand));
            }
            other => other
                .operands()
                .into_iter()
                .for_each(|operand| visit(NodeId::Term(operand))),
        }
    }
}

impl Intrinsic {
    /// True if it has a value for every value of its arguments.
    #[must_use]
    pub fn is_total(self) -> bool {
        matches!(
            self,
            Self::Join
                | Self::ImageRegistry
                | Self::ImageRepository
                | Self::ImageName
                | Self::ImageTag
                | Self::ImageDigest
                | Self::ImageEffectiveTag
                | Self::CleanPath
                | Self::ConnectionTarget
                | Self::ConnectionCommand
                | Self::ConnectionPorts
        )
    }

    /// True if it has a value wherever its arguments are strings.
    #[must_use]
    pub fn is_total_on_strings(self) -> bool {
        matches!(
            self,
            Self::LowerAscii
                | Self::Words
                | Self::LastBetween
                | Self::Trim
                | Self::TrimLeft
                | Self::TrimRight
                | Self::TrimPrefix
                | Self::TrimSuffix
                | Self::TrimSpace
                | Self::Replace
        )
    }

    /// True if its value is a part of an image reference, or one that Kubernetes adds to it.
    #[must_use]
    pub fn is_of_image(self) -> bool {
        matches!(
            self,
            Self::ImageRegistry
                | Self::ImageRepository
                | Self::ImageName
                | Self::ImageTag
                | Self::ImageDigest
                | Self::ImageEffectiveTag
        )
    }

    /// True if its value is a string.
    #[must_use]
    pub fn returns_string(self) -> bool {
        self != Self::SplitCount
    }
}
