//! Frames by number, as people write them: `1,3,5-8`.

use std::str::FromStr;

/// The most frames that can be named.
const MOST: usize = 100_000;

/// Numbers of frames, counted from 1, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameNumbers(pub Vec<usize>);

impl FromStr for FrameNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` does not name frames; write numbers from 1 and ranges, such as 1,3,5-8"
            )
        };
        let number = |s: &str| s.trim().parse::<usize>().ok().filter(|&n| n > 0).ok_or_else(wrong);
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if last < first {
                return Err(wrong());
            }
            if last - first >= MOST - numbers.len() {
                return Err(format!("`{text}` names more than {MOST} frames"));
            }
            numbers.extend(first..=last);
        }
        Ok(Self(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_keep_their_order() {
        assert_eq!("7,1-3, 5".parse(), Ok(FrameNumbers(vec![7, 1, 2, 3, 5])));
        for wrong in ["", "0", "a", "3-1", "1-", "-2", "1,,2", "1-99999999999"] {
            assert!(wrong.parse::<FrameNumbers>().is_err(), "{wrong}");
        }
    }
}
