//! Functions of the Rego library that the compiler takes whole instead of looking into them. Each is written three
//! times: in Rego (`policies/lib/`), which is what it means; here in Rust, which is what runs; and as CEL text, which is
//! what is exported. `tests/oracle/intrinsics.rs` holds the three to each other.
//!
//! A native half is a pure function of texts that are there: what an undefined argument or one of another type means is
//! the evaluator's to know. A CEL half is text around operand texts, see [`cel`].

pub(super) mod cel;
pub(super) mod connection;
pub(super) mod image;
pub(super) mod path;
mod proof;
pub(super) mod quantity;
pub(super) mod strings;

pub use proof::{intrinsic, intrinsic_cel};
