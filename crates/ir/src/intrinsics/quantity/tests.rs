//! Strings as quantities, and pairs of them in order.

use super::*;

#[test]
fn strings_of_the_grammar_are_quantities_with_a_sign() {
    /// The sign, if it is one.
    fn check(text: &str, expected: Option<i8>) {
        assert_eq!(
            Quantity::parse(text).map(Quantity::sign),
            expected,
            "{text:?}"
        );
        assert_eq!(is_positive(text), expected == Some(1), "{text:?}");
    }
    check("1", Some(1));
    check(" 500m ", Some(1));
    check("-1Gi", Some(-1));
    check("0", Some(0));
    check("-0.0e5", Some(0));
    check("0e-20", Some(0));
    check("1e-400", Some(1));
    check("1e-999999999", Some(1));
    check("1e999999999", Some(1));
    check("1e1000000000", None);
    check("1e0000000000001", Some(1));
    check("m", Some(0));
    check(".", Some(0));
    check("+", Some(0));
    check("Ti", Some(0));
    check("Pi", None);
    check("e-9", Some(0));
    check("e-10", None);
    check("", None);
    check(" ", None);
    check("1K", None);
    check("1 Gi", None);
    check("1.2.3", None);
    check("1e", None);
    check("1E", Some(1));
    check("1E3", Some(1));
    check("e", None);
    check("--1", None);
    check("1\n", None);
    check("\u{ff11}", None);
}

#[test]
fn quantities_are_compared_exactly() {
    fn check(a: &str, b: &str, expected: Ordering) {
        let (a, b) = (Quantity::parse(a).expect(a), Quantity::parse(b).expect(b));
        let (low, high) = (expected == Ordering::Less, expected == Ordering::Greater);
        assert_eq!((a.less(b), b.less(a)), (low, high), "{a:?} {b:?}");
    }
    let long = "1".repeat(100);
    check("1", "1000m", Ordering::Equal);
    check("1Ki", "1k", Ordering::Greater);
    check("1.5Gi", "1536Mi", Ordering::Equal);
    check("-1", "-2", Ordering::Greater);
    check("-1", "0", Ordering::Less);
    check("0", "m", Ordering::Equal);
    check("1e-400", "1n", Ordering::Equal);
    check("1.0000000001", "1000000001n", Ordering::Equal);
    check("0.9999999999", "1", Ordering::Equal);
    check("-0.9999999999", "-1", Ordering::Equal);
    check("0.00000000001", "1n", Ordering::Equal);
    check(
        "9223372036854775808Ei",
        "9223372036854775807",
        Ordering::Equal,
    );
    check("9223372036854775807.5Ki", "9e18", Ordering::Greater);
    check(&long, "1e99", Ordering::Greater);
    check(&long, &format!("{long}.0000000001"), Ordering::Less);
    check(
        &format!("{long}.0000000001"),
        &format!("{long}.0000000009"),
        Ordering::Equal,
    );
    check(
        &format!("{}.9999999999", "9".repeat(60)),
        "1e60",
        Ordering::Equal,
    );
    check("1e30", &format!("1{}", "0".repeat(30)), Ordering::Equal);
    check("1e30", "1E12", Ordering::Greater);
    check("0.1Ki", "102.4", Ordering::Equal);
    check(&format!("0.{}1Ki", "0".repeat(60)), "1n", Ordering::Equal);
    check(
        &format!("1.{}1Ki", "0".repeat(60)),
        "1024000000001n",
        Ordering::Equal,
    );
    check(
        "99999999999999999999",
        "99999999999999999999000m",
        Ordering::Equal,
    );
}
