//! Where our packages differ from Syft's on purpose.

/// Type, name, version and package URL.
pub(crate) type Key = (String, String, String, String);

/// Kinds of packages that are not catalogued, with the reason.
const KINDS: &[(&str, &str)] = &[
    ("portage", "Gentoo's database is not read yet"),
    ("R-package", "no advisories of this ecosystem are matched"),
    ("lua-rocks", "no advisories of this ecosystem are matched"),
    ("bitnami", "SBOMs inside of images are not believed yet"),
    ("wordpress-plugin", "plugins are not read yet"),
];

/// Why we leave out a package of Syft's.
pub(crate) fn of_syft(_source: &str, key: &Key) -> Option<&'static str> {
    KINDS
        .iter()
        .find(|(kind, _)| *kind == key.0)
        .map(|(_, reason)| *reason)
}

/// Why we have a package that Syft leaves out.
pub(crate) fn of_ours(_source: &str, _key: &Key) -> Option<&'static str> {
    None
}
