//! A session: the policy library of a command, loaded and compiled, with everything that is wrong
//! with it.
//!
//! Loading never fails as a whole: one broken rule loses no other. Each command decides whether it
//! works with what is left (`list`, `scan`) or requires a valid library (`serve`, `vap`).

use super::{exit_status::ExitStatus, library_flags::LibraryFlags, stderr};
use kubevet_engine::Engine;
use kubevet_model::Problem;
use kubevet_policy::Library;
use kubevet_prebuilt as prebuilt;

/// A policy library and the engine that it compiles to.
pub(super) struct Session {
    pub(super) library: Library,
    pub(super) engine: Engine,
    /// The problems of loading and compiling, in this order.
    pub(super) problems: Vec<Problem>,
}

impl Session {
    /// Loads and compiles the library that the flags select.
    pub(super) fn open(flags: &LibraryFlags) -> Self {
        let (library, problems) = flags.load();
        Self::compile(library, problems)
    }

    /// Compiles a library. `problems` are those of loading it.
    pub(super) fn compile(library: Library, mut problems: Vec<Problem>) -> Self {
        let (engine, compile_problems) = Engine::compile_with(&library, prebuilt::precompiled());
        problems.extend(compile_problems);
        Self {
            library,
            engine,
            problems,
        }
    }

    /// Returns the session if nothing is wrong with it; otherwise prints the problems.
    pub(super) fn require_valid(self) -> Option<Self> {
        match self.print_problems() {
            ExitStatus::Success => Some(self),
            _ => None,
        }
    }

    /// Prints the problems. Returns `Failure` if there are any.
    pub(super) fn print_problems(&self) -> ExitStatus {
        stderr::print_problems(&self.problems)
    }
}
