//! Documents become a `Scan`: every object evaluated, every control and framework scored, and the
//! status of the whole.
//!
//! It is pure: it takes documents and an engine, and returns a value. It reads no files and prints
//! nothing.

mod filter;
mod fingerprint;
mod misnamed_kind;
mod old_workload;
mod owned;
mod redact;
mod run;
mod schema_checks;
mod score;
mod scored_framework;
mod status;

pub use filter::ObjectFilter;
pub use run::{ScanInput, run};
pub use schema_checks::SchemaChecks;
pub use scored_framework::ScoredFramework;
