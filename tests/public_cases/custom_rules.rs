//! Rules written for other programs: what reads what is not in the input can never fire.

use super::{check, pod};
use kubevet_testkit::test_dir::TestDir;

#[test]
fn rule_that_reads_what_is_not_in_the_input_is_refused() {
    for (path, advice) in [
        (
            "review.object.spec.containers",
            "+write `input.object.spec.containers`",
        ),
        ("spec.containers", "+write `input.object.spec.containers`"),
        (
            "obj.spec.containers",
            "+write `input.object.spec.containers`",
        ),
        (
            "request.object.spec.containers",
            "+write `input.object.spec.containers`",
        ),
        ("parameters.containers", "+write `input.params.containers`"),
    ] {
        check_rule(&format!("input.{path}"), advice);
    }
    for (expression, advice) in [
        (
            r#"object.get(input, "review", {}).object.spec.containers"#,
            "+`input.review` does not exist: write `input.object`",
        ),
        (
            r#"object.get(input, ["review", "object", "spec", "containers"], [])"#,
            "+write `input.object.spec.containers`",
        ),
        (
            r#"input["review"].object.spec.containers"#,
            "+write `input.object.spec.containers`",
        ),
        (
            r#"input[_].spec.containers"#,
            "+a computed field of `input` may not exist: a rule reads `input.object`",
        ),
    ] {
        check_rule(expression, advice);
    }
}

/// Checks that a rule over the containers of an expression is refused with the advice.
fn check_rule(containers: &str, advice: &str) {
    let rule = format!(
        "# METADATA
# title: No tty
# description: x
# custom: {{id: X-9100, severity: high, kinds: [workloads], remediation: x}}
package controls.x9100

import rego.v1

deny contains {{\"message\": \"tty\", \"paths\": [\"spec\"], \"fixes\": []}} if {{
	some c in {containers}
	c.tty
}}
"
    );
    let dir = TestDir::new()
        .file("rules/tty.rego", rule)
        .file("pod.yaml", pod("a"));
    let arguments = ["scan", "pod.yaml", "--custom-rules", "rules"];
    check(&dir, &arguments, 2, &[advice]);
}
