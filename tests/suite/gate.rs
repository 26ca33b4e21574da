//! `kubevet serve` as a process.
