//! Filters, pages and counts of findings.

use crate::{
    backends::{TestStore, on_each_backend},
    results::{HOUR, NOON, deployment, object, time, write},
};
use kubevet_model::{
    ControlStatusCounts, Framework, FrameworkMember, FrameworkResult, ObjectResult, Requirement,
    Severity, SeverityCounts,
};
use kubevet_store::{
    CountBy, Cursor, FindingFilter, FindingState, ObjectWrite, ResultStoreError, SweepOutcome,
};
use std::{collections::BTreeMap, sync::Arc};

/// A store with findings of two times, two kinds, two namespaces, and one that was fixed.
fn fill(place: &TestStore) {
    let mut store = place.open();
    store.begin_sweep();
    let role = object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "",
        "root",
        &["C-3:critical"],
    );
    let accepted = deployment("old", &["C-1:high"]);
    let key = accepted.findings[0].finding.fingerprint;
    let exceptions = BTreeMap::from([(key, "known".to_owned())]);
    let accepted = ObjectWrite {
        exceptions: &exceptions,
        ..ObjectWrite::new(&accepted)
    };
    let first = [role, deployment("web", &["C-1:high", "C-2:low"])];
    let objects = [
        ObjectWrite::new(&first[0]),
        ObjectWrite::new(&first[1]),
        accepted,
    ];
    store.write(&objects, time(NOON)).unwrap();
    let pod = object("v1", "Pod", "bank", "job", &["C-1:medium"]);
    write(
        &mut store,
        &[pod, deployment("web", &["C-1:high"])],
        NOON + HOUR,
    );
    let framework = Framework {
        name: "NSA".to_owned(),
        version: String::new(),
        description: String::new(),
        mapping_by: None,
        has_all_controls: false,
        requirements: vec![Requirement {
            controls: ["C-1", "C-9"]
                .map(|id| FrameworkMember {
                    control: id.into(),
                    reason: String::new(),
                })
                .to_vec(),
            ..Requirement::default()
        }],
    };
    let framework = FrameworkResult {
        framework: Arc::new(framework),
        is_named: true,
        level: None,
        controls: ControlStatusCounts::default(),
        compliance: None,
        coverage: None,
        requirements: Vec::new(),
    };
    let outcome = SweepOutcome {
        at: time(NOON + HOUR),
        controls: &[],
        frameworks: &[framework],
        unread: &[],
    };
    store.finish_sweep(&outcome).unwrap();
}

#[test]
fn filter_chooses_findings() {
    on_each_backend("filter_chooses", |place| {
        fill(place);
        let check = |filter: FindingFilter, expected: &[&str]| {
            let page = place.reader().findings(&filter, None, 100).unwrap();
            let show = page.findings.iter();
            let show = show.map(|found| format!("{} {}", found.object.name, found.control));
            assert_eq!(show.collect::<Vec<_>>(), expected, "{filter:?}");
            let total = place.reader().count(&filter).unwrap().total();
            assert_eq!(total, expected.len(), "{filter:?}");
        };
        let any = FindingFilter::default;
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let all = ["root C-3", "old C-1", "web C-1", "job C-1"];
        check(any(), &all);
        let state = |state| FindingFilter { state, ..any() };
        check(state(FindingState::Fixed), &["web C-2"]);
        check(
            state(FindingState::NewSince(time(NOON + HOUR))),
            &["job C-1"],
        );
        check(state(FindingState::NewSince(time(NOON))), &all);
        check(
            state(FindingState::Any),
            &["root C-3", "old C-1", "web C-1", "job C-1", "web C-2"],
        );
        let namespaces = |list: &[&str]| FindingFilter {
            namespaces: names(list),
            ..any()
        };
        check(namespaces(&["bank"]), &["job C-1"]);
        check(namespaces(&["bank", "", "no"]), &["root C-3", "job C-1"]);
        check(
            FindingFilter {
                kinds: names(&["Pod"]),
                ..any()
            },
            &["job C-1"],
        );
        let name = Some("web".to_owned());
        check(
            FindingFilter {
                name: name.clone(),
                ..any()
            },
            &["web C-1"],
        );
        check(FindingFilter { uid: name, ..any() }, &["web C-1"]);
        check(
            FindingFilter {
                uid: Some("' OR 1=1 --\0".to_owned()),
                ..any()
            },
            &[],
        );
        let controls = vec!["C-1".into()];
        check(
            FindingFilter { controls, ..any() },
            &["old C-1", "web C-1", "job C-1"],
        );
        let severities = vec![Severity::Critical, Severity::Medium];
        check(
            FindingFilter {
                severities,
                ..any()
            },
            &["root C-3", "job C-1"],
        );
        let framework = |name: &str| FindingFilter {
            framework: Some(name.to_owned()),
            ..any()
        };
        check(framework("NSA"), &["old C-1", "web C-1", "job C-1"]);
        check(framework("other"), &[]);
        let accepted = |is_accepted| FindingFilter {
            is_accepted: Some(is_accepted),
            ..any()
        };
        check(accepted(true), &["old C-1"]);
        check(accepted(false), &["root C-3", "web C-1", "job C-1"]);
        check(
            FindingFilter {
                is_accepted: Some(false),
                namespaces: names(&["shop"]),
                framework: Some("NSA".to_owned()),
                severities: vec![Severity::High],
                ..any()
            },
            &["web C-1"],
        );
        let too_many = FindingFilter {
            kinds: vec![String::new(); 501],
            ..any()
        };
        let error = place.reader().findings(&too_many, None, 1).unwrap_err();
        assert!(
            matches!(error, ResultStoreError::Filter { found: 501, .. }),
            "{error}"
        );
    });
}

