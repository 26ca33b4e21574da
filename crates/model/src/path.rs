//! Field paths: the location of a value in an object, such as `spec.containers[0].image` or
//! `data[pwd]`.
//!
//! The text form is that of Kubernetes' own field errors. In brackets are an index, a map key with
//! a character other than a letter, a digit, `-` and `_`, and every key of labels, annotations and
//! data. A key may contain brackets: it ends at the first `]` after which a path can go on or end.
//!
//! A verdict on a large object makes thousands of paths, so a path is one shared string, and its
//! segments are parsed each time they are read. This module never looks at an object:
//! `Document::resolve` in the crate `document` does.

use std::{borrow::Cow, cmp::Ordering, fmt, str::FromStr, sync::Arc};

/// Maps of Kubernetes whose keys may be digits only. A number in brackets is a key there and a list
/// index everywhere else: the text form does not distinguish the two.
const MAPS_WITH_NUMERIC_KEYS: &[&str] = &[
    "labels",
    "annotations",
    "data",
    "stringData",
    "binaryData",
    "matchLabels",
    "nodeSelector",
];

/// One segment of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// A field, written with a dot: `.image`.
    Field(&'a str),
    /// An index of a list: `[0]`.
    Index(u32),
    /// A key of a map, written in brackets: `[app.kubernetes.io/name]`.
    Key(&'a str),
}

impl<'a> Segment<'a> {
    /// The key under which a map holds the segment's value; an index in decimal digits, since a
    /// map that no list of names covers may have such a key.
    #[must_use]
    pub fn key(self) -> Cow<'a, str> {
        match self {
            Self::Field(key) | Self::Key(key) => Cow::Borrowed(key),
            Self::Index(index) => Cow::Owned(index.to_string()),
        }
    }

    /// True if [`Segment::key`] is `key`. Allocates nothing.
    #[must_use]
    pub fn is_key(self, key: &str) -> bool {
        match self {
            Self::Field(own) | Self::Key(own) => own == key,
            Self::Index(index) => parse_index(key) == Some(index),
        }
    }
}

/// The location of a value in an object. A clone copies a pointer.
///
/// The order is by segment: a field before a segment in brackets, then by the bytes of the text,
/// and a path before the paths below it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct FieldPath(Arc<str>);

impl FieldPath {
    /// The path in its text form; empty for the object itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, outermost first.
    #[must_use]
    pub fn segments(&self) -> Segments<'_> {
        Segments {
            rest: &self.0,
            field: "",
        }
    }

    /// The path of a field or map key below this one: `.key` where the characters of the key
    /// allow it, else `[key]`.
    ///
    /// A key that contains `].` or `][` is read as two segments: the text form does not distinguish
    /// the two.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let is_plain = !key.is_empty()
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        match (is_plain, self.0.is_empty()) {
            (true, true) => Self(Arc::from(key)),
            (true, false) => Self(format!("{self}.{key}").into()),
            (false, _) => Self(format!("{self}[{key}]").into()),
        }
    }

    /// The path of a list element below this one, by its index from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]").into())
    }

    fn cmp_by_segment(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.segments(), other.segments());
        loop {
            let (left, right) = (left.next_token(), right.next_token());
            if left != right || left.is_none() {
                return left.cmp(&right);
            }
        }
    }

    /// The path of the first `count` segments.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Self {
        let mut segments = self.segments();
        let read = segments.by_ref().take(count).count();
        if read < count || segments.rest.is_empty() {
            return self.clone();
        }
        let length = self.0.len() - segments.rest.len();
        Self(self.0.get(..length).unwrap_or_default().into())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        // Most paths that are compared differ inside one segment, mostly an index, behind equal
        // segments. The first bytes that differ decide then, and nothing is parsed.
        let is_inside_segment = |byte: u8| !matches!(byte, b'.' | b'[' | b']');
        let mut bytes = self.0.bytes().zip(other.0.bytes());
        match bytes.find(|(left, right)| left != right) {
            Some((left, right)) if is_inside_segment(left) && is_inside_segment(right) => {
                left.cmp(&right)
            }
            _ => self.cmp_by_segment(other),
        }
    }
}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads the segments of a path, outermost first.
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    /// The text of the segments that are still to come.
    rest: &'a str,
    /// The last segment, if it was a field.
    field: &'a str,
}

/// A segment as it is written. The order of the variants is that of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Field(&'a str),
    Bracket(&'a str),
}

impl<'a> Segments<'a> {
    /// The next segment; `None` at the end. The text is that of a valid path.
    fn next_token(&mut self) -> Option<Token<'a>> {
        let (token, rest) = next_token(self.rest)?;
        self.rest = rest;
        Some(token)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let segment = match self.next_token()? {
            Token::Field(name) => Segment::Field(name),
            Token::Bracket(key) => match parse_index(key) {
                Some(index) if !MAPS_WITH_NUMERIC_KEYS.contains(&self.field) => {
                    Segment::Index(index)
                }
                _ => Segment::Key(key),
            },
        };
        self.field = match segment {
            Segment::Field(name) => name,
            Segment::Index(_) | Segment::Key(_) => "",
        };
        Some(segment)
    }
}

