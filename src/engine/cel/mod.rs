//! Compiled controls as CEL for ValidatingAdmissionPolicies: what the printer hands out.

mod sheet;

pub use sheet::{ParamsFrom, Printed, Sheet, Target, Unjudged, Variable};
