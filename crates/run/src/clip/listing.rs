//! The images in a folder, in the order people mean.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::media::Warning;

const EXTENSIONS: [&str; 9] = ["png", "apng", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];

/// The images in a folder, known by their names' endings, in natural order;
/// everything else, subfolders included, is listed in one warning.
///
/// # Errors  `Error::Read`; `Error::NoImages`
pub(super) fn images_in(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Warning>)> {
    let fail = |e| Error::read(folder, e);
    let (mut images, mut ignored) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link that leads nowhere counts as an image: reading it says what is wrong.
        let subfolder = fs::metadata(&path).is_ok_and(|m| m.is_dir());
        // A leading dot hides a file; macOS leaves such copies beside images.
        if has_image_name(&path) && !subfolder && !name.starts_with('.') {
            images.push((name, path));
        } else {
            ignored.push(name);
        }
    }
    if images.is_empty() {
        return Err(Error::NoImages { place: folder.display().to_string() });
    }
    images.sort_by(|(a, x), (b, y)| natural(a, b).then_with(|| x.cmp(y)));
    ignored.sort_by(|a, b| natural(a, b).then_with(|| a.cmp(b)));
    let warning = (!ignored.is_empty())
        .then(|| Warning::Ignored { folder: folder.to_owned(), names: ignored });
    Ok((images.into_iter().map(|(_, path)| path).collect(), warning.into_iter().collect()))
}

/// Whether the name ends as those of images do.
pub(super) fn has_image_name(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Compares names with runs of digits as numbers of any length, so that
/// `frame_10` follows `frame_9`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (x, y) = (digits(a), digits(b));
        if !x.is_empty() && !y.is_empty() {
            let (n, m) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            match n.len().cmp(&m.len()).then_with(|| n.cmp(m)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
            (a, b) = (&a[x.len()..], &b[y.len()..]);
            continue;
        }
        let (mut rest_a, mut rest_b) = (a.chars(), b.chars());
        match (rest_a.next(), rest_b.next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (rest_a.as_str(), rest_b.as_str()),
            (x, y) => return x.cmp(&y),
        }
    }
}

/// The digits a name begins with.
fn digits(name: &str) -> &str {
    let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let sorted = [
            "1.png",
            "2.png",
            "010.png",
            "a1b2.png",
            "a1b10.png",
            "a2b1.png",
            "frame_9.png",
            "frame_10.png",
            "frame_99999999999999999999999.png",
            "frame_100000000000000000000000.png",
            "frames.png",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(natural(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(natural("a07", "a7"), Ordering::Equal);
        assert_eq!(natural("", "a"), Ordering::Less);
    }
}
