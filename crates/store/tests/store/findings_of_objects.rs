//! What a batch writes: the life of a finding.

use crate::{
    backends::{TestStore, on_each_backend},
    results::{
        DAY, HOUR, NOON, add_finding, deployment, object, time, with_error, with_version, write,
    },
};
use kubevet_model::{Evidence, Fix, FixAction, ObjectResult, Severity};
use kubevet_store::{
    FindingFilter, FindingState, ObjectWrite, ResultStoreError, StoredFinding, WriteCounts,
};
use std::collections::BTreeMap;

fn counts(changed: usize, unchanged: usize, new: usize, fixed: usize) -> WriteCounts {
    WriteCounts {
        changed_objects: changed,
        unchanged_objects: unchanged,
        new_findings: new,
        fixed_findings: fixed,
    }
}

/// Every period, as `CONTROL FIRST..LAST` in hours since noon, `!` for an open one.
fn periods(store: &TestStore) -> Vec<String> {
    let filter = FindingFilter {
        state: FindingState::Any,
        ..FindingFilter::default()
    };
    let page = store.reader().findings(&filter, None, 1000).unwrap();
    let hours = |seconds: i64| (seconds - NOON) / HOUR;
    let show = |finding: &StoredFinding| {
        let first = hours(finding.first_seen.unix_seconds());
        let last = hours(finding.last_seen.unix_seconds());
        let end = finding.fixed_at.map(|time| hours(time.unix_seconds()));
        let end = end.map_or("!".to_owned(), |end| format!("fixed {end}"));
        format!("{} {first}..{last} {end}", finding.control)
    };
    let mut periods: Vec<String> = page.findings.iter().map(show).collect();
    periods.sort();
    periods
}

#[test]
fn finding_is_read_as_it_was_written() {
    on_each_backend("finding_is_read", |place| {
        let mut result = deployment("web", &[]);
        add_finding(
            &mut result,
            "C-1",
            Severity::High,
            "it's \"ä\" ?1 $1",
            "spec.a[0].b",
        );
        let located = &mut result.findings[0];
        located.container = Some("app".to_owned());
        let Evidence::Paths { paths, fixes } = &mut located.finding.evidence;
        paths.push("data[a.b]".parse().unwrap());
        let fix = |action| Fix {
            path: "spec.a[0].b".parse().unwrap(),
            action,
        };
        fixes.push(fix(FixAction::Set("{\"x\":1}".to_owned())));
        fixes.push(fix(FixAction::Remove));
        let finding = located.finding.clone();
        let exceptions = BTreeMap::from([(finding.fingerprint, "accepted-risk".to_owned())]);
        let object = ObjectWrite {
            result: &result,
            owner_uid: Some("owner"),
            exceptions: &exceptions,
        };
        place.open().write(&[object], time(NOON)).unwrap();
        let page = place
            .reader()
            .findings(&FindingFilter::default(), None, 10)
            .unwrap();
        let expected = StoredFinding {
            object: (*result.object).clone(),
            uid: "web".to_owned(),
            control: "C-1".into(),
            severity: Severity::High,
            message: finding.message.clone(),
            container: Some("app".to_owned()),
            paths: finding.paths().to_vec(),
            fixes: finding.fixes().to_vec(),
            fingerprint: finding.fingerprint.to_string(),
            defect: finding.defect.to_string(),
            exception: Some("accepted-risk".to_owned()),
            first_seen: time(NOON),
            last_seen: time(NOON),
            fixed_at: None,
        };
        assert_eq!(page.findings, [expected]);
        assert_eq!(page.next, None);
    });
}

#[test]
fn batch_counts_what_it_changes() {
    on_each_backend("batch_counts", |place| {
        let mut store = place.open();
        let mut check = |results: &[ObjectResult], expected| {
            assert_eq!(write(&mut store, results, NOON), expected);
        };
        let first = [
            deployment("a", &["C-1:high", "C-2:low"]),
            deployment("b", &["C-1:high"]),
            deployment("c", &[]),
        ];
        check(&[], counts(0, 0, 0, 0));
        check(&first, counts(3, 0, 3, 0));
        check(&first, counts(0, 3, 0, 0));
        // Another resource version alone changes nothing that a reader of findings sees.
        check(&[with_version(first[0].clone(), "2")], counts(0, 1, 0, 0));
        check(
            &[deployment("a", &["C-2:low", "C-3:low"])],
            counts(1, 0, 1, 1),
        );
        // Another severity is the same finding.
        check(&[deployment("b", &["C-1:critical"])], counts(1, 0, 0, 0));
        // The last result of an object counts.
        let twice = [deployment("d", &["C-1:high"]), deployment("d", &[])];
        check(&twice, counts(1, 0, 0, 0));
    });
}

