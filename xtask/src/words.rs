//! `cargo xtask words`: nothing in the repository depends on one machine.
//!
//! Paths of a home or work folder and addresses of package registries have no place
//! in tracked files: the package clients know their registries, and everything else
//! is relative to the checkout or to the cache.

use std::path::Path;

use anyhow::Result;

use crate::command::{Command, no_arguments};
use crate::tree::{self, Problem, Source};

/// The command.
pub const COMMAND: Command = Command {
    name: "words",
    about: "no machine's paths and no registry's address in tracked files",
    run,
};

/// Each pattern in two pieces, so that this file does not match itself.
const PATTERNS: &[(&str, &str, Kind)] = &[
    ("/ho", "me/", Kind::Start),
    ("/ro", "ot/", Kind::Start),
    ("/Us", "ers/", Kind::Start),
    ("/wo", "rk/", Kind::Start),
    ("../sha", "red/", Kind::Anywhere),
    ("pypi", ".org", Kind::Anywhere),
    ("files.python", "hosted", Kind::Anywhere),
    ("index.crates", ".io", Kind::Anywhere),
    ("static.crates", ".io", Kind::Anywhere),
    ("npm", "js.", Kind::Anywhere),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Where an absolute path starts: behind a folder's name it is some other folder.
    Start,
    /// Anywhere in a word, whatever its case.
    Anywhere,
}

/// Checks every tracked text file of a checkout.
pub fn run(root: &Path, args: &[String]) -> Result<()> {
    no_arguments(args)?;
    let files = tree::tracked_text(root)?;
    let problems = check(&files);
    tree::report(&problems, &format!("words: {} text files are clean", files.len()))
}

fn check(files: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            for &(start, end, kind) in PATTERNS {
                let pattern = format!("{start}{end}");
                if contains(line, &pattern, kind) {
                    let what = format!(
                        "`{pattern}` ties the project to a machine or registry: say it without"
                    );
                    problems.push(Problem::new(format!("{}:{}", file.path, index + 1), what));
                }
            }
        }
    }
    problems
}

fn contains(line: &str, pattern: &str, kind: Kind) -> bool {
    match kind {
        Kind::Anywhere => line.to_ascii_lowercase().contains(pattern),
        Kind::Start => line.match_indices(pattern).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-~}/".contains(c))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&[Source { path: "a.md".into(), text: text.into() }]).len()
    }

    #[test]
    fn every_pattern_is_caught_alone_in_a_line() {
        for (start, end, _) in PATTERNS {
            assert_eq!(found(&format!("fine\nsee {start}{end} here\n")), 1, "{start}{end}");
        }
    }

    #[test]
    fn hosts_are_caught_inside_addresses_and_in_capitals() {
        assert_eq!(found(&format!("https://{}{}/simple", "PYPI", ".org")), 1);
        assert_eq!(found(&format!("https://registry.{}{}com", "npm", "js.")), 1);
    }

    #[test]
    fn folders_of_the_same_name_elsewhere_are_fine() {
        assert_eq!(found(&format!("out{}{}frames and ~{0}{1}", "/wo", "rk/")), 0);
        assert_eq!(found("plain words: a home, a root, users, npm pack, pip download"), 0);
    }

    #[test]
    fn place_names_file_and_line() {
        let text = format!("one\ntwo \"{}{}me\"\n", "/ho", "me/");
        let problems = check(&[Source { path: "src/a.rs".into(), text }]);
        assert_eq!(problems[0].place, "src/a.rs:2");
    }
}
