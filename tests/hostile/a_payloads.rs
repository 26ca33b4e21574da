//! A1 to A6: sizes, depth, duplicate keys, strings that parsers disagree on, numbers, and envelopes
//! that are not reviews. No privileged object is allowed, however malformed the body, and the
//! server does not restart.

use crate::{
    attack_connection::{AttackConnection, HANG_TIMEOUT, post},
    attack_objects::{Review, clean_pod, container, merge, pod, privileged, privileged_pod},
    attack_scale::{claim_machine, scale, share_machine},
    attacked_server::{ServerSetup, assert_allowed, assert_denied},
};
use kubevet_testkit::raw_connection::RawResponse;
use serde_json::{Value, json};

/// The required response to a body.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// 200 and allowed.
    Allowed,
    /// 200 and denied with this code.
    Denied(u16),
    /// 200 and denied with any code.
    NotAllowed,
    /// This status without a verdict.
    Refused(u16),
    /// No verdict, or denied.
    Never,
}

#[track_caller]
fn check(name: &str, response: &RawResponse, uid: &str, want: Want) {
    let string = String::from_utf8_lossy(&response.body);
    let failure = || format!("{name}: {want:?}, but {} {:.400}", response.status, string);
    let review = (response.status == 200).then(|| response.review_response(uid));
    let verdict = review.as_ref().map(|review| {
        (
            review["allowed"] == true,
            review.get("status").map(|status| status["code"].clone()),
        )
    });
    let right = match (want, verdict) {
        (Want::Allowed, Some((true, _))) => true,
        (Want::Denied(code), Some((false, Some(actual)))) => actual == code,
        (Want::NotAllowed | Want::Never, Some((false, _))) => true,
        (Want::Never, None) => true,
        (Want::Refused(status), None) => response.status == status,
        _ => false,
    };
    assert!(right, "{}", failure());
}

/// Runs all cases on one server, which must be the same process at the end.
fn check_all(cases: Vec<(&str, Vec<u8>, Want)>) {
    let mut server = ServerSetup::example().no_decision_log().start();
    let first = cases.first().map_or("", |(name, ..)| *name);
    for (name, body, want) in cases {
        check(name, &post(&server, &body), "u-1", want);
    }
    server.assert_memory_goals(&format!("{first} and more"));
    server.assert_running();
}

fn clean() -> String {
    Review::create(&clean_pod()).to_json()
}

fn bad() -> String {
    Review::create(&privileged_pod()).to_json()
}

/// The body with the first occurrence of a string replaced; it must occur.
#[track_caller]
fn put(string: &str, old: &str, new: &str) -> Vec<u8> {
    assert!(string.contains(old), "{old}");
    string.replacen(old, new, 1).into_bytes()
}

