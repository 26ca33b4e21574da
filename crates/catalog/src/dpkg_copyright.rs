//! Licences in Debian's copyright files. Only files in the machine-readable format are understood; what
//! stands in others is prose.

const FORMAT: &str = "www.debian.org/doc/packaging-manuals/copyright-format/";
const COMMON_LICENSES: &str = "/usr/share/common-licenses/";

/// The names of the licences, sorted; none for prose.
pub(crate) fn licenses(content: &str) -> Vec<String> {
    let mut lines = content.lines().skip_while(|line| line.trim().is_empty());
    if !lines.next().is_some_and(is_format) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for line in lines {
        if let Some(rest) = line.strip_prefix("License: ") {
            found.extend(single(rest.split_whitespace().next().unwrap_or_default()));
        }
        if let Some((_, rest)) = line.split_once(COMMON_LICENSES) {
            let end = rest.find(|sign: char| !is_name(sign)).unwrap_or(rest.len());
            found.extend(single(rest.get(..end).unwrap_or_default()));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_format(line: &str) -> bool {
    line.strip_prefix("Format:")
        .map(str::trim_start)
        .and_then(|rest| rest.strip_prefix("http"))
        .map(|rest| rest.strip_prefix('s').unwrap_or(rest))
        .and_then(|rest| rest.strip_prefix("://"))
        .is_some_and(|rest| rest.starts_with(FORMAT))
}

fn is_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.' | '-')
}

/// A name without the full stop of a sentence.
fn single(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty() && !name.eq_ignore_ascii_case("none")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_read_from_the_machine_readable_format_alone() {
        let check = |content: &str, expected: &[&str]| assert_eq!(licenses(content), expected);
        let format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";
        check(
            &format!("\n{format}Files: *\nLicense: GPL-2+ with x\n"),
            &["GPL-2+"],
        );
        check(
            &format!(
                "{format}License: MIT\nLicense: none\n in /usr/share/common-licenses/GPL-3.\n"
            ),
            &["GPL-3", "MIT"],
        );
        check("License: MIT\n", &[]);
        check("", &[]);
    }
}
