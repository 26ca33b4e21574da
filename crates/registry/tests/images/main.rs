//! The client against a registry that misbehaves as it is told to (`registry` of `tests/images/`;
//! `KUBEVET_IMAGE_REGISTRY` names the binary), and against servers that answer what a test writes down.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs, listen and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounts;
mod faults;
mod image_lists;
mod image_sources;
mod mirrors;
mod name_lists;
mod proxies;
mod redirects;
mod referrers;
mod scripted_server;
mod test_registry;
mod tls;
mod tokens;
