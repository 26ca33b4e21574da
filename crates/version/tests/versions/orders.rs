//! Lists of versions in ascending order, by the specification or the tests of each ecosystem's own tool.

use kubevet_version::{
    Version,
    VersionFormat::{
        self, Apk, Bitnami, Composer, Deb, Gem, Golang, Jvm, Kb, Maven, Npm, Nuget, Pacman,
        Portage, Python, Rpm, Semantic, Unknown,
    },
};
use std::cmp::Ordering;

fn compare(format: VersionFormat, left: &str, right: &str) -> Ordering {
    let (left, right) = (Version::new(format, left), Version::new(format, right));
    match left.compare(&right) {
        Ok(order) => order,
        Err(error) => panic!("{error}"),
    }
}

/// Every version is before every later one. Versions with `=` between them are equal.
fn check(format: VersionFormat, ascending: &[&str]) {
    for (place, left) in ascending.iter().enumerate() {
        for (later, right) in ascending.iter().enumerate() {
            for left in left.split(" = ") {
                for right in right.split(" = ") {
                    let order = compare(format, left, right);
                    assert_eq!(order, place.cmp(&later), "{format}: {left} to {right}");
                }
            }
        }
    }
}

/// The text is no version of the format.
fn check_refused(format: VersionFormat, text: &str) {
    let error = Version::parse(format, text)
        .err()
        .map(|error| error.to_string());
    let error = error.unwrap_or_default();
    assert!(
        error.contains(&format!("is no {format} version")),
        "{format} {text:?}: {error:?}"
    );
}

/// deb-version(7).
#[test]
fn debian_versions_have_the_order_of_dpkg() {
    check(
        Deb,
        &[
            "1.0~~",
            "1.0~~a",
            "1.0~rc1-1",
            "1.0~rc2-1",
            "1.0 = 1.0-0 = 0:1.0 = 01.0",
            "1.0-0.1",
            "1.0-1~deb12u1",
            "1.0-1",
            "1.0-1ubuntu1",
            "1.0-1+b1",
            "1.0-1.1",
            "1.0-10",
            "1.0a",
            "1.0+dfsg-1",
            "1.0-1-1",
            "1.0.1-1",
            "1.2",
            "1.10",
            "1:0.1",
        ],
    );
    for text in ["", "a1", "1:", "x:1", "1.0 2", "1.0-1_é"] {
        check_refused(Deb, text);
    }
}

/// rpm's tests/rpmvercmp.at, and the manual's section on tilde and caret.
#[test]
fn rpm_versions_have_the_order_of_rpm() {
    check(
        Rpm,
        &[
            "1.0~rc1",
            "1.0~rc1^git1",
            "1.0~rc2",
            "1.0 = 0:1.0 = 1_0",
            "1.0^",
            "1.0^git1~pre",
            "1.0^git1",
            "1.0^git2",
            "1.0^20160101",
            "1.0a",
            "1.0.0 = 1.0.00",
            "1.0.1",
            "1.0.1-1.el8",
            "1.0.1-2.el8",
            "1.0.1-2.el8_1",
            "1.0.1-10.el8",
            "1.1",
            "2.0.1",
            "2.0.1a",
            "10.1",
            "20101121",
            "1:0.1",
        ],
    );
    check(Rpm, &["xyz10", "xyz10.1"]);
    check(Rpm, &["6.0", "6.0.rc1"]);
    check_refused(Rpm, "a:1.0");
}

/// apk-tools' test/version.data.
#[test]
fn alpine_versions_have_the_order_of_apk() {
    check(
        Apk,
        &[
            "0.1_alpha",
            "0.1_alpha1",
            "0.1_beta",
            "0.1_pre2",
            "0.1_rc1",
            "0.1",
            "0.1-r1",
            "0.1-r2",
            "0.1-r10",
            "0.1_cvs",
            "0.1_git20230101",
            "0.1_p1",
            "0.1_p1-r1",
            "0.1a",
            "0.1a-r1",
            "0.1b",
            "0.1.1",
            "0.2",
            "0.10",
            "1.0",
            "1.0.1",
            "10.0",
        ],
    );
    check(Apk, &["1.01", "1.1"]);
    check(Apk, &["1.0_alpha_pre2", "1.0_alpha"]);
    check(Apk, &["v1.0 = 1.0"]);
    for text in [
        "", "a", "1.0.", "1..0", "1.0-1", "1.0-r", "1.0_foo", "1.0bc", "1.0-r1a", "1.0A",
    ] {
        check_refused(Apk, text);
    }
}

