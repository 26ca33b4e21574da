//! Trees, and the lines that they become.

use super::*;

fn name(name: &str) -> Expr {
    Expr::ident(name)
}

fn long(letter: char) -> Expr {
    name(&letter.to_string().repeat(60))
}

#[track_caller]
fn check(expr: &Expr, expected: &[&str]) {
    let lines = expr.to_lines();
    let replaced = "abcdefg".chars().fold(lines, |lines, letter| {
        lines.replace(
            &letter.to_string().repeat(60),
            &letter.to_string().to_uppercase(),
        )
    });
    assert_eq!(replaced.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn short_expression_is_on_one_line() {
    check(&Expr::all([name("x"), name("y")]), &["x && y"]);
    check(
        &Expr::conditional(name("x"), name("y"), name("z")),
        &["x ? y : z"],
    );
}

#[test]
fn operator_begins_the_line() {
    let both = Expr::all([long('b'), long('c')]);
    check(
        &Expr::any([long('a'), both.clone()]),
        &["A", "|| B", "  && C"],
    );
    check(
        &Expr::all([long('a'), Expr::any([long('b'), long('c')])]),
        &["A", "&& (", "  B", "  || C", ")"],
    );
    check(&both.negated(), &["!(", "  B", "  && C", ")"]);
}

#[test]
fn body_of_a_macro_is_indented() {
    let body = Expr::all([long('a'), long('b')]);
    check(
        &name("x").exists("y", body.clone()),
        &["x.exists(y,", "  A", "  && B", ")"],
    );
    check(
        &name("x").opt_map("y", body).or_value(Expr::Bool(false)),
        &["x.optMap(y,", "  A", "  && B", ").orValue(false)"],
    );
}

#[test]
fn literal_index_stays_with_the_list() {
    let body = Expr::all([long('a'), long('b')]);
    let mapped = Expr::List(vec![name("x")]).map("y", body);
    check(
        &mapped.index(Expr::count(0)),
        &["[x].map(y,", "  A", "  && B", ")[0]"],
    );
}

#[test]
fn macros_in_a_row_are_one_a_line() {
    let chain = name("x").filter("y", long('a')).map("z", long('b'));
    check(
        &chain.method("join", [Expr::string(",")]),
        &["x", "  .filter(y, A)", "  .map(z, B)", "  .join(',')"],
    );
}

#[test]
fn branches_are_below_their_condition() {
    check(
        &Expr::conditional(long('a'), long('b'), name("x")),
        &["A", "  ? B", "  : x"],
    );
    let otherwise = Expr::conditional(long('c'), name("x"), name("y"));
    check(
        &Expr::conditional(name("w"), long('a'), otherwise),
        &["w ? A", ": C ? x", ": y"],
    );
}

#[test]
fn literals_fill_the_lines() {
    let literals = ["a", "b", "c", "d"].map(|letter| letter.repeat(40));
    let list = Expr::strings(literals.iter().map(String::as_str));
    let lines = list.to_lines();
    assert_eq!(
        lines.lines().map(str::len).collect::<Vec<_>>(),
        [1, 89, 88, 1],
        "{lines}"
    );
}

#[test]
fn only_element_of_a_list_is_not_indented() {
    let both = Expr::all([long('a'), long('b')]);
    check(
        &Expr::List(vec![name("x").map("y", both.clone())]),
        &["[x.map(y,", "  A", "  && B", ")]"],
    );
    check(&Expr::List(vec![both]), &["[", "  A", "  && B", "]"]);
    check(
        &Expr::List(vec![long('a'), long('b')]),
        &["[", "  A,", "  B", "]"],
    );
}

/// A small generator of pseudorandom numbers, so that each run tests the same trees.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn expr(&mut self, depth: u64) -> Expr {
        if depth == 0 {
            return match self.below(5) {
                0 => Expr::string("it's  a text "),
                1 => Expr::pattern(r"^a b\.c$"),
                2 => Expr::Int(7),
                3 => Expr::variable("containers"),
                _ => name("object").select("spec").opt_select("hostPID"),
            };
        }
        let a = self.expr(depth - 1);
        let b = self.expr(depth - 1);
        match self.below(15) {
            0 => Expr::And(vec![a, b]),
            1 => Expr::Or(vec![a, b]),
            2 => Expr::sum([a, b]),
            3 => a.minus(b),
            4 => a.times(b),
            5 => a.equals(b),
            6 => Expr::Not(Box::new(a)),
            7 => Expr::Conditional(Box::new([a, b, self.expr(depth - 1)])),
            8 => a.exists("x", b),
            9 => a.filter_map("x", b, self.expr(depth - 1)),
            10 => a.method("replace", [b, Expr::string(" ")]),
            11 => Expr::List(vec![a, b]),
            12 => Expr::Map(vec![(a, b)]),
            13 => Expr::List(vec![a]),
            _ => a.opt_index(b),
        }
    }
}

/// The text without white space outside of literals.
fn squeezed(text: &str) -> String {
    let mut out = String::new();
    let mut in_literal = false;
    let mut is_raw = false;
    let mut is_escaped = false;
    for c in text.chars() {
        if in_literal {
            in_literal = c != '\'' || is_escaped;
            is_escaped = c == '\\' && !is_escaped && !is_raw;
        } else if c == '\'' {
            in_literal = true;
            is_raw = out.ends_with('r');
        } else if c.is_whitespace() {
            continue;
        }
        out.push(c);
    }
    out
}

#[test]
fn lines_equal_the_form_on_one_line() {
    let mut random = Random(1);
    for round in 0..500 {
        let expr = random.expr(round % 6);
        let (one, lines) = (expr.to_string(), expr.to_lines());
        assert_eq!(squeezed(&lines), squeezed(&one), "{lines}");
        assert_eq!(lines, expr.to_lines());
        assert!(
            lines
                .lines()
                .all(|line| !line.ends_with(' ') && !line.is_empty()),
            "{lines}"
        );
    }
}
