//! Alpine versions: `DIGITS{.DIGITS}[letter]{_SUFFIX[DIGITS]}[~HASH][-rDIGITS]`, and the order of
//! apk-tools 3.

use crate::digits::{compare_digits, is_number, split_digits, split_leading};
use std::cmp::Ordering;

/// Suffixes in their order; see [`PRE_RELEASE_SUFFIXES`].
const SUFFIXES: &[&str] = &["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
/// How many suffixes sort before the version without suffix.
const PRE_RELEASE_SUFFIXES: usize = 4;

/// One token of a version. The variants are in the order that decides between versions of which one
/// goes on where the other has a later token: the earlier token is newer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    First(Box<str>),
    Number(Box<str>),
    Letter(char),
    Suffix(usize),
    SuffixNumber(Box<str>),
    Hash(Box<str>),
    Revision(Box<str>),
    End,
}

/// A version, as tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApkVersion(Vec<Token>);

impl ApkVersion {
    /// A leading `v` before a digit does not count: advisories have it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut tokens = Vec::new();
        let (first, mut rest) = split_digits(strip_v(text));
        if first.is_empty() {
            return Err("it does not begin with a digit");
        }
        tokens.push(Token::First(first.into()));
        while let Some(after) = rest.strip_prefix('.') {
            let (number, after) = split_digits(after);
            if number.is_empty() {
                return Err("no number follows a dot");
            }
            tokens.push(Token::Number(number.into()));
            rest = after;
        }
        if let Some(letter) = rest.chars().next().filter(char::is_ascii_lowercase) {
            tokens.push(Token::Letter(letter));
            rest = rest.strip_prefix(letter).unwrap_or(rest);
        }
        while let Some(after) = rest.strip_prefix('_') {
            let (name, after) = split_leading(after, |char| char.is_ascii_lowercase());
            let Some(suffix) = SUFFIXES.iter().position(|suffix| *suffix == name) else {
                return Err("it has a suffix that apk does not know");
            };
            tokens.push(Token::Suffix(suffix));
            let (number, after) = split_digits(after);
            if !number.is_empty() {
                tokens.push(Token::SuffixNumber(number.into()));
            }
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('~') {
            let (hash, after) = split_leading(after, |char| {
                char.is_ascii_digit() || ('a'..='f').contains(&char)
            });
            if hash.is_empty() {
                return Err("no hexadecimal digits follow the tilde");
            }
            tokens.push(Token::Hash(hash.into()));
            rest = after;
        }
        if let Some(number) = rest.strip_prefix("-r") {
            if !is_number(number) {
                return Err("the revision after \"-r\" is no number");
            }
            tokens.push(Token::Revision(number.into()));
            rest = "";
        }
        if !rest.is_empty() {
            return Err("it goes on with what apk does not know");
        }
        tokens.push(Token::End);
        Ok(Self(tokens))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        for (left, right) in self.0.iter().zip(&other.0) {
            let order = match (left, right) {
                (Token::Number(left), Token::Number(right)) => compare_component(left, right),
                (Token::First(left), Token::First(right))
                | (Token::SuffixNumber(left), Token::SuffixNumber(right))
                | (Token::Revision(left), Token::Revision(right)) => compare_digits(left, right),
                (Token::Hash(left), Token::Hash(right)) => left.cmp(right),
                (Token::Letter(left), Token::Letter(right)) => left.cmp(right),
                (Token::Suffix(left), Token::Suffix(right)) => left.cmp(right),
                _ => return compare_kinds(left, right),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// A component that begins with 0 is compared like a fraction: as text.
fn compare_component(left: &str, right: &str) -> Ordering {
    if left.starts_with('0') || right.starts_with('0') {
        left.cmp(right)
    } else {
        compare_digits(left, right)
    }
}

/// The order of two versions that go on with tokens of different kinds: the one with more is newer,
/// unless what it has says that it is a pre-release.
fn compare_kinds(left: &Token, right: &Token) -> Ordering {
    let is_pre_release =
        |token: &Token| matches!(token, Token::Suffix(suffix) if *suffix < PRE_RELEASE_SUFFIXES);
    if is_pre_release(left) {
        return Ordering::Less;
    }
    if is_pre_release(right) {
        return Ordering::Greater;
    }
    kind(right).cmp(&kind(left))
}

fn kind(token: &Token) -> usize {
    match token {
        Token::First(_) => 0,
        Token::Number(_) => 1,
        Token::Letter(_) => 2,
        Token::Suffix(_) => 3,
        Token::SuffixNumber(_) => 4,
        Token::Hash(_) => 5,
        Token::Revision(_) => 6,
        Token::End => 7,
    }
}

/// Removes a `v` or `V` that a digit follows.
pub(crate) fn strip_v(text: &str) -> &str {
    match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|char: char| char.is_ascii_digit()) => rest,
        _ => text,
    }
}
