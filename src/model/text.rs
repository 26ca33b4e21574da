//! Which characters of a text from outside must not be shown as they are. Apart, because whatever prints a name needs
//! it, and a hole in one place would be a hole in all.

/// Whether a terminal would obey the character, or a reader not see it: controls, direction marks, invisible letters.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}
