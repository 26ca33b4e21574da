//! The objects of a cluster that a scan could not read. The controls that read them are not
//! evaluated there, and never count as passed.

use super::{ControlId, Kind, join_first};
use std::fmt;

/// Objects of one kind that could not be read, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// The kind.
    pub kind: Kind,
    /// Where its objects could not be read.
    pub place: UnreadPlace,
    /// The reason, as half a sentence: "not allowed: …".
    pub reason: String,
    /// The chosen controls that read the kind, by id.
    pub controls: Vec<ControlId>,
}

/// The most namespaces that are named.
const MAX_NAMESPACES: usize = 3;

/// The part of a cluster in which objects of a kind could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadPlace {
    /// All of it.
    Everywhere,
    /// These namespaces, sorted.
    Namespaces(Vec<String>),
    /// Every namespace but these, which are sorted: the names of the others are not known.
    NamespacesBut(Vec<String>),
}

impl fmt::Display for Unread {
    /// `Role of rbac.authorization.k8s.io in shop, web`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.kind.name)?;
        if !self.kind.group.is_empty() {
            write!(out, " of {}", self.kind.group)?;
        }
        match &self.place {
            UnreadPlace::Everywhere => Ok(()),
            UnreadPlace::Namespaces(names) => {
                write!(out, " in {}", join_first(names, MAX_NAMESPACES))
            }
            UnreadPlace::NamespacesBut(names) => {
                write!(
                    out,
                    " in every namespace but {}",
                    join_first(names, MAX_NAMESPACES)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(group: &str, place: UnreadPlace, expected: &str) {
        let unread = Unread {
            kind: Kind::new(group, "Role"),
            place,
            reason: String::new(),
            controls: Vec::new(),
        };
        assert_eq!(unread.to_string(), expected);
    }

    fn names(number: usize) -> Vec<String> {
        (1..=number).map(|number| format!("n{number}")).collect()
    }

    #[test]
    fn place_names_at_most_three_namespaces() {
        check("", UnreadPlace::Everywhere, "Role");
        check(
            "a.b",
            UnreadPlace::Namespaces(names(1)),
            "Role of a.b in n1",
        );
        check(
            "",
            UnreadPlace::Namespaces(names(5)),
            "Role in n1, n2, n3 and 2 more",
        );
        check(
            "",
            UnreadPlace::NamespacesBut(names(2)),
            "Role in every namespace but n1, n2",
        );
    }
}
