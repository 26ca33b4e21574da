//! What CEL is emitted for: the kinds of objects, the oldest Kubernetes, and where params come
//! from.

use kubevet_k8s::workload::custom::CustomWorkload;
use kubevet_model::Kind;
use kubevet_policy::{ParamValue, Params};

/// What the emitted expressions are for.
#[derive(Debug, Clone, Copy)]
pub struct CelTarget<'a> {
    /// The oldest minor version that must accept the policies: 30 for Kubernetes 1.30, the first
    /// that can.
    pub min_kube: u8,
    /// Where params come from.
    pub params: ParamsFrom<'a>,
    /// The kinds of objects that the policy will match.
    pub kinds: &'a [Kind],
    /// Where the objects of these kinds keep their pods, all of one shape, if the policy will match
    /// kinds of other software; else empty. Their pods are evaluated instead of the objects.
    pub custom: &'a [CustomWorkload],
}

/// Where params come from.
#[derive(Debug, Clone, Copy)]
pub enum ParamsFrom<'a> {
    /// Their values are literals in the expressions.
    Written(&'a Params),
    /// Each is a variable of the policy, whose value is a literal.
    Variables(&'a Params),
    /// They are read from `params.settings.NAME`; these values are the fallback where the settings
    /// lack the name.
    Resource(&'a Params),
}

impl<'a> ParamsFrom<'a> {
    /// The value of a param: the literal, or the fallback.
    pub(super) fn value(self, name: &str) -> Option<&'a ParamValue> {
        match self {
            Self::Written(params) | Self::Variables(params) | Self::Resource(params) => {
                params.get(name)
            }
        }
    }

    /// The values of params that are constant in the policy; `None` where they are read from a
    /// resource.
    pub(super) fn constants(self) -> Option<&'a Params> {
        match self {
            Self::Written(params) | Self::Variables(params) => Some(params),
            Self::Resource(_) => None,
        }
    }
}

/// One of the two objects of an admission request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectSide {
    /// `object`.
    New,
    /// `oldObject`, which exists on UPDATE.
    Old,
}
