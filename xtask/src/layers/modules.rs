//! Which module of the method may import which.
//!
//! Paths are followed as they are written: `crate::x`, `super` chains that reach the
//! root, use trees, and names that `lib.rs` re-exports. Tests inside `src` obey the
//! same table; tests of several stages at once live in `crates/reelgan/tests`.

mod paths;

use std::collections::BTreeMap;

use self::paths::{RootUse, reexports, root_uses};
use crate::tree::{Problem, Source};

const SRC: &str = "crates/reelgan/src/";

/// From the bottom to the top: a module imports from its own floor and those below.
/// A new module is one word here.
const FLOORS: &[&[&str]] = &[
    &["error", "machine", "spectrum", "spelling"],
    &["dataset", "codes", "generator", "perceptual", "face"],
    &["align", "encode", "flow", "loss", "directions", "edit", "metric", "synth"],
    &["objective", "paste"],
    &["invert"],
    &["job", "search"],
    &["evaluate"],
    // Names for programs that use the library; nothing inside imports it.
    &["prelude"],
];

/// What the floors alone would let pass, with the reason.
const BANS: &[Ban] = &[Ban {
    from: "metric",
    to: "loss",
    why: "a measurement that shares code with what is minimised measures nothing",
}];

struct Ban {
    from: &'static str,
    to: &'static str,
    why: &'static str,
}

/// Name at the root of the crate -> the module it comes from, and the line.
type Doors = BTreeMap<String, (String, usize)>;

/// Every import that points up, every banned one, and every module without a floor.
pub fn check(sources: &[Source]) -> Vec<Problem> {
    let files: Vec<&Source> = sources.iter().filter(|s| s.path.starts_with(SRC)).collect();
    let door = files.iter().find(|s| s.path == format!("{SRC}lib.rs"));
    let doors = door.map(|lib| reexports(&lib.text)).unwrap_or_default();
    let mut problems = Vec::new();
    for (name, (module, line)) in &doors {
        if name.starts_with('*') && floor(module).is_some() {
            let what = "re-export by name: a glob hides what the modules import from each other";
            problems.push(Problem::new(format!("{SRC}lib.rs:{line}"), what));
        }
    }
    for file in files {
        let inside = &file.path[SRC.len()..];
        if inside != "lib.rs" {
            problems.extend(check_file(file, inside, &doors));
        }
    }
    problems
}

fn check_file(file: &Source, inside: &str, doors: &Doors) -> Vec<Problem> {
    let module = inside.split(['/', '.']).next().unwrap_or(inside);
    let Some(own) = floor(module) else {
        let what = format!(
            "module `{module}` has no floor: add it to FLOORS in xtask/src/layers/modules.rs"
        );
        return vec![Problem::new(&file.path, what)];
    };
    let mut problems = Vec::new();
    for RootUse { item, line } in root_uses(&file.text, depth(inside)) {
        let place = format!("{}:{line}", file.path);
        if item == "*" {
            problems.push(Problem::new(place, "name what you import from the root of the crate"));
            continue;
        }
        let target = doors.get(&item).map_or(item.as_str(), |(module, _)| module);
        let Some(other) = floor(target) else { continue };
        if target == module {
            continue;
        }
        if other > own {
            let what = format!("`{module}` imports `{target}` from a floor above it");
            problems.push(Problem::new(place, what));
        } else if let Some(ban) = BANS.iter().find(|b| b.from == module && b.to == target) {
            let what = format!("`{module}` must not import `{target}`: {}", ban.why);
            problems.push(Problem::new(place, what));
        }
    }
    problems
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&module))
}

/// How many modules deep a file's items lie: `a.rs` and `a/mod.rs` 1, `a/b.rs` 2.
fn depth(inside: &str) -> usize {
    let parts = inside.split('/').count();
    if inside.ends_with("/mod.rs") { parts - 1 } else { parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(inside: &str, text: &str) -> Source {
        Source { path: format!("{SRC}{inside}"), text: text.into() }
    }

    fn objections(inside: &str, text: &str) -> Vec<String> {
        let lib = source(
            "lib.rs",
            "pub use invert::{Inverter, config::Config as InvertConfig};\nuse codes::Codes;",
        );
        check(&[lib, source(inside, text)]).into_iter().map(|p| p.what).collect()
    }

    #[test]
    fn imports_from_above_are_caught_however_they_are_written() {
        for text in [
            "use crate::invert::Inverter;",
            "use crate::invert;",
            "use crate::{codes::Codes, invert::{a, b}};",
            "use crate::{\n    codes, // why\n    invert as i,\n};",
            "fn f() { crate::invert::go() }",
            "use super::invert::Inverter;",
            "mod tests { use super::super::invert; }",
            "use crate::Inverter;",
            "use crate::{Error, InvertConfig};",
            "pub(in crate::invert) fn f() {}",
        ] {
            assert_eq!(objections("edit.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn nested_files_count_their_depth() {
        assert_eq!(objections("edit/rows.rs", "use super::super::invert::X;").len(), 1);
        assert_eq!(objections("edit/mod.rs", "use super::invert::X;").len(), 1);
        assert_eq!(
            objections("edit/rows.rs", "use super::invert::X;"),
            [""; 0],
            "edit's own submodule"
        );
    }

    #[test]
    fn imports_from_below_and_beside_pass() {
        let text = "use crate::{codes::Codes, flow, Error};\nuse super::generator::Generator;\n// use crate::invert;
            const S: &str = \"crate::invert\"; pub(crate) fn f() {} mod tests { use super::*; use crate::edit::x; }";
        assert_eq!(objections("edit.rs", text), [""; 0]);
    }

    #[test]
    fn every_rule_of_the_picture_holds() {
        for (from, to) in [
            ("edit", "invert"),
            ("metric", "loss"),
            ("metric", "invert"),
            ("codes", "loss"),
            ("loss", "objective"),
            ("objective", "invert"),
            ("dataset", "evaluate"),
            ("invert", "evaluate"),
            ("job", "evaluate"),
            ("job", "prelude"),
        ] {
            let found = objections(&format!("{from}.rs"), &format!("use crate::{to}::X;"));
            assert_eq!(found.len(), 1, "{from} -> {to}");
        }
        for (from, to) in [
            ("invert", "objective"),
            ("loss", "metric"),
            ("evaluate", "invert"),
            ("codes", "error"),
        ] {
            let found = objections(&format!("{from}.rs"), &format!("use crate::{to}::X;"));
            assert_eq!(found, [""; 0], "{from} -> {to}");
        }
    }

    #[test]
    fn globs_at_the_root_are_caught() {
        assert_eq!(objections("edit.rs", "use crate::*;").len(), 1);
        assert_eq!(objections("edit.rs", "use super::*;").len(), 1);
        assert_eq!(check(&[source("lib.rs", "pub use invert::*;")]).len(), 1);
    }

    #[test]
    fn an_unknown_module_says_where_to_add_it() {
        assert!(objections("novel/part.rs", "")[0].contains("FLOORS"));
    }

    #[test]
    fn places_are_exact() {
        let found = check(&[source("metric/lpips.rs", "\n\nuse crate::loss::X;\n")]);
        assert_eq!(found[0].place, format!("{SRC}metric/lpips.rs:3"));
    }
}