#[test]
fn a1_largest_review_is_evaluated() {
    let _machine = claim_machine();
    let string = "\\u0001".repeat((scale(16, 63) << 20) / 6);
    let half = "\\u0001".repeat((scale(6, 13) << 20) / 6);
    let with = |review: &str, string: &str| {
        review
            .replace(
                r#""metadata":{"name":"p""#,
                &format!(r#""metadata":{{"annotations":{{"a":"{string}"}},"name":"p""#),
            )
            .into_bytes()
    };
    let update = Review::update(&clean_pod(), &privileged_pod()).to_json();
    check_all(vec![
        ("A1.63", with(&bad(), &string), Want::Denied(403)),
        ("A1.upd", with(&update, &half), Want::Denied(403)),
    ]);
}

#[test]
fn a2_depth_is_bounded_in_every_position() {
    let _machine = share_machine();
    let nested = |open: &str, close: &str, count: usize| {
        put(
            &clean(),
            r#""metadata":{"#,
            &format!(
                r#""metadata":{{"x":{}1{},"#,
                open.repeat(count),
                close.repeat(count)
            ),
        )
    };
    let map = r#"{"a":"#;
    let head = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"x":"#;
    let first = format!(
        "{head}{}{},\"uid\":\"u-1\"}}}}",
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    check_all(vec![
        ("A2.arr500", nested("[", "]", 500), Want::Allowed),
        ("A2.obj500", nested(map, "}", 500), Want::Allowed),
        ("A2.arr9990", nested("[", "]", 9990), Want::Denied(400)),
        ("A2.obj9990", nested(map, "}", 9990), Want::Denied(400)),
        (
            "A2.obj1000000",
            nested(map, "}", 1_000_000),
            Want::Denied(400),
        ),
        ("A2.first", first.into_bytes(), Want::Never),
    ]);
}

#[test]
fn a3_last_duplicate_key_wins_as_in_the_api_server() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let containers = |value: &Value| format!(r#""containers":[{value}]"#);
    let (good, evil) = (containers(&container("a")), containers(&privileged("a")));
    let two_uids = put(&clean(), r#""uid":"u-1""#, r#""uid":"u-1","uid":"u-2""#);
    let second = Review::create(&clean_pod()).uid("u-2").to_json();
    let second = &second[second.find(r#""request":"#).unwrap()..];
    let two_requests = format!("{},{second}", &bad()[..bad().len() - 1]);
    for (name, body, uid, want) in [
        (
            "A3.3",
            put(&clean(), &good, &format!("{good},{evil}")),
            "u-1",
            Want::Denied(403),
        ),
        (
            "A3.4",
            put(&clean(), &good, &format!("{evil},{good}")),
            "u-1",
            Want::Allowed,
        ),
        ("A3.5", two_uids.clone(), "u-2", Want::Allowed),
        ("A3.6", two_requests.into_bytes(), "u-2", Want::Allowed),
        (
            "A3.7",
            put(
                &clean(),
                r#""oldObject""#,
                &format!(r#""object":{},"oldObject""#, privileged_pod()),
            ),
            "u-1",
            Want::Denied(403),
        ),
        (
            "A3.8",
            two_uids[..two_uids.len() - 2].to_vec(),
            "u-2",
            Want::NotAllowed,
        ),
        (
            "A3.9",
            put(
                &bad(),
                r#""operation":"CREATE""#,
                r#""operation":"DELETE","operation":"CREATE""#,
            ),
            "u-1",
            Want::Denied(403),
        ),
        (
            "A3.10",
            put(
                &bad(),
                r#""operation":"CREATE""#,
                r#""operation":"CREATE","Operation":"DELETE""#,
            ),
            "u-1",
            Want::Denied(403),
        ),
    ] {
        check(name, &post(&server, &body), uid, want);
    }
    server.assert_running();
}

#[test]
fn a4_other_encodings_hide_no_finding() {
    let _machine = share_machine();
    let image = b"registry.example.com/a:1";
    let bytes = |string: &str, new: &[u8]| {
        let offset = string.find("registry.example.com/a:1").unwrap();
        [
            &string.as_bytes()[..offset],
            new,
            &string.as_bytes()[offset + image.len()..],
        ]
        .concat()
    };
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(bad().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    check_all(vec![
        ("A4.overlong", bytes(&bad(), b"\xc0\xaf"), Want::NotAllowed),
        (
            "A4.surrogate",
            bytes(&bad(), b"\xed\xa0\x80"),
            Want::NotAllowed,
        ),
        ("A4c.overlong", bytes(&clean(), b"\xc0\xaf"), Want::Allowed),
        (
            "A4c.surrogate",
            bytes(&clean(), b"\xed\xa0\x80"),
            Want::Allowed,
        ),
        (
            "A4.rawnul",
            put(&bad(), r#""app":"x""#, "\"app\":\"x\0\""),
            Want::NotAllowed,
        ),
        ("A4.utf16", utf16, Want::Never),
        (
            "A4.key",
            put(&bad(), r#""privileged""#, r#""priv\u0069leged""#),
            Want::Denied(403),
        ),
        (
            "A4.key2",
            put(&bad(), r#""object""#, r#""ob\u006aect""#),
            Want::Denied(403),
        ),
    ]);
}

#[test]
fn a5_numbers_and_quantities_of_any_length_are_read_or_rejected() {
    let _machine = share_machine();
    let digits = |count: usize| "1".repeat(count);
    let number = |string: String| {
        put(
            &bad(),
            r#""metadata":{"#,
            &format!(r#""metadata":{{"x":{string},"#),
        )
    };
    let quantity = |string: &str| {
        let amounts = json!({"cpu": string, "memory": string});
        let over = json!({"resources": {"limits": amounts, "requests": amounts}});
        Review::create(&pod(&[merge(privileged("a"), &over)]))
            .to_json()
            .into_bytes()
    };
    check_all(vec![
        ("A5.digits5000", number(digits(5000)), Want::NotAllowed),
        (
            "A5.digits1000000",
            number(digits(1_000_000)),
            Want::NotAllowed,
        ),
        (
            "A5.fraction",
            number(format!("0.{}", digits(1_000_000))),
            Want::NotAllowed,
        ),
        (
            "A5.exponent",
            number(format!("1e{}", "9".repeat(1000))),
            Want::NotAllowed,
        ),
        ("A5.Infinity", number("Infinity".into()), Want::NotAllowed),
        ("A5.-0", number("-0".into()), Want::NotAllowed),
        ("A5.01", number("01".into()), Want::NotAllowed),
        ("A5.q1e400", quantity("1e400"), Want::NotAllowed),
        ("A5.q400", quantity(&digits(400)), Want::NotAllowed),
        ("A5.q100000", quantity(&digits(100_000)), Want::NotAllowed),
        ("A5.q1e999999999", quantity("1e999999999"), Want::NotAllowed),
        (
            "A5.q1e-999999999",
            quantity("1e-999999999"),
            Want::NotAllowed,
        ),
        (
            "A5.qfraction",
            quantity(&format!("0.{}1", "0".repeat(100_000))),
            Want::NotAllowed,
        ),
        (
            "A5.qEi",
            quantity(&format!("{}Ei", "9".repeat(71))),
            Want::NotAllowed,
        ),
        ("A5.qblank", quantity(" 1"), Want::NotAllowed),
        ("A5.qwide", quantity("1\u{ff27}i"), Want::NotAllowed),
    ]);
}

#[test]
fn a6_malformed_envelope_is_rejected_or_denied() {
    let _machine = share_machine();
    let review = |review: Review| review.to_json().into_bytes();
    let created = || Review::create(&clean_pod());
    let service = json!({"apiVersion": "v1", "kind": "Service"});
    check_all(vec![
        (
            "A6.12",
            put(&clean(), r#""uid":"u-1""#, r#""uid":7"#),
            Want::Refused(400),
        ),
        (
            "A6.13",
            put(&clean(), r#""uid":"u-1""#, r#""uid":{"a":1}"#),
            Want::Refused(400),
        ),
        (
            "A6.14",
            review(created().with("object", Value::Null)),
            Want::Denied(400),
        ),
        (
            "A6.15",
            review(created().without("operation")),
            Want::Denied(400),
        ),
        (
            "A6.16",
            review(created().with("operation", "PATCH")),
            Want::Denied(400),
        ),
        (
            "A6.17",
            review(Review::create(&privileged_pod()).with("operation", "create")),
            Want::NotAllowed,
        ),
        (
            "A6.18",
            review(created().kind("", "v1", "Service")),
            Want::Denied(400),
        ),
        (
            "A6.19",
            review(Review::update(&service, &clean_pod())),
            Want::Denied(400),
        ),
        (
            "A6.20",
            review(created().with("object", json!([]))),
            Want::NotAllowed,
        ),
        (
            "A6.21",
            review(created().with("object", "x")),
            Want::NotAllowed,
        ),
        (
            "A6.22",
            review(Review::create(&privileged_pod()).with("namespace", 7)),
            Want::NotAllowed,
        ),
        (
            "A6.26",
            bad().as_bytes()[..bad().len() / 2 + 100].to_vec(),
            Want::Denied(400),
        ),
        ("A6.27", bad().as_bytes()[..60].to_vec(), Want::Refused(400)),
        (
            "A6.28",
            put(&clean(), r#""uid""#, r#""UID""#),
            Want::Refused(400),
        ),
        (
            "A6.29",
            review(Review::create(&privileged_pod()).without("userInfo")),
            Want::Denied(403),
        ),
        (
            "A6.30",
            review(Review::create(&privileged_pod()).with("dryRun", "yes")),
            Want::Denied(403),
        ),
    ]);
}

#[test]
fn a6_odd_uid_is_echoed_whole_or_rejected() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let odd = format!("a\n\"\u{2028}{}", "x".repeat(100));
    let response = post(&server, Review::create(&clean_pod()).uid(&odd).to_json());
    check(
        "A6.23",
        &response,
        &odd,
        if response.status == 200 {
            Want::Allowed
        } else {
            Want::Refused(400)
        },
    );
    let long = "x".repeat(10_000_000);
    let response = post(&server, Review::create(&clean_pod()).uid(&long).to_json());
    check(
        "A6.24",
        &response,
        &long,
        if response.status == 200 {
            Want::Allowed
        } else {
            Want::Refused(400)
        },
    );
    let cut = Review::create(&clean_pod()).uid(&"x".repeat(300)).to_json();
    check(
        "A6.25",
        &post(&server, &cut[..cut.len() - 3]),
        "",
        Want::Refused(400),
    );
    server.assert_running();
}

/// Every prefix of a privileged review, and mutations of its bytes by a seeded generator.
#[test]
fn a6_31_no_prefix_or_mutation_of_a_privileged_review_is_allowed() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let body = bad().into_bytes();
    let mut connection = AttackConnection::ordinary(&server);
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let prefixes = (0..body.len()).map(|index| body[..index].to_vec());
    let mutants: Vec<Vec<u8>> = (0..scale(1500, 30_000))
        .map(|_| {
            let mut mutant = body.clone();
            for _ in 0..=random(3) {
                mutant[random(body.len())] = u8::try_from(random(256)).unwrap();
            }
            mutant
        })
        .collect();
    for mutant in prefixes.chain(mutants) {
        let response = connection.post("/validate", &mutant, HANG_TIMEOUT).unwrap();
        assert!(matches!(response.status, 200 | 400), "{}", response.status);
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if answer["response"]["allowed"] == true {
            // An allowed verdict is right only if the mutation removed the violation.
            let string = String::from_utf8_lossy(&mutant).into_owned();
            let read: Value = serde_json::from_str(&string).unwrap_or_default();
            let still = &read["request"]["object"]["spec"]["containers"][0]["securityContext"]["privileged"];
            assert!(still != true, "allowed: {string}");
        }
    }
    assert_allowed(&post(&server, clean()), "u-1");
    assert_denied(&post(&server, bad()), "u-1", 403, "C-0057");
    server.assert_running();
}
