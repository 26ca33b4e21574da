//! Versions of packages: the order of each ecosystem, and the constraints that advisories state.
//!
//! It stands apart because nothing in it needs more than two texts: no file, no database, no package.
//! Each order is that of the ecosystem's own tool. Where Grype differs from that tool, the tool is
//! right; `tests/images/differences.rs` names those cases.
//!
//! | file | is |
//! |---|---|
//! | `format` | the formats and their names |
//! | `error` | what cannot be read, and why |
//! | `missing_epoch` | what a missing epoch means |
//! | `package_version` | [`Version`] and its order |
//! | `constraint` | [`Constraint`], and which versions it holds for |
//! | `expression` | the syntax of constraints: terms, operators, quotes |
//! | `npm_range` | the syntax of npm's ranges |
//! | `digits` | numbers of any length |
//! | `deb`, `rpm`, `pacman`, `apk`, `portage` | orders of distributions |
//! | `semantic`, `golang`, `nuget`, `bitnami`, `jvm` | orders that resemble Semantic Versioning |
//! | `pep440`, `pep440_legacy`, `gem`, `maven`, `maven_items`, `composer` | orders of other languages |
//! | `fuzzy` | the order of versions whose format nobody knows |

mod apk;
mod bitnami;
mod composer;
mod constraint;
mod deb;
mod digits;
mod error;
mod expression;
mod format;
mod fuzzy;
mod gem;
mod golang;
mod jvm;
mod maven;
mod maven_items;
mod missing_epoch;
mod npm_range;
mod nuget;
mod package_version;
mod pacman;
mod pep440;
mod pep440_legacy;
mod portage;
mod rpm;
mod semantic;

pub use constraint::{Constraint, MAX_CONSTRAINT_BYTES};
pub use error::VersionError;
pub use format::VersionFormat;
pub use missing_epoch::MissingEpoch;
pub use package_version::{MAX_VERSION_BYTES, Version};
