//! Orders and constraints by the specifications of the ecosystems, and hostile texts.

#![allow(clippy::panic, reason = "a test fails by panicking")]

mod constraints;
mod hostile_texts;
mod orders;
