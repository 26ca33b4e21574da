//! kubevet judges Kubernetes objects against a library of controls written in Rego.
//!
//! Modules stand in the order of their layers: each may import only those above it (`tests/architecture.rs`).

pub mod model;

pub mod document;

pub mod schema;

pub mod workload;

pub mod matching;

pub mod policy;

pub mod engine;

pub mod vap;

pub mod decision;

pub mod conformance;
pub mod proof;
pub mod scan;

pub mod cluster;
pub mod serve;

pub mod input;
pub mod manifests;
pub mod report;

pub mod webhook;

pub mod cli;
