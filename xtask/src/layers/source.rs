//! Marks in the source that no floor shows.

use crate::lex::tokens;
use crate::tree::{Problem, Source};

/// The only folder with `unsafe`: each block there has its safety argument and a
/// portable twin that it is tested against.
const UNSAFE_IN: &str = "crates/nets/src/ops/cpu";

/// Macros of unfinished work.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

/// Longer files are worth a second look.
const LONG: usize = 400;

/// `unsafe` outside its folder and unfinished code anywhere.
pub fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        let words = tokens(&source.text);
        for (at, word) in words.iter().enumerate() {
            let place = || format!("{}:{}", source.path, word.line);
            let next = |n: usize| words.get(at + n).map_or("", |w| w.text);
            let called = next(1) == "!" && ["(", "[", "{"].contains(&next(2));
            if word.text == "unsafe" && !may_be_unsafe(&source.path) {
                problems.push(Problem::new(place(), format!("`unsafe` is for {UNSAFE_IN} only")));
            } else if UNFINISHED.contains(&word.text) && called {
                problems
                    .push(Problem::new(place(), format!("`{}!` is unfinished work", word.text)));
            }
        }
    }
    problems
}

/// Files over the length worth a second look.
pub fn long_files(sources: &[Source]) -> Vec<Problem> {
    let lengths = sources.iter().map(|s| (s, s.text.lines().count()));
    lengths
        .filter(|&(_, lines)| lines > LONG)
        .map(|(s, lines)| {
            Problem::new(
                &s.path,
                format!("{lines} lines, over {LONG}: would it read better in two?"),
            )
        })
        .collect()
}

fn may_be_unsafe(path: &str) -> bool {
    path.strip_prefix(UNSAFE_IN).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objections(path: &str, text: &str) -> usize {
        check(&[Source { path: path.into(), text: text.into() }]).len()
    }

    #[test]
    fn unsafe_is_caught_outside_its_folder_only() {
        let text = "fn f() { unsafe { g() } }";
        for path in [
            "crates/nets/src/ops/conv.rs",
            "crates/nets/src/ops/cpu_like.rs",
            "apps/cli/tests/a.rs",
        ] {
            assert_eq!(objections(path, text), 1, "{path}");
        }
        for path in ["crates/nets/src/ops/cpu/avx.rs", "crates/nets/src/ops/cpu.rs"] {
            assert_eq!(objections(path, text), 0, "{path}");
        }
    }

    #[test]
    fn unfinished_code_is_caught_with_any_spacing() {
        assert_eq!(
            objections("a.rs", "fn f() { todo!() }\nfn g() { unimplemented ! (\"x\") }\ndbg!(1);"),
            3
        );
    }

    #[test]
    fn words_in_comments_strings_and_names_are_fine() {
        let text = "// todo!() unsafe\n#![deny(unsafe_code)]\nlet todo = \"unsafe dbg!(\"; if todo != x {}";
        assert_eq!(objections("a.rs", text), 0);
    }

    #[test]
    fn long_files_are_named() {
        let file = |lines| Source { path: "a.rs".into(), text: "x\n".repeat(lines) };
        assert_eq!(long_files(&[file(LONG)]), []);
        assert_eq!(long_files(&[file(LONG + 1)]).len(), 1);
    }
}
