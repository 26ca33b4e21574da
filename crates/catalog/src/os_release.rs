//! The distribution, by its os-release or older evidence.

use crate::{
    cataloger::{Cataloger, Selection},
    facts::{Fact, OsReleaseFact},
    files::Files,
};
use kubevet_image::FileEntry;
use kubevet_model::Distribution;
use regex::{Regex, bytes::Regex as BytesRegex};
use std::{collections::HashMap, sync::LazyLock};

/// Evidence, the best first.
const EVIDENCE: &[&str] = &[
    "etc/os-release",
    "usr/lib/os-release",
    "etc/system-release-cpe",
    "etc/redhat-release",
    "bin/busybox",
];
/// Debian's own file has the point release, which os-release leaves out.
const DEBIAN_VERSION: &str = "etc/debian_version";

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "distribution",
    selection: Selection::Paths(&[
        "etc/os-release",
        "usr/lib/os-release",
        "etc/system-release-cpe",
        "etc/redhat-release",
        "etc/*release*",
        "usr/lib/*os-release*",
        "usr/lib/os.release.d/*",
        "bin/busybox",
        "usr/bin/busybox",
        "etc/debian_version",
    ]),
    subject: None,
    facts,
    packages: |_, _| {},
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    if entry.path == DEBIAN_VERSION {
        let version = text(content).trim().to_owned();
        let fact = is_number(&version).then_some(OsReleaseFact::DebianVersion(version));
        return Ok(fact.map(Fact::OsRelease));
    }
    let found = match crate::files::file_name(entry.path) {
        "busybox" => busybox(content),
        "system-release-cpe" => system_release_cpe(&text(content)),
        "redhat-release" => redhat_release(&text(content)),
        _ => os_release(&text(content)),
    };
    Ok(found.map(OsReleaseFact::Distribution).map(Fact::OsRelease))
}

fn text(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}

/// The distribution that the best evidence names.
pub(crate) fn distribution(files: &Files<'_>) -> Option<Distribution> {
    let mut found = EVIDENCE.iter().find_map(|path| {
        let file = files.at(path)?;
        file.facts.facts.iter().find_map(|fact| match fact {
            Fact::OsRelease(OsReleaseFact::Distribution(distribution)) => {
                Some(distribution.clone())
            }
            _ => None,
        })
    })?;
    if found.id.eq_ignore_ascii_case("debian")
        && let Some(version) = debian_version(files)
    {
        if found.version.is_empty() {
            found.version.clone_from(&version);
        }
        found.version_id = version;
    }
    Some(found)
}

fn debian_version(files: &Files<'_>) -> Option<String> {
    let file = files.at(DEBIAN_VERSION)?;
    file.facts.facts.iter().find_map(|fact| match fact {
        Fact::OsRelease(OsReleaseFact::DebianVersion(version)) => Some(version.clone()),
        _ => None,
    })
}

/// `12` or `12.5`.
fn is_number(version: &str) -> bool {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(major) && is_digits(minor)
}

fn os_release(content: &str) -> Option<Distribution> {
    let mut values: HashMap<&str, String> = HashMap::new();
    for line in content.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, value)) = line.split_once('=') {
            values.insert(key.trim_matches(' '), unquoted(value.trim_matches(' ')));
        }
    }
    let mut take = |key: &str| values.remove(key).unwrap_or_default();
    let distribution = Distribution {
        id: take("ID"),
        id_like: take("ID_LIKE")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        name: take("NAME"),
        pretty_name: take("PRETTY_NAME"),
        version: take("VERSION"),
        version_id: take("VERSION_ID"),
        codename: take("VERSION_CODENAME"),
        build_id: take("BUILD_ID"),
    };
    (distribution != Distribution::default()).then_some(distribution)
}

/// A value without its quotes and the backslashes of a shell.
fn unquoted(value: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| {
        value
            .strip_prefix(*quote)
            .and_then(|rest| rest.strip_suffix(*quote))
    });
    inner
        .unwrap_or(value)
        .replace("\\\"", "\"")
        .replace("\\$", "$")
        .replace("\\\\", "\\")
        .replace("\\`", "`")
}

