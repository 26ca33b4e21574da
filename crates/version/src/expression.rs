//! The syntax of constraints, as Grype has it: terms with a comma between them hold together, groups
//! with `||` between them hold one for another. A term is an operator and a version, which may stand in
//! quotes. White space outside of quotes does not count, and empty terms are left out.

/// How a version must stand to the bound of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operator and the text of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) operator: Operator,
    pub(crate) bound: String,
}

/// Reads an expression: groups of terms.
pub(crate) fn parse(text: &str) -> Result<Vec<Vec<Term>>, &'static str> {
    let groups = split(text)?;
    if groups.is_empty() {
        return Err("it has no term");
    }
    groups
        .iter()
        .map(|terms| terms.iter().map(|term| parse_term(term)).collect())
        .collect()
}

/// Splits a text into groups of terms.
fn split(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut term = String::new();
    let mut after_bar = false;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char.is_ascii_whitespace() {
            continue;
        }
        let second_bar = char == '|' && after_bar;
        after_bar = char == '|' && !second_bar;
        match char {
            '"' | '\'' | '`' => {
                term.push(char);
                term.push_str(&rest_of_quoted(char, &mut chars));
            }
            '(' | ')' => return Err("parentheses are not supported"),
            ',' => end_term(&mut term, &mut group),
            '|' if second_bar => {
                end_term(&mut term, &mut group);
                if !group.is_empty() {
                    groups.push(std::mem::take(&mut group));
                }
            }
            '|' => {}
            char => term.push(char),
        }
    }
    end_term(&mut term, &mut group);
    if !group.is_empty() {
        groups.push(group);
    }
    Ok(groups)
}

fn end_term(term: &mut String, group: &mut Vec<String>) {
    if !term.is_empty() {
        group.push(std::mem::take(term));
    }
}

/// What follows an opening quote, up to and with the closing one.
fn rest_of_quoted(quote: char, chars: &mut impl Iterator<Item = char>) -> String {
    let mut quoted = String::new();
    let mut is_escaped = false;
    for char in chars {
        quoted.push(char);
        if char == quote && !is_escaped {
            break;
        }
        is_escaped = char == '\\' && !is_escaped && quote != '`';
    }
    quoted
}

fn parse_term(term: &str) -> Result<Term, &'static str> {
    const OPERATORS: &[(&str, Operator)] = &[
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("=", Operator::Equal),
    ];
    let operator = OPERATORS
        .iter()
        .find_map(|(sign, operator)| term.strip_prefix(sign).map(|rest| (*operator, rest)));
    let (operator, bound) = match operator {
        Some(found) => found,
        None if is_plain(term) => (Operator::Equal, term),
        None => return Err("it has an operator that is none of < <= > >= = !="),
    };
    let bound = unquoted(bound)?;
    if bound.is_empty() {
        return Err("no version follows an operator");
    }
    Ok(Term { operator, bound })
}

/// Whether a term without operator begins like a version.
fn is_plain(term: &str) -> bool {
    term.starts_with(|char: char| char.is_ascii_alphanumeric() || ".'\"`".contains(char))
}

/// The version without the quotes around it.
fn unquoted(bound: &str) -> Result<String, &'static str> {
    let Some(quote) = bound.chars().next().filter(|char| "\"'`".contains(*char)) else {
        if bound.contains(['<', '>', '=']) {
            return Err("a version contains an operator; quote it if that is meant");
        }
        return Ok(bound.to_owned());
    };
    let inner = bound
        .strip_prefix(quote)
        .and_then(|bound| bound.strip_suffix(quote))
        .ok_or("a quoted version goes on behind its quote, or has no end")?;
    if quote == '"' {
        return Ok(inner.replace("\\\"", "\"").replace("\\\\", "\\"));
    }
    Ok(inner.to_owned())
}
