//! F10: control characters and invisible characters were written unescaped to the decision log.

use crate::{
    attack_connection::post,
    attack_objects::{Review, pod, privileged},
    attack_scale::share_machine,
    attacked_server::{ServerSetup, binding},
};
use kubevet_testkit::polling::wait_for;
use serde_json::{Value, json};

/// Characters that no log may contain unescaped, by name.
const HIDDEN: &[(&str, char)] = &[
    ("DEL", '\u{7f}'),
    ("NEL", '\u{85}'),
    ("CSI", '\u{9b}'),
    ("OSC", '\u{9d}'),
    ("soft hyphen", '\u{ad}'),
    ("Arabic letter mark", '\u{61c}'),
    ("Mongolian vowel separator", '\u{180e}'),
    ("zero width space", '\u{200b}'),
    ("zero width joiner", '\u{200d}'),
    ("right-to-left mark", '\u{200f}'),
    ("line separator", '\u{2028}'),
    ("paragraph separator", '\u{2029}'),
    ("right-to-left override", '\u{202e}'),
    ("word joiner", '\u{2060}'),
    ("right-to-left isolate", '\u{2067}'),
    ("byte order mark", '\u{feff}'),
    ("interlinear anchor", '\u{fff9}'),
    ("language tag", '\u{e0001}'),
    ("tag letter", '\u{e0041}'),
    ("private use", '\u{e000}'),
    ("ESC", '\u{1b}'),
    ("BEL", '\u{7}'),
    ("NUL", '\0'),
];

#[test]
fn f10_b10_hidden_characters_are_escaped_in_the_decision_log() {
    let _machine = share_machine();
    let bindings = [
        binding("deny", "['*']", "validationActions: [Deny]"),
        binding("exec", "[K-0001]", "validationActions: [Deny]"),
    ];
    let mut server = ServerSetup::with(&bindings).start();
    let mut failures = Vec::new();
    for (name, character) in HIDDEN {
        let string = format!("a{character}b");
        let options = json!({
            "apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh", "-c", string], "container": string,
        });
        let mut bad = pod(&[privileged(&string)]);
        bad["metadata"] =
            json!({"name": string, "namespace": "shop", "labels": {string.as_str(): string}});
        for (field, review) in [
            (
                "command",
                Review::connect("exec", &options).with("name", "p"),
            ),
            ("container", Review::create(&pod(&[privileged(&string)]))),
            (
                "name, namespace and user",
                Review::create(&bad)
                    .with("namespace", string.as_str())
                    .user(&string),
            ),
            ("resource", Review::create(&bad).resource("", "v1", &string)),
        ] {
            let before = server.stdout().len();
            let response = post(&server, review.to_json());
            response.review_response("u-1");
            let message = String::from_utf8(response.body).unwrap();
            let log = wait_for("the line", || match server.stdout() {
                value if value.len() > before && value.ends_with('\n') => {
                    Ok(value[before..].to_owned())
                }
                _ => Err("no line".to_owned()),
            });
            assert_eq!(log.lines().count(), 1, "{name} in {field}");
            serde_json::from_str::<Value>(&log).expect("a line is JSON");
            failures.extend(
                log.contains(*character)
                    .then(|| format!("{name} in {field}")),
            );
            failures.extend(
                message
                    .contains(*character)
                    .then(|| format!("{name} in {field}, in the answer")),
            );
        }
    }
    assert!(failures.is_empty(), "{} raw: {failures:?}", failures.len());
    server.assert_running();
}