#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static BUSYBOX: LazyLock<BytesRegex> =
    LazyLock::new(|| BytesRegex::new(r"BusyBox v([\d.]+)").unwrap());
#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static SYSTEM_RELEASE_CPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"cpe:/o:(.*?):.*?:(.*?):.*?$").unwrap());
#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static REDHAT_RELEASE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(.*?)\srelease\s((\d\.\d+).*)").unwrap());

fn busybox(content: &[u8]) -> Option<Distribution> {
    let captures = BUSYBOX.captures(content)?;
    let whole = text(captures.get(0)?.as_bytes());
    let version = text(captures.get(1)?.as_bytes());
    Some(simple("busybox", &whole, &version))
}

fn system_release_cpe(content: &str) -> Option<Distribution> {
    let captures = SYSTEM_RELEASE_CPE.captures(content)?;
    let vendor = captures.get(1)?.as_str();
    let version = captures.get(2)?.as_str();
    Some(simple(&vendor.to_lowercase(), vendor, version))
}

fn simple(id: &str, pretty_name: &str, version: &str) -> Distribution {
    Distribution {
        id: id.to_owned(),
        id_like: vec![id.to_owned()],
        name: id.to_owned(),
        pretty_name: pretty_name.to_owned(),
        version: version.to_owned(),
        version_id: version.to_owned(),
        ..Distribution::default()
    }
}

fn redhat_release(content: &str) -> Option<Distribution> {
    let content = content.trim();
    let captures = REDHAT_RELEASE.captures(content)?;
    let name = captures.get(1)?.as_str();
    let version_id = captures.get(3)?.as_str();
    let mut version = captures.get(2)?.as_str();
    if name.is_empty() {
        return None;
    }
    let lower = name.to_lowercase();
    let id = if lower.starts_with("red hat enterprise linux") {
        "rhel"
    } else if lower.starts_with("rocky linux") {
        "rocky"
    } else if lower.starts_with("scientific linux") {
        "scientific"
    } else {
        if lower.starts_with("centos") {
            version = version_id;
        }
        &lower
    };
    let mut id_like = vec![id.to_owned()];
    if id != "rhel" {
        id_like.push("rhel".to_owned());
    }
    Some(Distribution {
        id: id.to_owned(),
        id_like,
        name: name.to_owned(),
        pretty_name: content.to_owned(),
        version: version.to_owned(),
        version_id: version_id.to_owned(),
        ..Distribution::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_with_quotes_and_comments_is_read() {
        let check = |content: &str, id: &str, version_id: &str, name: &str| {
            let found = os_release(content).unwrap_or_default();
            assert_eq!(
                (&*found.id, &*found.version_id, &*found.name),
                (id, version_id, name)
            );
        };
        check(
            "ID=debian\nVERSION_ID=\"12\"\nNAME='Debian GNU/Linux'\n",
            "debian",
            "12",
            "Debian GNU/Linux",
        );
        check(
            "# ID=no\nID = a\nNAME=\"say \\\"hi\\\"\"",
            "a",
            "",
            "say \"hi\"",
        );
        check("nothing here", "", "", "");
    }

    #[test]
    fn older_evidence_names_distribution() {
        let check = |found: Option<Distribution>, id: &str, version: &str| {
            let found = found.unwrap_or_default();
            assert_eq!((&*found.id, &*found.version_id), (id, version));
        };
        check(
            busybox(b"\0\0BusyBox v1.36.1 (2023)\0"),
            "busybox",
            "1.36.1",
        );
        check(
            redhat_release("Red Hat Enterprise Linux release 8.8 (Ootpa)\n"),
            "rhel",
            "8.8",
        );
        check(
            redhat_release("CentOS release 6.10 (Final)"),
            "centos",
            "6.10",
        );
        check(
            system_release_cpe("cpe:/o:amazon:linux:2:-:ga"),
            "amazon",
            "2",
        );
        check(redhat_release("release"), "", "");
    }

    #[test]
    fn debian_version_is_number_or_ignored() {
        for (version, expected) in [
            ("12.5", true),
            ("12", true),
            ("bookworm/sid", false),
            ("12.", false),
            ("", false),
        ] {
            assert_eq!(is_number(version), expected, "{version}");
        }
    }
}
