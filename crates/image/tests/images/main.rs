//! Tests of images: what Go's programs of `tests/images/` write, and layers and archives that are made here.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod archives;
mod damaged_layers;
mod folders;
mod hard_links;
mod hostile_images;
mod kept_layers;
mod limits;
mod memory_image;
mod squashed_layers;
mod tar_builder;
mod test_images;
mod text_inspector;
