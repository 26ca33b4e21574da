//! What becomes of results when reading fails.

use super::scripted_api::{Answer, deep_pod, failure, list, operate, pod};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

fn event(kind: &str, object: Value) -> Value {
    json!({"type": kind, "object": object})
}

#[tokio::test(flavor = "multi_thread")]
async fn results_follow_a_watch_and_never_go_back() {
    let (operator, lines) = operate(|call| match call {
        "list pods" => list(5, &[pod("a", 4, true), pod("b", 5, false)]),
        "watch pods 5" => Answer::Watch(vec![
            event("MODIFIED", pod("a", 7, false)),
            // A server that is behind.
            event("MODIFIED", pod("b", 3, true)),
            event("DELETED", pod("a", 8, false)),
            event("ADDED", pod("c", 9, true)),
        ]),
        _ => list(5, &[]),
    })
    .await;
    lines.wait("sweep start: ").await;
    lines.wait("c 9 C-0057").await;
    lines.wait("remove a").await;
    let lines = lines.all();
    assert!(lines.contains(&"a 4 C-0057".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"b 5 ".to_owned()), "{lines:#?}");
    assert!(!lines.contains(&"b 3 C-0057".to_owned()), "{lines:#?}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kind_that_is_refused_is_named_and_the_rest_is_evaluated() {
    let is_allowed = Arc::new(AtomicBool::new(false));
    let allowed = Arc::clone(&is_allowed);
    let (operator, lines) = operate(move |call| match call {
        "list deployments" if !allowed.load(Ordering::Relaxed) => {
            failure(403, "deployments is forbidden: cannot list resource")
        }
        "list namespaces" => failure(403, "namespaces is forbidden: cannot list resource"),
        "list pods" => list(5, &[pod("a", 4, true)]),
        "watch pods 5" => Answer::Watch(Vec::new()),
        _ => list(5, &[]),
    })
    .await;
    lines.wait("sweep start: Deployment of apps").await;
    assert!(lines.all().contains(&"a 4 C-0057".to_owned()));
    is_allowed.store(true, Ordering::Relaxed);
    let sweep = operator.sweep().await.unwrap();
    assert_eq!(sweep.unread, []);
    assert_eq!((sweep.reason, sweep.objects), ("demand", 1));
    assert_eq!(sweep.score.controls[0].failed, 1);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_watch_lists_again_and_removes_what_is_gone() {
    let lists = AtomicUsize::new(0);
    let (operator, lines) = operate(move |call| match call {
        "list pods" => match lists.fetch_add(1, Ordering::Relaxed) {
            0 => list(5, &[pod("a", 4, true), pod("b", 5, true)]),
            _ => list(20, &[pod("b", 5, true), pod("c", 19, true)]),
        },
        "watch pods 5" => Answer::Watch(vec![
            json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}),
        ]),
        "watch pods 20" => Answer::Watch(vec![event("ADDED", pod("d", 21, true))]),
        _ => list(5, &[]),
    })
    .await;
    lines.wait("remove a").await;
    lines.wait("c 19 C-0057").await;
    lines.wait("d 21 C-0057").await;
    let lines = lines.all();
    let of_b = lines.iter().filter(|line| line.starts_with("b "));
    assert_eq!(of_b.count(), 1, "{lines:#?}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_watch_and_refused_requests_lose_nothing() {
    let calls = AtomicUsize::new(0);
    let watches = AtomicUsize::new(0);
    let (operator, lines) = operate(move |call| match call {
        "list pods" => match calls.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Answer::PutOff,
            _ => list(5, &[pod("a", 4, true)]),
        },
        "watch pods 5" => match watches.fetch_add(1, Ordering::Relaxed) {
            0 => {
                let mut bytes = event("MODIFIED", pod("a", 6, false))
                    .to_string()
                    .into_bytes();
                bytes.truncate(40);
                Answer::Cut(bytes)
            }
            _ => Answer::Watch(vec![event("MODIFIED", pod("a", 6, false))]),
        },
        _ => list(5, &[]),
    })
    .await;
    lines.wait("a 4 C-0057").await;
    lines.wait("a 6 ").await;
    assert!(lines.all().contains(&"sweep start: ".to_owned()));
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn object_that_a_sweep_does_not_find_is_removed() {
    let is_gone = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&is_gone);
    let (operator, lines) = operate(move |call| match call {
        "list pods" if gone.load(Ordering::Relaxed) => list(9, &[pod("b", 5, true)]),
        "list pods" => list(5, &[pod("a", 4, true), pod("b", 5, true)]),
        // Silent: it brings neither the deletion nor an end.
        _ if call.starts_with("watch") => Answer::Watch(Vec::new()),
        _ => list(5, &[]),
    })
    .await;
    lines.wait("sweep start: ").await;
    is_gone.store(true, Ordering::Relaxed);
    operator.sweep().await.unwrap();
    lines.wait("remove a").await;
    let lines = lines.all();
    // Each sweep writes what there is.
    let of_b = lines.iter().filter(|line| *line == "b 5 C-0057");
    assert_eq!(of_b.count(), 2, "{lines:#?}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn result_of_an_object_that_cannot_be_read_any_more_stays_until_it_is_gone() {
    let state = Arc::new(AtomicUsize::new(0));
    let of_api = Arc::clone(&state);
    let (operator, lines) = operate(move |call| match call {
        "list pods" => match of_api.load(Ordering::Relaxed) {
            0 => list(5, &[pod("a", 4, true), pod("b", 5, true)]),
            1 => list(9, &[deep_pod("a", 8), pod("b", 5, true)]),
            _ => list(12, &[pod("b", 5, true)]),
        },
        _ if call.starts_with("watch") => Answer::Watch(Vec::new()),
        _ => list(5, &[]),
    })
    .await;
    lines.wait("sweep start: ").await;
    state.store(1, Ordering::Relaxed);
    let sweep = operator.sweep().await.unwrap();
    let unread: Vec<String> = sweep.unread.iter().map(ToString::to_string).collect();
    assert_eq!(unread, ["Pod in shop"]);
    assert_eq!(sweep.score.controls[0].failed, 2);
    assert!(!lines.all().contains(&"remove a".to_owned()));
    // Another one that is gone is told from it.
    state.store(2, Ordering::Relaxed);
    assert_eq!(operator.sweep().await.unwrap().unread, []);
    lines.wait("remove a").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn object_that_a_watch_cannot_read_is_named_and_keeps_its_result() {
    let (operator, lines) = operate(|call| match call {
        "list pods" => list(5, &[pod("a", 4, true)]),
        "watch pods 5" => Answer::Watch(vec![
            event("MODIFIED", deep_pod("a", 7)),
            event("ADDED", pod("b", 8, true)),
        ]),
        _ => list(5, &[]),
    })
    .await;
    lines.wait("sweep start: ").await;
    lines.wait("b 8 C-0057").await;
    assert!(!lines.all().contains(&"remove a".to_owned()));
    operator.stop().await;
}
