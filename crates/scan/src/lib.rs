//! Documents → Scan: every object judged, every control and framework counted, and what the run comes to.
//!
//! Pure: it is given documents and an engine, and gives a value. It reads no files and prints nothing.

mod filter;
mod outcome;
mod redact;
mod run;
mod score;

pub use filter::Filter;
pub use outcome::{Demands, Outcome, outcome};
pub use run::{Job, run};
