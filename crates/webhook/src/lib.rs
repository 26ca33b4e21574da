//! The admission webhook: an AdmissionReview in, an answer out.
//!
//! It reads the envelope and writes the answer; what is wrong with an object is the engine's to say, and what is done
//! about it the decision's. How connections are served, and where the library and the bindings come from, is for others.
//!
//! | file | is |
//! |---|---|
//! | `review`, `glance` | bytes → a review; what can be told of one that is not read whole |
//! | `gate` | what holds, and the answer to one body under it |
//! | `answer` | a decision → bytes |
//! | `server`, `body`, `timeout` | the endpoint, reading, the time of a review |
//! | `capacity` | how much may happen at once |
//! | `fair_queue`, `slots` | whose turn it is to be judged; the same for tasks that wait |
//! | `ledger`, `memory` | who holds how many bytes, and who yields; the same for requests |
//! | `metrics`, `log`, `record` | what is counted, written down and kept of reviews |
//! | `explain` | each control's part in an answer |
//! | `lines`, `writer` | lines of a log, and the thread behind logs and records |
//! | `wrap` | a plain object as a review, for trying things out |

mod answer;
mod body;
mod capacity;
mod explain;
mod fair_queue;
mod gate;
mod glance;
mod ledger;
mod lines;
mod log;
mod memory;
mod metrics;
mod record;
mod review;
mod server;
mod slots;
#[cfg(test)]
mod tests;
mod timeout;
mod wrap;
mod writer;

pub use capacity::{Capacity, judged_at_once};
pub use explain::explain;
pub use gate::{Answered, Gate, Phases, Surroundings};
pub use lines::{Lines, Output};
pub use log::DecisionLog;
pub use metrics::Metrics;
pub use record::Recorder;
pub use review::{BODY_BYTES, Resource, Review};
pub use server::{Admission, Asking, NamespaceLookup, Observe, router};
pub use wrap::wrap;