#[test]
fn finding_has_a_period_from_first_seen_to_its_end() {
    on_each_backend("finding_has_a_period", |place| {
        let mut store = place.open();
        let mut step = |findings: &[&str], hours: i64, expected: &[&str]| {
            write(
                &mut store,
                &[deployment("a", findings)],
                NOON + hours * HOUR,
            );
            assert_eq!(periods(place), expected, "after {hours} hours");
        };
        step(&["C-1:high"], 0, &["C-1 0..0 !"]);
        step(&["C-1:high", "C-2:low"], 1, &["C-1 0..1 !", "C-2 1..1 !"]);
        step(&["C-2:low"], 5, &["C-1 0..1 fixed 5", "C-2 1..5 !"]);
        // It returns within an hour: the period goes on.
        step(&["C-1:high", "C-2:low"], 6, &["C-1 0..6 !", "C-2 1..6 !"]);
        step(&[], 7, &["C-1 0..6 fixed 7", "C-2 1..6 fixed 7"]);
        // It returns later: that is a new one.
        let expected = ["C-1 0..6 fixed 7", "C-1 9..9 !", "C-2 1..6 fixed 7"];
        step(&["C-1:high"], 9, &expected);
    });
}

#[test]
fn control_that_cannot_be_evaluated_fixes_nothing() {
    on_each_backend("control_that_cannot", |place| {
        let mut store = place.open();
        write(
            &mut store,
            &[deployment("a", &["C-1:high", "C-2:low"])],
            NOON,
        );
        let failed = with_error(deployment("a", &[]), "C-1");
        let written = write(&mut store, &[failed], NOON + HOUR);
        assert_eq!(written, counts(1, 0, 0, 1));
        assert_eq!(periods(place), ["C-1 0..1 !", "C-2 0..0 fixed 1"]);
        let failures = place.reader().not_evaluated().unwrap();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].control, "C-1".into());
        assert_eq!(failures[0].objects, Some(1));
        write(&mut store, &[deployment("a", &[])], NOON + 2 * HOUR);
        assert_eq!(periods(place), ["C-1 0..1 fixed 2", "C-2 0..0 fixed 1"]);
        assert_eq!(place.reader().not_evaluated().unwrap(), []);
    });
}

#[test]
fn removed_object_ends_its_findings() {
    on_each_backend("removed_object", |place| {
        let mut store = place.open();
        let objects = [deployment("a", &["C-1:high"]), deployment("b", &[])];
        write(&mut store, &objects, NOON);
        let removed = store.remove(&["a", "b", "unknown", "a\0"], time(NOON + HOUR));
        assert_eq!(removed, Ok(1));
        assert_eq!(periods(place), ["C-1 0..0 fixed 1"]);
        // An object without history leaves no row.
        assert_eq!(place.sql("SELECT COUNT(*) FROM object"), "1");
        assert_eq!(store.remove(&["a"], time(NOON + 2 * HOUR)), Ok(0));
        // The removal was a mistake, such as of a filter: the finding goes on.
        write(&mut store, &objects, NOON + 2 * HOUR);
        assert_eq!(periods(place), ["C-1 0..2 !"]);
        store.remove(&["a"], time(NOON + 3 * HOUR)).unwrap();
        write(&mut store, &objects, NOON + DAY);
        assert_eq!(periods(place), ["C-1 0..2 fixed 3", "C-1 24..24 !"]);
    });
}

#[test]
fn exception_is_written_without_another_change() {
    on_each_backend("exception_is_written", |place| {
        let mut store = place.open();
        let result = deployment("a", &["C-1:high"]);
        write(&mut store, std::slice::from_ref(&result), NOON);
        let fingerprint = result.findings[0].finding.fingerprint;
        let exceptions = BTreeMap::from([(fingerprint, "risk".to_owned())]);
        let object = ObjectWrite {
            exceptions: &exceptions,
            ..ObjectWrite::new(&result)
        };
        let written = store.write(&[object], time(NOON + HOUR)).unwrap();
        assert_eq!(written, counts(1, 0, 0, 0));
        assert_eq!(place.sql("SELECT exception FROM finding"), "risk");
        assert_eq!(periods(place), ["C-1 0..1 !"]);
        write(&mut store, &[result], NOON + 2 * HOUR);
        assert_eq!(
            place.sql("SELECT COALESCE(exception, 'none') FROM finding"),
            "none"
        );
    });
}

#[test]
fn object_of_no_cluster_is_refused() {
    on_each_backend("object_of_no_cluster", |place| {
        let mut store = place.open();
        let nameless = object("v1", "Pod", "shop", "", &[]);
        let results = [deployment("a", &["C-1:high"]), nameless];
        let writes: Vec<ObjectWrite<'_>> = results.iter().map(ObjectWrite::new).collect();
        let error = store.write(&writes, time(NOON)).unwrap_err();
        assert_eq!(
            error,
            ResultStoreError::NoUid("Pod shop/(no name)".to_owned())
        );
        assert_eq!(place.sql("SELECT COUNT(*) FROM object"), "0");
    });
}
