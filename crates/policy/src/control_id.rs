//! The relation of a control's id, its folder and its Rego package.
//!
//! `C-0057` is in a folder `C-0057-privileged-container`, and its rule is `package controls.c0057`.
//! The loader, custom rules and the scaffold all depend on this relation.

/// The maximum length of an id.
const MAX_ID_BYTES: usize = 40;

/// The form of an id, for messages.
pub(super) const ID_FORM: &str =
    "capital letters and digits, a dash, digits, as in C-9001 or ACME-12";

/// True if a string is an id, such as `C-0057` or `ACME-12`.
pub(super) fn is_id(id: &str) -> bool {
    let Some((prefix, number)) = id.rsplit_once('-') else {
        return false;
    };
    id.len() <= MAX_ID_BYTES
        && prefix.starts_with(|c: char| c.is_ascii_uppercase())
        && prefix
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit())
}

/// Returns the id in a folder's name: `C-0057` for `C-0057-privileged-container` and for `C-0057`.
pub(super) fn id_of_folder(folder: &str) -> Option<&str> {
    let (prefix, rest) = folder.split_once('-')?;
    let number = rest.split('-').next().unwrap_or_default();
    let id = folder.get(..prefix.len() + 1 + number.len())?;
    is_id(id).then_some(id)
}

/// Returns the package of a control's rule: `controls.` and the lowercase letters and digits of the
/// id.
#[must_use]
pub fn package_of(id: &str) -> String {
    let characters = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase());
    "controls.".chars().chain(characters).collect()
}

/// True if two ids differ only in case and in zeros before the number: `c-57` and `C-0057`.
pub(super) fn is_same_number(id: &str, other: &str) -> bool {
    let parts = |id: &str| {
        let (prefix, number) = id.rsplit_once('-')?;
        let number: u64 = number.parse().ok()?;
        Some((prefix.to_ascii_lowercase(), number))
    };
    parts(id).is_some_and(|id| parts(other) == Some(id))
}

/// True if a string is the descriptive part of a folder name: lowercase letters, digits and single
/// dashes.
pub(super) fn is_slug(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.len() <= 80 && text.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_before_the_number_do_not_matter() {
        for (id, expected) in [
            ("C-57", true),
            ("c-057", true),
            ("C-0057", true),
            ("C-570", false),
            ("K-57", false),
            ("C-", false),
            ("C57", false),
        ] {
            assert_eq!(is_same_number(id, "C-0057"), expected, "{id}");
        }
    }

    #[test]
    fn id_is_found_in_its_folder_name_and_package() {
        for (folder, id, package) in [
            (
                "C-0057-privileged-container",
                Some("C-0057"),
                "controls.c0057",
            ),
            ("C-9001", Some("C-9001"), "controls.c9001"),
            ("ACME-12-our-own", Some("ACME-12"), "controls.acme12"),
        ] {
            assert_eq!(id_of_folder(folder), id);
            assert_eq!(package_of(id.unwrap()), package);
        }
        for folder in [
            "privileged",
            "c-0057-x",
            "C-x-0057",
            "-1",
            "C-",
            "",
            "C",
            "É-1",
        ] {
            assert_eq!(id_of_folder(folder), None, "{folder}");
        }
        assert!(
            is_slug("a-b2")
                && !is_slug("")
                && !is_slug("a--b")
                && !is_slug("../x")
                && !is_slug("A")
        );
    }
}
