//! Strings and numbers that no cluster should have.

use crate::{
    backends::on_each_backend,
    results::{HOUR, NOON, add_finding, deployment, object, write},
};
use kubevet_model::{EvalError, Evidence, Fix, FixAction, Kind, RuleError, Severity};
use kubevet_store::FindingFilter;

#[test]
fn nul_is_replaced() {
    on_each_backend("nul_is_replaced", |place| {
        let mut store = place.open();
        let mut result = object("v\0/1", "Po\0d", "sh\0op", "we\0b", &[]);
        add_finding(&mut result, "C\0-1", Severity::High, "a\0b", "data[a\0b]");
        result.findings[0].container = Some("\0".to_owned());
        let Evidence::Paths { fixes, .. } = &mut result.findings[0].finding.evidence;
        fixes.push(Fix {
            path: "data[a\0b]".parse().unwrap(),
            action: FixAction::Set("\"\0\"".to_owned()),
        });
        result.errors.push(RuleError {
            control: "C\0-2".into(),
            error: EvalError::RuleFailed("\0".to_owned()),
        });
        let first = write(&mut store, std::slice::from_ref(&result), NOON);
        assert_eq!((first.changed_objects, first.new_findings), (1, 1));
        let again = write(&mut store, &[result], NOON);
        assert_eq!(again.unchanged_objects, 1);
        let page = place
            .reader()
            .findings(&FindingFilter::default(), None, 10)
            .unwrap();
        assert_eq!(page.findings[0].message, "a\u{fffd}b");
        assert_eq!(page.findings[0].object.name, "we\u{fffd}b");
        let history = place
            .reader()
            .history(&Kind::new("v\u{fffd}", "Po\0d"), "sh\0op", "we\0b")
            .unwrap();
        assert_eq!(history.findings.len(), 1);
    });
}

#[test]
fn long_strings_are_cut() {
    on_each_backend("long_strings", |place| {
        let mut store = place.open();
        let long = "ä".repeat(1 << 19);
        let mut result = object("v1", "Pod", "shop", &"n".repeat(10_000), &[]);
        add_finding(&mut result, "C-1", Severity::High, &long, "spec.a");
        let Evidence::Paths { fixes, paths } = &mut result.findings[0].finding.evidence;
        *paths = (0..10_000)
            .map(|index| format!("spec.a[{index}]").parse().unwrap())
            .collect();
        fixes.push(Fix {
            path: "spec.a".parse().unwrap(),
            action: FixAction::Set(long.clone()),
        });
        write(&mut store, std::slice::from_ref(&result), NOON);
        assert_eq!(write(&mut store, &[result], NOON).unchanged_objects, 1);
        let page = place
            .reader()
            .findings(&FindingFilter::default(), None, 10)
            .unwrap();
        let finding = &page.findings[0];
        assert!(finding.message.len() <= 4096 && finding.message.ends_with("ä…"));
        assert!(finding.object.name.len() <= 512);
        assert!(finding.paths.len() > 500 && finding.paths.len() < 10_000);
        // Half a fix would be a wrong one.
        assert_eq!(finding.fixes, []);
    });
}

#[test]
fn findings_beyond_the_bound_are_counted() {
    on_each_backend("findings_beyond", |place| {
        let mut store = place.open();
        let mut result = deployment("many", &[]);
        for index in 0..10_005 {
            let path = format!("spec.a[{index}]");
            add_finding(&mut result, "C-1", Severity::Low, "it fails", &path);
        }
        add_finding(&mut result, "C-2", Severity::Critical, "it fails", "spec.b");
        // A finding twice is one.
        add_finding(&mut result, "C-2", Severity::Critical, "it fails", "spec.b");
        let counts = write(&mut store, std::slice::from_ref(&result), NOON);
        assert_eq!(counts.new_findings, 10_000);
        let mut reader = place.reader();
        let stored = reader.count(&FindingFilter::default()).unwrap();
        assert_eq!((stored.critical, stored.low), (1, 9_999));
        let kind = Kind::new("apps", "Deployment");
        let history = reader.history(&kind, "shop", "many").unwrap();
        assert_eq!(history.objects[0].findings_left_out, 6);
        assert_eq!(history.findings.len(), 10_000);
        assert_eq!(write(&mut store, &[result], NOON).unchanged_objects, 1);
        let fixed = write(&mut store, &[deployment("many", &[])], NOON + HOUR);
        assert_eq!(fixed.fixed_findings, 10_000);
    });
}
