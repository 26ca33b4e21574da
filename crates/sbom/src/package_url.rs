//! A package from its URL: documents of other programs name a package by nothing else that all of them
//! agree on (<https://github.com/package-url/purl-spec>).

use kubevet_model::{Distribution, Package, PackageDetails, PackageKind, UpstreamPackage};

/// Types of package URLs, the kind of their packages, and the language.
const TYPES: &[(&str, PackageKind, &str)] = &[
    ("alpm", PackageKind::Alpm, ""),
    ("apk", PackageKind::Apk, ""),
    ("cargo", PackageKind::RustCrate, "rust"),
    ("composer", PackageKind::PhpComposer, "php"),
    ("deb", PackageKind::Deb, ""),
    ("gem", PackageKind::Gem, "ruby"),
    ("generic", PackageKind::Binary, ""),
    ("golang", PackageKind::GoModule, "go"),
    ("maven", PackageKind::JavaArchive, "java"),
    ("npm", PackageKind::Npm, "javascript"),
    ("nuget", PackageKind::Dotnet, "dotnet"),
    ("pypi", PackageKind::Python, "python"),
    ("rpm", PackageKind::Rpm, ""),
];

/// The name that Syft gives a kind of package.
pub(crate) const fn kind_name(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Alpm => "alpm",
        PackageKind::Apk => "apk",
        PackageKind::Binary => "binary",
        PackageKind::Deb => "deb",
        PackageKind::Dotnet => "dotnet",
        PackageKind::Gem => "gem",
        PackageKind::GoModule => "go-module",
        PackageKind::JavaArchive => "java-archive",
        PackageKind::JenkinsPlugin => "jenkins-plugin",
        PackageKind::LinuxKernel => "linux-kernel",
        PackageKind::Npm => "npm",
        PackageKind::PhpComposer => "php-composer",
        PackageKind::Python => "python",
        PackageKind::Rpm => "rpm",
        PackageKind::RustCrate => "rust-crate",
    }
}

/// The kind of a name that Syft gives.
pub(crate) fn kind_named(name: &str) -> Option<PackageKind> {
    const ALL: [PackageKind; 15] = [
        PackageKind::Alpm,
        PackageKind::Apk,
        PackageKind::Binary,
        PackageKind::Deb,
        PackageKind::Dotnet,
        PackageKind::Gem,
        PackageKind::GoModule,
        PackageKind::JavaArchive,
        PackageKind::JenkinsPlugin,
        PackageKind::LinuxKernel,
        PackageKind::Npm,
        PackageKind::PhpComposer,
        PackageKind::Python,
        PackageKind::Rpm,
        PackageKind::RustCrate,
    ];
    ALL.into_iter().find(|kind| kind_name(*kind) == name)
}

/// A package and the distribution that its URL names.
pub(crate) struct UrlPackage {
    pub package: Package,
    pub distribution: Option<Distribution>,
}

/// Returns what a package URL says. `None` if it is invalid, or of a type that no advisory is matched
/// with.
pub(crate) fn package_of(url: &str) -> Option<UrlPackage> {
    let rest = url.strip_prefix("pkg:")?;
    let rest = rest.split('#').next()?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (path, version) = match path.rsplit_once('@') {
        // An `@` before a slash belongs to a scope: `pkg:npm/@a/b`.
        Some((path, version)) if !version.contains('/') => (path, unescape(version)),
        _ => (path, String::new()),
    };
    let (kind, path) = path.trim_start_matches('/').split_once('/')?;
    let kind = kind.to_ascii_lowercase();
    let (_, kind, language) = TYPES.iter().find(|(name, ..)| *name == kind)?;
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (namespace, name) = (unescape(namespace), unescape(name));
    if name.is_empty() {
        return None;
    }
    let qualifier = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| value);
        value.map(unescape)
    };
    let full_name = match kind {
        PackageKind::GoModule | PackageKind::Npm | PackageKind::PhpComposer
            if !namespace.is_empty() =>
        {
            format!("{namespace}/{name}")
        }
        _ => name.clone(),
    };
    let (version, details) = match kind {
        PackageKind::Rpm => {
            let epoch = qualifier("epoch").and_then(|epoch| epoch.parse().ok());
            let version = match epoch {
                Some(epoch) => format!("{epoch}:{version}"),
                None => version,
            };
            let details = PackageDetails::Rpm {
                epoch,
                modularity: qualifier("rpmmod"),
            };
            (version, details)
        }
        PackageKind::JavaArchive => {
            let details = PackageDetails::Java {
                group_id: namespace,
                artifact_id: name,
                virtual_path: String::new(),
                sha1: String::new(),
            };
            (version, details)
        }
        _ => (version, PackageDetails::None),
    };
    let package = Package {
        kind: *kind,
        name: full_name,
        version,
        language: (*language).to_owned(),
        purl: url.to_owned(),
        cpes: Vec::new(),
        licenses: Vec::new(),
        locations: Vec::new(),
        architecture: qualifier("arch").unwrap_or_default(),
        upstreams: upstreams_of(*kind, qualifier("upstream").as_deref()),
        files: Vec::new(),
        details,
    };
    Some(UrlPackage {
        package,
        distribution: qualifier("distro").as_deref().and_then(distribution_of),
    })
}

