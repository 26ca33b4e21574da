//! Natives (being merged).
pub(super) mod connection;
pub(super) mod image;
pub(super) mod path;
pub(super) mod quantity;
pub(super) mod strings;
