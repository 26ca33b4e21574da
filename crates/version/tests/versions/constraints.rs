//! The syntax of constraints, and which versions they hold for.

use kubevet_version::{
    Constraint, MAX_CONSTRAINT_BYTES, MissingEpoch, Version,
    VersionFormat::{self, Deb, Gem, Kb, Maven, Npm, Python, Rpm, Semantic, Unknown},
};

fn matches(format: VersionFormat, constraint: &str, version: &Version) -> bool {
    let constraint = match Constraint::parse(format, constraint) {
        Ok(constraint) => constraint,
        Err(error) => panic!("{error}"),
    };
    match constraint.matches(version) {
        Ok(matches) => matches,
        Err(error) => panic!("{error}"),
    }
}

fn check(format: VersionFormat, constraint: &str, version: &str, expected: bool) {
    let found = matches(format, constraint, &Version::new(format, version));
    assert_eq!(found, expected, "{constraint:?} and {version:?}");
}

fn check_refused(format: VersionFormat, text: &str, reason: &str) {
    let error = Constraint::parse(format, text)
        .err()
        .map(|error| error.to_string());
    let error = error.unwrap_or_default();
    assert!(error.contains(reason), "{text:?}: {error:?}");
}

#[test]
fn terms_hold_together_and_groups_one_for_another() {
    check(Semantic, "", "1.0", true);
    check(Semantic, "1.0", "1.0.0", true);
    check(Semantic, "= 1.0", "1.0.1", false);
    check(Semantic, "!= 1.0", "1.0.1", true);
    check(Semantic, "!=1.0", "1.0.0", false);
    check(Semantic, "< 2.0", "1.9", true);
    check(Semantic, "<= 2.0", "2.0", true);
    check(Semantic, "> 2.0", "2.0", false);
    check(Semantic, ">=2.0,<3", "2.5", true);
    check(Semantic, ">=2.0,,<3", "3.0", false);
    check(Semantic, ">=1,<2 || >= 3, < 4", "3.5", true);
    check(Semantic, ">=1,<2 || >= 3, < 4", "2.5", false);
    check(Semantic, "< '2.0'", "1.0", true);
    check(Semantic, "< \"2.0\"", "2.0", false);
}

#[test]
fn malformed_constraint_is_refused_with_its_reason() {
    check_refused(Deb, "(< 1)", "parentheses");
    check_refused(Deb, "<", "no version follows an operator");
    check_refused(Deb, "== 1", "a version contains an operator");
    check_refused(Deb, "< 1 < 2", "a version contains an operator");
    check_refused(Deb, "~> 1.2", "an operator that is none of");
    check_refused(Deb, "^1.2", "an operator that is none of");
    check_refused(Deb, " ", "no term");
    check_refused(Deb, "< '1", "no end");
    check_refused(Deb, &"1,".repeat(MAX_CONSTRAINT_BYTES), "longer than");
    check_refused(Deb, &"1,".repeat(5000), "more than 4096 terms");
    check_refused(Npm, "1.2.3.4", "malformed");
    check_refused(Npm, "=>1", "does not know");
}

#[test]
fn bound_that_is_no_version_of_the_format_is_named() {
    let named = |format, text| {
        let constraint = Constraint::parse(format, text).ok()?;
        constraint.invalid_bound().map(|error| error.to_string())
    };
    assert_eq!(named(Python, "< 1.0, >= 0.9rc1"), None);
    let error = named(Python, ">= 1.0, < 2004d").unwrap_or_default();
    assert!(error.contains("\"2004d\""), "{error:?}");
    let error = named(Deb, "< unspecified").unwrap_or_default();
    assert!(
        error.contains("\"unspecified\" is no deb version"),
        "{error:?}"
    );
}

