//! Package URLs, written as Syft writes them: every segment escaped, qualifiers sorted by key.

use kubevet_model::Distribution;
use std::fmt::Write as _;

/// A package URL. Empty namespaces, versions and qualifiers are left out.
pub(crate) fn purl(
    kind: &str,
    namespace: &str,
    name: &str,
    version: &str,
    qualifiers: &[(&str, &str)],
) -> String {
    let mut url = format!("pkg:{kind}");
    for segment in namespace.split('/').filter(|segment| !segment.is_empty()) {
        url.push('/');
        escape(segment, &mut url);
    }
    url.push('/');
    escape(name, &mut url);
    if !version.is_empty() {
        url.push('@');
        escape(version, &mut url);
    }
    let mut qualifiers: Vec<&(&str, &str)> = qualifiers
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    qualifiers.sort_unstable();
    for (number, (key, value)) in qualifiers.into_iter().enumerate() {
        url.push(if number == 0 { '?' } else { '&' });
        escape(key, &mut url);
        url.push('=');
        escape(value, &mut url);
    }
    url
}

fn escape(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

/// The value of the qualifier `distro`, such as `debian-12`.
pub(crate) fn distro(distribution: &Distribution) -> String {
    let version = if distribution.version_id.is_empty() {
        &distribution.build_id
    } else {
        &distribution.version_id
    };
    match (distribution.id.is_empty(), version.is_empty()) {
        (false, false) => format!("{}-{version}", distribution.id),
        (false, true) => distribution.id.clone(),
        (true, _) => version.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_url_with_signs_is_escaped() {
        let check = |url: String, expected: &str| assert_eq!(url, expected);
        check(
            purl(
                "deb",
                "debian",
                "login",
                "1:4.13+dfsg1-1~b1",
                &[
                    ("distro", "debian-12"),
                    ("arch", "amd64"),
                    ("upstream", "shadow@1:4.13"),
                ],
            ),
            "pkg:deb/debian/login@1%3A4.13%2Bdfsg1-1~b1?arch=amd64&distro=debian-12&upstream=shadow%401%3A4.13",
        );
        check(
            purl("npm", "@types", "node", "", &[("arch", "")]),
            "pkg:npm/%40types/node",
        );
        check(
            purl("golang", "github.com/a", "b c", "v1", &[]),
            "pkg:golang/github.com/a/b%20c@v1",
        );
    }
}
