//! Complete outputs, compared with the files in `snapshots/`; `UPDATE=1 cargo test` rewrites them.

use crate::fixture;
use kubevet_model::{Scan, ScanStatus, Severity, Thresholds};
use kubevet_report::{
    self as report, ControlCatalog, ControlDetails, ListFormat, Param, Style, View,
};
use kubevet_testkit::snapshot::assert_matches_file;

fn written(scan: &Scan, format: &str, style: Style) -> String {
    let mut out = Vec::new();
    (report::format(format).unwrap().write)(scan, &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn style(view: View, width: usize) -> Style {
    Style {
        view,
        color: false,
        width: Some(width),
        verbose: false,
    }
}

/// The last line of the report for people.
fn last_line(scan: &Scan) -> String {
    let out = written(scan, "pretty", style(View::Security, 300));
    out.lines().last().unwrap_or_default().to_owned()
}

/// Compares with the file of that name, or rewrites it.
#[track_caller]
fn check(name: &str, actual: &str) {
    assert_matches_file(&format!("tests/report/snapshots/{name}"), actual);
}

#[test]
fn json_report_matches_its_snapshot() {
    check(
        "full.json",
        &written(&fixture::full(), "json", style(View::Resource, 80)),
    );
    check(
        "hostile.json",
        &written(&fixture::hostile(), "json", style(View::Resource, 80)),
    );
}

#[test]
fn every_view_matches_its_snapshot() {
    for &view in View::ALL {
        check(
            &format!("full-{}.txt", view.name()),
            &written(&fixture::full(), "pretty", style(view, 100)),
        );
        check(
            &format!("hostile-{}.txt", view.name()),
            &written(&fixture::hostile(), "pretty", style(view, 100)),
        );
    }
    let verbose = Style {
        verbose: true,
        ..style(View::Resource, 100)
    };
    check(
        "full-resource-verbose.txt",
        &written(&fixture::full(), "pretty", verbose),
    );
    let unlimited = Style {
        width: None,
        ..style(View::Resource, 100)
    };
    check(
        "full-resource-unlimited.txt",
        &written(&fixture::full(), "pretty", unlimited),
    );
    check(
        "full-resource-narrow.txt",
        &written(&fixture::full(), "pretty", style(View::Resource, 50)),
    );
}

#[test]
fn every_scan_status_matches_its_snapshot() {
    let ends = [
        ("empty", Scan::default()),
        ("passed", fixture::passed()),
        ("not-evaluated", fixture::not_evaluated()),
        ("not-applicable", fixture::not_applicable()),
    ];
    for (name, scan) in ends {
        check(
            &format!("{name}.txt"),
            &written(&scan, "pretty", style(View::Resource, 100)),
        );
        check(
            &format!("{name}-security.txt"),
            &written(&scan, "pretty", style(View::Security, 100)),
        );
    }
}

#[test]
fn color_adds_escape_sequences_only() {
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]+m").unwrap();
    for &view in View::ALL {
        let plain = written(&fixture::full(), "pretty", style(view, 100));
        let colored = written(
            &fixture::full(),
            "pretty",
            Style {
                color: true,
                ..style(view, 100)
            },
        );
        assert!(!plain.contains('\u{1b}'));
        assert!(colored.contains('\u{1b}'));
        let stripped = codes.replace_all(&colored, "").into_owned();
        let trimmed: String = stripped
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect();
        assert_eq!(trimmed, plain);
    }
    let colored = Style {
        color: true,
        ..style(View::Resource, 100)
    };
    check(
        "full-resource-color.txt",
        &written(&fixture::full(), "pretty", colored),
    );
}

#[test]
fn foreign_control_characters_are_escaped() {
    for format in report::FORMATS {
        for &view in View::ALL {
            let out = written(&fixture::hostile(), format.name, style(view, 100));
            let bad: Vec<char> = out
                .chars()
                .filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}')
                .collect();
            assert!(bad.is_empty(), "{} {}: {bad:?}", format.name, view.name());
        }
    }
}

#[test]
fn incomplete_scan_is_never_called_clean() {
    let mut problem = fixture::passed();
    problem.status = ScanStatus::Incomplete;
    problem.problems.push(kubevet_model::Problem::in_file(
        kubevet_model::ProblemCode::InputUnreadable,
        "a.yaml",
        "cannot be read",
    ));
    let verdicts = [
        (
            fixture::passed(),
            "passed: no defects in 2 objects, 10 controls",
        ),
        (
            problem,
            "incomplete: 1 problem; in what was checked: no defects in 2 objects, 10 controls",
        ),
        (
            fixture::not_evaluated(),
            "incomplete: 9 controls not evaluated; in what was checked: no defects in 1 object, 10 controls",
        ),
        (
            fixture::not_applicable(),
            "nothing was checked with 10 controls: 0 of 1 object checked",
        ),
        (
            Scan::default(),
            "nothing was checked: no object to check in 0 files",
        ),
    ];
    for (scan, expected) in verdicts {
        assert_eq!(last_line(&scan), expected);
    }
}

