//! The folder and the lines through which `cargo xtask bench` drives a workload.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use reelgan_run::{Array, ArrayFile};
use serde_json::json;

/// What one run of a workload gives, for the comparison with the other side.
pub struct Results {
    /// The image, or the losses of the first steps.
    pub value: Vec<f32>,
    /// The gradient to codes or input; empty where there is none to compare.
    pub gradient: Vec<f32>,
}

/// The exchange folder of one workload.
pub struct Exchange {
    folder: PathBuf,
}

impl Exchange {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes what the other side starts from: arrays, and paths of weight files.
    pub fn write_inputs(
        &self,
        arrays: Vec<(String, Vec<usize>, Vec<f32>)>,
        paths: &[(&str, PathBuf)],
    ) {
        let mut file = ArrayFile::default();
        for (name, shape, data) in arrays {
            file.arrays.insert(name, Array::new(shape, data).expect("a shape that fits"));
        }
        for (name, path) in paths {
            file.metadata.insert((*name).to_string(), path.display().to_string());
        }
        file.write(&self.folder.join("inputs.safetensors")).expect("a writable folder");
    }

    /// Runs `work` once for its results, then once for every line.
    pub fn serve(&self, mut work: impl FnMut() -> Results) {
        self.ready(&work());
        while self.asked() {
            let start = Instant::now();
            drop(work());
            self.took(start);
        }
    }

    /// Stores the results and says that runs can begin.
    pub fn ready(&self, results: &Results) {
        for (name, numbers) in [("value", &results.value), ("gradient", &results.gradient)] {
            let bytes: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
            let path = self.folder.join(format!("ours.{name}.f32"));
            std::fs::write(path, bytes).expect("a writable folder");
        }
        say(&json!({ "ready": true }));
    }

    /// Waits for a line; after the last one tells the peak memory and returns false.
    pub fn asked(&self) -> bool {
        let mut line = String::new();
        let more = std::io::stdin().read_line(&mut line).expect("lines from the task") > 0;
        if !more {
            say(&json!({ "peak_mb": peak_memory_mb() }));
        }
        more
    }

    /// Tells the seconds since `start`.
    pub fn took(&self, start: Instant) {
        say(&json!({ "seconds": start.elapsed().as_secs_f64() }));
    }
}

fn say(line: &serde_json::Value) {
    println!("{line}");
    std::io::stdout().flush().expect("the task listens");
}

/// The most memory this process held at once, in 10^6 bytes; 0 where the system does not say.
fn peak_memory_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().nth(1)).and_then(|v| v.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}