#[test]
fn pages_have_every_finding_once_though_others_come_and_go() {
    on_each_backend("pages_have_every", |place| {
        let mut store = place.open();
        let pods: Vec<ObjectResult> = (0..30)
            .map(|number| {
                let severity = ["low", "high", "critical"][number % 3];
                let finding = format!("C-1:{severity}");
                object("v1", "Pod", "shop", &format!("p{number:02}"), &[&finding])
            })
            .collect();
        write(&mut store, &pods, NOON);
        let mut reader = place.reader();
        let filter = FindingFilter::default();
        let mut names = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let page = reader.findings(&filter, after, 7).unwrap();
            names.extend(
                page.findings
                    .iter()
                    .map(|finding| finding.object.name.clone()),
            );
            // Between two pages one that was shown is fixed, and a worse one begins.
            let shown = names.last().unwrap().as_str();
            store.remove(&[shown], time(NOON + HOUR)).unwrap();
            let new = object(
                "v1",
                "Pod",
                "shop",
                &format!("new-{shown}"),
                &["C-1:critical"],
            );
            write(&mut store, &[new], NOON + HOUR);
            let Some(next) = page.next else { break };
            // Clients hold a cursor as text.
            after = Some(next.to_string().parse().unwrap());
        }
        let mut old: Vec<&String> = names.iter().filter(|name| name.starts_with('p')).collect();
        assert_eq!(old.len(), 30);
        assert_eq!(&old[..2], ["p02", "p05"], "the worst first");
        old.sort();
        old.dedup();
        assert_eq!(old.len(), 30);
        names.sort();
        names.dedup();
        assert!(names.len() < 40, "{names:?}");
    });
}

#[test]
fn findings_are_counted_by_group() {
    on_each_backend("findings_are_counted", |place| {
        fill(place);
        let check = |by, expected: &[(&str, [usize; 4])]| {
            let groups = place
                .reader()
                .count_by(&FindingFilter::default(), by)
                .unwrap();
            let show = groups.iter().map(|group| {
                let counts = group.counts.worst_first().map(|(_, number)| number);
                (group.key.as_str(), counts)
            });
            assert_eq!(show.collect::<Vec<_>>(), expected);
        };
        check(
            CountBy::Namespace,
            &[
                ("", [1, 0, 0, 0]),
                ("shop", [0, 2, 0, 0]),
                ("bank", [0, 0, 1, 0]),
            ],
        );
        check(
            CountBy::Control,
            &[("C-3", [1, 0, 0, 0]), ("C-1", [0, 2, 1, 0])],
        );
        check(
            CountBy::Kind,
            &[
                ("ClusterRole", [1, 0, 0, 0]),
                ("Deployment", [0, 2, 0, 0]),
                ("Pod", [0, 0, 1, 0]),
            ],
        );
        let counts = place.reader().count(&FindingFilter::default()).unwrap();
        let expected = SeverityCounts {
            critical: 1,
            high: 2,
            medium: 1,
            low: 0,
        };
        assert_eq!(counts, expected);
    });
}
