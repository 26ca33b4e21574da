//! The native halves of intrinsics: functions of the Rego library that are not inlined.
//!
//! Each intrinsic is written three times: in Rego (`policies/lib/`), which defines it; here in
//! Rust, which is evaluated; and in CEL, which is exported. `tests/oracle/intrinsics.rs` tests that
//! the three agree.
//!
//! A native half is a pure function of strings. The evaluator decides what an undefined argument or
//! one of another type means.

pub mod connect_options;
pub mod host_path;
pub mod image;
pub mod quantity;
pub mod strings;
