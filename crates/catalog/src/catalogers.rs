//! The table of all catalogers.

use crate::{
    alpm, apk, binary, cataloger::Cataloger, composer, dotnet, dpkg, gem, go_binary, java,
    javascript, javascript_locks, os_release, python, rpm, rust_audit,
};

/// All catalogers. The distribution is known before the packages are.
pub(crate) const CATALOGERS: &[Cataloger] = &[
    os_release::CATALOGER,
    dpkg::CATALOGER,
    apk::CATALOGER,
    rpm::CATALOGER,
    alpm::CATALOGER,
    python::CATALOGER,
    javascript::CATALOGER,
    javascript_locks::CATALOGER,
    go_binary::CATALOGER,
    rust_audit::CATALOGER,
    java::CATALOGER,
    gem::CATALOGER,
    composer::CATALOGER,
    dotnet::CATALOGER,
    binary::CATALOGER,
];