/// PEP 440, "Summary of permitted suffixes and relative ordering", epochs, local versions and
/// alternative spellings.
#[test]
fn python_versions_have_the_order_of_pep_440() {
    check(
        Python,
        &[
            "2004d",
            "1.dev0",
            "1.0.dev456 = 1.0-dev456",
            "1.0a1 = 1.0.alpha-1 = 1.0ALPHA_1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1 = 1.0c1 = 1.0-preview1",
            "1.0 = 1 = v1.0.0 = 0!1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456 = 1.0-456 = 1.0.rev456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ],
    );
    check(Python, &["1.0+a.9", "1.0+a.10 = 1.0+a-10 = 1.0+A_10"]);
    for text in ["", "unspecified", "!", "none"] {
        check_refused(Python, text);
    }
}

/// Semantic Versioning, item 11.
#[test]
fn semantic_versions_have_the_order_of_item_11() {
    for format in [Semantic, Npm, Unknown] {
        check(
            format,
            &[
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0 = 1.0.0+build = v1.0.0 = 1.0",
                "1.0.1",
                "1.2.0",
                "1.10.0",
            ],
        );
    }
    check(Semantic, &["1.0.0.rc1 = 1.0.0-rc1", "1.0.0"]);
    for text in ["", "x", "1.", "1..0", "1.0-a..b", "latest"] {
        check_refused(Semantic, text);
    }
}

/// `Gem::Version`.
#[test]
fn gem_versions_have_the_order_of_rubygems() {
    check(
        Gem,
        &[
            "1.0.a",
            "1.0.a.2",
            "1.0.b1",
            "1.0.pre",
            "1.0.pre.1 = 1.0-1",
            "1.0.rc1",
            "1.0 = 1 = 1.0.0 = 1.0-x86_64-linux",
            "1.0.1",
            "1.8.2.a9",
            "1.8.2.b",
            "1.8.2",
            "1.10",
        ],
    );
    for text in ["1..0", "1.0_2", ".1", "1.0!"] {
        check_refused(Gem, text);
    }
}

/// `ComparableVersion` and its test (ComparableVersionTest), Maven 3.9.
#[test]
fn maven_versions_have_the_order_of_comparable_version() {
    check(
        Maven,
        &[
            "1-alpha2snapshot",
            "1-alpha2",
            "1-alpha-123",
            "1-beta-2",
            "1-beta123",
            "1-m2",
            "1-m11",
            "1-rc = 1-cr",
            "1-rc2",
            "1-rc123",
            "1-SNAPSHOT",
            "1 = 1.0 = 1-ga = 1-final = 1-release",
            "1-sp",
            "1-sp2",
            "1-sp123",
            "1-abc",
            "1-def",
            "1-pom-1",
            "1-1-snapshot",
            "1-1",
            "1-2",
            "1-123",
        ],
    );
    check(
        Maven,
        &[
            "2.0", "2.0.a", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1",
            "2.1.0.1", "2.2", "2.123", "11.a2", "11.a11", "11.b2", "11.b11", "11.m2", "11.m11",
            "11", "11.a", "11b", "11c", "11m",
        ],
    );
    check(Maven, &["1.0", "1.0.jre8"]);
}

/// go.dev/ref/mod, "Versions" and "Pseudo-versions".
#[test]
fn go_versions_have_the_order_of_modules() {
    check(
        Golang,
        &[
            "v0.0.0-20191109021931-daa7c04131f5",
            "v0.0.0-20200101000000-000000000000",
            "v1.2.3-pre",
            "v1.2.3-pre.0.20191109021931-daa7c04131f5",
            "v1.2.3 = 1.2.3 = go1.2.3 = v1.2.3+incompatible = v1.2.3+incompatible+dirty",
            "v1.2.4-0.20191109021931-daa7c04131f5",
            "v1.2.4",
            "v2.0.0+incompatible",
        ],
    );
    check(Golang, &["go1.26rc1", "go1.26 = 1.26.0"]);
    for text in ["(devel)", "", "devel"] {
        check_refused(Golang, text);
    }
}

/// Package Manager Specification, "Version comparison".
#[test]
fn portage_versions_have_the_order_of_the_package_manager_specification() {
    check(
        Portage,
        &[
            "1.0_alpha",
            "1.0_alpha1",
            "1.0_beta",
            "1.0_pre",
            "1.0_rc1",
            "1.0 = 1.0-r0",
            "1.0-r1",
            "1.0_p",
            "1.0_p1",
            "1.0a",
            "1.0b",
            "1.0.1",
            "1.1",
            "1.10",
        ],
    );
    check(Portage, &["1.01", "1.1"]);
    check_refused(Portage, "none");
}

/// JEP 223, and the versions before it.
#[test]
fn java_runtimes_have_the_order_of_jep_223() {
    check(
        Jvm,
        &[
            "1.7.0_80",
            "1.8.0_45",
            "1.8.0_292 = 1.8.0_292-b10 = 8.0.292 = 8.0-update292 = 1.8.0u292",
            "1.8.0_302",
            "9.0.0-ea",
            "9 = 9.0.0+181",
            "11.0.2+9",
            "11.0.10",
            "17",
        ],
    );
    check_refused(Jvm, "jdk");
}

/// Bitnami's go-version: the revision does not count.
#[test]
fn bitnami_versions_ignore_the_revision() {
    check(
        Bitnami,
        &[
            "1.2.3 = 1.2.3-1 = 1.2.3-10 = 1.2.3-debian-11-r3",
            "1.2.4-0",
            "1.10.0",
        ],
    );
    check_refused(Bitnami, "latest");
}

/// Composer's Comparator and PHP's `version_compare`.
#[test]
fn composer_versions_have_the_order_of_php() {
    check(
        Composer,
        &[
            "1.0.0-dev",
            "1.0.0-alpha1 = 1.0.0a1",
            "1.0.0-beta2",
            "1.0.0-beta10",
            "1.0.0-RC1",
            "1.0.0 = v1.0 = 1 = 1.0.0-stable = 1.0.0+build",
            "1.0.0-patch1 = 1.0.0-p1",
            "1.0.1",
            "1.10",
        ],
    );
}

/// NuGet's VersionComparer.
#[test]
fn nuget_versions_have_a_fourth_number_and_no_case() {
    check(
        Nuget,
        &[
            "1.0.0-alpha = 1.0.0-ALPHA",
            "1.0.0-Beta",
            "1.0.0 = 1.0 = 1.0.0.0 = 1.0.0+meta",
            "1.0.0.1-rc",
            "1.0.0.1",
            "1.0.1",
        ],
    );
}

#[test]
fn pacman_versions_have_an_epoch_and_a_release() {
    check(
        Pacman,
        &["1.0~rc1-1", "1.0-1", "1.0-2", "1.0.1-1", "1.10-1"],
    );
    check(Pacman, &["0:9.0-1", "1:1.0-1"]);
}

#[test]
fn unknown_versions_are_compared_part_by_part() {
    check(
        Unknown,
        &[
            "1.0.1",
            "1.0.2",
            "1.0.2k",
            "1.0.2l",
            "1.1.0",
            "2023-01-02",
            "2023-10-02",
        ],
    );
    check(Unknown, &["8p9", "8p15"]);
}

#[test]
fn articles_of_the_knowledge_base_are_equal_or_not() {
    assert_eq!(compare(Kb, "4516044", "4516044"), Ordering::Equal);
    assert_eq!(compare(Kb, "4516044", "4516045"), Ordering::Greater);
    assert_eq!(compare(Kb, "4516045", "4516044"), Ordering::Greater);
}

#[test]
fn version_that_its_format_cannot_read_is_compared_in_the_format_of_the_other() {
    let left = Version::new(Semantic, "1.0-1_2~x");
    let right = Version::new(Deb, "1.0-1");
    assert_eq!(left.compare(&right).ok(), Some(Ordering::Greater));
}
