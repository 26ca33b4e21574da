//! npm's ranges: `^1.2`, `~1.2.3`, `1.x`, `1.2 - 2.3`, with spaces or commas between terms that hold
//! together and `||` between those that hold one for another. They are read as node-semver does with
//! pre-releases included: an advisory speaks of the order, not of what may be installed.

use crate::{
    digits::{is_number, split_leading},
    expression::{Operator, Term},
};

/// A version of a range, in which numbers may be missing.
struct Partial<'a> {
    /// The numbers up to the first that is missing or `x`.
    numbers: Vec<u64>,
    pre_release: &'a str,
}

/// Groups of terms; `None` for a range that all versions match.
pub(crate) fn parse(text: &str) -> Result<Option<Vec<Vec<Term>>>, &'static str> {
    let mut groups = Vec::new();
    for group in text.split("||") {
        let terms = parse_group(group)?;
        // A group without a term holds for all.
        if terms.is_empty() {
            return Ok(None);
        }
        groups.push(terms);
    }
    Ok(Some(groups))
}

fn parse_group(group: &str) -> Result<Vec<Term>, &'static str> {
    let words: Vec<&str> = group
        .split(|char: char| char.is_ascii_whitespace() || char == ',')
        .filter(|word| !word.is_empty())
        .collect();
    if let [from, "-", to] = words.as_slice() {
        return hyphen(from, to);
    }
    let mut terms = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (operator, version) = split_leading(word, |char| "<>=^~!".contains(char));
        let version = match version {
            "" => words.next().ok_or("no version follows an operator")?,
            version => version,
        };
        terms.extend(term(operator, &partial(version)?)?);
    }
    Ok(terms)
}

fn hyphen(from: &str, to: &str) -> Result<Vec<Term>, &'static str> {
    let mut terms = term(">=", &partial(from)?)?;
    terms.extend(term("<=", &partial(to)?)?);
    Ok(terms)
}

/// The terms that one operator and version stand for.
fn term(operator: &str, version: &Partial<'_>) -> Result<Vec<Term>, &'static str> {
    let from = |operator| Term {
        operator,
        bound: version.lowest(),
    };
    // Before the first version whose number at this place is greater.
    let before = |place: usize| {
        version.next(place).map(|bound| Term {
            operator: Operator::Less,
            bound,
        })
    };
    let last = version.numbers.len().saturating_sub(1);
    let is_partial = version.numbers.len() < 3;
    Ok(match operator {
        "" | "=" if is_partial => span(from(Operator::GreaterOrEqual), before(last)),
        "" | "=" => vec![from(Operator::Equal)],
        "!=" if !is_partial => vec![from(Operator::NotEqual)],
        ">=" => vec![from(Operator::GreaterOrEqual)],
        "<" => vec![from(Operator::Less)],
        ">" if is_partial => match version.next(last) {
            Some(bound) => vec![Term {
                operator: Operator::GreaterOrEqual,
                bound,
            }],
            // Nothing is greater than all versions.
            None => vec![from(Operator::Less)],
        },
        ">" => vec![from(Operator::Greater)],
        "<=" if is_partial => before(last).into_iter().collect(),
        "<=" => vec![from(Operator::LessOrEqual)],
        "~" | "~>" => span(from(Operator::GreaterOrEqual), before(last.min(1))),
        "^" => {
            // The first number that is not 0 may not change.
            let place = version.numbers.iter().position(|number| *number != 0);
            span(
                from(Operator::GreaterOrEqual),
                before(place.unwrap_or(last)),
            )
        }
        _ => return Err("it has an operator that npm does not know"),
    })
}

fn span(from: Term, before: Option<Term>) -> Vec<Term> {
    match before {
        Some(before) => vec![from, before],
        // `*` and `^*`: all.
        None => vec![from],
    }
}

impl Partial<'_> {
    /// The first version that it stands for.
    fn lowest(&self) -> String {
        match (self.numbers.as_slice(), self.pre_release) {
            ([major, minor, patch], "") => format!("{major}.{minor}.{patch}"),
            ([major, minor, patch], pre_release) => {
                format!("{major}.{minor}.{patch}-{pre_release}")
            }
            (numbers, _) => with_first_pre_release(numbers),
        }
    }

    /// The first version whose number at this place is greater; `None` where no number is stated.
    fn next(&self, place: usize) -> Option<String> {
        let number = self.numbers.get(place)?.checked_add(1)?;
        let before = self.numbers.get(..place).unwrap_or_default();
        let numbers: Vec<u64> = before.iter().copied().chain([number]).collect();
        Some(with_first_pre_release(&numbers))
    }
}

/// Fills up with zeros; `-0` is the first pre-release.
fn with_first_pre_release(numbers: &[u64]) -> String {
    let number = |place: usize| numbers.get(place).copied().unwrap_or(0);
    format!("{}.{}.{}-0", number(0), number(1), number(2))
}

fn partial(text: &str) -> Result<Partial<'_>, &'static str> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split('+').next().unwrap_or_default();
    let (text, pre_release) = text.split_once('-').unwrap_or((text, ""));
    let mut numbers = Vec::new();
    let mut is_open = false;
    for (place, number) in text.split('.').enumerate() {
        match number {
            "x" | "X" | "*" => is_open = true,
            _ if place > 2 || !is_number(number) => return Err("a version in it is malformed"),
            _ if is_open => {}
            number => numbers.push(number.parse().map_err(|_| "a number in it is too large")?),
        }
    }
    let is_known = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '.';
    if !pre_release.chars().all(is_known) {
        return Err("a pre-release in it is malformed");
    }
    Ok(Partial {
        numbers,
        pre_release,
    })
}
