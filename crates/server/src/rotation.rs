//! When certificates are issued and dropped: a pure plan over dates, so that years of it are tested in a table.
//!
//! An authority gets a successor long before its end. Both stand in the bundle; the successor signs only after every
//! caller had time to learn of it, and the old one leaves only when nothing that it signed can be alive.

use std::time::Duration;

use time::OffsetDateTime;

use super::certificate::{BACKDATE, LEAF_LIFETIME};

/// A leaf is renewed when it has less than this left.
pub const LEAF_RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);
/// An authority gets its successor when it has less than this left.
pub const CA_RENEWAL: Duration = Duration::from_secs(365 * 24 * 3600);
/// An authority signs nothing in its last day, and no leaf is replaced to gain less than that.
const MARGIN: Duration = Duration::from_secs(24 * 3600);

/// What is in force, as far as the plan needs it.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// The bundle, in its order.
    pub authorities: Vec<Authority>,
    /// The leaf; none when there is none that can be used (unreadable, of another key).
    pub leaf: Option<Leaf>,
}

/// An authority of the bundle.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Begin of its validity.
    pub not_before: OffsetDateTime,
    /// End of its validity.
    pub not_after: OffsetDateTime,
    /// Its private key is at hand: it can sign.
    pub signs: bool,
}

/// The leaf in force.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Begin of its validity.
    pub not_before: OffsetDateTime,
    /// End of its validity.
    pub not_after: OffsetDateTime,
    /// The names it carries, in canonical form.
    pub names: Vec<String>,
    /// Which authority of the bundle signed it, if any did.
    pub issuer: Option<usize>,
}

/// One thing to do. Steps are done in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Issue an authority and append it to the bundle.
    IssueCa,
    /// Issue a leaf.
    IssueLeaf(Signer),
    /// Drop the authority at this place of the bundle as it was before the first step.
    DropCa(usize),
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The authority at this place of the bundle.
    Held(usize),
    /// The one that `IssueCa` has just made.
    New,
}

/// What to do at `now`, so that a leaf for `names` is in force and its callers trust it.
///
/// `overlap`: how long a bundle with a new authority must have been published before that authority signs.
/// `published`: the present bundle is known to be where callers read it. As long as it is not (it is copied by hand),
/// the old authority signs until its last day.
#[must_use]
pub fn plan(
    now: OffsetDateTime,
    held: &Held,
    names: &[String],
    overlap: Duration,
    published: bool,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let live = || {
        held.authorities
            .iter()
            .enumerate()
            .filter(|(_, it)| can_sign(it, now))
    };
    if live().all(|(_, it)| it.not_after - now < CA_RENEWAL) {
        steps.push(Step::IssueCa);
    }
    let known = |it: &Authority| published && now >= it.not_before + BACKDATE + overlap;
    let signer = live()
        .filter(|(_, it)| known(it))
        .max_by_key(|(_, it)| it.not_after)
        .or_else(|| live().min_by_key(|(_, it)| it.not_after));
    let end = signer.map_or(now + LEAF_LIFETIME, |(_, it)| {
        it.not_after.min(now + LEAF_LIFETIME)
    });
    if held
        .leaf
        .as_ref()
        .is_none_or(|leaf| is_due(leaf, now, names, end))
    {
        steps.push(Step::IssueLeaf(
            signer.map_or(Signer::New, |(at, _)| Signer::Held(at)),
        ));
        return steps;
    }
    let dropped =
        (0..held.authorities.len()).filter(|at| can_go(held, *at, now, overlap, published));
    steps.extend(dropped.map(Step::DropCa));
    steps
}

fn can_sign(authority: &Authority, now: OffsetDateTime) -> bool {
    authority.signs && authority.not_before <= now && authority.not_after - now > MARGIN
}

/// `end`: that of the leaf which would be issued now.
fn is_due(leaf: &Leaf, now: OffsetDateTime, names: &[String], end: OffsetDateTime) -> bool {
    let unusable = leaf.not_before > now || leaf.not_after <= now || leaf.issuer.is_none();
    let short = names.iter().any(|it| !leaf.names.contains(it));
    let old = leaf.not_after - now < LEAF_RENEWAL && end - leaf.not_after > MARGIN;
    unusable || short || old
}

