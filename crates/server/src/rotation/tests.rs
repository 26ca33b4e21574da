//! Plans for dates, one case each, and a simulation of ten years.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Authority, BACKDATE, Inventory, Leaf, RotationStep, Signer, plan_rotation};

/// Days since the first authority was issued.
fn day(days: f64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
        + Duration::from_secs(1_000_000_000)
        + time::Duration::seconds_f64(days * 86_400.0)
}

fn ca(issued: f64) -> Authority {
    Authority {
        not_before: day(issued) - BACKDATE,
        not_after: day(issued + 1825.0),
        can_sign: true,
    }
}

fn leaf(issued: f64, end: f64, issuer: Option<usize>) -> Option<Leaf> {
    Some(Leaf {
        not_before: day(issued) - BACKDATE,
        not_after: day(end),
        names: vec!["a".to_owned()],
        issuer,
    })
}

const HOUR: f64 = 1.0 / 24.0;

#[track_caller]
fn check(
    now: f64,
    authorities: &[Authority],
    leaf: Option<Leaf>,
    published: bool,
    expected: &[RotationStep],
) {
    let inventory = Inventory {
        authorities: authorities.to_vec(),
        leaf,
    };
    let steps = plan_rotation(
        day(now),
        &inventory,
        &["a".to_owned()],
        Duration::from_secs(3600),
        published,
    );
    assert_eq!(steps, expected);
}

#[test]
fn steps_follow_from_dates() {
    use RotationStep::{IssueCa, IssueLeaf};
    let first = IssueLeaf(Signer::Held(0));
    // An empty store.
    check(0.0, &[], None, false, &[IssueCa, IssueLeaf(Signer::New)]);
    // Just issued and not published yet; then an ordinary day.
    check(0.0, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), false, &[]);
    check(59.0, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), true, &[]);
    // 30 days left.
    check(60.5, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), true, &[first]);
    check(60.5, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), false, &[first]);
    // Expired; from the future; of an unknown authority; none that matches its key.
    check(100.0, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), true, &[first]);
    check(
        100.0,
        &[ca(0.0)],
        leaf(101.0, 191.0, Some(0)),
        true,
        &[first],
    );
    check(1.0, &[ca(0.0)], leaf(0.0, 90.0, None), true, &[first]);
    check(1.0, &[ca(0.0)], None, true, &[first]);
    // An authority without its key cannot sign, nor one from the future.
    let keyless = Authority {
        can_sign: false,
        ..ca(0.0)
    };
    check(1.0, &[keyless], leaf(0.0, 90.0, Some(0)), true, &[IssueCa]);
    check(
        1.0,
        &[ca(9.0)],
        None,
        true,
        &[IssueCa, IssueLeaf(Signer::New)],
    );
}

#[test]
fn successor_signs_after_overlap() {
    use RotationStep::{DropCa, IssueCa, IssueLeaf};
    let both = [ca(0.0), ca(1461.0)];
    // A year left: a successor, which signs nothing yet.
    check(
        1461.0,
        &[ca(0.0)],
        leaf(1440.0, 1530.0, Some(0)),
        true,
        &[IssueCa],
    );
    check(
        1461.0,
        &both,
        leaf(1371.5, 1461.5, Some(0)),
        true,
        &[IssueLeaf(Signer::Held(0))],
    );
    check(
        1461.0 + 0.9 * HOUR,
        &both,
        leaf(1371.5, 1461.5, Some(0)),
        true,
        &[IssueLeaf(Signer::Held(0))],
    );
    // An hour after it was published, it signs; the leaf in force stays until it is due.
    check(
        1461.0 + 1.1 * HOUR,
        &both,
        leaf(1371.5, 1461.5, Some(0)),
        true,
        &[IssueLeaf(Signer::Held(1))],
    );
    check(
        1461.0 + 1.1 * HOUR,
        &both,
        leaf(1440.0, 1530.0, Some(0)),
        true,
        &[],
    );
    // Not published: the old one signs on.
    check(
        1501.0,
        &both,
        leaf(1440.0, 1530.0, Some(0)),
        false,
        &[IssueLeaf(Signer::Held(0))],
    );
    // The old one is dropped when no leaf of it can be served.
    check(1540.0, &both, leaf(1500.0, 1590.0, Some(1)), true, &[]);
    check(
        1551.5,
        &both,
        leaf(1500.0, 1590.0, Some(1)),
        true,
        &[DropCa(0)],
    );
    check(1551.5, &both, leaf(1500.0, 1590.0, Some(1)), false, &[]);
    check(1551.5, &both, leaf(1500.0, 1590.0, Some(0)), true, &[]);
    // Published late: the replicas get time to load the new leaf.
    check(
        1551.5,
        &both,
        leaf(1551.5 - 0.5 * HOUR, 1640.0, Some(1)),
        true,
        &[],
    );
    check(
        1551.5,
        &both,
        leaf(1551.5 - 1.5 * HOUR, 1640.0, Some(1)),
        true,
        &[DropCa(0)],
    );
}