/// `openssl@1.1.1` or `openssl`; for RPM `bash-5.1.8-6.el9.src.rpm`.
fn upstreams_of(kind: PackageKind, upstream: Option<&str>) -> Vec<UpstreamPackage> {
    let Some(upstream) = upstream.filter(|upstream| !upstream.is_empty()) else {
        return Vec::new();
    };
    let parsed = if kind == PackageKind::Rpm {
        let source = upstream.strip_suffix(".src.rpm").unwrap_or(upstream);
        let mut parts = source.rsplitn(3, '-');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(release), Some(version), Some(name)) => UpstreamPackage {
                name: name.to_owned(),
                version: Some(format!("{version}-{release}")),
            },
            _ => UpstreamPackage {
                name: source.to_owned(),
                version: None,
            },
        }
    } else {
        let (name, version) = upstream
            .split_once('@')
            .map_or((upstream, None), |(name, version)| (name, Some(version)));
        UpstreamPackage {
            name: name.to_owned(),
            version: version.map(str::to_owned),
        }
    };
    vec![parsed]
}

/// `debian-12` → `debian`, `12`; a name may hold hyphens, as `opensuse-leap-15.5` does.
fn distribution_of(distro: &str) -> Option<Distribution> {
    let (id, version) = match distro.rsplit_once('-') {
        Some((id, version)) if version.starts_with(|first: char| first.is_ascii_digit()) => {
            (id, version)
        }
        _ => (distro, ""),
    };
    (!id.is_empty()).then(|| Distribution {
        id: id.to_owned(),
        version_id: version.to_owned(),
        ..Distribution::default()
    })
}

/// Replaces `%XX`. What is no valid escape stays.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escaped = (*first == b'%')
            .then(|| tail.split_at_checked(2))
            .flatten()
            .and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok()?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        match escaped {
            Some((byte, after)) => {
                plain.push(byte);
                rest = after;
            }
            None => plain.push(*first),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        let text = package_of(url).map_or_else(
            || "nothing".to_owned(),
            |UrlPackage {
                 package,
                 distribution,
             }| {
                let upstreams: Vec<String> = package
                    .upstreams
                    .iter()
                    .map(|upstream| format!("{upstream:?}"))
                    .collect();
                format!(
                    "{} {} {} [{}] {} {}",
                    kind_name(package.kind),
                    package.name,
                    package.version,
                    package.architecture,
                    upstreams.join(","),
                    distribution.map_or_else(String::new, |found| format!(
                        "{} {}",
                        found.id, found.version_id
                    ))
                )
            },
        );
        assert_eq!(text.trim_end(), expected, "{url}");
    }

    #[test]
    fn package_url_names_kind_version_source_and_distribution() {
        check(
            "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
            "deb libssl3 3.0.15-1~deb12u1 [amd64] UpstreamPackage { name: \"openssl\", version: None } debian 12",
        );
        check(
            "pkg:rpm/rhel/bash@5.1.8-6.el9?arch=x86_64&epoch=1&upstream=bash-5.1.8-6.el9.src.rpm&distro=rhel-9.2",
            "rpm bash 1:5.1.8-6.el9 [x86_64] UpstreamPackage { name: \"bash\", version: Some(\"5.1.8-6.el9\") } rhel 9.2",
        );
        check("pkg:npm/%40babel/core@7.1.0", "npm @babel/core 7.1.0 []");
        check("pkg:npm/@babel/core", "npm @babel/core  []");
        check(
            "pkg:golang/github.com/a/b@v1.0.0#sub",
            "go-module github.com/a/b v1.0.0 []",
        );
        check("pkg:maven/org.a/b@1", "java-archive b 1 []");
        check(
            "pkg:apk/alpine/musl@1.2.4-r1?distro=alpine-3.18.4",
            "apk musl 1.2.4-r1 []  alpine 3.18.4",
        );
        check("pkg:pypi/a%2", "python a%2  []");
        check("pkg:unheard/a@1", "nothing");
        check("pkg:deb/", "nothing");
        check("deb/a", "nothing");
    }
}
