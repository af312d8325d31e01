//! `cargo xtask bench`: seconds of the workloads beside PyTorch's (`--torch`); with
//! `--parts` seconds and memory of a step and its parts, with `--quality` the losses
//! after 50, 100 and 200 steps on real inputs. Tables are Markdown, for
//! `docs/BENCHMARKS.md`.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::command::Command;
use crate::peers::{self, Python};

/// The task.
pub const COMMAND: Command = Command {
    name: "bench",
    about: "times the workloads; --torch: beside PyTorch; --json FILE; --parts; --quality",
    run,
};

/// Every flag, for the error that names them.
const FLAGS: &str = "--torch, --python PATH, --only WORKLOAD, --rounds N, --json FILE, --parts, \
                     --quality";

/// Steps after which the quality is taken.
const STEPS: [usize; 3] = [50, 100, 200];

fn run(root: &Path, args: &[String]) -> Result<()> {
    let (mut torch, mut parts, mut quality, mut file) = (false, false, false, None);
    let mut python = None;
    let mut plan = peers::Plan::default();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--torch" => torch = true,
            "--parts" => parts = true,
            "--quality" => quality = true,
            "--python" => python = Some(value()?.clone()),
            "--only" => plan.only.push(value()?.clone()),
            "--rounds" => plan.rounds = value()?.parse().context("--rounds needs a number")?,
            "--json" => file = Some(PathBuf::from(value()?)),
            other => bail!("unexpected `{other}`; known are {FLAGS}"),
        }
    }
    if torch || python.is_some() {
        plan.python = Some(Python::find(python.as_deref())?);
    }
    println!("machine: {}\n", machine());
    let mut result = json!({ "machine": machine(), "rows": peers::rows(root, &plan)? });
    if let Some(python) = &plan.python {
        result["torch"] = json!(python.torch);
    }
    if parts {
        result["parts"] = steps(root)?;
    }
    if quality {
        result["quality"] = quality_rows(root)?;
    }
    if let Some(file) = file {
        std::fs::write(&file, serde_json::to_vec_pretty(&result)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// The bench of `crates/reelgan`, as a table.
fn steps(root: &Path) -> Result<Value> {
    let out = crate::stage::cargo()
        .args(["bench", "--package", "reelgan", "--bench", "step"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().rfind(|l| l.starts_with('{')).context("the bench printed no result")?;
    let value: Value = serde_json::from_str(line)?;
    println!("| workload | median s | min | max | peak memory, MB |\n|---|---|---|---|---|");
    for row in value["rows"].as_array().into_iter().flatten() {
        println!(
            "| {} | {:.3} | {:.3} | {:.3} | {:.0} |",
            row["workload"].as_str().unwrap_or_default(),
            row["median_s"].as_f64().unwrap_or(f64::NAN),
            row["min_s"].as_f64().unwrap_or(f64::NAN),
            row["max_s"].as_f64().unwrap_or(f64::NAN),
            row["peak_mb"].as_f64().unwrap_or(f64::NAN),
        );
    }
    println!();
    Ok(value["rows"].clone())
}

/// A real input and the arguments that select it.
struct Input {
    name: &'static str,
    args: Vec<String>,
}

fn inputs(root: &Path, cache: &str) -> Vec<Input> {
    let sample = |name: &str| root.join("samples").join(name).display().to_string();
    let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
    let pair = |name, number: &str, crops: [&str; 2]| Input {
        name,
        args: vec![
            sample(&format!("london_{number}_03.jpg")),
            sample(&format!("london_{number}_08.jpg")),
            "--crop".into(),
            crops[0].into(),
            "--crop".into(),
            crops[1].into(),
        ],
    };
    let clip =
        |name, path: String, rest: &str| Input { name, args: [vec![path], words(rest)].concat() };
    vec![
        clip(
            "demo clip",
            format!("{cache}/clips/carphone.mp4"),
            "--start 52 --stride 1 --count 5 --crop 34,13,98,-13",
        ),
        pair("portraits 001", "001", ["241,221,863", "238,297,854"]),
        pair("portraits 002", "002", ["229,177,924", "210,231,928"]),
        clip(
            "GRID_bbaf2n",
            sample("GRID_bbaf2n.mpg"),
            "--start 30 --stride 2 --count 5 --crop 60,66,189",
        ),
    ]
}

/// Runs `reelgan invert` on every input with every number of steps.
fn quality_rows(root: &Path) -> Result<Value> {
    let built = crate::stage::cargo()
        .args(["build", "--release", "--bin", "reelgan"])
        .current_dir(root)
        .status()?;
    if !built.success() {
        bail!("the command could not be built");
    }
    let program = root.join("target/release/reelgan");
    let listed = json_of(&program, &["models", "list", "--json"])?;
    let cache = listed["cache"].as_str().context("`models list` names the cache")?.to_string();
    let folder = root.join("target/bench-quality");
    println!(
        "| input | steps | loss | LPIPS (vgg, 256 px) | MSE | seconds |\n|---|---|---|---|---|---|"
    );
    let mut rows = Vec::new();
    for input in inputs(root, &cache) {
        for steps in STEPS {
            rows.push(quality_row(&program, &folder, &input, steps)?);
        }
    }
    println!();
    Ok(Value::Array(rows))
}

fn quality_row(program: &Path, folder: &Path, input: &Input, steps: usize) -> Result<Value> {
    let out = folder.join(format!("{}_{steps}", input.name.replace(' ', "_")));
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    let start = Instant::now();
    let status = Process::new(program)
        .arg("invert")
        .args(&input.args)
        .args(["--steps", &steps.to_string(), "--quiet", "-o"])
        .arg(&out)
        .status()?;
    if !status.success() {
        bail!("{} with {steps} steps ended with {status}", input.name);
    }
    let seconds = start.elapsed().as_secs_f64();
    let shown = json_of(program, &["show", &out.display().to_string(), "--json"])?;
    let metric = |name: &str| shown["metrics"][name]["mean"].as_f64().unwrap_or(f64::NAN);
    let loss = shown["losses"]["total"].as_f64().unwrap_or(f64::NAN);
    let (lpips, mse) = (metric("lpips_vgg_256"), metric("mse"));
    println!("| {} | {steps} | {loss:.3} | {lpips:.3} | {mse:.4} | {seconds:.0} |", input.name);
    Ok(json!({
        "input": input.name, "steps": steps, "loss": loss,
        "lpips_vgg_256": lpips, "mse": mse, "seconds": seconds,
    }))
}

fn json_of(program: &Path, args: &[&str]) -> Result<Value> {
    let out = Process::new(program).args(args).output()?;
    if !out.status.success() {
        bail!("{args:?} failed: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// Processor and number of cores, where the system says.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.unwrap_or("unknown processor"))
}
