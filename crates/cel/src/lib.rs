//! The printer: a program becomes CEL for ValidatingAdmissionPolicies.
//!
//! Every condition that it prints is total: on no object that can reach admission does it end in an error. What cannot
//! be printed exactly is refused with the reason; nothing is printed nearly right.
//!
//! | file | is |
//! |---|---|
//! | `sheet` | the door: controls in, variables and expressions out |
//! | `text` | expressions of CEL as text |
//! | `types`, `kubernetes` | what Kubernetes' own types prove of a term |
//! | `narrow` | what cannot find anything under written params is left out |
//! | `either`, `together` | several bodies, and several controls, as one condition |
//! | `printer`, `scope` | what printing needs to know: the kinds, the params, the names of elements |
//! | `term`, `chain`, `cond`, `compare`, `domain` | terms, conditions, what is iterated |
//! | `share` | names for what is said more than once |
//! | `functions` | the shared library's functions |
//! | `variables` | the variables that policies share |
//! | `cost` | what a control costs the API server, reckoned |
//! | `size` | the bound on what patterns are matched against |
//! | `loops`, `deny`, `message`, `identity` | a rule: whether it finds something, what it says, what makes a finding the same |

mod chain;
mod compare;
mod cond;
mod cost;
mod deny;
mod domain;
mod either;
mod functions;
mod identity;
mod intrinsics;
mod kubernetes;
mod loops;
mod message;
mod narrow;
mod printer;
mod proof;
mod scope;
mod share;
mod sheet;
mod size;
mod term;
#[cfg(test)]
mod tests;
mod text;
mod together;
mod types;
mod variables;

pub use cost::{LIMIT, Sizes, estimate};
pub use proof::intrinsic_cel;
pub use sheet::print;
pub use sheet::{ParamsFrom, Printed, Sheet, Target, Unjudged, Variable};

/// Why something cannot be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused(String);
