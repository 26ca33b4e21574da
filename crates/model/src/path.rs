//! Where in an object something stands: `spec.containers[0].image`, `data[pwd]`.
//!
//! Written as in Kubernetes' own field errors: a map key with anything but letters, digits, `-` and `_`, and every key
//! of labels, annotations and data, stands in brackets. A key may hold brackets itself: it ends where a path can go on.

use std::{fmt, str::FromStr};

/// Steps for which room is made before a path is read.
const MAX_ROOM: usize = 16;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A field, written with a dot: `.image`.
    Field(String),
    /// An index of a list or a key of a map, written in brackets. Only the object tells which of the two.
    Bracket(String),
}

impl Segment {
    /// The text of the step, without dot or brackets.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Field(text) | Self::Bracket(text) => text,
        }
    }
}

/// A place in an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The steps, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The path with one more field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.0.push(Segment::Field(name.into()));
        self
    }

    /// The path with one more list index.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Bracket(index.to_string()));
        self
    }

    /// The path with one more map key, as a field where its letters allow.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        let plain = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        self.0.push(if plain {
            Segment::Field(key.to_owned())
        } else {
            Segment::Bracket(key.to_owned())
        });
        self
    }

    /// The first `count` steps.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).cloned().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if i == 0 => out.write_str(name)?,
                Segment::Field(name) => write!(out, ".{name}")?,
                Segment::Bracket(key) => write!(out, "[{key}]")?,
            }
        }
        Ok(())
    }
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no field path: write it like spec.containers[0].image or data[key]")]
pub struct PathError(String);

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let wrong = || PathError(text.to_owned());
        let steps = text.bytes().filter(|it| matches!(it, b'.' | b'[')).count() + 1;
        // A key may be nothing but dots.
        let mut segments = Vec::with_capacity(steps.min(MAX_ROOM));
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (key, after) = split_key(inside).ok_or_else(wrong)?;
                segments.push(Segment::Bracket(key.to_owned()));
                rest = after;
                continue;
            }
            let name = match rest.strip_prefix('.') {
                Some(name) if !segments.is_empty() => name,
                None if segments.is_empty() => rest,
                _ => return Err(wrong()),
            };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (field, after) = name.split_at(end);
            if field.is_empty() {
                return Err(wrong());
            }
            segments.push(Segment::Field(field.to_owned()));
            rest = after;
        }
        if segments.is_empty() {
            Err(wrong())
        } else {
            Ok(Self(segments))
        }
    }
}

/// The key in front of the first closing bracket after which a path may end or go on, and what comes after that bracket.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let goes_on = |after: &str| after.is_empty() || after.starts_with(['.', '[']);
    let ends = text
        .match_indices(']')
        .map(|(at, _)| (text.get(..at), text.get(at + 1..)));
    ends.filter_map(|(key, after)| Some((key?, after?)))
        .find(|(_, after)| goes_on(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_printed_as_they_were_written() {
        for text in [
            "spec",
            "spec.containers[0].image",
            "data[pwd]",
            "metadata.labels[app.kubernetes.io/name]",
            "a[0][1].b-c_d",
            "[x]",
            "data[a]b]",
            "data[a]]",
            "data[]][0].b",
        ] {
            assert_eq!(text.parse::<FieldPath>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_key_may_hold_brackets() {
        let path = "data[a]b][0]".parse::<FieldPath>().unwrap();
        assert_eq!(
            path.segments()[1..],
            [
                Segment::Bracket("a]b".to_owned()),
                Segment::Bracket("0".to_owned())
            ]
        );
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a[0", "a[0]b"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_with_unusual_letters_stand_in_brackets() {
        let labels = FieldPath::default().field("metadata").field("labels");
        assert_eq!(
            labels.clone().key("app.kubernetes.io/name").to_string(),
            "metadata.labels[app.kubernetes.io/name]"
        );
        assert_eq!(labels.key("tier").to_string(), "metadata.labels.tier");
    }
}
