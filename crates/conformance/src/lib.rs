//! Whether rules say what is expected of them: a control's own test data, and the public library's cases.
//!
//! It runs an engine over expectations that others wrote down and shows where the two differ. It judges nothing itself.

mod cases;
mod testdata;

pub use cases::{CaseResult, CaseStatus, check_cases};
pub use testdata::{Mismatch, check_testdata};
