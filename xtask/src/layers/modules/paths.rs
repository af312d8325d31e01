//! Finds the paths of a source file that start at the root of its crate.

use std::collections::BTreeMap;

use crate::lex::{Token, tokens};

/// A path that starts at the root of the crate.
pub struct RootUse {
    /// The first name below the root, or `*`.
    pub item: String,
    /// Where the path's last name stands.
    pub line: usize,
}

/// Every path of a file that starts at the root, `depth` modules above its items.
pub fn root_uses(source: &str, depth: usize) -> Vec<RootUse> {
    let words = tokens(source);
    let mut scopes = Scopes::default();
    let mut found = Vec::new();
    for at in 0..words.len() {
        scopes.step(&words, at);
        let below = match words[at].text {
            _ if at > 0 && words[at - 1].text == "::" => None,
            "crate" => after(&words, at + 1, "::"),
            "super" => below_supers(&words, at, depth + scopes.inline.len()),
            _ => None,
        };
        if let Some(start) = below {
            let mut leaves = Vec::new();
            tree(&words, start, None, &mut leaves);
            // Several names from one module are one import of it.
            leaves.dedup_by_key(|leaf| leaf.head.unwrap_or(leaf.name));
            found.extend(leaves.into_iter().map(|leaf| RootUse {
                item: leaf.head.unwrap_or(leaf.name).to_owned(),
                line: leaf.line,
            }));
        }
    }
    found
}

/// Names that a root file takes from its modules: name -> (module, line). A glob is
/// `*` and the module.
pub fn reexports(source: &str) -> BTreeMap<String, (String, usize)> {
    let words = tokens(source);
    let mut leaves = Vec::new();
    for at in 0..words.len() {
        if words[at].text == "use" {
            let root = ["crate", "self"]
                .iter()
                .find_map(|&r| after(&words, after(&words, at + 1, r)?, "::"));
            tree(&words, root.unwrap_or(at + 1), None, &mut leaves);
        }
    }
    let named = leaves.into_iter().filter_map(|leaf| {
        let head = leaf.head?.to_owned();
        let name = if leaf.name == "*" { format!("*{head}") } else { leaf.alias.to_owned() };
        Some((name, (head, leaf.line)))
    });
    named.collect()
}

/// Inline modules around the current word, by the depth of their brace.
#[derive(Default)]
struct Scopes {
    braces: usize,
    inline: Vec<usize>,
}

impl Scopes {
    fn step(&mut self, words: &[Token], at: usize) {
        match words[at].text {
            "{" => {
                self.braces += 1;
                if at >= 2 && words[at - 2].text == "mod" {
                    self.inline.push(self.braces);
                }
            }
            "}" => {
                if self.inline.last() == Some(&self.braces) {
                    self.inline.pop();
                }
                self.braces = self.braces.saturating_sub(1);
            }
            _ => {}
        }
    }
}

/// The index after the word at `at` if it is `text`.
fn after(words: &[Token], at: usize, text: &str) -> Option<usize> {
    (words.get(at)?.text == text).then_some(at + 1)
}

/// Where the path continues below the root, if exactly `depth` supers lead there.
fn below_supers(words: &[Token], mut at: usize, depth: usize) -> Option<usize> {
    for _ in 0..depth {
        at = after(words, after(words, at, "super")?, "::")?;
    }
    Some(at)
}

/// One name at the end of a use tree.
struct Leaf<'a> {
    /// First name of its path, where the path has more than one.
    head: Option<&'a str>,
    name: &'a str,
    /// The name behind `as`, else the name.
    alias: &'a str,
    line: usize,
}

/// Follows a path or use tree and returns the index behind it.
fn tree<'a>(
    words: &[Token<'a>],
    mut at: usize,
    mut head: Option<&'a str>,
    leaves: &mut Vec<Leaf<'a>>,
) -> usize {
    while let Some(&Token { text, line }) = words.get(at) {
        if text == "{" {
            at += 1;
            while words.get(at).is_some_and(|w| w.text != "}") {
                let end = tree(words, at, head, leaves);
                // Always a step forward, also through source that is no use tree.
                at = after(words, end, ",").unwrap_or(end).max(at + 1);
            }
            return at + 1;
        }
        let name = text == "*" || text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !name {
            return at;
        }
        if let Some(next) = after(words, at + 1, "::") {
            head = head.or(Some(text));
            at = next;
            continue;
        }
        let alias = after(words, at + 1, "as").and_then(|next| words.get(next));
        leaves.push(Leaf { head, name: text, alias: alias.map_or(text, |w| w.text), line });
        return if alias.is_some() { at + 3 } else { at + 1 };
    }
    at
}