#[test]
fn missing_epoch_is_zero_or_that_of_the_bound() {
    let check = |format, epoch, constraint, version: &str, expected| {
        let version = Version::new(format, version).with_missing_epoch(epoch);
        let found = matches(format, constraint, &version);
        assert_eq!(
            found, expected,
            "{format} {epoch:?} {constraint:?} {version:?}"
        );
    };
    check(Rpm, MissingEpoch::Zero, "< 1:1.0", "2.0", true);
    check(Rpm, MissingEpoch::Auto, "< 1:1.0", "2.0", false);
    check(Rpm, MissingEpoch::Auto, "< 3.0", "1:2.0", true);
    check(Deb, MissingEpoch::Zero, "< 1:1.0", "2.0", true);
    check(Deb, MissingEpoch::Auto, "< 1:1.0", "2.0", false);
    check(Deb, MissingEpoch::Auto, "< 3.0", "1:2.0", false);
    assert_eq!(MissingEpoch::of_format(Rpm), MissingEpoch::Auto);
    assert_eq!(MissingEpoch::of_format(Deb), MissingEpoch::Zero);
}

/// What a package states more than an advisory does.
#[test]
fn local_version_and_java_runtime_do_not_count_at_a_bound() {
    check(Python, "= 1.0", "1.0+local", true);
    check(Python, "> 1.0", "1.0+local", false);
    check(Python, "= 1.0+local", "1.0+local", true);
    check(Python, "= 1.0+local", "1.0", false);
    check(Maven, "<= 12.10.2", "12.10.2.jre11", true);
    check(Maven, "< 12.10.2", "12.10.2.jre11", false);
}

#[test]
fn constraint_of_another_format_is_compared_in_that_of_the_version() {
    let latest = Version::new(Unknown, "1.0.2k");
    assert!(matches(Semantic, "< 1.0.2l", &latest));
    let article = Version::new(Gem, "1.0");
    let constraint = Constraint::parse(Kb, "4516044");
    assert!(constraint.is_ok_and(|constraint| constraint.matches(&article).is_err()));
}

/// node-semver's range fixtures, with pre-releases included.
#[test]
fn ranges_of_npm_are_read_as_npm_does() {
    for (range, version) in [
        ("1.0.0 - 2.0.0", "1.2.3"),
        ("1.2 - 2.3", "2.3.9"),
        ("^1.2.3", "1.9.0"),
        ("^0.2.3", "0.2.9"),
        ("^0.0.1", "0.0.1"),
        ("^1.x", "1.0.0"),
        ("^0", "0.9.9"),
        ("~1.2.3", "1.2.9"),
        ("~1", "1.9.9"),
        ("~> 1.2", "1.2.4"),
        ("1.x", "1.3.0"),
        ("1.2.*", "1.2.3"),
        ("*", "9.9.9"),
        ("", "1.0.0"),
        ("||", "1.0.0"),
        ("1.2.3 || 2.x", "2.0.0"),
        (">=1.2 <2 || 3", "3.4.5"),
        ("> 1.2", "1.3.0"),
        ("<=1.2", "1.2.9"),
        (">=1.0.0, <2.0.0", "1.5.0"),
        ("v1.2.3", "1.2.3"),
        ("^1.2.3-beta", "1.2.3-rc"),
        ("!=1.2.3", "1.2.4"),
    ] {
        check(Npm, range, version, true);
    }
    for (range, version) in [
        ("1.0.0 - 2.0.0", "2.2.3"),
        ("1.2 - 2.3", "2.4.0"),
        ("^1.2.3", "2.0.0"),
        ("^1.2.3", "1.2.2"),
        ("^1.2.3", "2.0.0-alpha"),
        ("^0.2.3", "0.3.0"),
        ("^0.0.1", "0.0.2"),
        ("~1.2.3", "1.3.0"),
        ("~1", "2.0.0"),
        ("1.x", "2.0.0"),
        ("> 1.2", "1.2.9"),
        (">*", "1.0.0"),
        ("<1.2", "1.2.0"),
        ("<=1.2", "1.3.0"),
        ("1.2.3 || 2.x", "1.2.4"),
        ("!=1.2.3", "1.2.3"),
    ] {
        check(Npm, range, version, false);
    }
}
