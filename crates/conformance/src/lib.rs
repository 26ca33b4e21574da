//! Compares rules with expectations: a control's own test data, and the cases of the public
//! library.
//!
//! It runs an engine over expectations that others wrote and reports where the two differ. It
//! decides nothing itself.

mod cases;
mod testdata;

pub use cases::{CaseResult, CaseStatus, check_cases};
pub use testdata::{Mismatch, check_testdata};
