//! Whether a TIFF file has pages after its first.

/// Follows the first directory to the offset of the next, which is 0 at the end.
/// A file too damaged for that has no further page; decoding it tells why.
///
/// # Source  Adobe TIFF 6.0, section 2; the BigTIFF variant with 8-byte offsets
pub(super) fn has_more_pages(bytes: &[u8]) -> bool {
    next_page(bytes).is_some_and(|offset| offset != 0)
}

fn next_page(bytes: &[u8]) -> Option<u64> {
    let little = bytes.starts_with(b"II");
    let number = |at: u64, size: usize| -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let digits = bytes.get(at..at.checked_add(size)?)?;
        let join = |n: u64, &digit: &u8| n << 8 | u64::from(digit);
        Some(if little { digits.iter().rev().fold(0, join) } else { digits.iter().fold(0, join) })
    };
    // Sizes of an offset, of the entry count and of an entry.
    let (first, offset_size, count_size, entry_size) = match number(2, 2)? {
        42 => (number(4, 4)?, 4, 2, 12u64),
        43 => (number(8, 8)?, 8, 8, 20u64),
        _ => return None,
    };
    let entries = number(first, count_size)?.checked_mul(entry_size)?;
    let next = first.checked_add(count_size as u64)?.checked_add(entries)?;
    number(next, offset_size)
}
