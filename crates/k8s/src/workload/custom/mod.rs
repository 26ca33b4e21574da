//! Kinds outside Kubernetes whose objects hold pod specs: Rollout, Workflow, JobSet and others.
//!
//! The table is [`SHIPPED`], and users add rows of their own. Each pod of such an object is judged
//! as a Pod or PodTemplate; a [`PodLayout`] says where it is. Only group and kind identify a row:
//! the paths are the same in all versions.

mod custom_workloads;
mod layout;
mod path_pattern;
mod shipped;

pub use custom_workloads::{CustomWorkload, CustomWorkloads, Taken};
pub use layout::{COMPOSED_POD_FIELDS, ComposedPod, ContainerSource, PodForm, PodLayout, PodShape};
pub use path_pattern::{InvalidPath, PathPattern, PathStep};
pub use shipped::{SHIPPED, ShippedWorkload};
