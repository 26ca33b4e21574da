//! Reports as a whole: every format and view of hand-made scans, byte for byte, and the JSON
//! against its schema.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod snapshots;
