//! The workloads, timed in processes of their own: ours (bench `peers` of
//! `crates/reelgan`) and PyTorch's (`bench/torch`), which take turns in the same run,
//! so that whatever else the machine does hits both.

mod process;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use process::Peer;
use table::Row;

/// What is timed, in the order of the table.
const WORKLOADS: [&str; 7] = [
    "stylegan1_64_n5",
    "stylegan1_256_n1",
    "stylegan1_1024_n1",
    "vgg16_256_n5",
    "mobilestylegan_1024_n1",
    "mobilestylegan_1024_n5",
    "step_1024_n5",
];

/// How far the other side's results may be from ours, relative, in the root-mean-square
/// sense. Values: f32 rounding through some 30 layers. Gradients: that of the fast
/// convolutions through the normalisations on top.
const VALUE_TOLERANCE: f64 = 1e-3;
const GRADIENT_TOLERANCE: f64 = 1e-2;

/// What to time and how.
pub struct Plan {
    /// Where PyTorch is; `None` times our side alone.
    pub python: Option<Python>,
    /// Workloads; all of them if empty.
    pub only: Vec<String>,
    /// Timed runs of each side, after one that does not count.
    pub rounds: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { python: None, only: Vec::new(), rounds: 7 }
    }
}

/// A Python with PyTorch.
pub struct Python {
    program: String,
    /// Its version of PyTorch.
    pub torch: String,
}

impl Python {
    /// The program given, or `python3`, if it has what the other side needs.
    pub fn find(given: Option<&str>) -> Result<Self> {
        let program = given.unwrap_or("python3").to_string();
        let out = Command::new(&program)
            .args(["-c", "import numpy, torch; print(torch.__version__)"])
            .output()
            .with_context(|| format!("cannot run {program}; name a Python with --python PATH"))?;
        if !out.status.success() {
            bail!(
                "{program} has no PyTorch; make one that has: python3 -m venv VENV && \
                 VENV/bin/pip install -r bench/torch/requirements.txt, then --python \
                 VENV/bin/python"
            );
        }
        Ok(Self { program, torch: String::from_utf8_lossy(&out.stdout).trim().to_string() })
    }
}

/// Times every workload of the plan and prints the table.
pub fn rows(root: &Path, plan: &Plan) -> Result<Value> {
    for name in &plan.only {
        if !WORKLOADS.contains(&name.as_str()) {
            bail!("no workload `{name}`; there are {}", WORKLOADS.join(", "));
        }
    }
    if plan.rounds == 0 {
        bail!("--rounds must be at least 1");
    }
    let bench = build(root)?;
    print!("{}", table::HEAD);
    let chosen = |name: &str| plan.only.is_empty() || plan.only.iter().any(|only| only == name);
    let mut rows = Vec::new();
    for name in WORKLOADS.into_iter().filter(|name| chosen(name)) {
        let row = workload(root, &bench, plan, name).with_context(|| format!("workload {name}"))?;
        println!("{row}");
        rows.push(row.json());
    }
    println!();
    Ok(Value::Array(rows))
}

/// Builds the bench and returns its path.
fn build(root: &Path) -> Result<PathBuf> {
    let out = crate::stage::cargo()
        .args(["bench", "--workspace", "--bench", "peers", "--no-run", "--message-format=json"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    if !out.status.success() {
        bail!("the bench could not be built");
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let path = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(
        |message| {
            let ours = message["target"]["name"] == "peers";
            message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
        },
    );
    path.context("cargo named no executable")
}

/// Runs both sides once to compare their results, then in turns.
fn workload(root: &Path, bench: &Path, plan: &Plan, name: &str) -> Result<Row> {
    let folder = root.join("target/bench-peers").join(name);
    std::fs::create_dir_all(&folder)?;
    let mut ours = Command::new(bench);
    ours.args(["--case", name, "--exchange"]).arg(&folder);
    let mut ours = Peer::start(ours)?;
    let start = |python| other_side(root, python, name, &folder);
    let mut torch = plan.python.as_ref().map(start).transpose()?;
    let errors = torch.as_ref().map(|_| compare(&folder)).transpose()?;
    let (mut our_seconds, mut torch_seconds) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        our_seconds.push(ours.run()?);
        if let Some(torch) = &mut torch {
            torch_seconds.push(torch.run()?);
        }
    }
    Ok(Row {
        workload: name.to_string(),
        ours: table::Times::new(our_seconds, ours.finish()?),
        torch: match torch {
            Some(torch) => Some(table::Times::new(torch_seconds, torch.finish()?)),
            None => None,
        },
        errors,
    })
}

fn other_side(root: &Path, python: &Python, name: &str, folder: &Path) -> Result<Peer> {
    let mut command = Command::new(&python.program);
    command
        .arg(root.join("bench/torch/peer.py"))
        .args(["--case", name, "--exchange"])
        .arg(folder)
        .envs(process::TUNED_MALLOC);
    Peer::start(command)
}

/// Relative errors of values and gradients; an error if the two sides do not compute
/// the same thing.
fn compare(folder: &Path) -> Result<[Option<f64>; 2]> {
    let mut errors = [None; 2];
    let tolerances = [("value", VALUE_TOLERANCE), ("gradient", GRADIENT_TOLERANCE)];
    for (error, (name, tolerance)) in errors.iter_mut().zip(tolerances) {
        let ours = numbers(&folder.join(format!("ours.{name}.f32")))?;
        let torch = numbers(&folder.join(format!("torch.{name}.f32")))?;
        if ours.len() != torch.len() {
            bail!("{name}: {} numbers of ours, {} of PyTorch", ours.len(), torch.len());
        }
        if ours.is_empty() {
            continue;
        }
        let difference = relative(&torch, &ours);
        if difference.is_nan() || difference >= tolerance {
            bail!("{name}: PyTorch differs by {difference:.1e}, more than {tolerance:.0e}");
        }
        *error = Some(difference);
    }
    Ok(errors)
}

fn numbers(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

/// `|a - b| / |b|` over all numbers.
fn relative(a: &[f32], b: &[f32]) -> f64 {
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let size: f64 = b.iter().map(|b| square(f64::from(*b))).sum();
    (difference / size).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_difference_by_hand() {
        assert!((relative(&[3.0, 4.5], &[3.0, 4.0]) - 0.1).abs() < 1e-12);
        assert!(relative(&[f32::NAN], &[1.0]).is_nan());
    }

    #[test]
    fn results_that_differ_are_refused() {
        let folder = std::env::temp_dir().join(format!("peers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, numbers: &[f32]| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(folder.join(name), bytes).unwrap();
        };
        write("ours.value.f32", &[1.0, 2.0]);
        write("torch.value.f32", &[1.0, 2.0001]);
        write("ours.gradient.f32", &[]);
        write("torch.gradient.f32", &[]);
        let errors = compare(&folder).unwrap();
        assert!(errors[0].is_some_and(|e| e > 0.0 && e < 1e-4) && errors[1].is_none());
        for torch in [&[1.0, 2.1][..], &[1.0], &[f32::NAN, 2.0]] {
            write("torch.value.f32", torch);
            assert!(compare(&folder).is_err(), "{torch:?}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
