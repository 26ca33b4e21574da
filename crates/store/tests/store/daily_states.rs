//! Trends, and compliance at a date.

use crate::{
    backends::on_each_backend,
    results::{DAY, HOUR, NOON, deployment, time, write},
};
use kubevet_model::{
    Control, ControlResult, ControlStatus, ControlStatusCounts, Framework, FrameworkResult,
    Severity,
};
use kubevet_store::{ComplianceAtDate, Day, Retention, SweepOutcome, Timestamp};
use std::sync::Arc;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn framework(compliance: Option<f64>) -> FrameworkResult {
    let framework = Framework {
        name: "NSA".to_owned(),
        version: "v1".to_owned(),
        description: String::new(),
        mapping_by: None,
        has_all_controls: false,
        requirements: Vec::new(),
    };
    FrameworkResult {
        framework: Arc::new(framework),
        is_named: true,
        level: None,
        controls: ControlStatusCounts {
            failed: 3,
            not_evaluated: 2,
            passed: 1,
            ..ControlStatusCounts::default()
        },
        compliance,
        coverage: Some(50.0),
        requirements: Vec::new(),
    }
}

fn control(id: &str, status: ControlStatus, failed: usize) -> ControlResult {
    let control = Control {
        id: id.into(),
        name: String::new(),
        kubescape_name: None,
        risk: String::new(),
        check: String::new(),
        remediation: String::new(),
        example: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
        severity: Severity::High,
        score: 7.0,
        kubescape_score: None,
        category: String::new(),
        sensitive: false,
        cause: None,
        kinds: Vec::new(),
        scope: Vec::new(),
        params: Vec::new(),
        requires_any_param: Vec::new(),
        public_rules: Vec::new(),
    };
    ControlResult {
        control: Arc::new(control),
        status,
        reason: String::new(),
        failed,
        passed: 5,
    }
}

#[test]
fn last_sweep_of_a_day_is_its_state() {
    on_each_backend("last_sweep_of_a_day", |place| {
        let mut store = place.open();
        let mut sweep = |findings: &[&str], seconds: i64, compliance: Option<f64>| {
            store.begin_sweep();
            write(&mut store, &[deployment("a", findings)], seconds);
            let failed = ControlStatus::Failed;
            let outcome = SweepOutcome {
                at: time(seconds),
                controls: &[control("C-1", failed, findings.len())],
                frameworks: &[framework(compliance)],
                unread: &[],
            };
            store.finish_sweep(&outcome).unwrap();
        };
        sweep(&["C-1:high", "C-2:critical"], NOON, Some(10.0));
        sweep(&["C-1:high"], NOON + HOUR, Some(12.5));
        sweep(&[], NOON + 3 * DAY, None);
        let mut reader = place.reader();
        let trend = reader.trend(day("2026-11-01"), day("2026-12-31")).unwrap();
        let show = trend.iter().map(|entry| {
            let open = entry.open.worst_first().map(|(_, number)| number);
            (entry.day.to_string(), open)
        });
        let expected = [
            ("2026-11-30".to_owned(), [0, 1, 0, 0]),
            ("2026-12-03".to_owned(), [0, 0, 0, 0]),
        ];
        assert_eq!(show.collect::<Vec<_>>(), expected);
        assert_eq!(
            reader.trend(day("2026-12-04"), day("2026-12-31")).unwrap(),
            []
        );

        let mut check = |date: &str, expected: Option<(&str, Option<f64>)>| {
            let found = reader.compliance("NSA", day(date)).unwrap();
            let expected = expected.map(|(of, compliance)| ComplianceAtDate {
                day: day(of),
                version: "v1".to_owned(),
                compliance,
                coverage: Some(50.0),
                controls: framework(None).controls,
            });
            assert_eq!(found, expected, "{date}");
        };
        check("2026-11-29", None);
        check("2026-11-30", Some(("2026-11-30", Some(12.5))));
        check("2026-12-02", Some(("2026-11-30", Some(12.5))));
        // It was not known then, and no older number stands for it.
        check("2026-12-03", Some(("2026-12-03", None)));
        assert_eq!(
            reader.compliance("no\0ne", day("2026-12-03")).unwrap(),
            None
        );
        let controls = reader.controls(day("2026-12-01")).unwrap();
        assert_eq!(controls.len(), 1);
        assert_eq!(controls[0].status, "failed");
        assert_eq!((controls[0].failed, controls[0].passed), (1, 5));
        assert_eq!(reader.controls(day("2026-11-29")).unwrap(), []);
    });
}

#[test]
fn trend_is_kept_for_its_days() {
    on_each_backend("trend_is_kept", |place| {
        let mut store = place.open();
        for days in [0, 1, 400, 401] {
            store.begin_sweep();
            let outcome = SweepOutcome {
                at: time(NOON + days * DAY),
                controls: &[],
                frameworks: &[framework(None)],
                unread: &[],
            };
            store.finish_sweep(&outcome).unwrap();
        }
        let end: Timestamp = time(NOON + 401 * DAY);
        let counts = store.apply_retention(Retention::default(), end).unwrap();
        // Four severities and a framework of one day.
        assert_eq!(counts.trend_rows, 5);
        let trend = place
            .reader()
            .trend(day("2026-01-01"), day("2029-01-01"))
            .unwrap();
        assert_eq!(trend.len(), 3);
        assert_eq!(trend[0].day.to_string(), "2026-12-01");
    });
}
