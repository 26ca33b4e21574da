//! `kubevet review`.
