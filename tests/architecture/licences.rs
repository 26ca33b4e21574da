//! The licences of all dependencies, by the list of `deny.toml`.
//!
//! `cargo deny` checks more (sources, advisories), but is not installed everywhere. This test needs
//! cargo alone. It covers the platform that it runs on.

use crate::{cargo, source_files::root};
use spdx::{Expression, LicenseReq, ParseMode};
use std::fs;

/// The licences that `deny.toml` allows: the quoted strings of `allow` in `[licenses]`.
fn allowed_licences() -> Vec<LicenseReq> {
    let config = fs::read_to_string(root().join("deny.toml")).unwrap();
    let licences = config.split_once("[licenses]").unwrap().1;
    let list = licences.split_once("allow = [").unwrap().1;
    let list = list.split_once("\n]").unwrap().0;
    let entries = list.lines().map(str::trim);
    let names = entries.filter_map(|line| line.strip_prefix('"')?.split('"').next());
    names
        .map(|name| parse(name).requirements().next().unwrap().req.clone())
        .collect()
}

fn parse(expression: &str) -> Expression {
    // Older packages separate alternatives by a slash.
    Expression::parse_mode(expression, ParseMode::LAX).expect(expression)
}

#[track_caller]
fn check(expression: &str, expected: bool) {
    let allowed = allowed_licences();
    let is_allowed = parse(expression).evaluate(|licence| allowed.contains(licence));
    assert_eq!(is_allowed, expected, "{expression}");
}

#[test]
fn expression_is_allowed_if_one_choice_is_in_the_list() {
    check("MIT", true);
    check("MIT OR LGPL-2.1-or-later", true);
    check("MIT/GPL-3.0", true);
    check("Apache-2.0 AND ISC", true);
    check("Apache-2.0 WITH LLVM-exception", true);
    check("MIT AND GPL-3.0-only", false);
    check("AGPL-3.0-only", false);
}

#[test]
fn licence_of_every_dependency_is_in_the_list_of_deny_toml() {
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--offline",
        "--locked",
        "--edges=normal,build,dev",
        "--prefix=none",
        "--no-dedupe",
        "--format={p}\t{l}",
    ]);
    let allowed = allowed_licences();
    let mut packages: Vec<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
    packages.sort_unstable();
    packages.dedup();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let refused: Vec<&str> = packages
        .into_iter()
        .filter(|line| {
            let licence = line.split_once('\t').map_or("", |(_, licence)| licence);
            licence.is_empty() || !parse(licence).evaluate(|req| allowed.contains(req))
        })
        .collect();
    assert!(refused.is_empty(), "not in deny.toml: {refused:#?}");
}
