//! Numbers with their noun, as reports, logs and messages have them.

/// Returns a number with its noun: `1 finding`, `2 findings`, `0 findings`.
///
/// The plural is the noun with an `s`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noun_is_plural_unless_the_number_is_one() {
        for (number, expected) in [(0, "0 problems"), (1, "1 problem"), (2, "2 problems")] {
            assert_eq!(count(number, "problem"), expected);
        }
    }
}
