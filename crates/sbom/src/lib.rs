//! Software bills of materials (SBOMs) of images and folders: written and read in the formats that
//! other programs understand.
//!
//! It stands apart from what finds packages and from what matches them with advisories: an SBOM of
//! another program is as good a source as an image. Nothing here reads a file, a clock or a random
//! number: the caller gives the [`DocumentStamp`]. What could not be read when the packages were looked
//! for is kept in every format, so that an incomplete SBOM never becomes a clean result.
//!
//! | file | is |
//! |---|---|
//! | `document` | an SBOM as data |
//! | `format` | the table of formats |
//! | `cyclonedx` | CycloneDX 1.6, JSON |
//! | `spdx` | SPDX 2.3 as data, and its JSON |
//! | `spdx_tag_value` | SPDX 2.3 as lines of tag and value |
//! | `syft` | the JSON of Syft |
//! | `syft_metadata` | what Syft says of one kind of package |
//! | `table` | lines for a reader |
//! | `package_url` | a package from its URL |
//! | `package_id` | identifiers of packages within a document |
//! | `licenses` | licences as identifiers, expressions or names |
//! | `error` | why an SBOM cannot be read |

mod cyclonedx;
mod document;
mod error;
mod format;
mod licenses;
mod package_id;
mod package_url;
mod spdx;
mod spdx_tag_value;
mod syft;
mod syft_metadata;
mod table;

pub use document::{DocumentStamp, ImageIdentity, SbomDocument};
pub use error::SbomError;
pub use format::{SbomFormat, read_sbom, write_sbom};