#[test]
fn expiring_authority_hands_over_in_last_day() {
    use RotationStep::{DropCa, IssueLeaf};
    let both = [ca(0.0), ca(1461.0)];
    // Copied by hand: the last leaf of the old one expires with it, and is not issued again and
    // again.
    check(1800.0, &both, leaf(1790.0, 1825.0, Some(0)), false, &[]);
    check(
        1824.5,
        &both,
        leaf(1790.0, 1825.0, Some(0)),
        false,
        &[IssueLeaf(Signer::Held(1))],
    );
    check(
        1825.5,
        &both,
        leaf(1824.5, 1914.5, Some(1)),
        false,
        &[DropCa(0)],
    );
}

#[test]
fn added_name_needs_new_leaf_and_removed_name_does_not() {
    let steps = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let inventory = Inventory {
            authorities: vec![ca(0.0)],
            leaf: leaf(0.0, 90.0, Some(0)),
        };
        plan_rotation(
            day(1.0),
            &inventory,
            &names,
            Duration::from_secs(3600),
            true,
        )
    };
    assert_eq!(steps(&["a"]), []);
    assert_eq!(steps(&[]), []);
    assert_eq!(
        steps(&["a", "b"]),
        [RotationStep::IssueLeaf(Signer::Held(0))]
    );
}

/// Over ten years, with a plan every six hours, a leaf is always in force, signed by an authority
/// that was published for the overlap.
#[test]
fn ten_years_have_no_gap() {
    let overlap = Duration::from_secs(3600);
    let (mut inventory, mut issued) = (Inventory::default(), 0);
    for turn in 0..(10 * 365 * 4) {
        let now = day(f64::from(turn) / 4.0);
        for step in plan_rotation(now, &inventory, &["a".to_owned()], overlap, true) {
            match step {
                RotationStep::IssueCa => {
                    inventory.authorities.push(ca(f64::from(turn) / 4.0));
                    issued += 1;
                }
                RotationStep::IssueLeaf(signer) => {
                    let signer_index = if let Signer::Held(index) = signer {
                        index
                    } else {
                        inventory.authorities.len() - 1
                    };
                    let end = inventory.authorities[signer_index]
                        .not_after
                        .min(now + super::LEAF_LIFETIME);
                    let known = now - inventory.authorities[signer_index].not_before - BACKDATE
                        >= overlap
                        || turn == 0;
                    assert!(known, "signed too early on turn {turn}");
                    let names = vec!["a".to_owned()];
                    inventory.leaf = Some(Leaf {
                        not_before: now - BACKDATE,
                        not_after: end,
                        names,
                        issuer: Some(signer_index),
                    });
                }
                RotationStep::DropCa(index) => {
                    inventory.authorities.remove(index);
                    let leaf = inventory.leaf.as_mut().unwrap();
                    leaf.issuer = leaf
                        .issuer
                        .map(|issuer| issuer - usize::from(issuer > index));
                }
            }
        }
        let leaf = inventory.leaf.as_ref().unwrap();
        assert!(
            leaf.not_after - now > Duration::from_secs(20 * 86_400),
            "turn {turn}"
        );
        assert!(inventory.authorities.len() <= 2, "turn {turn}");
    }
    assert_eq!(issued, 3);
}
