//! Label selectors, with the meaning of `metav1.LabelSelector`.

use super::Labels;
use strum::VariantArray as _;

/// A label selector. It selects an object if every requirement holds, and everything if it has
/// none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    /// The requirements; an entry of `matchLabels` is one of [`LabelOperator::In`] with one value.
    pub requirements: Vec<LabelRequirement>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRequirement {
    /// The key of the label.
    pub key: String,
    /// The comparison.
    pub operator: LabelOperator,
    /// The values to compare with; empty for [`LabelOperator::Exists`] and
    /// [`LabelOperator::DoesNotExist`].
    pub values: Vec<String>,
}

/// The comparison of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
pub enum LabelOperator {
    /// The label exists and has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label exists.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl LabelOperator {
    /// All operators.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files, such as `NotIn`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl LabelSelector {
    /// True if it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// True if it selects an object with these labels.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.holds(labels))
    }
}

impl LabelRequirement {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = || value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            LabelOperator::In => listed(),
            LabelOperator::NotIn => !listed(),
            LabelOperator::Exists => value.is_some(),
            LabelOperator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operator: LabelOperator, values: &[&str], labels: &[(&str, &str)], expected: bool) {
        let values = values.iter().map(ToString::to_string).collect();
        let selector = LabelSelector {
            requirements: vec![LabelRequirement {
                key: "tier".to_owned(),
                operator,
                values,
            }],
        };
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(
            selector.selects(&labels),
            expected,
            "{selector:?} {labels:?}"
        );
    }

    #[test]
    fn requirement_holds_as_in_kubernetes() {
        let (web, db, none): (&[_], &[_], &[_]) =
            (&[("tier", "web")], &[("tier", "db")], &[("other", "web")]);
        check(LabelOperator::In, &["web", "x"], web, true);
        check(LabelOperator::In, &["web", "x"], db, false);
        check(LabelOperator::In, &["web"], none, false);
        check(LabelOperator::NotIn, &["web"], web, false);
        check(LabelOperator::NotIn, &["web"], db, true);
        check(LabelOperator::NotIn, &["web"], none, true);
        check(LabelOperator::Exists, &[], web, true);
        check(LabelOperator::Exists, &[], none, false);
        check(LabelOperator::DoesNotExist, &[], web, false);
        check(LabelOperator::DoesNotExist, &[], none, true);
    }

    #[test]
    fn every_requirement_must_hold_and_empty_selector_selects_all() {
        let requirement = |key: &str| LabelRequirement {
            key: key.to_owned(),
            operator: LabelOperator::Exists,
            values: Vec::new(),
        };
        let both = LabelSelector {
            requirements: vec![requirement("a"), requirement("b")],
        };
        let labels = |keys: &[&str]| {
            keys.iter()
                .map(|key| ((*key).to_owned(), String::new()))
                .collect()
        };
        assert!(both.selects(&labels(&["a", "b"])));
        assert!(!both.selects(&labels(&["a"])));
        assert!(LabelSelector::default().selects(&labels(&[])));
    }
}
