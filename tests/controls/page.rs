//! `docs/controls.md`: every control of this library and of the public one, with its state.

use kubevet_model::ControlId;
use kubevet_testkit::snapshot::assert_matches_file;
use std::fmt::Write as _;

/// The text before the table.
const HEAD: &str = "\
# Controls

This page lists every control of kubevet, and every control of the public library that is not in this version. It is generated:
`UPDATE=1 cargo test --test controls` rewrites it. `kubevet list control ID` prints one in full, with its Rego and CEL.

| state | meaning |
|---|---|
| present | it is in this version |
| planned | it waits for nothing but its rule, which checks single objects |
| joins | it waits for rules that read several objects together |
| node-facts | it needs files, processes or settings of nodes |
| cloud-facts | it needs what a cloud provider or a version service knows |
| images | it needs results of image scans |
| manual | a person must check it |

";

#[test]
fn page_of_controls_is_current() {
    let library = super::library();
    let controls = library.metadata();
    let mut rows: Vec<(ControlId, String)> = controls
        .iter()
        .map(|control| {
            let name = control
                .kubescape_name
                .as_ref()
                .map_or_else(String::new, |name| {
                    format!(" (Kubescape: {})", name.trim_end_matches('.'))
                });
            let row = format!(
                "| {} | {}{name} | present | {} |",
                control.id,
                control.name,
                control.severity.name()
            );
            (control.id.clone(), row)
        })
        .collect();
    rows.extend(library.absent_controls().into_iter().map(|control| {
        let row = format!(
            "| {} | {} | {} | {} |",
            control.id,
            control.name,
            control.state.name(),
            control.reason
        );
        (control.id.clone(), row)
    }));
    rows.sort();
    let mut page = HEAD.to_owned();
    let _ = writeln!(
        page,
        "{} controls are present; {} of the public library are not.\n",
        controls.len(),
        library.absent_controls().len()
    );
    page.push_str("| id | name | state | severity, or what it waits for |\n|---|---|---|---|\n");
    for (_, row) in rows {
        page.push_str(&row);
        page.push('\n');
    }
    assert_matches_file("docs/controls.md", &page);
}
