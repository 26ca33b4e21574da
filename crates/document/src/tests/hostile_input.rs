//! Inputs that try to exhaust time or memory: each is rejected with a position, or read in time that
//! is proportional to its length.

use super::{file, limits, only, shown};
use crate::{Limits, read};

/// Checks that both readers report exactly one problem, with this message and a position.
fn check_rejected(text: &str, message: &str) {
    let reading = read(&file(), text.as_bytes(), &limits());
    let start: String = text.chars().take(60).collect();
    assert!(reading.documents.is_empty(), "{start} was read");
    assert_eq!(reading.problems.len(), 1, "{start}: {}", shown(&reading));
    let problem = &reading.problems[0];
    assert!(problem.message.contains(message), "{start}: {problem}");
    assert!(problem.position.is_some(), "{start}: {problem}");
}

#[test]
fn deep_nesting_of_any_syntax_is_rejected() {
    for opener in [
        "[", "{\"a\":", "{a: ", "[{a: ", "- ", "? ", "- ? ", "[? ", "{? ", "!!seq [", "&a [", "[\n",
    ] {
        for count in [513, 100_000] {
            check_rejected(&opener.repeat(count), "");
        }
    }
    let indented: String = (0..600)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    check_rejected(&indented, "more than 512 deep");
    check_rejected(&"{\"a\":".repeat(513), "more than 512 deep");
    check_rejected(
        &format!("{}{}", "[".repeat(513), "]".repeat(513)),
        "more than 512 deep",
    );
    check_rejected(
        &format!("a: &a {}1{}\nb: [*a]", "[".repeat(511), "]".repeat(511)),
        "more than 512 deep",
    );
    only(&format!("{}{}", "[".repeat(512), "]".repeat(512)));
    only(&format!("{}1{}", "{\"a\":".repeat(512), "}".repeat(512)));
    only(&format!(
        "a: &a {}1{}\nb: *a",
        "[".repeat(511),
        "]".repeat(511)
    ));
}

#[test]
fn alias_bomb_is_rejected() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}, ", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", alias.repeat(9));
    }
    check_rejected(
        &bomb,
        "aliases and merge keys of the file add more than 100000 values",
    );
}

#[test]
fn long_key_is_not_copied_for_each_alias() {
    let key = "k".repeat(10_000);
    let read = only(&format!("- &k {key}\n{}", "- {*k : 1}\n".repeat(5_000)));
    let key_at = |at: usize| {
        read.root()
            .at(at)
            .unwrap()
            .entries()
            .next()
            .unwrap()
            .key
            .as_ptr()
    };
    assert_eq!(
        (read.root().elements().count(), key_at(1)),
        (5_001, key_at(5_000))
    );
    check_rejected(
        &format!("- &k {key}\n{}", "- {*k : 1}\n".repeat(100_001)),
        "aliases and merge keys",
    );
}

#[test]
fn merge_bomb_is_rejected() {
    let mut bomb = "- &a0 {k: 1, l: 2}\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}, ", level - 1);
        bomb += &format!("- &a{level} {{<<: [{}], m{level}: 1}}\n", alias.repeat(9));
    }
    check_rejected(
        &bomb,
        "aliases and merge keys of the file add more than 100000 values",
    );
}

#[test]
fn nested_merges_count_as_expansion() {
    let inside = "x, ".repeat(2000);
    let text = format!(
        "{}[{inside}]{}",
        "{<<: {b: 1}, a: ".repeat(100),
        "}".repeat(100)
    );
    check_rejected(
        &text,
        "aliases and merge keys of the file add more than 100000 values",
    );
}

#[test]
fn nested_anchors_count_as_expansion() {
    let inside = "x, ".repeat(2000);
    let openers: String = (0..100).map(|level| format!("&a{level} [")).collect();
    check_rejected(
        &format!("{openers}{inside}{}", "]".repeat(100)),
        "add more than 100000 values",
    );
}

