//! Lists of which only the first elements are named.

/// Joins the first names, at most `limit`, and adds the number of the others: `a, b and 3 more`.
#[must_use]
pub fn join_first<N: AsRef<str>>(names: &[N], limit: usize) -> String {
    let listed: Vec<&str> = names.iter().take(limit).map(AsRef::as_ref).collect();
    let listed = listed.join(", ");
    match names.len().saturating_sub(limit) {
        0 => listed,
        unlisted => format!("{listed} and {unlisted} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted() {
        for (names, limit, expected) in [
            (&[][..], 3, ""),
            (&["a"], 3, "a"),
            (&["a", "b", "c"], 3, "a, b, c"),
            (&["a", "b", "c", "d"], 3, "a, b, c and 1 more"),
            (&["a", "b", "c", "d"], 1, "a and 3 more"),
        ] {
            assert_eq!(join_first(names, limit), expected);
        }
    }
}
