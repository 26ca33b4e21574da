//! The message of a denial, and the bounds of all strings of a decision.

use super::*;
use kubevet_model::{EvalError, RuleError};

fn rule_error(control: &str, message: &str) -> RuleError {
    RuleError {
        control: control.into(),
        error: EvalError::RuleFailed(message.to_owned()),
    }
}

#[test]
fn first_line_of_a_denial_is_useful_alone() {
    let scenario = create(pod(&privileged("web")));
    let decision = scenario.decide(&enforcement([denying(&["C-0057"])]));
    assert_eq!(
        decision.status.unwrap().message,
        "C-0057 (critical) container web is privileged [securityContext.privileged]: set it to false \
         [binding test]"
    );
}

#[test]
fn fact_of_several_controls_is_one_line() {
    let bare = pod("{name: web}");
    let controls = ["C-0009", "C-0050", "C-0270"];
    let lines = [
        "C-0009, C-0050, C-0270 (medium) container web has no CPU limit [resources.limits.cpu]",
        "C-0009 (medium) container web has no memory limit [resources.limits.memory]",
        "C-0050 (medium) container web has no CPU request [resources.requests.cpu]",
    ];
    let scenario = create(bare);
    let warned = scenario.decide(&enforcement([binding(&controls, &[Action::Warn])]));
    assert_eq!(warned.warnings, lines);
    let denied = scenario.decide(&enforcement([denying(&controls)]));
    let message = denied.status.unwrap().message;
    let starts: Vec<bool> = message
        .lines()
        .zip(lines)
        .map(|(line, start)| line.starts_with(&format!("{start}: ")))
        .collect();
    assert_eq!(starts, [true; 3], "{message}");
    assert!(message.contains(" [binding test, 1 of 3]\n"), "{message}");
}

/// The remedy is the rest of a sentence, and values are YAML.
#[test]
fn remedy_has_one_style() {
    for (control, container, expected) in [
        (
            "C-0057",
            "securityContext: {privileged: true}",
            "set it to false",
        ),
        (
            "C-0270",
            "image: nginx",
            "set resources.limits.cpu on the container",
        ),
        ("C-0055", "image: nginx", "set it to {type: RuntimeDefault}"),
    ] {
        let scenario = create(pod(&format!("{{name: web, {container}}}")));
        let decision = scenario.decide(&enforcement([denying(&[control])]));
        let message = decision.status.unwrap().message;
        let line = message.lines().next().unwrap();
        assert!(line.contains(&format!("]: {expected}")), "{line}");
    }
}

/// A path that is not in a container, or of a container that is not named, is written as it is.
#[test]
fn path_outside_a_named_container_is_whole() {
    let host = object(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostNetwork: true, containers: [{name: web}]}",
    );
    let decision = create(host).decide(&enforcement([denying(&["C-0041"])]));
    let message = decision.status.unwrap().message;
    assert!(message.contains(" [spec.hostNetwork]: "), "{message}");
}

#[test]
fn denial_lists_findings_before_unevaluated_controls() {
    let evaluate = |object: &Document, params: &Params| {
        let mut verdict = (*update_verdict(object, params)).clone();
        let error = rule_error("C-0016", "it takes too long");
        verdict.errors.push(error);
        Ok(Arc::new(verdict))
    };
    let scenario = create(pod(&privileged("web")));
    let denies = enforcement([denying(&["C-0016", "C-0057"])]);
    let decision = scenario.decide_with(&denies, &evaluate, &|| false);
    let DenialStatus { code, message, .. } = decision.status.unwrap();
    assert_eq!(code, 403);
    assert!(
        message.starts_with("C-0057, C-0016 (critical) "),
        "{message}"
    );
    assert!(
        message.contains("\nC-0016 not checked: it takes too long"),
        "{message}"
    );
}

#[test]
fn error_of_a_control_that_no_binding_covers_is_ignored() {
    let evaluate = |_: &Document, _: &Params| {
        let error = rule_error("C-0016", "it takes too long");
        Ok(Arc::new(Verdict {
            errors: vec![error],
            ..Verdict::default()
        }))
    };
    let scenario = create(pod(&privileged("web")));
    let other = enforcement([denying(&["C-0013"])]);
    assert!(scenario.decide_with(&other, &evaluate, &|| false).allowed);
}

#[test]
fn strings_of_hostile_names_stay_within_their_bounds() {
    let hostile = format!("w\\e[1m\\n\\u202e{}", "é🦀".repeat(5000));
    let containers: Vec<String> = (0..500)
        .map(|number| {
            format!("{{\"name\": \"{number}{hostile}\", securityContext: {{privileged: true}}}}")
        })
        .collect();
    let controls = ["C-0057", "C-0013", "C-0016"];
    let scenario = create(pod(&containers.join(", ")));
    let denied = scenario.decide(&enforcement([denying(&controls)]));
    let message = denied.status.unwrap().message;
    assert!(message.len() <= 4096, "{}", message.len());
    assert!(
        message.lines().count() <= 22 && message.lines().all(|line| line.chars().count() <= 300),
        "{message}"
    );
    assert!(!message.contains(['\u{1b}', '\u{202e}']) && message.contains("more"));
    let warned = scenario.decide(&enforcement([binding(&controls, &[Action::Warn])]));
    let warnings = &warned.warnings;
    let chars: Vec<usize> = warnings
        .iter()
        .map(|warning| warning.chars().count())
        .collect();
    assert!(chars.len() <= 16 && chars.iter().all(|count| *count <= 256));
    assert!(chars.iter().sum::<usize>() < 4096);
    let first = warnings.first().unwrap();
    assert!(
        first.contains("C-0057") && first.contains("(and 499 more)"),
        "{warnings:?}"
    );
    let mut annotations = warned.annotations.values();
    assert!(annotations.all(|annotation| annotation.chars().count() <= 8192));
}
