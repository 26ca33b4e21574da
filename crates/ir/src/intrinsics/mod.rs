//! Functions of the Rego library that the compiler takes whole instead of looking into them. Each is written three
//! times: in Rego (`policies/lib/`), which is what it means; here in Rust, which is what runs; and as CEL text, which is
//! what is exported. `tests/oracle/intrinsics.rs` holds the three to each other.
//!
//! A native half is a pure function of texts that are there: what an undefined argument or one of another type means is
//! the evaluator's to know.

pub mod connect_options;
pub mod host_path;
pub mod image;
pub mod quantity;
pub mod strings;
mod testing;

pub use testing::intrinsic;
