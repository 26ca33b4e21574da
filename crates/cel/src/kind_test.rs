//! Tests of an object's kind, as short as the kinds that a policy matches allow.

use super::{expr::Expr, unsupported::Unsupported};
use kubevet_model::Kind;

/// A bool: true if an object, which is of one of `kinds`, is of a kind that satisfies `holds`. Only
/// the name is compared, since the API group of a matched object can come in several versions.
pub(super) fn kind_test(
    kinds: &[&Kind],
    object: &Expr,
    holds: impl Fn(&Kind) -> bool,
) -> Result<Expr, Unsupported> {
    let (yes, no): (Vec<&Kind>, Vec<&Kind>) = kinds.iter().partition(|kind| holds(kind));
    if no.is_empty() {
        return Ok(Expr::Bool(true));
    }
    if let Some(both) = yes
        .iter()
        .find(|kind| no.iter().any(|other| other.name == kind.name))
    {
        return Err(Unsupported(format!(
            "two of the kinds are called {}: export them one by one",
            both.name
        )));
    }
    let kind = object.clone().select("kind");
    let (yes, no) = (names(&yes), names(&no));
    Ok(match (yes.as_slice(), no.as_slice()) {
        ([], _) => Expr::Bool(false),
        ([only], _) => kind.equals(Expr::string(*only)),
        (_, [only]) => kind.differs_from(Expr::string(*only)),
        // The shorter list is written.
        _ if no.len() < yes.len() => kind.is_in(Expr::strings(no)).negated(),
        _ => kind.is_in(Expr::strings(yes)),
    })
}

fn names<'k>(kinds: &[&'k Kind]) -> Vec<&'k str> {
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
