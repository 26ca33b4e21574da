//! Label selectors, with the meaning of `metav1.LabelSelector`.

use super::Labels;

/// A label selector: every requirement must hold. Without any it selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// What must hold; `matchLabels` are requirements of [`Operator::In`] with one value.
    pub requirements: Vec<Requirement>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// The values compared with; empty for [`Operator::Exists`] and [`Operator::DoesNotExist`].
    pub values: Vec<String>,
}

/// How a requirement compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The label is there with one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::In, Self::NotIn, Self::Exists, Self::DoesNotExist];

    /// The word used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::NotIn => "NotIn",
            Self::Exists => "Exists",
            Self::DoesNotExist => "DoesNotExist",
        }
    }
}

impl Selector {
    /// Whether it selects everything, whatever the labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it selects an object with these labels.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|it| it.holds(labels))
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = || value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => listed(),
            Operator::NotIn => !listed(),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operator: Operator, values: &[&str], labels: &[(&str, &str)], expected: bool) {
        let values = values.iter().map(ToString::to_string).collect();
        let selector = Selector {
            requirements: vec![Requirement {
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
        check(Operator::In, &["web", "x"], web, true);
        check(Operator::In, &["web", "x"], db, false);
        check(Operator::In, &["web"], none, false);
        check(Operator::NotIn, &["web"], web, false);
        check(Operator::NotIn, &["web"], db, true);
        check(Operator::NotIn, &["web"], none, true);
        check(Operator::Exists, &[], web, true);
        check(Operator::Exists, &[], none, false);
        check(Operator::DoesNotExist, &[], web, false);
        check(Operator::DoesNotExist, &[], none, true);
    }

    #[test]
    fn every_requirement_must_hold_and_none_selects_all() {
        let requirement = |key: &str| Requirement {
            key: key.to_owned(),
            operator: Operator::Exists,
            values: Vec::new(),
        };
        let both = Selector {
            requirements: vec![requirement("a"), requirement("b")],
        };
        let labels = |keys: &[&str]| {
            keys.iter()
                .map(|it| ((*it).to_owned(), String::new()))
                .collect()
        };
        assert!(both.selects(&labels(&["a", "b"])));
        assert!(!both.selects(&labels(&["a"])));
        assert!(Selector::default().selects(&labels(&[])));
    }
}
