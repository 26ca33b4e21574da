//! F3: a review could wait for its permit until its deadline, and was then evaluated and answered
//! too late. The API server admits a request whose webhook does not answer.

use crate::{
    attack_connection::{ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, TlsConfig},
    attack_objects::{Review, defaulted_pod, slow_pod},
    attack_scale::{claim_machine, scale},
    attacked_server::{EXAMPLE, Server, ServerSetup, binding},
    baseline_traffic::with_baseline_traffic,
};
use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

/// The timeout of the installed webhook.
const GRANTED: Duration = Duration::from_secs(5);

/// The results of the attackers' calls.
#[derive(Debug, Default)]
struct Tally {
    denied: usize,
    /// The API server would have admitted these.
    late: usize,
    allowed: usize,
}

/// Several clients send this repeatedly for this time, each call with a timeout of five seconds.
fn flood(server: &Server, from: Ipv4Addr, body: &str, callers: usize, time: Duration) -> Tally {
    let tls = TlsConfig::of(server);
    let end = Instant::now() + time;
    thread::scope(|scope| {
        let call = || {
            let mut tally = Tally::default();
            let mut connection = None;
            while Instant::now() < end {
                let mut open = match connection.take() {
                    Some(open) => open,
                    None => match AttackConnection::open(server, &tls, from, GRANTED) {
                        Ok(open) => open,
                        Err(_) => {
                            tally.late += 1;
                            continue;
                        }
                    },
                };
                match open.post("/validate?timeout=5s", body.as_bytes(), GRANTED) {
                    Err(_) => tally.late += 1,
                    Ok(response) => {
                        let denied = response.review_response("u-1")["allowed"] == false;
                        tally.denied += usize::from(denied);
                        tally.allowed += usize::from(!denied);
                        connection = Some(open);
                    }
                }
            }
            tally
        };
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(call)).collect();
        callers.into_iter().fold(Tally::default(), |all, item| {
            let tally = item.join().unwrap();
            Tally {
                denied: all.denied + tally.denied,
                late: all.late + tally.late,
                allowed: all.allowed + tally.allowed,
            }
        })
    })
}

fn assert_none_admitted(bindings: &[String], body: &str, callers: usize) {
    let _machine = claim_machine();
    // All reviews come from the one address of the API server.
    for from in [CLIENT_ADDRESS, ATTACKER_ADDRESS] {
        let mut server = ServerSetup::with(bindings).no_decision_log().start();
        let time = Duration::from_secs(scale(6, 20));
        let (tally, baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
            flood(&server, from, body, callers, time)
        });
        assert!(
            tally.late == 0 && tally.allowed == 0 && tally.denied > 0,
            "from {from}: {tally:?}"
        );
        baseline.assert_undisturbed();
        server.assert_running();
    }
}

#[test]
fn f3_r2_flood_of_slow_pods_is_answered_before_the_caller_timeout() {
    let body = Review::create(&slow_pod(2000, 2000))
        .user("mallory")
        .to_json();
    assert_none_admitted(&[EXAMPLE.to_owned()], &body, scale(30, 60));
}

#[test]
fn f3_r3_flood_of_wide_pods_is_answered_before_the_caller_timeout() {
    let body = Review::create(&defaulted_pod(9900))
        .with("namespace", "wide")
        .user("mallory")
        .to_json();
    // Ordinary clients use another namespace, which only the example binding applies to.
    let everything = "validationActions: [Deny], matchResources: {namespaces: [wide]}";
    let wide = (0..5).map(|index| binding(&format!("b{index}"), "['*']", everything));
    let bindings: Vec<String> = wide.chain([EXAMPLE.to_owned()]).collect();
    assert_none_admitted(&bindings, &body, scale(6, 16));
}
