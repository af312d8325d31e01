//! Numbers and strings as the instructions spell them.

use super::PICKLE;
use super::value::Node;
use crate::error::{Result, malformed};

pub(super) fn parse_number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.trim().parse().map_err(|_| {
        malformed(
            PICKLE,
            format!("`{}` is not a number", text.chars().take(40).collect::<String>()),
        )
    })
}

/// Two's complement, little-endian, of any length.
pub(super) fn integer(bytes: &[u8]) -> Node<'static> {
    if bytes.len() > 8 {
        return Node::Big;
    }
    let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Node::Int(i64::from_le_bytes(wide))
}

/// The `repr` of a Python-2 string.
pub(super) fn unquote(line: &[u8]) -> Result<Vec<u8>> {
    let bad = || malformed(PICKLE, "a quoted string is not closed or holds an unknown escape");
    let line = line.trim_ascii_end();
    let inner = match line {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return Err(bad()),
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next().ok_or_else(bad)? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'x' => hex(&mut rest, 2).and_then(|v| u8::try_from(v).ok()).ok_or_else(bad)?,
            same @ (b'\\' | b'\'' | b'"') => same,
            _ => return Err(bad()),
        });
    }
    Ok(out)
}

/// Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn raw_unicode(line: &[u8]) -> Result<String> {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let digits = match rest.peek() {
            Some(b'u') if byte == b'\\' => 4,
            Some(b'U') if byte == b'\\' => 8,
            _ => {
                out.push(char::from(byte));
                continue;
            }
        };
        rest.next();
        let code = hex(&mut rest, digits)
            .ok_or_else(|| malformed(PICKLE, "an escape in a text is cut short"))?;
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(out)
}

fn hex(digits: &mut impl Iterator<Item = u8>, count: usize) -> Option<u32> {
    (0..count).try_fold(0, |value, _| Some(value << 4 | char::from(digits.next()?).to_digit(16)?))
}
