//! Names of the Common Platform Enumeration (CPE 2.3), where advisories are matched by them: packages of
//! Alpine, Go's standard library, and programs known by their content.
//!
//! Syft guesses CPEs for every package. Matching by them is off for packages of languages, so that none
//! are made for those here.

use crate::facts::ApkEntry;
use std::collections::BTreeSet;

/// A name of an application: `cpe:2.3:a:VENDOR:PRODUCT:VERSION:UPDATE:*:*:*:*:*:*`.
pub(crate) fn application(vendor: &str, product: &str, version: &str, update: &str) -> String {
    format!(
        "cpe:2.3:a:{}:{}:{}:{}:*:*:*:*:*:*",
        escaped(vendor),
        escaped(product),
        escaped(version),
        if matches!(update, "*" | "-") {
            update.to_owned()
        } else {
            escaped(update)
        }
    )
}

/// A value with backslashes before signs, in lower case; `*` where it is empty.
fn escaped(value: &str) -> String {
    if value.is_empty() {
        return "*".to_owned();
    }
    let mut text = String::with_capacity(value.len());
    for sign in value.chars() {
        if !(sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.' | '-')) {
            text.push('\\');
        }
        text.push(sign);
    }
    text
}

/// Vendors by the beginning of a package's home page.
const VENDORS_BY_URL: &[(&str, &str)] = &[
    ("https://www.gnu.org/", "gnu"),
    ("https://developer.gnome.org/", "gnome"),
    ("https://www.ruby-lang.org/", "ruby-lang"),
    ("https://llvm.org/", "llvm"),
    ("https://www.isc.org/", "isc"),
    ("https://musl.libc.org/", "musl-libc"),
    ("https://www.mozilla.org/", "mozilla"),
    ("https://www.x.org/", "x.org"),
    ("https://w1.fi/", "w1.fi"),
];

/// The names of a package of Alpine: by its own name, the name of the stream it is built from, and the
/// owner of its home page.
pub(crate) fn of_apk(entry: &ApkEntry) -> Vec<String> {
    let stream = stream(&entry.name);
    let upstream = ["py-", "ruby-"]
        .iter()
        .find_map(|prefix| stream.strip_prefix(prefix).filter(|rest| !rest.is_empty()))
        .unwrap_or(&stream);
    let mut products = with_variations(&entry.name);
    products.insert(upstream.to_owned());
    let mut vendors = products.clone();
    vendors.extend(vendor_of_url(&entry.url).map(str::to_owned));
    vendors.extend(beginnings(&entry.name));
    let mut names = Vec::new();
    for product in &products {
        for vendor in &vendors {
            names.push(application(vendor, product, &entry.version, "*"));
        }
    }
    names
}

/// A name with hyphens for underscores, and the other way round.
fn with_variations(name: &str) -> BTreeSet<String> {
    BTreeSet::from([
        name.to_owned(),
        name.replace('-', "_"),
        name.replace('_', "-"),
    ])
}

/// `lib`, `lib-a` and `lib-a-b` of `lib-a-b`.
fn beginnings(name: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for name in with_variations(name) {
        for (end, _) in name.match_indices(['-', '_']) {
            if end > 0
                && let Some(beginning) = name.get(..end)
            {
                found.insert(beginning.to_owned());
            }
        }
    }
    found.into_iter().take(10).collect()
}

/// A name without the version of its stream: `python` of `python3`, `nodejs` of `nodejs-18`, `py-yaml` of
/// `py3-yaml`.
fn stream(name: &str) -> String {
    let Some(digit) = name.find(|sign: char| sign.is_ascii_digit()) else {
        return name.to_owned();
    };
    let (before, rest) = name.split_at(digit);
    let begins_well = before.starts_with(|sign: char| sign.is_ascii_alphabetic());
    let version_end = rest
        .find(|sign: char| !(sign.is_ascii_digit() || sign == '.'))
        .unwrap_or(rest.len());
    let sub_package = rest.get(version_end..).unwrap_or_default();
    let stream = before.strip_suffix('-').unwrap_or(before);
    if !begins_well || stream.is_empty() {
        return name.to_owned();
    }
    match sub_package.strip_prefix('-') {
        _ if sub_package.is_empty() => stream.to_owned(),
        Some("") => stream.to_owned(),
        Some(sub) if sub.starts_with(|sign: char| sign.is_ascii_alphabetic()) => {
            format!("{stream}-{sub}")
        }
        _ => name.to_owned(),
    }
}

fn vendor_of_url(url: &str) -> Option<&str> {
    if let Some((_, vendor)) = VENDORS_BY_URL
        .iter()
        .find(|(start, _)| url.starts_with(start))
    {
        return Some(vendor);
    }
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let (owner, _) = path.split_once('/')?;
    let is_forge = matches!(scheme, "https" | "http" | "git")
        && matches!(host, "github.com" | "gitlab.com")
        && !owner.is_empty();
    is_forge.then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_name_without_version() {
        let check = |name: &str, expected: &str| assert_eq!(stream(name), expected, "{name}");
        check("python3", "python");
        check("py3-yaml", "py-yaml");
        check("nodejs-18", "nodejs");
        check("openjdk11-jre", "openjdk-jre");
        check("zlib", "zlib");
        check("7zip", "7zip");
    }

    #[test]
    fn application_with_signs_is_escaped() {
        assert_eq!(
            application("gnu", "c++", "1:2~3", "*"),
            r"cpe:2.3:a:gnu:c\+\+:1\:2\~3:*:*:*:*:*:*:*"
        );
        assert_eq!(
            application("golang", "go", "1.22.1", "-"),
            "cpe:2.3:a:golang:go:1.22.1:-:*:*:*:*:*:*"
        );
    }

    #[test]
    fn home_page_names_vendor() {
        let check =
            |url: &str, expected: Option<&str>| assert_eq!(vendor_of_url(url), expected, "{url}");
        check("https://www.gnu.org/software/bash", Some("gnu"));
        check(
            "https://github.com/eudev-project/eudev",
            Some("eudev-project"),
        );
        check("https://github.com/", None);
        check("https://example.test/a/b", None);
    }
}
