//! Python versions: PEP 440. Texts from before it have the order of the former setuptools
//! (`pep440_legacy`), before every version of PEP 440.

use crate::{
    digits::{compare_digits, compare_identifiers, is_number, is_zero, split_digits},
    pep440_legacy::LegacyVersion,
};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pep440Version {
    /// Digits.
    epoch: Box<str>,
    /// Numbers without zeros at the end.
    release: Vec<Box<str>>,
    pre: Option<(PreRelease, Box<str>)>,
    post: Option<Box<str>>,
    dev: Option<Box<str>>,
    local: Option<Box<str>>,
}

/// The phases before a release, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PreRelease {
    Alpha,
    Beta,
    Candidate,
}

/// The spellings of phases; a longer one comes before its own beginning.
const PHASES: &[(&str, PreRelease)] = &[
    ("alpha", PreRelease::Alpha),
    ("beta", PreRelease::Beta),
    ("preview", PreRelease::Candidate),
    ("pre", PreRelease::Candidate),
    ("rc", PreRelease::Candidate),
    ("a", PreRelease::Alpha),
    ("b", PreRelease::Beta),
    ("c", PreRelease::Candidate),
];

impl Pep440Version {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let (text, local) = match text.split_once('+') {
            Some((text, local)) => (text, Some(local)),
            None => (text, None),
        };
        let (epoch, text) = text.split_once('!').unwrap_or(("0", text));
        if !is_number(epoch) {
            return Err("the epoch before the exclamation mark is no number");
        }
        let (release, rest) = split_release(text).ok_or("it does not begin with a number")?;
        let (pre, rest) = split_pre(rest);
        let (post, rest) = split_post(rest);
        let (dev, rest) = split_labelled(rest, &["dev"]);
        if !rest.is_empty() {
            return Err("it goes on with what PEP 440 does not know");
        }
        let local = local.map(|local| local.replace(['-', '_'], "."));
        let is_local = |text: &String| {
            let is_part = |part: &str| {
                !part.is_empty() && part.chars().all(|char| char.is_ascii_alphanumeric())
            };
            text.split('.').all(is_part)
        };
        if !local.as_ref().is_none_or(is_local) {
            return Err("the local version after the plus is malformed");
        }
        Ok(Self {
            epoch: epoch.into(),
            release,
            pre: pre.map(|(phase, number)| (phase, number.into())),
            post: post.map(Box::from),
            dev: dev.map(Box::from),
            local: local.map(Box::from),
        })
    }

    /// The order of PEP 440, local versions included.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.compare_public(other)
            .then_with(|| match (&self.local, &other.local) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
                (Some(left), Some(right)) => compare_identifiers(left, right, Ordering::Greater),
            })
    }

    /// The order to the bound of a version specifier: where the bound has no local version, that of this
    /// version does not count.
    pub(crate) fn compare_to_bound(&self, bound: &Self) -> Ordering {
        if bound.local.is_none() {
            self.compare_public(bound)
        } else {
            self.compare(bound)
        }
    }

    fn compare_public(&self, other: &Self) -> Ordering {
        compare_digits(&self.epoch, &other.epoch)
            .then_with(|| compare_release(&self.release, &other.release))
            .then_with(|| self.phase().cmp(&other.phase()))
            .then_with(|| match (&self.pre, &other.pre) {
                (Some((_, left)), Some((_, right))) => compare_digits(left, right),
                _ => Ordering::Equal,
            })
            // Without a post-release comes first.
            .then_with(|| match (&self.post, &other.post) {
                (Some(left), Some(right)) => compare_digits(left, right),
                (left, right) => left.is_some().cmp(&right.is_some()),
            })
            // Without a development release comes last.
            .then_with(|| match (&self.dev, &other.dev) {
                (Some(left), Some(right)) => compare_digits(left, right),
                (left, right) => left.is_none().cmp(&right.is_none()),
            })
    }

    /// A development release of a release is before its phases, the release itself after them.
    fn phase(&self) -> (u8, Option<PreRelease>) {
        match &self.pre {
            Some((phase, _)) => (1, Some(*phase)),
            None if self.post.is_none() && self.dev.is_some() => (0, None),
            None => (2, None),
        }
    }
}

/// A version of PEP 440, or a text from before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PythonVersion {
    Legacy(LegacyVersion),
    Pep440(Pep440Version),
}

impl PythonVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match Pep440Version::parse(text) {
            Ok(version) => Ok(Self::Pep440(version)),
            Err(reason) => LegacyVersion::parse(text).map(Self::Legacy).ok_or(reason),
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Pep440(left), Self::Pep440(right)) => left.compare(right),
            (Self::Legacy(left), Self::Legacy(right)) => left.cmp(right),
            (Self::Legacy(_), Self::Pep440(_)) => Ordering::Less,
            (Self::Pep440(_), Self::Legacy(_)) => Ordering::Greater,
        }
    }

    /// The order to the bound of a constraint, which must be one of PEP 440; `None` where it is not.
    pub(crate) fn compare_to_bound(&self, bound: &Self) -> Option<Ordering> {
        match (self, bound) {
            (Self::Pep440(version), Self::Pep440(bound)) => Some(version.compare_to_bound(bound)),
            (Self::Legacy(_), Self::Pep440(_)) => Some(Ordering::Less),
            (_, Self::Legacy(_)) => None,
        }
    }
}

/// Numbers with dots between them, without zeros at the end, and what follows.
fn split_release(text: &str) -> Option<(Vec<Box<str>>, &str)> {
    let (first, mut rest) = split_digits(text);
    if first.is_empty() {
        return None;
    }
    let mut release: Vec<Box<str>> = vec![first.into()];
    while let Some(after) = rest.strip_prefix('.') {
        let (number, after) = split_digits(after);
        if number.is_empty() {
            break;
        }
        release.push(number.into());
        rest = after;
    }
    while release.last().is_some_and(|last| is_zero(last)) {
        release.pop();
    }
    Some((release, rest))
}

fn without_separator(text: &str) -> &str {
    text.strip_prefix(['-', '_', '.']).unwrap_or(text)
}

fn split_pre(text: &str) -> (Option<(PreRelease, &str)>, &str) {
    for (name, phase) in PHASES {
        if let (Some(number), rest) = split_labelled(text, &[name]) {
            return (Some((*phase, number)), rest);
        }
    }
    (None, text)
}

fn split_post(text: &str) -> (Option<&str>, &str) {
    if let Some(after) = text.strip_prefix('-') {
        let (number, rest) = split_digits(after);
        if !number.is_empty() {
            return (Some(number), rest);
        }
    }
    split_labelled(text, &["post", "rev", "r"])
}

/// A label between optional separators and the digits after it, which may be missing (0).
fn split_labelled<'a>(text: &'a str, labels: &[&str]) -> (Option<&'a str>, &'a str) {
    let start = without_separator(text);
    match labels.iter().find_map(|label| start.strip_prefix(label)) {
        Some(after) => {
            let (number, rest) = split_digits(without_separator(after));
            (Some(number), rest)
        }
        None => (None, text),
    }
}

fn compare_release(left: &[Box<str>], right: &[Box<str>]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(left, right)| compare_digits(left, right))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}
