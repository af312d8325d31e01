//! Words as a shell takes them, and what somebody probably meant.

use std::path::Path;

pub use reelgan::spelling::nearest;

/// A path to be copied into a shell.
pub fn shell_word(path: &Path) -> String {
    let word = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        for (path, want) in
            [("runs/a-1", "runs/a-1"), ("my run", "'my run'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(shell_word(Path::new(path)), want);
        }
    }
}
