//! Rolling: alternatives that differ in a number alone become one over the numbers. `first container
//! is X ? … : second container is X ? … : ''` is `[0, 1].map(n, container n is X, …)[?0].orValue('')`.
//!
//! Only policies that people read are rolled: a pack evaluates no alternative behind one that holds.
//! Apart because it knows nothing but the syntax tree.

use super::expr::Expr;

/// Fewer alternatives stay as they are.
const MIN_ALTERNATIVES: usize = 3;
/// What the number is called.
const NUMBER: &str = "n";

/// Rolls all alternatives of an expression.
pub(super) fn roll(expr: &mut Expr) {
    expr.rewrite(&mut |part| {
        if let Some(rolled) = rolled(part) {
            *part = rolled;
        }
    });
}

/// The alternatives that begin here, rolled; `None` if they are not worth it.
fn rolled(expr: &Expr) -> Option<Expr> {
    let mut alternatives = Vec::new();
    let mut rest = expr;
    while let Expr::Conditional(parts) = rest {
        let [condition, then, otherwise] = parts.as_ref();
        alternatives.push((condition, then, otherwise));
        rest = otherwise;
    }
    let mut pairs = alternatives
        .iter()
        .map(|(condition, then, _)| Expr::List(vec![(*condition).clone(), (*then).clone()]));
    let first = pairs.next()?;
    let second = pairs.next()?;
    let places = differing_places(&first, &second)?;
    let (pattern, number) = with_name(first, &places)?;
    let mut numbers = vec![number];
    for pair in std::iter::once(second).chain(pairs) {
        match with_name(pair, &places) {
            Some((same, number)) if same == pattern => numbers.push(number),
            _ => break,
        }
    }
    let is_free = !expr.contains(&|part| *part == Expr::ident(NUMBER));
    let (_, then, otherwise) = alternatives.get(numbers.len().checked_sub(1)?)?;
    if numbers.len() < MIN_ALTERNATIVES || !is_free || !then.is_value() {
        return None;
    }
    let Expr::List(parts) = pattern else {
        return None;
    };
    let [condition, then] = <[Expr; 2]>::try_from(parts).ok()?;
    let numbers = Expr::List(numbers.into_iter().map(Expr::Int).collect());
    let found = numbers.filter_map(NUMBER, condition, then);
    Some(found.opt_index(Expr::Int(0)).or_value((*otherwise).clone()))
}

/// The places, among all integers of an expression, at which another has a different one; `None` if
/// they differ in anything else, or in nothing.
fn differing_places(a: &Expr, b: &Expr) -> Option<Vec<usize>> {
    let (of_a, of_b) = (integers(a), integers(b));
    let both = of_a.iter().zip(&of_b).enumerate();
    let places: Vec<usize> = both
        .filter(|(_, (a, b))| a != b)
        .map(|(place, _)| place)
        .collect();
    (of_a.len() == of_b.len() && !places.is_empty()).then_some(places)
}

fn integers(expr: &Expr) -> Vec<i64> {
    let mut found = Vec::new();
    // The same order as in `with_name`.
    expr.clone().rewrite(&mut |part| {
        if let Expr::Int(number) = part {
            found.push(*number);
        }
    });
    found
}

/// The expression with a name for the number that it has at all of these places, and the number;
/// `None` if there are several.
fn with_name(mut expr: Expr, places: &[usize]) -> Option<(Expr, i64)> {
    let mut place = 0;
    let mut numbers = Vec::new();
    expr.rewrite(&mut |part| {
        if let Expr::Int(number) = *part {
            if places.contains(&place) {
                numbers.push(number);
                *part = Expr::ident(NUMBER);
            }
            place += 1;
        }
    });
    let (first, others) = numbers.split_first()?;
    let is_one = others.iter().all(|number| number == first);
    is_one.then_some((expr, *first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(indices: &[i64], expected: &str) {
        let list = || Expr::ident("l");
        let mut expr = indices.iter().rev().fold(Expr::string(""), |rest, index| {
            let item = || list().opt_index(Expr::Int(*index)).opt_index(Expr::Int(0));
            let is_found = item().has_value();
            Expr::conditional(is_found, item().or_value(Expr::string("x")), rest)
        });
        roll(&mut expr);
        assert_eq!(expr.to_string(), expected);
    }

    #[test]
    fn alternatives_that_differ_in_a_number_are_rolled_from_three_on() {
        check(
            &[0, 1, 2],
            "[0, 1, 2].map(n, l[?n][?0].hasValue(), l[?n][?0].orValue('x'))[?0].orValue('')",
        );
        check(
            &[3, 1],
            "l[?3][?0].hasValue() ? l[?3][?0].orValue('x') : l[?1][?0].hasValue() ? l[?1][?0].orValue('x') : ''",
        );
    }
}
