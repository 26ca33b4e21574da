//! The controls of the public library, and the state of each that is not here.

use super::ControlId;
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

/// A control of the public library. Where the library has a control of its id, the state says
/// nothing.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct PublicControl {
    /// The id.
    pub id: ControlId,
    /// Its name in the public library.
    pub name: String,
    /// Its state.
    pub state: PublicControlState,
    /// Why, in one sentence.
    pub reason: String,
}

/// The state of a control of the public library that is not here: what it needs.
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
#[strum(serialize_all = "kebab-case")]
pub enum PublicControlState {
    /// It needs nothing but its rule, which checks single objects.
    Planned,
    /// It needs rules that read several objects together.
    Joins,
    /// It needs facts that a node alone has: files, processes, settings of the kubelet.
    NodeFacts,
    /// It needs facts that a cloud provider or a version service alone has.
    CloudFacts,
    /// It needs the results of image scans.
    Images,
    /// It needs a person: no program can decide it.
    Manual,
    /// Kubernetes has removed what it checks, or a later control asks for the contrary.
    Obsolete,
}

impl PublicControlState {
    /// All states.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name of the state in files and reports: `planned`, `joins`, `node-facts` …
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The reason why a control is not evaluated, as half a sentence.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Planned => "not in this version",
            Self::Joins => "needs several objects together, which this version does not compare",
            Self::NodeFacts => "needs facts of the nodes, which this input does not have",
            Self::CloudFacts => {
                "needs facts of the cloud or of published versions, which this input does not have"
            }
            Self::Images => "needs results of image scans, which this input does not have",
            Self::Manual => "a person must check it",
            Self::Obsolete => "obsolete: it does not fit current versions of Kubernetes",
        }
    }
}
