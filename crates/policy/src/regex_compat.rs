//! Regular expressions of users: checked, and rewritten to mean here what they mean to Kubescape
//! and the API server.
//!
//! Both compile them with Go's RE2, where `\w`, `\d` and `\s` are ASCII; in Rust they are Unicode.
//! So they are rewritten as ASCII classes. Whatever only one engine supports (Unicode classes,
//! `\b{start}`, `&&` in classes, the flags `x` and `u`) or neither (lookaround, backreferences) is
//! rejected. The size is bounded, so that a pattern cannot exhaust memory. Nothing here matches a
//! pattern.

use regex_syntax::ast::{
    self, Ast, ClassPerlKind, ClassSetItem, Flag, FlagsItemKind, RepetitionKind, RepetitionRange,
};

/// The maximum length of a pattern in bytes.
const MAX_PATTERN_BYTES: usize = 1_000;
/// The maximum nesting of groups and repetitions.
const MAX_NESTING: u32 = 50;
/// The bound of RE2 for counted repetitions, and for the product of nested ones.
const MAX_REPEATS: u64 = 1_000;

/// Returns a pattern with its classes rewritten.
///
/// # Errors
/// The error and the remedy, as half a sentence that follows the quoted pattern.
pub(super) fn rewrite(pattern: &str) -> Result<String, String> {
    let tree = parse(pattern)?;
    let mut edits = Edits::default();
    edits.visit(&tree, 1)?;
    edits.apply(pattern)
}

/// Checks that a pattern needs no rewriting.
///
/// # Errors
/// Says what is wrong and what to write, as half a sentence that follows the quoted pattern.
pub fn vet(pattern: &str) -> Result<(), String> {
    let rewritten = rewrite(pattern)?;
    if rewritten == pattern {
        Ok(())
    } else {
        Err(format!(
            "has a class that is not ASCII everywhere: write {rewritten:?}"
        ))
    }
}

fn parse(pattern: &str) -> Result<Ast, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!(
            "is longer than {MAX_PATTERN_BYTES} bytes: split it"
        ));
    }
    ast::parse::ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .build()
        .parse(pattern)
        .map_err(|error| {
            let offset = error.span().start.offset;
            let why = match error.kind() {
                ast::ErrorKind::UnsupportedLookAround => {
                    "lookaround, which RE2 does not have".to_owned()
                }
                ast::ErrorKind::UnsupportedBackreference => {
                    "a backreference, which RE2 does not have".to_owned()
                }
                kind => kind.to_string(),
            };
            format!("is not a valid pattern: at byte {offset}: {why}")
        })
}

/// Byte ranges of the pattern and their replacements, in the order of the text.
#[derive(Default)]
struct Edits(Vec<(std::ops::Range<usize>, &'static str)>);

impl Edits {
    /// Checks one part of a pattern. `repeats` is the product of the repetitions around it. The
    /// recursion is as deep as the pattern, which the parser bounds.
    fn visit(&mut self, tree: &Ast, repeats: u64) -> Result<(), String> {
        match tree {
            Ast::Empty(_) | Ast::Literal(_) | Ast::Dot(_) => check_literal(tree),
            Ast::Assertion(part) => check_assertion(part),
            Ast::Flags(part) => check_flags(&part.flags),
            Ast::ClassUnicode(_) => Err(refused_unicode()),
            Ast::ClassPerl(class) => {
                self.0
                    .push((range(&class.span), ascii_class(&class.kind, class.negated)));
                Ok(())
            }
            Ast::ClassBracketed(class) => self.visit_set(&class.kind),
            Ast::Repetition(part) => {
                let times = repeats.saturating_mul(copies(&part.op.kind));
                if times > MAX_REPEATS {
                    return Err(format!(
                        "repeats something more than {MAX_REPEATS} times, which RE2 refuses"
                    ));
                }
                self.visit(&part.ast, times)
            }
            Ast::Group(group) => {
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    check_flags(flags)?;
                }
                self.visit(&group.ast, repeats)
            }
            Ast::Alternation(alternation) => alternation
                .asts
                .iter()
                .try_for_each(|part| self.visit(part, repeats)),
            Ast::Concat(concatenation) => concatenation
                .asts
                .iter()
                .try_for_each(|part| self.visit(part, repeats)),
        }
    }

    fn visit_set(&mut self, set: &ast::ClassSet) -> Result<(), String> {
        match set {
            ast::ClassSet::Item(item) => self.visit_item(item),
            ast::ClassSet::BinaryOp(_) => {
                Err("has &&, -- or ~~ in a class, which RE2 does not know: escape it".to_owned())
            }
        }
    }

    fn visit_item(&mut self, item: &ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) => Ok(()),
            ClassSetItem::Literal(literal) => check_escape(literal),
            ClassSetItem::Range(range) => {
                check_escape(&range.start).and_then(|()| check_escape(&range.end))
            }
            ClassSetItem::Unicode(_) => Err(refused_unicode()),
            ClassSetItem::Perl(class) => {
                let inside = inside_class(&class.kind, class.negated)
                    .ok_or("has \\W, \\D or \\S inside a class: write the characters out")?;
                self.0.push((range(&class.span), inside));
                Ok(())
            }
            ClassSetItem::Bracketed(_) => Err(
                "has a class inside a class, which RE2 reads differently: escape the [".to_owned(),
            ),
            ClassSetItem::Union(union) => union
                .items
                .iter()
                .try_for_each(|item| self.visit_item(item)),
        }
    }

    fn apply(self, pattern: &str) -> Result<String, String> {
        let mut out = String::with_capacity(pattern.len());
        let mut from = 0;
        for (range, text) in self.0 {
            out.push_str(pattern.get(from..range.start).unwrap_or_default());
            out.push_str(text);
            from = range.end;
        }
        out.push_str(pattern.get(from..).unwrap_or_default());
        Ok(out)
    }
}

