//! Paths with a placeholder for each element: `spec.replicatedJobs[*].template`. `[*]` stands for
//! each item of a list, `{*}` for each value of a map.

use kubevet_model::{PatternStep, Segment};
use std::{error::Error, fmt, str::FromStr};

/// The most steps of a path.
const MAX_STEPS: usize = 32;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathStep {
    /// The value of a field.
    Field(String),
    /// Each item of a list.
    EachItem,
    /// Each value of a map.
    EachValue,
}

impl PathStep {
    /// True if a segment of a path can be this step.
    #[must_use]
    pub fn matches(&self, segment: Segment<'_>) -> bool {
        match self {
            Self::Field(name) => segment.is_key(name),
            Self::EachItem | Self::EachValue => true,
        }
    }
}

/// A path with placeholders, outermost step first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PathPattern(pub Vec<PathStep>);

impl PathPattern {
    /// The steps as those of a field pattern.
    pub fn pattern_steps(&self) -> impl Iterator<Item = PatternStep> + '_ {
        self.0.iter().map(|step| match step {
            PathStep::Field(name) => PatternStep::Field(name.clone()),
            PathStep::EachItem | PathStep::EachValue => PatternStep::Each,
        })
    }
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidPath {
    /// It is empty.
    Empty,
    /// A step between two dots is empty, or has a character that no field name has.
    Step,
    /// An index: every element must be meant.
    Index,
    /// It has more steps than any object.
    TooLong,
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the path is empty"),
            Self::Step => {
                out.write_str("a field name consists of letters, digits, `-`, `_` and `$`")
            }
            Self::Index => out
                .write_str("write `[*]` for each item of a list and `{*}` for each value of a map"),
            Self::TooLong => write!(out, "a path has at most {MAX_STEPS} steps"),
        }
    }
}

impl Error for InvalidPath {}

impl FromStr for PathPattern {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidPath::Empty);
        }
        let mut steps = Vec::new();
        for part in text.split('.') {
            let end = part.find(['[', '{']).unwrap_or(part.len());
            let (name, mut rest) = part.split_at(end);
            if name.is_empty() || !name.chars().all(is_name_char) {
                return Err(InvalidPath::Step);
            }
            steps.push(PathStep::Field(name.to_owned()));
            while !rest.is_empty() {
                let (step, after) = placeholder(rest).ok_or(InvalidPath::Index)?;
                steps.push(step);
                rest = after;
            }
        }
        if steps.len() > MAX_STEPS {
            return Err(InvalidPath::TooLong);
        }
        Ok(Self(steps))
    }
}

fn placeholder(text: &str) -> Option<(PathStep, &str)> {
    let item = text
        .strip_prefix("[*]")
        .map(|rest| (PathStep::EachItem, rest));
    item.or_else(|| Some((PathStep::EachValue, text.strip_prefix("{*}")?)))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$')
}

impl fmt::Display for PathPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Field(name) if index == 0 => out.write_str(name)?,
                PathStep::Field(name) => write!(out, ".{name}")?,
                PathStep::EachItem => out.write_str("[*]")?,
                PathStep::EachValue => out.write_str("{*}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPath, PathPattern};

    #[track_caller]
    fn check(text: &str, expected: Result<usize, InvalidPath>) {
        let parsed = text.parse::<PathPattern>();
        if let Ok(path) = &parsed {
            assert_eq!(path.to_string(), text);
        }
        assert_eq!(parsed.map(|path| path.0.len()), expected, "{text}");
    }

    #[test]
    fn text_is_read_as_a_path_or_refused_with_the_reason() {
        check("spec", Ok(1));
        check("spec.template", Ok(2));
        check("spec.replicatedJobs[*].template.spec.template", Ok(6));
        check("spec.pytorchReplicaSpecs{*}.template", Ok(4));
        check("spec.templates[*].steps[*][*].inline", Ok(7));
        check("", Err(InvalidPath::Empty));
        check(".spec", Err(InvalidPath::Step));
        check("spec..template", Err(InvalidPath::Step));
        check("spec.", Err(InvalidPath::Step));
        check("spec/template", Err(InvalidPath::Step));
        check("$.spec template", Err(InvalidPath::Step));
        check("[*].spec", Err(InvalidPath::Step));
        check("spec.jobs[0].template", Err(InvalidPath::Index));
        check("spec.jobs[].template", Err(InvalidPath::Index));
        check("spec.jobs[*", Err(InvalidPath::Index));
        check("spec.jobs[*]x", Err(InvalidPath::Index));
        check(&["a"; 33].join("."), Err(InvalidPath::TooLong));
    }
}
