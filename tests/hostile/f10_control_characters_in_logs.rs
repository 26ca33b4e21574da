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
    let mut wrong = Vec::new();
    for (name, character) in HIDDEN {
        let text = format!("a{character}b");
        let options = json!({
            "apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh", "-c", text], "container": text,
        });
        let mut bad = pod(&[privileged(&text)]);
        bad["metadata"] =
            json!({"name": text, "namespace": "shop", "labels": {text.as_str(): text}});
        for (what, review) in [
            (
                "command",
                Review::connect("exec", &options).with("name", "p"),
            ),
            ("container", Review::create(&pod(&[privileged(&text)]))),
            (
                "name, namespace and user",
                Review::create(&bad)
                    .with("namespace", text.as_str())
                    .user(&text),
            ),
            ("resource", Review::create(&bad).resource("", "v1", &text)),
        ] {
            let before = server.stdout().len();
            let reply = post(&server, review.text());
            reply.review_response("u-1");
            let said = String::from_utf8(reply.body).unwrap();
            let log = wait_for("the line", || match server.stdout() {
                value if value.len() > before && value.ends_with('\n') => {
                    Ok(value[before..].to_owned())
                }
                _ => Err("no line".to_owned()),
            });
            assert_eq!(log.lines().count(), 1, "{name} in {what}");
            serde_json::from_str::<Value>(&log).expect("a line is JSON");
            wrong.extend(
                log.contains(*character)
                    .then(|| format!("{name} in {what}")),
            );
            wrong.extend(
                said.contains(*character)
                    .then(|| format!("{name} in {what}, in the answer")),
            );
        }
    }
    assert!(wrong.is_empty(), "{} raw: {wrong:?}", wrong.len());
    server.assert_running();
}
