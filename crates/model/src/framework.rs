//! Frameworks: the requirements of a publisher, and the controls that check them.

use super::ControlId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use strum::VariantArray as _;

/// A named list of requirements, as a publisher writes them.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct Framework {
    /// The name in flags, such as `NSA`. Lookups ignore its case.
    pub name: String,
    /// The edition, such as `v1.10`; may be empty.
    pub version: String,
    /// The subject and the publisher.
    pub description: String,
    /// Who assigned the controls to the requirements, where the publisher did not.
    pub mapping_by: Option<String>,
    /// True if it consists of every control of the library, whichever these are.
    pub has_all_controls: bool,
    /// The requirements, in the order of the publisher. A plain list of controls is one requirement
    /// without a section.
    pub requirements: Vec<Requirement>,
}

/// A requirement of a framework.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    /// The number, such as `5.2.2`; empty in a plain list of controls.
    pub section: String,
    /// The subject; may be empty.
    pub title: String,
    /// The publisher's word for it, such as `addressable`; may be empty.
    pub kind: String,
    /// The profile level.
    pub level: Option<Level>,
    /// How the publisher assesses it.
    pub assessment: Option<Assessment>,
    /// What no control shows of it. Without controls: why it cannot be checked.
    pub note: String,
    /// The controls that check it.
    pub controls: Vec<FrameworkMember>,
}

/// A control as a requirement lists it.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct FrameworkMember {
    /// The id of the control.
    pub control: ControlId,
    /// The reason why it is evidence for the requirement; may be empty.
    pub reason: String,
}

/// A profile level of the CIS benchmarks. Level 2 extends level 1.
#[derive(
    Debug,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(ascii_case_insensitive)]
pub enum Level {
    /// Requirements that can be met without a loss of function.
    L1,
    /// Requirements for clusters with higher demands, which may cost function.
    L2,
}

/// How a publisher assesses a requirement.
#[derive(
    Debug,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Assessment {
    /// By a program alone.
    Automated,
    /// By a person, whom a program may help.
    Manual,
}

impl Level {
    /// All levels.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files and flags: `L1`, `L2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Assessment {
    /// Both assessments.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files: `Automated`, `Manual`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Framework {
    /// Each control of each requirement. A control may occur several times.
    pub fn members(&self) -> impl Iterator<Item = (&Requirement, &FrameworkMember)> {
        self.requirements.iter().flat_map(|requirement| {
            let controls = requirement.controls.iter();
            controls.map(move |member| (requirement, member))
        })
    }

    /// The controls, each once.
    #[must_use]
    pub fn controls(&self) -> BTreeSet<&ControlId> {
        self.members().map(|(_, member)| &member.control).collect()
    }

    /// True if its requirements have numbers, so that results can be reported for each.
    #[must_use]
    pub fn has_sections(&self) -> bool {
        let mut requirements = self.requirements.iter();
        requirements.any(|requirement| !requirement.section.is_empty())
    }

    /// The framework with the requirements of a level and the levels below it; `None` if no
    /// requirement has a level.
    #[must_use]
    pub fn at_level(&self, level: Level) -> Option<Self> {
        let mut narrowed = self.clone();
        let is_in = |requirement: &Requirement| {
            let required = requirement.level;
            required.is_some_and(|required| required <= level)
        };
        narrowed.requirements.retain(is_in);
        (!narrowed.requirements.is_empty()).then_some(narrowed)
    }

    /// What a reader must know who takes its results for proof; `None` where the publisher names
    /// the controls.
    #[must_use]
    pub fn mapping_notice(&self) -> Option<String> {
        let author = self.mapping_by.as_ref()?;
        Some(mapping_notice(&self.name, author))
    }
}

/// What a reader must know of frameworks whose controls an author assigned, who is not the publisher.
#[must_use]
pub fn mapping_notice(frameworks: &str, author: &str) -> String {
    format!(
        "The mapping of {frameworks} requirements to controls is by {author}, not by the publisher of the \
         requirements. A result is evidence for part of a requirement, never certified compliance."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(section: &str, level: Option<Level>, controls: &[&str]) -> Requirement {
        let member = |id: &&str| FrameworkMember {
            control: (*id).into(),
            reason: String::new(),
        };
        Requirement {
            section: section.to_owned(),
            level,
            controls: controls.iter().map(member).collect(),
            ..Requirement::default()
        }
    }

    #[test]
    fn level_two_extends_level_one() {
        let mut framework = Framework {
            name: "cis".to_owned(),
            version: String::new(),
            description: String::new(),
            mapping_by: None,
            has_all_controls: false,
            requirements: vec![
                requirement("1", Some(Level::L1), &["C-2", "C-1"]),
                requirement("2", Some(Level::L2), &["C-1"]),
                requirement("3", None, &["C-3"]),
            ],
        };
        let sections = |level| {
            let narrowed: Framework = framework.at_level(level).unwrap();
            let sections = narrowed
                .requirements
                .iter()
                .map(|requirement| requirement.section.clone());
            sections.collect::<String>()
        };
        assert_eq!(
            (sections(Level::L1), sections(Level::L2)),
            ("1".into(), "12".into())
        );
        assert_eq!(
            (framework.members().count(), framework.controls().len()),
            (4, 3)
        );
        assert!(framework.has_sections() && framework.mapping_notice().is_none());
        framework.requirements.truncate(0);
        assert!(framework.at_level(Level::L2).is_none() && !framework.has_sections());
    }
}
