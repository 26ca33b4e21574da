//! Lists, arrays, byte order marks and separators: what kubectl's reader reads is read.

use super::{check_scan, clean, json_pod, pod};

#[test]
fn list_of_any_kind_is_read() {
    for kind in ["List", "PodList", "Shelf"] {
        let item = json_pod("shelved");
        let list = format!(r#"{{"apiVersion":"v1","kind":"{kind}","items":[{item}]}}"#);
        check_scan("list.json", list, 1, &["+shelved", "+hostPID"]);
    }
    let bare = r#"{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"bare"},"spec":{"hostPID":true}}]}"#;
    check_scan("bare-items.json", bare, 1, &["+Pod bare"]);
}

#[test]
fn array_of_objects_is_read_and_its_other_elements_are_problems() {
    let pod = json_pod("arrayed");
    check_scan("array.json", format!("[{pod}]"), 1, &["+Pod arrayed"]);
    check_scan(
        "mixed.json",
        format!("[{pod}, 5]"),
        2,
        &["+Pod arrayed", "+not an object"],
    );
    check_scan("array.yaml", format!("- {pod}\n"), 1, &["+Pod arrayed"]);
}

#[test]
fn list_nested_too_deep_is_a_problem() {
    let nested = |depth: usize| {
        (0..depth).fold(json_pod("deep"), |inner, _| {
            format!(r#"{{"apiVersion":"v1","kind":"List","items":[{inner}]}}"#)
        })
    };
    check_scan("eight.json", nested(8), 1, &["+Pod deep"]);
    for depth in [9, 12] {
        check_scan(
            "deeper.json",
            nested(depth),
            2,
            &["+nested more than 8 deep", "-passed:"],
        );
    }
}

#[test]
fn every_document_is_read_whatever_separates_it() {
    for separator in [
        "---\n\u{feff}",
        "---\n\u{feff}# a comment\n",
        "\u{feff}---\n",
        "---#x\n",
        "---\u{a0}\n",
        "--- # x\n",
    ] {
        let stream = format!("\u{feff}{}{separator}{}", clean("one"), pod("two"));
        check_scan(
            "stream.yaml",
            stream,
            1,
            &["+Pod two", "-Problems", "-\u{feff}"],
        );
    }
}

#[test]
fn byte_order_mark_counts_no_column() {
    let object = json_pod("marked");
    let column = object.find("\"hostPID\"").unwrap() + 1;
    let place = format!("+object.json:1:{column}");
    check_scan("object.json", object.as_str(), 1, &[&place]);
    check_scan(
        "object.json",
        format!("\u{feff}{object}"),
        1,
        &[&place, "-\u{feff}", "-u{feff}"],
    );
}
