//! Label selectors, with the meaning of `metav1.LabelSelector`.

use super::Labels;
use strum::VariantArray as _;

/// A label selector: every requirement must hold. Without any it selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    /// What must hold; `matchLabels` are requirements of [`LabelOperator::In`] with one value.
    pub requirements: Vec<LabelRequirement>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRequirement {
    /// The label's key.
    pub key: String,
    /// How it is compared.
    pub operator: LabelOperator,
    /// The values compared with; empty for [`LabelOperator::Exists`] and [`LabelOperator::DoesNotExist`].
    pub values: Vec<String>,
}

/// How a requirement compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
pub enum LabelOperator {
    /// The label is there with one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
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
    /// Whether it selects everything, whatever the labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it selects an object with these labels.
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
    fn requirements_mean_what_kubernetes_means() {
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
    fn every_requirement_must_hold_and_none_selects_all() {
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
