//! Texts from outside, made safe to print: which characters must not be shown as they are, and one line of bounded
//! length. Apart, because whatever prints a name needs it, and a hole in one place would be a hole in all.

/// Whether a terminal would obey the character, or a reader not see it: controls, direction marks, invisible letters.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A text in one line of at most so many characters, a space in place of each hidden one; cut at its end, with `…`.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line: String = text.chars().take(most).map(|it| if is_hidden(it) { ' ' } else { it }).collect();
    if text.chars().nth(most).is_some() {
        line.pop();
        line.push('…');
    }
    line
}
