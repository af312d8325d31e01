//! Rust source cut into words, enough to see paths and keywords.
//!
//! Comments, strings and characters vanish; what is left are identifiers, numbers,
//! `::` and single punctuation marks.

/// One word of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// An identifier, a number, `::` or one punctuation mark.
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

/// Cuts a source file into words. Source that does not compile gives some words,
/// never a panic.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let end = match skipped(source, at) {
            Some(end) => end,
            None => {
                let end = at + word_length(&source[at..]);
                let text = &source[at..end];
                if !text.trim().is_empty() {
                    found.push(Token { text, line });
                }
                end
            }
        };
        line += bytes[at..end].iter().filter(|&&b| b == b'\n').count();
        at = end;
    }
    found
}

/// The end of the comment, string, character or raw prefix that starts here, if one
/// does.
fn skipped(source: &str, at: usize) -> Option<usize> {
    let rest = &source[at..];
    if rest.starts_with("//") {
        return Some(at + rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(at + block_comment(rest));
    }
    if rest.starts_with('\'') {
        return Some(at + character(rest));
    }
    // A prefix belongs to a string only where a word starts; words are cut whole, so
    // it always does.
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|p| {
        rest.strip_prefix(p).is_some_and(|r| {
            r.starts_with('"') || (p.ends_with('r') && r.trim_start_matches('#').starts_with('"'))
        })
    });
    match prefix {
        Some(prefix) if prefix.ends_with('r') => {
            Some(at + prefix.len() + raw_string(&rest[prefix.len()..]))
        }
        Some(prefix) => Some(at + prefix.len() + string(&rest[prefix.len()..])),
        None if rest.starts_with("b'") => Some(at + 1 + character(&rest[1..])),
        None if rest.starts_with("r#") => Some(at + 2),
        None => None,
    }
}

fn word_length(rest: &str) -> usize {
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    if word > 0 {
        return word;
    }
    if rest.starts_with("::") { 2 } else { rest.chars().next().map_or(0, char::len_utf8) }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// A character literal, or only the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|&(_, c)| c == '\'').map_or(rest.len(), |(end, _)| end + 1)
        }
        Some(_) => match chars.next() {
            Some((end, '\'')) => end + 1,
            _ => 1,
        },
        None => 1,
    }
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> usize {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let close = format!("\"{}", "#".repeat(hashes));
    let open = hashes + 1;
    rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn paths_keep_their_double_colon() {
        assert_eq!(
            words("use crate::edit::Edit;"),
            ["use", "crate", "::", "edit", "::", "Edit", ";"]
        );
    }

    #[test]
    fn comments_and_literals_vanish() {
        let source = r##"a /* x /* y */ z */ b // c
            "d \" e" r#"f " g"# b"h" 'i' '\'' b'"' j"##;
        assert_eq!(words(source), ["a", "b", "j"]);
    }

    #[test]
    fn lifetimes_are_not_characters() {
        assert_eq!(words("&'a str, 'b'"), ["&", "a", "str", ","]);
    }

    #[test]
    fn raw_identifiers_lose_their_prefix() {
        assert_eq!(words("r#type bar r"), ["type", "bar", "r"]);
    }

    #[test]
    fn lines_are_counted_across_strings_and_comments() {
        let found = tokens("\"\n\n\" /*\n*/\nhere");
        assert_eq!(found, [Token { text: "here", line: 5 }]);
    }

    #[test]
    fn broken_source_ends() {
        for source in ["\"open", "/* open", "'", "'\\", "r#\"open", "b'", "é'é"] {
            tokens(source);
        }
    }
}
