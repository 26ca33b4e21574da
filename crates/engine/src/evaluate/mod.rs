//! Programs over documents: verdict first, words only where something was found.
//!
//! All controls that look at a kind are one [`Plan`]: each list of the object is gone over once for all of them, and a
//! question that several ask is answered once. Values are small and hold no references, so nothing is allocated on the
//! way of an object that passes. Depth is that of the program, never that of the object; steps are counted.
//!
//! | file | is |
//! |---|---|
//! | `plan` | which conditions are asked in which loop |
//! | `join` | which equalities are joins, and of what an index is made |
//! | `tables` | what the machine knows of each term and condition before any object |
//! | `settings` | params, read once |
//! | `value`, `compare` | values of documents, params and programs; their order |
//! | `machine` | terms and conditions over one object |
//! | `call` | functions |
//! | `index` | joins over one object: loops while they are short, then indexes |
//! | `say` | findings |
//! | `run` | one object under one plan |
//! | `watch` | who looks on |

mod call;
mod compare;
mod index;
mod join;
mod machine;
mod plan;
mod run;
mod say;
mod settings;
mod tables;
mod value;
mod watch;

pub(super) use plan::Plan;
pub use run::Heavy;
pub(super) use run::{Judged, Scratch, judge};
pub(super) use settings::Settings;
pub(super) use tables::Tables;
pub use watch::Seen;
pub(super) use watch::{Unwatched, Watch};
