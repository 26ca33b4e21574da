//! Field patterns: paths with a placeholder for every element of a list or map, such as
//! `podSpec.containers[].securityContext.privileged`. They describe what a rule reads, whatever the
//! object. Nothing here looks at an object.

use std::fmt;

/// The value at which a pattern begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternRoot {
    /// The object itself.
    Object,
    /// The pod spec, at the path where the kind has it.
    PodSpec,
    /// The metadata of the Pod: the object's own for a Pod, else that of the template.
    PodMetadata,
}

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternStep {
    /// The value under this key.
    Field(String),
    /// Each element of a list, or each value of a map.
    Each,
}

/// A field that a rule reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPattern {
    /// The beginning.
    pub root: PatternRoot,
    /// The steps from the root, outermost first.
    pub steps: Vec<PatternStep>,
}

impl FieldPattern {
    /// The pattern of a root itself.
    #[must_use]
    pub fn of(root: PatternRoot) -> Self {
        Self {
            root,
            steps: Vec::new(),
        }
    }

    /// The pattern with one more step.
    #[must_use]
    pub fn then(&self, step: PatternStep) -> Self {
        let mut longer = self.clone();
        longer.steps.push(step);
        longer
    }
}

impl fmt::Display for FieldPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.root {
            PatternRoot::Object => "object",
            PatternRoot::PodSpec => "podSpec",
            PatternRoot::PodMetadata => "podMetadata",
        })?;
        for step in &self.steps {
            match step {
                PatternStep::Field(name) => write!(out, ".{name}")?,
                PatternStep::Each => out.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// The fields that the conditions behind a path read at or below the list elements on the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathReads {
    /// The path of a violation.
    pub path: FieldPattern,
    /// The fields, sorted.
    pub fields: Vec<ElementField>,
}

/// A field of a list element on a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ElementField {
    /// The number of steps of the path that lead to the element.
    pub depth: usize,
    /// The keys from the element to the field; none for the element itself.
    pub keys: Vec<String>,
}

impl ElementField {
    /// The field that a pattern reads at or below the last element that it shares with a path.
    ///
    /// If the pattern iterates over another list below that element, the field is the whole list.
    /// `None` if the two share no element, or if the value at the path contains what is read.
    #[must_use]
    pub fn between(read: &FieldPattern, path: &FieldPattern) -> Option<Self> {
        if read.root != path.root {
            return None;
        }
        let shared = read
            .steps
            .iter()
            .zip(&path.steps)
            .take_while(|(a, b)| a == b)
            .count();
        if shared == path.steps.len() {
            return None;
        }
        let depth = read
            .steps
            .get(..shared)?
            .iter()
            .rposition(|step| *step == PatternStep::Each)?
            + 1;
        let keys = read
            .steps
            .get(depth..)?
            .iter()
            .map_while(|step| match step {
                PatternStep::Field(name) => Some(name.clone()),
                PatternStep::Each => None,
            });
        Some(Self {
            depth,
            keys: keys.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> FieldPattern {
        let step = |step: &str| match step {
            "[]" => PatternStep::Each,
            name => PatternStep::Field(name.to_owned()),
        };
        FieldPattern {
            root: PatternRoot::PodSpec,
            steps: text.split('.').map(step).collect(),
        }
    }

    #[track_caller]
    fn check(read: &str, path: &str, expected: Option<(usize, &str)>) {
        let found = ElementField::between(&pattern(read), &pattern(path))
            .map(|field| (field.depth, field.keys.join(".")));
        assert_eq!(
            found,
            expected.map(|(depth, keys)| (depth, keys.to_owned())),
            "{read} {path}"
        );
    }

    #[test]
    fn read_field_belongs_to_the_last_shared_element() {
        check(
            "containers.[].mounts.[].name",
            "containers.[].mounts.[].readOnly",
            Some((4, "name")),
        );
        check(
            "containers.[].image",
            "containers.[].mounts.[].readOnly",
            Some((2, "image")),
        );
        check(
            "containers.[].mounts.[].name",
            "containers.[].image",
            Some((2, "mounts")),
        );
        check("containers.[]", "containers.[].image", Some((2, "")));
        // The value at the path contains it.
        check("containers.[].image", "containers.[].image", None);
        check("volumes.[].hostPath.path", "volumes.[]", None);
        // No element is shared.
        check("volumes.[].name", "containers.[].image", None);
        check("hostPID", "hostNetwork", None);
    }
}
