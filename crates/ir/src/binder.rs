//! Binders: the loops of a program.

use super::TermId;
use serde::{Deserialize, Serialize};

/// A loop variable over a domain. Binders with equal domains are one binder, unless one of them is
/// inside the other.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Hash)]
pub struct Binder {
    /// What it iterates.
    pub domain: Domain,
    /// The number of enclosing binders with the same domain.
    pub nesting: u32,
}

/// What a binder iterates.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Hash)]
pub enum Domain {
    /// The containers of the pod spec, in the order `containers`, `initContainers`,
    /// `ephemeralContainers` (the last only if the object is a Pod, whose pod spec is `spec`).
    Containers(ContainerList),
    /// The volumes of the pod spec.
    Volumes,
    /// The elements of a list or the values of a map; nothing for other types.
    Elements(TermId),
    /// The elements of a list; nothing for other types, maps included.
    List(TermId),
    /// The values of a map; nothing for other types, lists included.
    Map(TermId),
}

/// Which container lists of a pod spec are iterated.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerList {
    /// All three lists.
    All,
    /// Those whose containers may request resources and ports: not the ephemeral ones.
    Resource,
    /// Those whose containers may have probes: the main ones, and init containers whose
    /// `restartPolicy` is `Always`.
    Probe,
}

impl Domain {
    /// True if its elements are containers or volumes, which are always maps.
    #[must_use]
    pub fn is_of_workload(&self) -> bool {
        matches!(self, Self::Containers(_) | Self::Volumes)
    }

    /// The term that is iterated; `None` for containers and volumes.
    #[must_use]
    pub fn collection(&self) -> Option<TermId> {
        match self {
            Self::Containers(_) | Self::Volumes => None,
            Self::Elements(collection) | Self::List(collection) | Self::Map(collection) => {
                Some(*collection)
            }
        }
    }
}

impl ContainerList {
    /// The fields of the pod spec that hold the containers, in order.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::All => &["containers", "initContainers", "ephemeralContainers"],
            Self::Resource | Self::Probe => &["containers", "initContainers"],
        }
    }
}
