//! Filling in a template: `@name@` in a text is replaced by what stands for it.
//!
//! Apart because the manifests are written as people read them, comments included, and each is used twice: with the
//! values of one installation, and with the expressions of a Helm chart. It knows nothing of either.

/// Replaces every `@name@` whose name has a value. A line that holds nothing but a name takes its value line by line, at
/// the indentation of the name, and is gone where the value is empty. An `@` that opens no known name stays.
pub(super) fn fill<'t>(template: &str, value: impl Fn(&str) -> Option<&'t str>) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    for line in template.lines() {
        let bare = line.trim_start();
        let alone = bare
            .strip_prefix('@')
            .and_then(|it| it.strip_suffix('@'))
            .filter(|it| !it.contains('@'));
        if let Some(block) = alone.and_then(&value) {
            let indent = line.get(..line.len() - bare.len()).unwrap_or_default();
            for part in block.lines() {
                push(&mut text, if part.is_empty() { "" } else { indent }, part);
            }
        } else {
            push(&mut text, "", &fill_line(line, &value));
        }
    }
    text
}

fn push(text: &mut String, indent: &str, line: &str) {
    text.push_str(indent);
    text.push_str(line);
    text.push('\n');
}

fn fill_line<'t>(line: &str, value: &impl Fn(&str) -> Option<&'t str>) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        match after
            .split_once('@')
            .and_then(|(name, tail)| Some((value(name)?, tail)))
        {
            Some((filled, tail)) => {
                text.push_str(filled);
                rest = tail;
            }
            None => {
                text.push('@');
                rest = after;
            }
        }
    }
    text + rest
}

/// Bytes as base64 in one line, as a `caBundle` wants them (RFC 4648 §4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = (bits >> (18 - 6 * at) & 63) as usize;
            let letter = LETTERS.get(index).copied().filter(|_| at <= chunk.len());
            text.push(letter.map_or('=', char::from));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expected: &str) {
        let value = |name: &str| match name {
            "name" => Some("web"),
            "block" => Some("a:\n  b"),
            "none" => Some(""),
            _ => None,
        };
        assert_eq!(fill(template, value), expected);
    }

    #[test]
    fn names_are_replaced_and_blocks_keep_their_indentation() {
        check("x: @name@/@name@!\n", "x: web/web!\n");
        check("  @block@\nend\n", "  a:\n    b\nend\n");
        check("a\n  @none@\nb\n", "a\nb\n");
        check("x: \"@none@\"\n", "x: \"\"\n");
        check("a@b @name@ c@\n", "a@b web c@\n");
        check("  @other@\n", "  @other@\n");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ];
        for (text, expected) in pairs {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }
}
