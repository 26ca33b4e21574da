//! "Did you mean": the known name nearest to a mistyped one, by edit distance, in which two
//! letters that changed places are one edit.
//!
//! Every reader of names uses it in its messages. It never decides anything: a mistyped name stays
//! an error.

use strsim::osa_distance;

/// The maximum length of a name that is compared.
const MAX_COMPARED_BYTES: usize = 64;

/// Returns half a sentence to append to a message: `, did you mean "kinds"?`, or nothing where no
/// name is near.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}

/// Returns the known name with the smallest edit distance to `word`, ignoring case: at most a third of
/// its letters, or one character of a name without letters (C-0099 is not C-0001). Of equally near
/// names, the first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let folded = word.to_ascii_lowercase();
    let limit = (word.chars().filter(|c| c.is_alphabetic()).count() / 3).max(1);
    known
        .into_iter()
        .filter(|name| name.len() <= MAX_COMPARED_BYTES)
        .map(|name| (osa_distance(&folded, &name.to_ascii_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_name_is_suggested_and_far_name_is_not() {
        let known = ["kinds", "remediation", "requiresAnyParam", "id", "C-0057"];
        for (word, expected) in [
            ("kind", Some("kinds")),
            ("Remedation", Some("remediation")),
            ("requireAnyParams", Some("requiresAnyParam")),
            ("ids", Some("id")),
            ("kidns", Some("kinds")),
            ("labels", None),
            ("C-057", Some("C-0057")),
            ("C-0099", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
