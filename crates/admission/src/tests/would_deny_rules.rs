//! What bindings that deny nothing would deny.

use super::*;

const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";

fn named(name: &str, actions: &[Action]) -> Binding {
    Binding {
        name: name.to_owned(),
        ..binding(&["C-0057"], actions)
    }
}

fn owned_pod() -> Document {
    privileged_pod(
        "ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, controller: true}]",
    )
}

/// `expected` has `binding count` for each entry.
#[track_caller]
fn check_would_deny(bindings: &[Binding], scenario: &Scenario<'_>, expected: &[&str]) {
    let decision = scenario.decide(&enforcement(bindings));
    let described: Vec<String> = decision
        .would_deny
        .iter()
        .map(|entry| format!("{} {}", entry.binding, entry.count))
        .collect();
    assert_eq!(described, expected, "{decision:?}");
}

#[test]
fn binding_without_deny_would_deny_what_deny_would() {
    let audits = named("audits", &[Action::Audit]);
    let warns = named("warns", &[Action::Warn]);
    let denies = named("denies", &[Action::Deny]);
    let one = create(pod(&privileged("web")));
    let two = create(pod(&format!("{}, {}", privileged("a"), privileged("b"))));
    let clean = create(pod("{name: web}"));
    let audits_only = [audits.clone()];
    for (bindings, scenario, expected) in [
        (&[audits.clone()][..], &one, &["audits 1"][..]),
        (&audits_only, &two, &["audits 2"]),
        (&audits_only, &clean, &[]),
        (
            &[warns.clone(), audits.clone()],
            &one,
            &["audits 1", "warns 1"],
        ),
        // It is denied already.
        (&[warns, denies.clone(), audits], &one, &[]),
        (&[denies], &one, &[]),
    ] {
        check_would_deny(bindings, scenario, expected);
    }
}

#[test]
fn finding_that_deny_would_not_deny_is_not_counted() {
    let audits = [named("audits", &[Action::Audit])];
    let bad = || pod(&privileged("web"));
    let owned = Scenario {
        user: CONTROLLER,
        ..create(owned_pod())
    };
    let status = Scenario {
        subresource: "status",
        ..update(bad(), bad())
    };
    let exempt = Scenario {
        namespace: "kubevet",
        ..create(bad())
    };
    for scenario in [update(bad(), bad()), owned, status, exempt] {
        check_would_deny(&audits, &scenario, &[]);
    }
    // A binding that holds owned objects and old findings to it would deny them, too.
    let strict = [Binding {
        on_owned: OnOwned::Deny,
        on_update: OnUpdate::All,
        ..named("strict", &[Action::Warn])
    }];
    let owned = Scenario {
        user: CONTROLLER,
        ..create(owned_pod())
    };
    for scenario in [update(bad(), bad()), owned] {
        check_would_deny(&strict, &scenario, &["strict 1"]);
    }
}
