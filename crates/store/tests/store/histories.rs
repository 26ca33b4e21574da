//! The history of one object, and the oldest open finding.

use crate::{
    backends::on_each_backend,
    results::{DAY, HOUR, NOON, deployment, object, time, with_error, with_version, write},
};
use kubevet_model::{Kind, ObjectResult, Origin, Severity};
use kubevet_store::{ObjectWrite, Timestamp};
use std::collections::BTreeMap;

fn with_uid(mut result: ObjectResult, new: &str) -> ObjectResult {
    if let Origin::Cluster { uid, .. } = &mut result.origin {
        *uid = new.into();
    }
    result
}

#[test]
fn history_has_every_object_of_a_name() {
    on_each_backend("history_has_every", |place| {
        let mut store = place.open();
        let first = deployment("web", &["C-1:high", "C-2:low"]);
        let first = ObjectWrite {
            owner_uid: Some("owner"),
            ..ObjectWrite::new(&first)
        };
        store.write(&[first], time(NOON)).unwrap();
        // The same name in another group, kind or namespace is another object.
        let others = [
            with_uid(
                object("v1", "Deployment", "shop", "web", &["C-1:high"]),
                "1",
            ),
            with_uid(
                object("apps/v1", "DaemonSet", "shop", "web", &["C-1:high"]),
                "2",
            ),
            with_uid(
                object("apps/v1", "Deployment", "bank", "web", &["C-1:high"]),
                "3",
            ),
        ];
        write(&mut store, &others, NOON);
        store.remove(&["web"], time(NOON + HOUR)).unwrap();
        let again = with_error(deployment("web", &["C-1:high"]), "C-7");
        let again = with_version(with_uid(again, "web-2"), "9");
        write(&mut store, &[again], NOON + DAY);

        let kind = Kind::new("apps", "Deployment");
        let history = place.reader().history(&kind, "shop", "web").unwrap();
        let uids: Vec<&str> = history
            .objects
            .iter()
            .map(|object| object.uid.as_str())
            .collect();
        assert_eq!(uids, ["web", "web-2"]);
        let [gone, present] = &history.objects[..] else {
            panic!("{history:?}");
        };
        assert_eq!(gone.owner_uid.as_deref(), Some("owner"));
        assert_eq!(gone.removed_at, Some(time(NOON + HOUR)));
        assert_eq!(gone.evaluated, ["C-1".into(), "C-2".into()]);
        assert_eq!(present.resource_version, "9");
        assert_eq!(present.removed_at, None);
        assert_eq!(present.errors.len(), 1);
        assert_eq!(present.errors[0].0, "C-7".into());
        let show = history.findings.iter().map(|found| {
            format!(
                "{} {} {}",
                found.uid,
                found.control,
                found.fixed_at.is_some()
            )
        });
        let expected = ["web C-1 true", "web C-2 true", "web-2 C-1 false"];
        assert_eq!(show.collect::<Vec<_>>(), expected);
        assert!(!history.is_cut);
        let unknown = place.reader().history(&kind, "shop", "no\0ne").unwrap();
        assert_eq!(unknown.objects, []);
    });
}

#[test]
fn oldest_open_finding_is_one_that_no_exception_accepts() {
    on_each_backend("oldest_open", |place| {
        let mut store = place.open();
        let oldest = || place.reader().oldest_open(Severity::Critical).unwrap();
        assert_eq!(oldest(), None);
        assert_eq!(store.oldest_open_findings().unwrap(), []);
        let accepted = deployment("accepted", &["C-1:critical"]);
        let key = accepted.findings[0].finding.fingerprint;
        let exceptions = BTreeMap::from([(key, "known".to_owned())]);
        let accepted = ObjectWrite {
            exceptions: &exceptions,
            ..ObjectWrite::new(&accepted)
        };
        store.write(&[accepted], time(NOON)).unwrap();
        write(&mut store, &[deployment("high", &["C-1:high"])], NOON);
        assert_eq!(oldest(), None);
        write(
            &mut store,
            &[deployment("b", &["C-1:critical"])],
            NOON + HOUR,
        );
        write(
            &mut store,
            &[deployment("a", &["C-1:critical"])],
            NOON + 2 * HOUR,
        );
        assert_eq!(oldest().unwrap().object.name, "b");
        let began = |at| (Severity::Critical, time(at));
        let high = (Severity::High, time(NOON));
        assert_eq!(
            sorted(store.oldest_open_findings().unwrap()),
            [high, began(NOON + HOUR)]
        );
        store.remove(&["b"], time(NOON + 3 * HOUR)).unwrap();
        assert_eq!(oldest().unwrap().object.name, "a");
        assert_eq!(
            sorted(store.oldest_open_findings().unwrap()),
            [high, began(NOON + 2 * HOUR)]
        );
    });
}

fn sorted(mut oldest: Vec<(Severity, Timestamp)>) -> Vec<(Severity, Timestamp)> {
    oldest.sort_by_key(|(severity, _)| *severity);
    oldest
}
