//! The whole loader over files in memory and in folders.
