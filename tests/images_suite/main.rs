//! Differential tests of what kubevet does with images: against Syft and Grype, which the oracle of
//! `tests/images/` runs (see its README; `KUBEVET_IMAGE_ORACLE` names the binary).

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod database_update;
mod oracle_answers;
mod sbom_documents;
