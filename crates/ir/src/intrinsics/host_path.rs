//! Paths on a node, as `lib.files` normalizes them.

use std::borrow::Cow;

/// `lib.files.clean`: no slash at the end, none doubled, no `/./`.
pub fn clean(path: &str) -> Cow<'_, str> {
    let absolute = path.starts_with('/');
    let kept = match path.trim_end_matches('/') {
        "" if absolute => return Cow::Borrowed("/"),
        kept => kept,
    };
    if steps(kept.strip_prefix('/').unwrap_or(kept)).all(|step| !is_idle(step)) {
        return Cow::Borrowed(kept);
    }
    let mut out = String::with_capacity(kept.len());
    for step in steps(kept).filter(|step| !is_idle(step)) {
        if absolute || !out.is_empty() {
            out.push('/');
        }
        out.push_str(step);
    }
    if absolute && out.is_empty() {
        out.push('/');
    }
    Cow::Owned(out)
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
}

/// A segment that changes nothing.
fn is_idle(step: &str) -> bool {
    matches!(step, "" | ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_paths_have_one_normal_form() {
        fn check(path: &str, expected: &str, borrowed: bool) {
            let found = clean(path);
            assert_eq!(found, expected, "{path:?}");
            assert_eq!(matches!(found, Cow::Borrowed(_)), borrowed, "{path:?}");
        }
        check("/var/run", "/var/run", true);
        check("/var/run//", "/var/run", true);
        check("/var//run", "/var/run", false);
        check("/var/./run/.", "/var/run", false);
        check("//var", "/var", false);
        check("/", "/", true);
        check("///", "/", true);
        check("/.", "/", false);
        check("", "", false);
        check("var/../run", "var/../run", true);
        check("./a", "a", false);
        check("/é/.b", "/é/.b", true);
    }
}