#[test]
fn last_line_states_the_verdict() {
    let thresholds = |severity: Option<Severity>, compliance: Option<f64>| Thresholds {
        severity,
        compliance,
        ..Thresholds::default()
    };
    let exit_zero = Thresholds {
        exit_zero: true,
        ..Thresholds::default()
    };
    let (met, not_met) = (ScanStatus::Met, ScanStatus::NotMet);
    let (medium, high) = (Some(Severity::Medium), Some(Severity::High));
    let verdicts = [
        (
            not_met,
            thresholds(None, None),
            "FAILED: 3 defects (2 medium, 1 low) in 1 of 2 objects",
        ),
        (
            not_met,
            thresholds(medium, None),
            "FAILED: 2 defects at or over medium (1 below)",
        ),
        (
            met,
            thresholds(high, None),
            "passed: nothing at or over high (3 below)",
        ),
        (
            not_met,
            thresholds(None, Some(80.0)),
            "FAILED: NSA v1.2 at 43%, under 80%",
        ),
        (
            not_met,
            thresholds(medium, Some(80.0)),
            "FAILED: 2 defects at or over medium (1 below); NSA v1.2 at 43%, under 80%",
        ),
        (
            met,
            thresholds(None, Some(40.0)),
            "passed: every framework at or over 40%; 3 defects (2 medium, 1 low), not counted",
        ),
        (
            met,
            exit_zero,
            "passed: 3 defects (2 medium, 1 low), not counted (--exit-zero)",
        ),
    ];
    for (status, thresholds, expected) in verdicts {
        let mut scan = fixture::passed();
        (scan.summary.defects.medium, scan.summary.defects.low) = (2, 1);
        scan.summary.failed_objects = 1;
        scan.frameworks[0].compliance = Some(43.2);
        (scan.status, scan.thresholds) = (status, thresholds);
        assert_eq!(last_line(&scan), expected);
    }
}

#[test]
fn catalog_matches_its_snapshots() {
    let (controls, frameworks) = (fixture::controls(), fixture::frameworks());
    let absent = fixture::absent();
    let with_params = ControlDetails {
        params: vec![Param {
            name: "imageRepositoryAllowList".to_owned(),
            description: "Registries and repositories that images may come from.".to_owned(),
            default: Vec::new(),
        }],
        rego: None,
        cel: Some(Err("it reads what CEL cannot".to_owned())),
    };
    let with_source = ControlDetails {
        params: Vec::new(),
        rego: Some("package controls.c0057\n\ndeny contains finding if {\n\ttrue\n}\n".to_owned()),
        cel: Some(Ok("validations:\n- expression: \"true\"\n".to_owned())),
    };
    for &format in ListFormat::ALL {
        let extension = if format == ListFormat::Json {
            "json"
        } else {
            "txt"
        };
        let style = style(View::Resource, 100);
        let mut out = Vec::new();
        let catalog = ControlCatalog {
            controls: &controls,
            absent: &[&absent],
            frameworks: &frameworks,
        };
        report::write_controls(catalog, format, &style, &mut out).unwrap();
        check(
            &format!("controls.{extension}"),
            std::str::from_utf8(&out).unwrap(),
        );
        out.clear();
        report::write_frameworks(&frameworks, format, &style, &mut out).unwrap();
        check(
            &format!("frameworks.{extension}"),
            std::str::from_utf8(&out).unwrap(),
        );
        for (id, details) in [("C-0078", &with_params), ("C-0057", &with_source)] {
            let control = controls
                .iter()
                .find(|control| control.id.as_str() == id)
                .unwrap();
            out.clear();
            report::write_control(control, &frameworks, details, format, &style, &mut out).unwrap();
            check(
                &format!("control-{id}.{extension}"),
                std::str::from_utf8(&out).unwrap(),
            );
        }
        out.clear();
        report::write_absent_control(&absent, &frameworks, format, &style, &mut out).unwrap();
        check(
            &format!("absent-control.{extension}"),
            std::str::from_utf8(&out).unwrap(),
        );
    }
}
