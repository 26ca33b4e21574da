//! The oracle itself: it answers, and the test images are readable for it. Without this, an oracle
//! that always fails could be taken for one that agrees.

use kubevet_testkit::{oracle::Oracle, test_images::test_images};
use serde_json::json;

#[test]
fn oracle_orders_two_versions() {
    let Some(mut oracle) = Oracle::start_for_images("order of two versions") else {
        return;
    };
    let check = |oracle: &mut Oracle, (a, b): (&str, &str), expected: i64| {
        let request = json!({"op": "compare", "format": "deb", "a": a, "b": b});
        let response = oracle.send(&request);
        assert_eq!(response["result"], expected, "{request}: {response}");
    };
    check(&mut oracle, ("1.0~rc1-1", "1.0-1"), -1);
    check(&mut oracle, ("1:1.0-1", "2.0-1"), 1);
    check(&mut oracle, ("1.0-1", "1.0-1"), 0);
}

#[test]
fn oracle_names_the_distribution_of_a_test_image() {
    let test = "packages of a test image";
    let Some(images) = test_images(test) else {
        return;
    };
    let Some(mut oracle) = Oracle::start_for_images(test) else {
        return;
    };
    let source = format!("oci-dir:{}", images.join("alpine").display());
    let response = oracle.send(&json!({"op": "sbom", "source": source}));
    assert_eq!(response["distro"]["id"], "alpine", "{response}");
    let packages = response["packages"].as_array().map_or(0, Vec::len);
    assert!(packages > 0, "{response}");
}