/// The error of a string that is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid field path: write it like spec.containers[0].image or data[key]")]
pub struct PathError(String);

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        // The first segment has no dot; every later one begins with a dot or a bracket.
        let mut rest = text;
        let mut is_valid = !text.is_empty() && !text.starts_with('.');
        while is_valid && !rest.is_empty() {
            match next_token(rest) {
                Some((_, after)) => rest = after,
                None => is_valid = false,
            }
        }
        if is_valid {
            Ok(Self(text.into()))
        } else {
            Err(PathError(text.to_owned()))
        }
    }
}

/// The first segment of a text, with or without its dot, and the text after it. `None` where the
/// text is empty, a name is empty or a bracket stays open.
fn next_token(text: &str) -> Option<(Token<'_>, &str)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (key, after) = split_key(inside)?;
        return Some((Token::Bracket(key), after));
    }
    let name = text.strip_prefix('.').unwrap_or(text);
    let (name, after) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    (!name.is_empty()).then_some((Token::Field(name), after))
}

/// The key in front of the first `]` after which a path may end or go on, and the text after that
/// bracket.
fn split_key(text: &str) -> Option<(&str, &str)> {
    text.match_indices(']')
        .filter_map(|(end, _)| Some((text.get(..end)?, text.get(end + 1..)?)))
        .find(|(_, after)| after.is_empty() || after.starts_with(['.', '[']))
}

/// The index that a string writes in its only form: decimal digits without leading zeros.
fn parse_index(text: &str) -> Option<u32> {
    let is_canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: &[Segment<'_>]) {
        assert_eq!(
            path(text).segments().collect::<Vec<_>>(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn parsed_path_prints_as_written() {
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
            assert_eq!(path(text).to_string(), text);
        }
    }

    #[test]
    fn bracketed_number_is_an_index_outside_of_string_maps() {
        use Segment::{Field, Index, Key};
        check("a[0].b", &[Field("a"), Index(0), Field("b")]);
        check("a[10][2]", &[Field("a"), Index(10), Index(2)]);
        check("data[8080]", &[Field("data"), Key("8080")]);
        check(
            "metadata.labels[1][2]",
            &[Field("metadata"), Field("labels"), Key("1"), Index(2)],
        );
        // An index has one form, so that the text of a segment is that of the path.
        for key in ["", "007", "+1", "-1", "4294967296", "1a"] {
            check(&format!("a[{key}]"), &[Field("a"), Key(key)]);
        }
    }

    #[test]
    fn key_may_hold_brackets() {
        use Segment::{Field, Index, Key};
        check("a[a]b][0]", &[Field("a"), Key("a]b"), Index(0)]);
        check("a[]].b", &[Field("a"), Key("]"), Field("b")]);
    }

    #[test]
    fn malformed_path_is_rejected() {
        for text in ["", ".", "a.", ".a", "a..b", "a[0", "a[0]b", ".[a]"] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn key_with_unusual_characters_is_bracketed() {
        let labels = FieldPath::default().key("metadata").key("labels");
        assert_eq!(
            labels.key("app.kubernetes.io/name").as_str(),
            "metadata.labels[app.kubernetes.io/name]"
        );
        assert_eq!(labels.key("tier").as_str(), "metadata.labels.tier");
        assert_eq!(labels.key("").as_str(), "metadata.labels[]");
        assert_eq!(labels.index(3).as_str(), "metadata.labels[3]");
    }

    #[test]
    fn prefix_keeps_the_first_segments() {
        let path = path("a.b[0].c");
        for (count, expected) in [
            (0, ""),
            (1, "a"),
            (2, "a.b"),
            (3, "a.b[0]"),
            (9, "a.b[0].c"),
        ] {
            assert_eq!(path.prefix(count).as_str(), expected);
        }
    }

    #[test]
    fn index_equals_a_key_of_the_same_digits() {
        assert!(Segment::Index(10).is_key("10"));
        assert!(!Segment::Index(10).is_key("010"));
        assert!(Segment::Key("a").is_key("a") && !Segment::Field("a").is_key("b"));
        assert_eq!(Segment::Index(7).key(), "7");
    }

    #[test]
    fn paths_are_ordered_by_segment() {
        let sorted = [
            "a", "a.b", "a[0].x", "a[10]", "a[2]", "a-b", "a1", "aB", "[a]",
        ];
        let mut paths: Vec<FieldPath> = sorted.iter().rev().map(|text| path(text)).collect();
        paths.sort();
        assert_eq!(
            paths.iter().map(FieldPath::as_str).collect::<Vec<_>>(),
            sorted
        );
        assert!(FieldPath::default() < paths[0]);
    }

    #[test]
    fn order_by_bytes_is_the_order_by_segment() {
        // Every path of up to four characters of this alphabet.
        let mut texts = vec![String::new()];
        let mut paths: Vec<FieldPath> = Vec::new();
        for _ in 0..4 {
            texts = texts
                .iter()
                .flat_map(|text| ['a', '-', '.', '[', ']'].map(|end| format!("{text}{end}")))
                .collect();
            paths.extend(texts.iter().filter_map(|text| text.parse().ok()));
        }
        assert!(paths.len() > 60, "{}", paths.len());
        for left in &paths {
            for right in &paths {
                assert_eq!(
                    left.cmp(right),
                    left.cmp_by_segment(right),
                    "{left} {right}"
                );
            }
        }
    }
}
