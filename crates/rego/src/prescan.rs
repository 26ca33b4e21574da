//! The check before parsing: it rejects sources that are so large or so deeply nested that the
//! parser would hang or overflow the stack.
//!
//! It is a lexer that knows strings and comments and no other grammar, so its bounds are
//! estimates on the safe side. It never recurses.

use kubevet_model::{Position, Problem, ProblemCode};

/// The largest source, in bytes.
const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// The longest line, in characters. The parser's own limit is a little higher.
const MAX_LINE_CHARS: usize = 1000;
/// The deepest nesting of brackets. The parser reads an opening bracket twice (as a collection,
/// then as a comprehension), so its time doubles with each level.
const MAX_BRACKET_DEPTH: usize = 10;

/// The most operators in a row (`a + b + c …`, `a.b.c …`), including those of the enclosing
/// brackets. Each operator makes the tree one level deeper, and the parser, the interpreter and
/// even the tree's destructor recurse into it.
const MAX_OPERATOR_CHAIN: usize = 64;

/// Returns the first reason why a source must not be parsed; `None` if it may be.
pub(crate) fn check_source(file: &str, text: &str) -> Option<Problem> {
    if text.len() > MAX_SOURCE_BYTES {
        return Some(Problem::in_file(
            ProblemCode::RegoSourceLimit,
            file,
            format!("the rule is over {} KiB: split it", MAX_SOURCE_BYTES / 1024),
        ));
    }
    let mut position = Position::START;
    let mut inside = LexState::Code;
    let mut nesting = Nesting::default();
    for c in text.chars() {
        if c == '\n' {
            position = Position {
                line: position.line.saturating_add(1),
                column: 0,
            };
        } else if position.column as usize > MAX_LINE_CHARS {
            return Some(Problem::at(
                ProblemCode::RegoSourceLimit,
                file,
                position,
                format!("the line is over {MAX_LINE_CHARS} characters: break it"),
            ));
        }
        if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
            return Some(Problem::at(
                ProblemCode::RegoSourceLimit,
                file,
                position,
                "a control character: remove it",
            ));
        }
        let before = inside;
        inside = inside.after(c);
        // The first quote of a string counts as its operand; the content of strings and comments
        // does not count at all.
        let refused = match (before, inside) {
            (LexState::Code, LexState::Code | LexState::String | LexState::RawString) => {
                nesting.step(c)
            }
            _ => None,
        };
        if let Some(message) = refused {
            return Some(Problem::at(
                ProblemCode::RegoSourceLimit,
                file,
                position,
                message,
            ));
        }
        position.column = position.column.saturating_add(1);
    }
    None
}

/// A bound on the depth of the parse tree of the code read so far.
#[derive(Default)]
struct Nesting {
    /// The operators in a row outside each open bracket, outermost first.
    outer: Vec<usize>,
    /// The operators in a row inside the innermost open bracket.
    chain: usize,
    /// True if the last token was an operand, so that another operand begins a new expression.
    after_operand: bool,
    /// The identifier or keyword that is being read.
    word: String,
}

impl Nesting {
    fn step(&mut self, c: char) -> Option<String> {
        if c.is_alphanumeric() || c == '_' {
            self.word.push(c);
            return None;
        }
        if !self.word.is_empty() {
            // Keyword operators nest the tree like symbols do.
            let word = std::mem::take(&mut self.word);
            if matches!(word.as_str(), "in" | "not" | "with" | "as") {
                self.operator()
            } else {
                self.operand()
            }
        }
        match c {
            '(' | '[' | '{' => {
                // An index or a call (`a[…]`, `f(…)`) continues the chain of its operand. Every
                // other bracket starts an operand; so does `{`, which opens a body after a head.
                if c == '{' || !self.after_operand {
                    self.operand();
                }
                self.operator();
                self.outer.push(self.chain);
                self.chain = 0;
            }
            ')' | ']' | '}' => {
                self.chain = self.outer.pop().unwrap_or_default();
                self.after_operand = true;
            }
            ',' | ';' => {
                self.chain = 0;
                self.after_operand = false;
            }
            '"' | '`' => self.operand(),
            c if c.is_whitespace() => {}
            _ => self.operator(),
        }
        if self.outer.len() > MAX_BRACKET_DEPTH {
            return Some(format!(
                "brackets are nested more than {MAX_BRACKET_DEPTH} deep: give the inner parts names"
            ));
        }
        // The depth of the tree here is at most the sum over all open brackets.
        let depth = self.outer.iter().sum::<usize>() + self.chain;
        (depth > MAX_OPERATOR_CHAIN).then(|| {
            format!("more than {MAX_OPERATOR_CHAIN} operators in a row: give the parts names")
        })
    }

    fn operator(&mut self) {
        self.chain += 1;
        self.after_operand = false;
    }

    fn operand(&mut self) {
        if self.after_operand {
            self.chain = 0;
        }
        self.after_operand = true;
    }
}

/// The lexical state of the scanner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LexState {
    Code,
    Comment,
    String,
    Escape,
    RawString,
}

impl LexState {
    fn after(self, c: char) -> Self {
        match (self, c) {
            (Self::Comment | Self::String | Self::Escape, '\n') => Self::Code,
            (Self::Code, '#') => Self::Comment,
            (Self::Code, '"') | (Self::Escape, _) => Self::String,
            (Self::Code, '`') => Self::RawString,
            (Self::String, '\\') => Self::Escape,
            (Self::String, '"') | (Self::RawString, '`') => Self::Code,
            (same, _) => same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(
            check_source("x.rego", text)
                .map(|problem| problem.to_string())
                .as_deref(),
            expected,
            "{text:.60}"
        );
    }

    #[test]
    fn deep_brackets_in_code_are_refused() {
        check("x := [[[[[[[[[[1]]]]]]]]]]", None);
        check(
            "a := 1\nx := [[[[[[[[[[[1]]]]]]]]]]]",
            Some("x.rego:2:16: brackets are nested more than 10 deep: give the inner parts names"),
        );
        check("# ((((((((((((((", None);
        check(r#"x := "\"((((((((((((((""#, None);
        check("x := `((((((((((((((`", None);
    }

    #[test]
    fn long_chains_are_refused_and_long_bodies_are_not() {
        let chain =
            |operator: &str, count: usize| format!("x := {}", vec!["a"; count].join(operator));
        let body = "\ta == 1\n\tb.c != \"x\"\n\tsome x in input.params.y\n".repeat(500);
        check(&format!("deny contains x if {{\n{body}}}"), None);
        check(&chain(" + ", 20), None);
        check(&chain(", ", 90), None);
        for operator in [" + ", ".", " in ", " == ", "\n + "] {
            let refused =
                check_source("x.rego", &chain(operator, 90)).map(|problem| problem.message);
            assert_eq!(
                refused.as_deref(),
                Some("more than 64 operators in a row: give the parts names"),
                "{operator:?}"
            );
        }
        assert!(check_source("x.rego", &format!("x := a{}", "[1]".repeat(90))).is_some());
        assert!(check_source("x.rego", &format!("x := a{}", "[\n1\n]".repeat(90))).is_some());
        assert!(check_source("x.rego", &format!("x := {}", "-".repeat(90))).is_some());
    }

    #[test]
    fn long_lines_control_characters_and_large_sources_are_refused() {
        check(
            &"x".repeat(1500),
            Some("x.rego:1:1001: the line is over 1000 characters: break it"),
        );
        check("a\u{0}", Some("x.rego:1:2: a control character: remove it"));
        check(
            &"x\n".repeat(200_000),
            Some("x.rego: the rule is over 256 KiB: split it"),
        );
    }
}