#[test]
fn file_with_too_many_values_is_not_read_further() {
    let limits = Limits {
        nodes: 1000,
        ..limits()
    };
    for text in [
        format!("[{}1]", "1,".repeat(2000)),
        format!("a:\n{}---\nb: 1\n", "- 1\n".repeat(2000)),
    ] {
        let reading = read(&file(), text.as_bytes(), &limits);
        assert_eq!(
            (reading.documents.len(), reading.problems.len()),
            (0, 1),
            "{}",
            shown(&reading)
        );
        assert!(
            reading.problems[0]
                .message
                .contains("more than 1000 values")
        );
    }
}

#[test]
fn number_of_problems_is_bounded() {
    for bytes in [b"[\n---\n".repeat(1000), b"\xff\n---\n".repeat(1000)] {
        let reading = read(&file(), &bytes, &limits());
        assert_eq!((reading.documents.len(), reading.problems.len()), (0, 101));
        assert!(
            reading.problems[100]
                .message
                .ends_with("are broken; the rest is not read")
        );
    }
}

#[test]
fn file_over_the_size_limit_is_rejected() {
    let reading = read(&file(), &vec![b' '; (8 << 20) + 1], &limits());
    assert_eq!(
        shown(&reading),
        "f: the file has 8388609 bytes, more than the 8388608 that are read; split it"
    );
}

/// Each input would take minutes if reading were quadratic.
#[test]
fn reading_of_megabytes_is_not_quadratic() {
    let count = 100_000;
    let keys = |sort: fn(usize) -> String| (0..count).map(sort).collect::<String>();
    let texts = [
        format!("{{{}\"z\":1}}", keys(|key| format!("\"a{key}\":{key},"))),
        format!("{{{}\"z\":1}}", "\"same\":1,".repeat(count)),
        keys(|key| format!("a{key}: {key}\n")),
        "same: 1\n".repeat(count),
        format!("a: &a 1\nb: [{}]", "*a, ".repeat(count / 2)),
        keys(|key| format!("a{key}: &a{key} 1\n")),
        "- &a 1\n".repeat(count),
        format!(
            "a: |\n{}",
            "  a long line of a block scalar\n".repeat(count)
        ),
        format!("a: >\n{}", "  a folded line\n\n".repeat(count)),
        format!("a: \"{}\"", "word ".repeat(10 * count)),
        format!("a: \"{}\"", "\\n".repeat(10 * count)),
        format!("a: {}", "word ".repeat(10 * count)),
        format!("a: {}", "word\n ".repeat(count)),
        format!("a: '{}'", "''".repeat(10 * count)),
        format!("[{}]", "a, ".repeat(5 * count)),
        format!("[{}]", "a: b, ".repeat(count)),
        format!("{{{}}}", "a, ".repeat(count)),
        "a:\n".to_owned() + &"- - 1\n".repeat(count),
        "# comment\n".repeat(count),
        format!("a: b {}", "# comment\n".repeat(count)),
        "\n".repeat(10 * count),
        " ".repeat(10 * count),
        "---\n".repeat(count),
        "a\n---\n".repeat(count / 2),
        "---\n[\n".repeat(count / 10),
        format!("a: {}", "!".repeat(count)),
        format!("a: &{}", "x".repeat(count)),
        format!("a: !<{}", "x".repeat(count)),
        "%TAG !a! x\n".repeat(count / 10) + "---\na",
        format!("%YAML {}", "1".repeat(count)),
        "? a\n".repeat(count),
        ": ".repeat(count),
        "a: ".repeat(count),
        "[a".repeat(500) + &"]".repeat(500),
        format!("\"{}", "x".repeat(10 * count)),
        "'a\n".repeat(count / 10),
        "{\"a\":1}".repeat(count),
        "&a ".repeat(count),
        "*a ".repeat(count),
        "|\n".repeat(count),
        "a\r".repeat(count),
        "\u{feff}".repeat(count),
    ];
    for text in texts {
        let reading = read(&file(), text.as_bytes(), &limits());
        for document in &reading.documents {
            let _ = document.id();
        }
    }
}

#[test]
fn position_in_a_long_line_is_cheap() {
    let text = format!("[{}1]", "\"ä\",".repeat(300_000));
    let document = only(&text);
    let mut last = 0;
    for element in document.root().elements() {
        let column = element.position().column;
        assert!(column > last);
        last = column;
    }
}
