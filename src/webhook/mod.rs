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
//! | `server`, `body`, `timeout` | the endpoint, its bounds, the caller's patience |
//! | `metrics`, `log`, `record` | what is counted, written down and kept of reviews |
//! | `explain` | each control's part in an answer |
//! | `lines`, `writer` | lines of a log, and the thread behind logs and records |
//! | `wrap` | a plain object as a review, for trying things out |

mod answer;
mod body;
mod explain;
mod gate;
mod glance;
mod lines;
mod log;
mod metrics;
mod record;
mod review;
mod server;
mod timeout;
mod wrap;
mod writer;

pub use explain::explain;
pub use gate::{Answered, Gate, Phases, Surroundings};
pub use lines::{Lines, Output};
pub use log::DecisionLog;
pub use metrics::Metrics;
pub use record::Recorder;
pub use review::{BODY_BYTES, Resource, Review};
pub use server::{Admission, Capacity, NamespaceLookup, Observe, router};
pub use wrap::wrap;