fn range(span: &ast::Span) -> std::ops::Range<usize> {
    span.start.offset..span.end.offset
}

fn refused_unicode() -> String {
    "has a Unicode class: write the ASCII characters out, as in [A-Za-z]".to_owned()
}

fn ascii_class(kind: &ClassPerlKind, negated: bool) -> &'static str {
    match (kind, negated) {
        (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
        (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        (ClassPerlKind::Digit, false) => "[0-9]",
        (ClassPerlKind::Digit, true) => "[^0-9]",
        (ClassPerlKind::Space, false) => "[\\t\\n\\f\\r ]",
        (ClassPerlKind::Space, true) => "[^\\t\\n\\f\\r ]",
    }
}

fn inside_class(kind: &ClassPerlKind, negated: bool) -> Option<&'static str> {
    match kind {
        _ if negated => None,
        ClassPerlKind::Word => Some("0-9A-Za-z_"),
        ClassPerlKind::Digit => Some("0-9"),
        ClassPerlKind::Space => Some("\\t\\n\\f\\r "),
    }
}

fn check_literal(tree: &Ast) -> Result<(), String> {
    if let Ast::Literal(literal) = tree {
        check_escape(literal)
    } else {
        Ok(())
    }
}

/// Rejects escapes that Go does not read, such as `\u00e9`.
fn check_escape(literal: &ast::Literal) -> Result<(), String> {
    use ast::{HexLiteralKind, LiteralKind};
    match &literal.kind {
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            Err("has \\u or \\U, which RE2 does not know: write \\x{…}".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_assertion(assertion: &ast::Assertion) -> Result<(), String> {
    use ast::AssertionKind::{EndLine, EndText, StartLine, StartText};
    match assertion.kind {
        StartLine | EndLine | StartText | EndText => Ok(()),
        _ => Err(
            "has a word boundary, which is ASCII in RE2 and Unicode here: write (^|[^0-9A-Za-z_])"
                .to_owned(),
        ),
    }
}

fn check_flags(flags: &ast::Flags) -> Result<(), String> {
    let known = |item: &ast::FlagsItem| {
        matches!(
            item.kind,
            FlagsItemKind::Negation
                | FlagsItemKind::Flag(
                    Flag::CaseInsensitive
                        | Flag::MultiLine
                        | Flag::DotMatchesNewLine
                        | Flag::SwapGreed
                )
        )
    };
    if flags.items.iter().all(known) {
        Ok(())
    } else {
        Err("has a flag that RE2 does not know: i, m, s and U are".to_owned())
    }
}

/// Returns the number of copies of its operand that a repetition compiles to. An unbounded one is a
/// loop and needs no copies.
fn copies(kind: &RepetitionKind) -> u64 {
    match kind {
        RepetitionKind::Range(
            RepetitionRange::Exactly(most)
            | RepetitionRange::AtLeast(most)
            | RepetitionRange::Bounded(_, most),
        ) => u64::from(*most).max(1),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: Result<&str, &str>) {
        match (rewrite(pattern), expected) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted),
            (Err(got), Err(part)) => assert!(got.contains(part), "{pattern}: {got}"),
            (got, _) => panic!("{pattern}: {got:?}"),
        }
    }

    #[test]
    fn perl_class_becomes_an_ascii_class() {
        check(
            r"BEGIN \w+ PRIVATE KEY",
            Ok("BEGIN [0-9A-Za-z_]+ PRIVATE KEY"),
        );
        check(
            r"\d\D\s\S\W",
            Ok(r"[0-9][^0-9][\t\n\f\r ][^\t\n\f\r ][^0-9A-Za-z_]"),
        );
        check(r"[\w.-]{3}", Ok("[0-9A-Za-z_.-]{3}"));
        check(r"é\w", Ok("é[0-9A-Za-z_]"));
        for same in [
            r"AIza[0-9A-Za-z\-_]{35}",
            "(?i)key",
            "^a|b$",
            "[[:alpha:]]",
            r"\x41\.",
            "a{2,5}?",
            "",
        ] {
            check(same, Ok(same));
            assert_eq!(vet(same), Ok(()));
        }
        assert_eq!(
            vet(r"\d"),
            Err("has a class that is not ASCII everywhere: write \"[0-9]\"".to_owned())
        );
    }

    #[test]
    fn pattern_that_engines_read_differently_is_rejected() {
        check(r"\pL", Err("Unicode class"));
        check(r"[\pL]", Err("Unicode class"));
        check(r"\bkey", Err("word boundary"));
        check("(?=a)", Err("lookaround"));
        check(r"(a)\1", Err("backreference"));
        check("[a&&b]", Err("&&"));
        check("[a[b]]", Err("class inside a class"));
        check(r"[\W]", Err("inside a class"));
        check("(?x)a", Err("flag"));
        check("(?u:a)", Err("flag"));
        check(r"\u0041", Err("\\u"));
        check("a{1001}", Err("1000 times"));
        check("((a{100}){100}){100}", Err("1000 times"));
        check("(", Err("at byte 0: unclosed group"));
        check(&"a".repeat(1_001), Err("longer"));
        check(&"(".repeat(500), Err("at byte"));
    }
}