/// Nothing that the authority signed can be alive: it has ended, or its successor has signed for a leaf's lifetime.
fn can_go(held: &Held, at: usize, now: OffsetDateTime, overlap: Duration, published: bool) -> bool {
    let (Some(old), Some(leaf)) = (held.authorities.get(at), &held.leaf) else {
        return false;
    };
    if old.not_after <= now {
        return true;
    }
    let superseded = held.authorities.iter().any(|it| {
        it.signs
            && it.not_after > old.not_after
            && now >= it.not_before + BACKDATE + overlap + LEAF_LIFETIME
    });
    // Another replica may still answer with the leaf before this one.
    let settled = now >= leaf.not_before + BACKDATE + overlap;
    published && superseded && settled && leaf.issuer != Some(at)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::{Authority, BACKDATE, Held, Leaf, Signer, Step, plan};

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
            signs: true,
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
        expected: &[Step],
    ) {
        let held = Held {
            authorities: authorities.to_vec(),
            leaf,
        };
        let found = plan(
            day(now),
            &held,
            &["a".to_owned()],
            Duration::from_secs(3600),
            published,
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn each_day_has_its_steps() {
        use Step::{IssueCa, IssueLeaf};
        let first = IssueLeaf(Signer::Held(0));
        // nothing there
        check(0.0, &[], None, false, &[IssueCa, IssueLeaf(Signer::New)]);
        // just issued, not published yet; then a usual day
        check(0.0, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), false, &[]);
        check(59.0, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), true, &[]);
        // 30 days left
        check(60.5, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), true, &[first]);
        check(60.5, &[ca(0.0)], leaf(0.0, 90.0, Some(0)), false, &[first]);
        // expired, from the future, of an authority that nobody knows, none that fits its key
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
        // an authority without its key, and one from the future, cannot sign
        let keyless = Authority {
            signs: false,
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
    fn a_successor_waits_until_it_is_known() {
        use Step::{DropCa, IssueCa, IssueLeaf};
        let both = [ca(0.0), ca(1461.0)];
        // a year left: a successor, which signs nothing yet
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
        // an hour after it was published, it signs; the leaf in force is left alone until its time
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
        // not published: the old one goes on
        check(
            1501.0,
            &both,
            leaf(1440.0, 1530.0, Some(0)),
            false,
            &[IssueLeaf(Signer::Held(0))],
        );
        // the old one is dropped when no leaf of it can be alive
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
        // published late: the replicas get their time to take the new leaf
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
    fn an_authority_that_ends_hands_over_in_its_last_day() {
        use Step::{DropCa, IssueLeaf};
        let both = [ca(0.0), ca(1461.0)];
        // copied by hand: the last leaf of the old one ends with it, and is not issued again and again
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
    fn more_names_need_a_leaf_and_fewer_do_not() {
        let asked = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            let held = Held {
                authorities: vec![ca(0.0)],
                leaf: leaf(0.0, 90.0, Some(0)),
            };
            plan(day(1.0), &held, &names, Duration::from_secs(3600), true)
        };
        assert_eq!(asked(&["a"]), []);
        assert_eq!(asked(&[]), []);
        assert_eq!(asked(&["a", "b"]), [Step::IssueLeaf(Signer::Held(0))]);
    }

    /// Ten years, a turn every six hours: a leaf is always in force, of an authority that was published for the overlap.
    #[test]
    fn ten_years_have_no_gap() {
        let overlap = Duration::from_secs(3600);
        let (mut held, mut issued) = (Held::default(), 0);
        for turn in 0..(10 * 365 * 4) {
            let now = day(f64::from(turn) / 4.0);
            for step in plan(now, &held, &["a".to_owned()], overlap, true) {
                match step {
                    Step::IssueCa => {
                        held.authorities.push(ca(f64::from(turn) / 4.0));
                        issued += 1;
                    }
                    Step::IssueLeaf(signer) => {
                        let at = if let Signer::Held(at) = signer {
                            at
                        } else {
                            held.authorities.len() - 1
                        };
                        let end = held.authorities[at]
                            .not_after
                            .min(now + super::LEAF_LIFETIME);
                        let known = now - held.authorities[at].not_before - BACKDATE >= overlap
                            || turn == 0;
                        assert!(known, "signed too early on turn {turn}");
                        let names = vec!["a".to_owned()];
                        held.leaf = Some(Leaf {
                            not_before: now - BACKDATE,
                            not_after: end,
                            names,
                            issuer: Some(at),
                        });
                    }
                    Step::DropCa(at) => {
                        held.authorities.remove(at);
                        let leaf = held.leaf.as_mut().unwrap();
                        leaf.issuer = leaf.issuer.map(|it| it - usize::from(it > at));
                    }
                }
            }
            let leaf = held.leaf.as_ref().unwrap();
            assert!(
                leaf.not_after - now > Duration::from_secs(20 * 86_400),
                "turn {turn}"
            );
            assert!(held.authorities.len() <= 2, "turn {turn}");
        }
        assert_eq!(issued, 3);
    }
}
