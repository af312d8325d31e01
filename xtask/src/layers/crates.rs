//! Which crate may depend on which.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::tree::Problem;

/// What a crate of the workspace may depend on.
struct Rule {
    name: &'static str,
    /// Workspace crates it may use.
    uses: &'static [&'static str],
    /// Workspace crates its tests, examples and benches may use as well.
    tests_use: &'static [&'static str],
    /// Whether it may use the tensor library.
    tensors: bool,
}

/// From the bottom to the top. Nothing depends on the last two.
const RULES: &[Rule] = &[
    Rule { name: "reelgan-checkpoint", uses: &[], tests_use: &[], tensors: false },
    Rule { name: "reelgan-golden", uses: &["reelgan-checkpoint"], tests_use: &[], tensors: false },
    Rule { name: "reelgan-run", uses: &[], tests_use: &[], tensors: false },
    Rule {
        name: "reelgan-models",
        uses: &["reelgan-checkpoint", "reelgan-run"],
        tests_use: &[],
        tensors: false,
    },
    Rule {
        name: "reelgan-nets",
        uses: &["reelgan-checkpoint"],
        tests_use: &["reelgan-models", "reelgan-golden"],
        tensors: true,
    },
    Rule {
        name: "reelgan",
        uses: &["reelgan-nets", "reelgan-models", "reelgan-run", "reelgan-checkpoint"],
        tests_use: &["reelgan-golden"],
        tensors: true,
    },
    Rule {
        name: "reelgan-cli",
        uses: &["reelgan", "reelgan-nets", "reelgan-models", "reelgan-run", "reelgan-checkpoint"],
        tests_use: &[],
        tensors: false,
    },
    Rule { name: "xtask", uses: &[], tests_use: &[], tensors: false },
];

/// The part of `cargo metadata` that matters here.
#[derive(Deserialize)]
pub struct Metadata {
    /// The crates of the workspace.
    pub packages: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Deserialize)]
pub struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for a normal one, else `dev` or `build`.
    kind: Option<String>,
}

/// Asks cargo for the crates of the workspace and what they declare.
pub fn metadata(root: &Path) -> Result<Metadata> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout)
        .context("cargo metadata printed something else than expected")
}

/// Every dependency that points up or sideways, and every crate without a rule.
pub fn check(metadata: &Metadata) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &metadata.packages {
        match RULES.iter().find(|rule| rule.name == package.name) {
            Some(rule) => {
                problems.extend(package.dependencies.iter().filter_map(|d| breaks(rule, d)))
            }
            None => problems.push(Problem::new(
                &package.name,
                "this crate has no rule: add one to RULES in xtask/src/layers/crates.rs",
            )),
        }
    }
    problems
}

fn breaks(rule: &Rule, dependency: &Dependency) -> Option<Problem> {
    let name = dependency.name.as_str();
    if (name == "burn" || name.starts_with("burn-")) && !rule.tensors {
        return Some(Problem::new(
            rule.name,
            format!("depends on `{name}`, but tensors live in reelgan-nets and reelgan"),
        ));
    }
    if !RULES.iter().any(|other| other.name == name) {
        return None;
    }
    let in_tests = dependency.kind.as_deref() == Some("dev");
    let allowed = rule.uses.contains(&name) || (in_tests && rule.tests_use.contains(&name));
    (!allowed).then(|| {
        let kind = if in_tests { "dev-depends" } else { "depends" };
        Problem::new(rule.name, format!("{kind} on `{name}`; allowed are {:?}", rule.uses))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(package: &str, dependency: &str, kind: Option<&str>) -> Vec<Problem> {
        check(&Metadata {
            packages: vec![Package {
                name: package.into(),
                dependencies: vec![Dependency {
                    name: dependency.into(),
                    kind: kind.map(Into::into),
                }],
            }],
        })
    }

    #[test]
    fn upward_and_sideways_dependencies_are_caught() {
        for (from, to) in [
            ("reelgan-checkpoint", "reelgan-run"),
            ("reelgan-run", "reelgan-checkpoint"),
            ("reelgan-models", "reelgan-nets"),
            ("reelgan-nets", "reelgan-run"),
            ("reelgan-nets", "reelgan"),
            ("reelgan", "reelgan-cli"),
            ("reelgan-cli", "xtask"),
        ] {
            assert_eq!(problems(from, to, None).len(), 1, "{from} -> {to}");
            assert_eq!(problems(from, to, Some("dev")).len(), 1, "{from} -> {to} in tests");
        }
    }

    #[test]
    fn downward_dependencies_pass() {
        for (from, to) in [
            ("reelgan", "reelgan-nets"),
            ("reelgan-cli", "reelgan"),
            ("reelgan-models", "reelgan-run"),
        ] {
            assert_eq!(problems(from, to, None), [], "{from} -> {to}");
        }
    }

    #[test]
    fn nets_may_use_models_in_tests_only() {
        assert_eq!(problems("reelgan-nets", "reelgan-models", Some("dev")), []);
        assert_eq!(problems("reelgan-nets", "reelgan-models", None).len(), 1);
        assert_eq!(problems("reelgan-nets", "reelgan-models", Some("build")).len(), 1);
    }

    #[test]
    fn tensors_stay_out_of_plain_crates() {
        for name in ["reelgan-run", "reelgan-checkpoint", "reelgan-models"] {
            assert_eq!(problems(name, "burn", None).len(), 1, "{name}");
            assert_eq!(problems(name, "burn-flex", Some("dev")).len(), 1, "{name}");
        }
        assert_eq!(problems("reelgan-nets", "burn", None), []);
    }

    #[test]
    fn outside_crates_are_no_concern_and_new_ones_need_a_rule() {
        assert_eq!(problems("reelgan-run", "serde", None), []);
        assert!(problems("reelgan-viewer", "serde", None)[0].what.contains("RULES"));
    }

    #[test]
    fn reads_what_cargo_prints() {
        let json = r#"{"packages":[{"name":"xtask","version":"0.1.0","dependencies":[
            {"name":"burn","kind":"dev","req":"^1"},{"name":"anyhow","kind":null}]}],"target":"t"}"#;
        let metadata: Metadata = serde_json::from_str(json).unwrap();
        assert_eq!(check(&metadata).len(), 1);
    }
}
