//! "Did you mean": the known word nearest to a mistyped one.
//!
//! Apart because every reader of names uses it. It never decides anything: a mistyped word stays a problem.

/// Longer words are not compared: nobody mistypes a whole paragraph.
const LONGEST: usize = 64;

/// Half a sentence to append to a complaint: `, did you mean "kinds"?`, or nothing where no word is near.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |it| format!(", did you mean {it:?}?"))
}

/// The known word with the fewest edits to `word`, ignoring case, if a third of the letters or fewer must change (of
/// numbers, one digit: C-0099 is not C-0001). The first of equally near ones.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let folded = word.to_ascii_lowercase();
    let limit = (word.chars().filter(|it| it.is_alphabetic()).count() / 3).max(1);
    known
        .into_iter()
        .filter(|it| it.len() <= LONGEST)
        .map(|it| (edits(&folded, &it.to_ascii_lowercase()), it))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// Insertions, deletions and replacements that turn one word into the other.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (b, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(a != *b);
            before = replaced.min(before + 1).min(above + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["kinds", "remediation", "requiresAnyParam", "id", "C-0057"];
        for (word, expected) in [
            ("kind", Some("kinds")),
            ("Remedation", Some("remediation")),
            ("requireAnyParams", Some("requiresAnyParam")),
            ("ids", Some("id")),
            ("labels", None),
            ("C-057", Some("C-0057")),
            ("C-0099", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
