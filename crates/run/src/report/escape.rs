//! Text from anywhere, made safe to stand in HTML, SVG and their attributes.

/// `text` with everything that could end its place replaced: markup characters by
/// references; characters that XML forbids, other control characters and marks
/// that turn the direction of writing (they can disguise a file name) by U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || turns_direction(c) || is_noncharacter(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape(r#"<img src=x onerror='a("b")'> & co"#),
            "&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt; &amp; co"
        );
    }

    #[test]
    fn characters_that_disturb_are_replaced() {
        assert_eq!(
            escape("a\0b\u{1b}[31m\u{202e}gpj.exe\u{ffff}\r"),
            "a\u{fffd}b\u{fffd}[31m\u{fffd}gpj.exe\u{fffd}\u{fffd}"
        );
        assert_eq!(escape("Zoë 日本 1\n2\t3"), "Zoë 日本 1\n2\t3");
    }
}
